//! Local times as instants.

use chrono::{NaiveDateTime, TimeDelta};
use flowscript_lang::value::{DateTime, Zone};

/// The local datetime in a zone. One that does not exist there keeps its local time, with the offset before the gap.
pub(super) fn wall_clock(local: NaiveDateTime, zone: Zone) -> Option<DateTime> {
    let found = DateTime::from_local_in(local, zone)?;
    if found.local() == local {
        return Some(found);
    }
    let before = DateTime::from_local_in(local.checked_sub_signed(TimeDelta::days(1))?, zone)?;
    DateTime::from_local(local, before.offset())
}
