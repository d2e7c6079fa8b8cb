//! Errors of SQLite as errors of the store.

use rusqlite::{ErrorCode, ffi};

use crate::store::StoreError;

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        match error {
            rusqlite::Error::SqliteFailure(failure, text) => of_failure(failure, text),
            rusqlite::Error::FromSqlConversionFailure(column, _, cause) => {
                Self::Corrupt(format!("a row of the database cannot be read (column {column}): {cause}"))
            }
            other => Self::Other(format!("the database refused a statement: {other}")),
        }
    }
}

fn of_failure(failure: ffi::Error, text: Option<String>) -> StoreError {
    let text = text.unwrap_or_else(|| failure.to_string());
    match failure.code {
        ErrorCode::DiskFull => StoreError::Full(format!(
            "the disk of the data folder is full ({text}): nothing more can be kept until there is room again"
        )),
        // The shared-memory file could not grow: the disk is full here too, but SQLite reports another code.
        ErrorCode::SystemIoFailure if failure.extended_code == ffi::SQLITE_IOERR_SHMSIZE => StoreError::Full(format!(
            "the disk of the data folder is full ({text}): nothing more can be kept until there is room again"
        )),
        // A disk that was remounted read-only reports this for writes to open files.
        ErrorCode::SystemIoFailure if is_of_writing(failure.extended_code) => StoreError::ReadOnly(format!(
            "the database cannot be written ({text}): check whether the disk of the data folder is mounted read-only or \
             failing"
        )),
        ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::CannotOpen => StoreError::ReadOnly(format!(
            "the database cannot be written ({text}): check the rights of the data folder and whether its disk is \
             mounted read-only"
        )),
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => {
            StoreError::Busy(format!("another program holds the database ({text}): close it, then try again"))
        }
        ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => StoreError::Corrupt(format!(
            "the database file is damaged or is not a FlowScript database ({text}): restore it from a copy"
        )),
        ErrorCode::ConstraintViolation => StoreError::Conflict(format!("the database holds this already ({text})")),
        ErrorCode::SystemIoFailure => {
            StoreError::Lost(format!("reading the database failed ({text}): check the disk of the data folder"))
        }
        _ => StoreError::Other(format!("the database refused a statement ({text})")),
    }
}

fn is_of_writing(extended_code: i32) -> bool {
    let writing =
        [ffi::SQLITE_IOERR_WRITE, ffi::SQLITE_IOERR_FSYNC, ffi::SQLITE_IOERR_DIR_FSYNC, ffi::SQLITE_IOERR_TRUNCATE];
    writing.contains(&extended_code)
}
