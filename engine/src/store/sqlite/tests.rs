//! The contract on SQLite, and what is SQLite's own.

use std::sync::Arc;

use tempfile::TempDir;

use super::SqliteStore;
use crate::store::Store;
use crate::store::contract::{Open, contract_tests};

/// Two handles on one new database.
fn open() -> Open {
    let folder = TempDir::new().unwrap();
    Box::new(move |clock| {
        let store: Arc<dyn Store> = Arc::new(SqliteStore::open_with(&folder.path().join("test.db"), clock).unwrap());
        [store.clone(), store]
    })
}

contract_tests!(crate::store::sqlite::tests::open);
