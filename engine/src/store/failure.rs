//! Why a run or a step failed.

/// Why and where a run or a step failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The error kind of the language, `timeout` or `interrupted`.
    pub kind: String,
    /// The message.
    pub message: String,
    /// The HTTP status from an assert or a peer.
    pub status: Option<u16>,
    /// The position of the failing step in the run.
    pub position: Option<String>,
}

impl Failure {
    /// The kind of a step that was running when the engine ended.
    pub const INTERRUPTED: &str = "interrupted";
    /// The kind of a step that was cancelled because its result was no longer needed.
    pub const CANCELLED: &str = "cancelled";

    /// Was the step cancelled rather than failed?
    pub fn is_given_up(&self) -> bool {
        self.kind == Self::CANCELLED || self.kind == Self::INTERRUPTED
    }
}
