//! Bodies of runs. Short ones are in the run's row, longer ones in a table of their own, so that a change of state
//! does not write them again.

use super::tx::Tx;
use crate::store::Result;

/// The longest body, in bytes, that is kept in the run's row.
pub(super) const INLINE: usize = 1024;

/// A body of a run; the numbers are part of the file format.
#[derive(Debug, Clone, Copy)]
pub(super) enum Part {
    Payload = 0,
    Input = 1,
    Output = 2,
    Answer = 3,
    Trace = 4,
}

/// The key of a part.
pub(super) fn key(seq: i64, part: Part) -> i64 {
    seq * 8 + part as i64
}

/// The short body for the run's row, if it is one.
pub(super) fn inline(body: Option<&Vec<u8>>) -> Option<&[u8]> {
    body.map(Vec::as_slice).filter(|bytes| bytes.len() <= INLINE)
}

/// Writes a body that is too long for the run's row, and replaces an earlier one.
pub(super) fn spill(tx: &Tx<'_>, seq: i64, part: Part, body: Option<&Vec<u8>>) -> Result<()> {
    let key = key(seq, part);
    match body.filter(|bytes| bytes.len() > INLINE) {
        Some(bytes) => tx.execute("insert or replace into parts (key, bytes) values (?1, ?2)", (key, bytes))?,
        None => tx.execute("delete from parts where key = ?1", [key])?,
    };
    Ok(())
}

/// The same for a new run, which has no earlier body.
pub(super) fn spill_new(tx: &Tx<'_>, seq: i64, part: Part, body: Option<&Vec<u8>>) -> Result<()> {
    if body.is_some_and(|bytes| bytes.len() > INLINE) { spill(tx, seq, part, body) } else { Ok(()) }
}
