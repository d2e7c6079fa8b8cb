//! Local times as instants.

use chrono::{NaiveDateTime, TimeDelta};
use flowscript_lang::value::{DateTime, Zone};

/// The datetime that a clock on the wall shows in a zone. One that does not exist there keeps the time on the wall, with
/// the offset before the gap.
pub(super) fn wall_clock(local: NaiveDateTime, zone: Zone) -> Option<DateTime> {
    let found = DateTime::from_local_in(local, zone)?;
    if found.local() == local {
        return Some(found);
    }
    let before = DateTime::from_local_in(local.checked_sub_signed(TimeDelta::days(1))?, zone)?;
    DateTime::from_local(local, before.offset())
}
