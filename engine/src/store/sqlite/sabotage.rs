//! Ways to break the store's promises on purpose. A proof of durability that cannot fail proves nothing, so the tests
//! that kill the engine also run against a broken one and must notice. Debug builds only: a release build ignores these
//! variables.

use std::sync::OnceLock;

/// The variable that selects one.
const VARIABLE: &str = "FLOWSCRIPT_SABOTAGE";

/// A promise to break.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sabotage {
    /// `unsynced`: commits are not synced to disk.
    Unsynced,
    /// `early-answer`: callers are answered before the commit.
    EarlyAnswer,
    /// `no-fence`: old claims may write.
    NoFence,
}

impl Sabotage {
    /// Whether this promise is to be broken.
    pub fn is_on(self) -> bool {
        static ASKED: OnceLock<Option<Sabotage>> = OnceLock::new();
        cfg!(debug_assertions) && *ASKED.get_or_init(asked) == Some(self)
    }
}

fn asked() -> Option<Sabotage> {
    match std::env::var(VARIABLE).ok()?.as_str() {
        "unsynced" => Some(Sabotage::Unsynced),
        "early-answer" => Some(Sabotage::EarlyAnswer),
        "no-fence" => Some(Sabotage::NoFence),
        _ => None,
    }
}
