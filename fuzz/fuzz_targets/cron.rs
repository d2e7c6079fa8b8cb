//! Any text is read as a cron expression; what can be read fires later and later, or never.
#![no_main]

use flowscript_engine::store::Timestamp;
use flowscript_engine::trigger::schedule::{Cron, Missed, Overlap, Pattern, Schedule};
use flowscript_lang::value::{Record, Zone};
use libfuzzer_sys::fuzz_target;
use std::time::Duration;

fuzz_target!(|input: (u8, i64, &str)| {
    let (zone, after, text) = input;
    let Ok(cron) = Cron::parse(text) else { return };
    let zone = [Zone::UTC, Zone::Europe__Stockholm, Zone::Australia__Lord_Howe][usize::from(zone) % 3];
    let schedule = Schedule {
        key: text.to_owned(),
        pattern: Pattern::Cron(Box::new(cron)),
        zone,
        until: None,
        input: Record::from_fields([]),
        overlap: Overlap::Skip,
        missed: Missed::None,
        jitter: Duration::ZERO,
    };
    // Between 1970 and 2200.
    let after = Timestamp(after.rem_euclid(7_258_118_400_000));
    let upcoming = schedule.upcoming(after, 5);
    assert!(upcoming.first().is_none_or(|first| *first > after), "{upcoming:?}");
    assert!(upcoming.is_sorted_by(|a, b| a < b), "{upcoming:?}");
});
