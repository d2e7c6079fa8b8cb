//! Statistics of runs: how many were accepted and how they ended, and how long they took.
//!
//! The store counts while runs are accepted and end, so that reading costs the same whatever the number of runs. Each
//! end counts: a run that failed, was retried and completed has two.

use std::collections::BTreeMap;

use super::{Result, RunState, StoreError, Timestamp};

/// What statistics are of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatisticsQuery {
    /// Of this workflow; of all if `None`.
    pub workflow: Option<String>,
    /// From this instant on.
    pub from: Timestamp,
    /// Before this instant.
    pub before: Timestamp,
    /// The length of a bucket in milliseconds.
    pub bucket: i64,
}

impl StatisticsQuery {
    /// The most buckets of an answer.
    pub const MOST_BUCKETS: i64 = 10_000;

    /// The number of buckets; [`StoreError::Conflict`] if there are none or too many.
    pub fn buckets(&self) -> Result<usize> {
        let span = self.before.0.saturating_sub(self.from.0);
        if self.bucket <= 0 || span <= 0 {
            return Err(StoreError::Conflict("statistics need a stretch of time and buckets that last".to_owned()));
        }
        let count = span.saturating_add(self.bucket - 1) / self.bucket;
        if count > Self::MOST_BUCKETS {
            return Err(StoreError::Conflict(format!("{count} buckets are more than {}", Self::MOST_BUCKETS)));
        }
        Ok(count as usize)
    }
}

/// Statistics over a stretch of time.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Statistics {
    /// Since when the store counts: what happened before is not in the statistics.
    pub counted_since: Timestamp,
    /// One tally for each bucket.
    pub buckets: Vec<Tally>,
    /// One tally for each workflow that has something to count, by id.
    pub workflows: Vec<(String, Tally)>,
}

/// Something that is counted. The numbers are stored, and never given to something else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Count(u16);

impl Count {
    /// An accepted run.
    pub const ACCEPTED: Self = Self(0);
    /// A completed run in which a step failed and was allowed to.
    pub const WITH_ERRORS: Self = Self(1);
    const FIRST_BIN: u16 = 64;

    /// A run that ended in this state; `None` for a state that is not an end. Occurrences of a schedule that were
    /// skipped count one by one.
    pub fn ended(state: RunState) -> Option<Self> {
        match state {
            RunState::Queued | RunState::Running | RunState::Waiting => None,
            RunState::Completed => Some(Self(2)),
            RunState::Failed => Some(Self(3)),
            RunState::TimedOut => Some(Self(4)),
            RunState::Cancelled => Some(Self(5)),
            RunState::Skipped => Some(Self(6)),
        }
    }

    /// A run that took this time, from its start or its retry to its end, if its state shows how long the work takes.
    pub fn took(state: RunState, started_at: Timestamp, ended_at: Timestamp) -> Option<Self> {
        match state {
            RunState::Completed | RunState::Failed | RunState::TimedOut => {
                Some(Self(Self::FIRST_BIN + bin(ended_at.0.saturating_sub(started_at.0).max(0) as u64)))
            }
            RunState::Queued | RunState::Running | RunState::Waiting | RunState::Cancelled | RunState::Skipped => None,
        }
    }

    /// The bin of a duration.
    fn bin(self) -> Option<u16> {
        self.0.checked_sub(Self::FIRST_BIN)
    }
}

/// Below this, each millisecond has a bin; from it on each power of two has eight.
const EXACT: u64 = 16;

/// The bin of a duration in milliseconds.
fn bin(millis: u64) -> u16 {
    if millis < EXACT {
        return millis as u16;
    }
    let power = millis.ilog2();
    let eighth = (millis >> (power - 3)) & 7;
    (EXACT as u32 + (power - 4) * 8) as u16 + eighth as u16
}

/// The middle of a bin, in milliseconds: at most a sixteenth away from each duration in it.
fn middle(bin: u16) -> u64 {
    let bin = u64::from(bin);
    if bin < EXACT {
        return bin;
    }
    let (power, eighth) = ((bin - EXACT) / 8 + 4, (bin - EXACT) % 8);
    let width = 1 << (power - 3).min(60);
    (8 + eighth).saturating_mul(width).saturating_add((width - 1) / 2)
}

/// What was counted in a stretch of time.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tally(BTreeMap<Count, u64>);

impl Tally {
    /// Counts `number` more.
    pub fn add(&mut self, what: Count, number: u64) {
        if number > 0 {
            let count = self.0.entry(what).or_default();
            *count = count.saturating_add(number);
        }
    }

    /// Adds all of another tally.
    pub fn merge(&mut self, other: &Self) {
        for (what, number) in &other.0 {
            self.add(*what, *number);
        }
    }

    /// The number of one thing.
    pub fn get(&self, what: Count) -> u64 {
        self.0.get(&what).copied().unwrap_or(0)
    }

    /// The number of runs that ended in this state.
    pub fn ended(&self, state: RunState) -> u64 {
        Count::ended(state).map_or(0, |what| self.get(what))
    }

    /// Whether nothing was counted.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The duration in milliseconds that `percent` of the runs did not exceed, to a sixteenth; `None` without runs.
    pub fn percentile(&self, percent: u64) -> Option<u64> {
        let bins = || self.0.range(Count(Count::FIRST_BIN)..).filter_map(|(what, number)| Some((what.bin()?, *number)));
        let all: u64 = bins().map(|(_, number)| number).sum();
        let rank = (u128::from(all) * u128::from(percent.min(100))).div_ceil(100).max(1);
        let mut before = 0_u128;
        bins().find_map(|(bin, number)| {
            before += u128::from(number);
            (before >= rank).then(|| middle(bin))
        })
    }

    /// The form in which a store keeps it: the counted things and their numbers, as integers of variable length.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.0.len() * 4);
        for (what, number) in &self.0 {
            write(&mut bytes, u64::from(what.0));
            write(&mut bytes, *number);
        }
        bytes
    }

    /// Reads [`Tally::encode`].
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        let damaged = || StoreError::Corrupt("the statistics of a stretch of time cannot be read".to_owned());
        let (mut tally, mut rest) = (Self::default(), bytes);
        while !rest.is_empty() {
            let what = u16::try_from(read(&mut rest).ok_or_else(damaged)?).map_err(|_| damaged())?;
            tally.add(Count(what), read(&mut rest).ok_or_else(damaged)?);
        }
        Ok(tally)
    }
}

/// Seven bits a byte, the lowest first; the eighth bit marks that more follow.
fn write(bytes: &mut Vec<u8>, mut number: u64) {
    while number > 0x7f {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

fn read(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (first, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(first & 0x7f).checked_shl(shift)?;
        if first & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn took(millis: u64) -> Count {
        Count::took(RunState::Completed, Timestamp(0), Timestamp(millis as i64)).unwrap()
    }

    #[test]
    fn small_durations_are_exact() {
        for millis in 0..EXACT {
            assert_eq!(middle(bin(millis)), millis);
        }
        assert_eq!((bin(15), bin(16), bin(17), bin(18), bin(31), bin(32)), (15, 16, 16, 17, 23, 24));
    }

    #[test]
    fn nothing_has_no_percentile() {
        assert_eq!(Tally::default().percentile(95), None);
        let mut tally = Tally::default();
        tally.add(Count::ACCEPTED, 3);
        assert_eq!(tally.percentile(50), None);
    }

    #[test]
    fn damaged_bytes_are_refused() {
        for bytes in [&[0x80][..], &[2], &[0xff, 0xff, 0xff, 0x7f, 1], &[2, 0x80]] {
            assert!(matches!(Tally::decode(bytes), Err(StoreError::Corrupt(_))), "{bytes:?}");
        }
    }

    proptest! {
        #[test]
        fn percentiles_are_close_to_the_true_ones(
            mut millis in proptest::collection::vec(prop_oneof![0_u64..100, 0_u64..10_000, any::<u32>().prop_map(u64::from)], 1..200),
            percent in 1_u64..=100,
        ) {
            let mut tally = Tally::default();
            millis.iter().for_each(|millis| tally.add(took(*millis), 1));
            millis.sort_unstable();
            let rank = (millis.len() * percent as usize).div_ceil(100);
            let (exact, found) = (millis[rank - 1], tally.percentile(percent).unwrap());
            prop_assert!(found.abs_diff(exact) <= exact / 16, "{found} for {exact}");
        }

        #[test]
        fn a_tally_comes_back_as_it_was(counts in proptest::collection::vec((any::<u16>(), any::<u64>()), 0..40)) {
            let mut tally = Tally::default();
            counts.iter().for_each(|(what, number)| tally.add(Count(*what), *number));
            prop_assert_eq!(Tally::decode(&tally.encode()).unwrap(), tally);
        }

        #[test]
        fn bins_grow_with_durations(a in any::<u64>(), b in any::<u64>()) {
            prop_assert_eq!(bin(a.min(b)) <= bin(a.max(b)), true);
            prop_assert_eq!(bin(middle(bin(a))), bin(a));
        }
    }
}
