//! The permissions of statements for SQLite: they work on their own file only.

use super::trouble::Trouble;
use crate::sql::allows_pragma;
use rusqlite::Connection;
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Kinds of virtual tables that stay in their own file.
const MODULES: [&str; 8] = ["fts3", "fts3aux", "fts4", "fts4aux", "fts5", "fts5vocab", "rtree", "rtree_i32"];
/// Functions that reach further than the file.
const FUNCTIONS: [&str; 4] = ["load_extension", "fts3_tokenizer", "readfile", "writefile"];

/// Refuses access outside the file of a connection. It checks only while it watches: the step itself begins and
/// commits.
pub(super) struct Guard {
    watches: Arc<AtomicBool>,
    refused: Arc<Mutex<Option<String>>>,
}

/// Watches until it is dropped.
pub(super) struct Watching<'a>(&'a Guard);

impl Drop for Watching<'_> {
    fn drop(&mut self) {
        self.0.watches.store(false, Ordering::Relaxed);
    }
}

impl Guard {
    /// A guard over this connection.
    pub fn over(connection: &mut Connection) -> rusqlite::Result<Self> {
        let guard = Self { watches: Arc::default(), refused: Arc::default() };
        let (watches, refused) = (guard.watches.clone(), guard.refused.clone());
        connection.authorizer(Some(move |context: AuthContext<'_>| {
            let Some(reason) = refusal(context.action).filter(|_| watches.load(Ordering::Relaxed)) else {
                return Authorization::Allow;
            };
            refused.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(reason);
            Authorization::Deny
        }))?;
        Ok(guard)
    }

    /// Watches the statements that are prepared from now on.
    pub fn watch(&self) -> Watching<'_> {
        self.watches.store(true, Ordering::Relaxed);
        Watching(self)
    }

    /// A failure, with what was refused.
    pub fn explain(&self, trouble: Trouble) -> Trouble {
        match (self.refused.lock().unwrap_or_else(PoisonError::into_inner).take(), trouble) {
            (Some(reason), Trouble::Refused(text)) => Trouble::Refused(format!("{text}: {reason}")),
            (_, trouble) => trouble,
        }
    }
}

/// Why a statement must not do this.
fn refusal(action: AuthAction<'_>) -> Option<String> {
    let one_of = |name: &str, known: &[&str]| known.iter().any(|known| known.eq_ignore_ascii_case(name));
    match action {
        AuthAction::Attach { .. } | AuthAction::Detach { .. } => {
            Some("an `sql` step reaches the file of its connection only".to_owned())
        }
        AuthAction::Transaction { .. } => Some("all statements of an `sql` step are one transaction".to_owned()),
        AuthAction::Pragma { pragma_name, pragma_value } if !allows_pragma(pragma_name, pragma_value.is_some()) => {
            Some(format!("`pragma {pragma_name}` changes how the file is kept, or what other steps see"))
        }
        AuthAction::CreateVtable { module_name, .. } | AuthAction::DropVtable { module_name, .. }
            if !one_of(module_name, &MODULES) =>
        {
            Some(format!("virtual tables of the kind `{module_name}` may reach other files"))
        }
        AuthAction::Function { function_name } if one_of(function_name, &FUNCTIONS) => {
            Some(format!("`{function_name}` reaches further than the file of the connection"))
        }
        AuthAction::Unknown { code, .. } => Some(format!("SQLite's action {code} is not known here")),
        _ => None,
    }
}
