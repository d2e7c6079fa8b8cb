//! Room in memory for incoming and outgoing data: bytes in total, and shares of them, so that no caller takes the room
//! of the others.

use flowscript_lang::budget::{Budget, Paid, Polls};
use flowscript_lang::error::{ErrorKind, RunError};
use flowscript_lang::program::Limits;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The most that may be taken at a time: bytes, or connections.
#[derive(Debug)]
pub struct Share {
    most: usize,
    used: AtomicUsize,
}

impl Share {
    /// A share of which nothing is taken.
    pub fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { most, used: AtomicUsize::new(0) })
    }

    /// How much is taken now.
    pub fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    /// How much there is in all.
    pub fn most(&self) -> usize {
        self.most
    }

    /// Takes some of it, all or nothing.
    #[must_use]
    pub fn take(&self, amount: usize) -> bool {
        if amount > self.most {
            return false;
        }
        // Two that ask at once may both be refused although one would fit: the room is nearly used up then.
        let before = self.used.fetch_add(amount, Ordering::Relaxed);
        if before <= self.most - amount {
            return true;
        }
        self.give(amount);
        false
    }

    /// Gives back what was taken.
    pub fn give(&self, amount: usize) {
        self.used.fetch_sub(amount, Ordering::Relaxed);
    }
}

/// The room is used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Full {
    /// It is in use and may be free in a moment.
    Now,
    /// It is larger than the room.
    Always,
}

/// Room in all, and the part of it that unknown callers get.
#[derive(Clone, Debug)]
pub struct Room {
    all: Arc<Share>,
    strangers: Arc<Share>,
}

impl Room {
    /// Room for `most` bytes, of which strangers together get at most a share.
    pub fn new(most: usize, strangers: usize) -> Self {
        Self { all: Share::new(most), strangers: Share::new(strangers) }
    }

    /// How much of it is taken.
    pub fn used(&self) -> usize {
        self.all.used()
    }

    /// Nothing yet, for a caller at an address with this share.
    pub fn hold(&self, address: &Arc<Share>, is_stranger: bool) -> Held {
        Held {
            all: self.all.clone(),
            address: address.clone(),
            strangers: is_stranger.then(|| self.strangers.clone()),
            bytes: 0,
        }
    }
}

/// Room in use. It is given back on drop.
#[derive(Debug)]
pub struct Held {
    all: Arc<Share>,
    address: Arc<Share>,
    strangers: Option<Arc<Share>>,
    bytes: usize,
}

impl Held {
    /// How much it is.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// How much more is free at the moment.
    pub fn left(&self) -> usize {
        self.shares().map(|share| share.most.saturating_sub(share.used())).min().unwrap_or_default()
    }

    /// The most that it can ever be.
    pub fn most(&self) -> usize {
        self.shares().map(|share| share.most).min().unwrap_or_default()
    }

    /// Takes more, all or nothing.
    pub fn grow(&mut self, bytes: usize) -> Result<(), Full> {
        for (at, share) in self.shares().enumerate() {
            if !share.take(bytes) {
                self.shares().take(at).for_each(|taken| taken.give(bytes));
                let never = self.bytes.saturating_add(bytes) > self.most();
                return Err(if never { Full::Always } else { Full::Now });
            }
        }
        self.bytes += bytes;
        Ok(())
    }

    /// Gives some of it back.
    pub fn shrink(&mut self, bytes: usize) {
        let bytes = bytes.min(self.bytes);
        self.shares().for_each(|share| share.give(bytes));
        self.bytes -= bytes;
    }

    /// Its owner is known from now on.
    pub fn know(&mut self) {
        if let Some(strangers) = self.strangers.take() {
            strangers.give(self.bytes);
        }
    }

    fn shares(&self) -> impl Iterator<Item = &Share> {
        [Some(&self.all), Some(&self.address), self.strangers.as_ref()].into_iter().flatten().map(Arc::as_ref)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.shrink(self.bytes);
    }
}

/// Pays for the memory of work with room: decoding a body, writing an answer.
pub struct Payer<'r> {
    room: Option<&'r mut Held>,
    most_text: usize,
    stop: &'r dyn Fn() -> bool,
    polls: Polls,
    refused: Option<Refused>,
}

/// Why a payer has ended the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// It does not fit.
    Full(Full),
    /// It was asked to stop.
    Stopped,
}

/// Steps between two checks whether to stop.
const POLL: u64 = 10_000;

impl<'r> Payer<'r> {
    /// Pays with this room. One text may have `most_text` bytes; `stop` is asked while the work continues.
    pub fn new(room: Option<&'r mut Held>, most_text: usize, stop: &'r dyn Fn() -> bool) -> Self {
        Self { room, most_text, stop, polls: Polls::every(POLL), refused: None }
    }

    /// Why it has ended the work, if it has.
    pub fn refused(&self) -> Option<Refused> {
        self.refused
    }

    fn refuse(&mut self, why: Refused) -> Box<RunError> {
        self.refused = Some(why);
        match why {
            Refused::Full(_) => RunError::new(ErrorKind::Limit, "There is no room for it.".to_owned()),
            Refused::Stopped => RunError::new(ErrorKind::Cancelled, "The engine is stopping.".to_owned()),
        }
    }
}

impl std::fmt::Debug for Payer<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Payer").field("room", &self.room).field("refused", &self.refused).finish_non_exhaustive()
    }
}

impl Budget for Payer<'_> {
    fn spend(&mut self, steps: u64) -> Paid {
        if !self.polls.count(steps) {
            return Ok(());
        }
        self.polls.asked();
        if (self.stop)() { Err(self.refuse(Refused::Stopped)) } else { Ok(()) }
    }

    fn take(&mut self, bytes: usize) -> Paid {
        match self.room.as_mut().map_or(Ok(()), |room| room.grow(bytes)) {
            Ok(()) => Ok(()),
            Err(full) => Err(self.refuse(Refused::Full(full))),
        }
    }

    fn most_text(&self) -> usize {
        self.most_text
    }

    fn most_cells(&self) -> usize {
        Limits::DEFAULT.cells
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_ends_where_there_is_no_room() {
        let (room, address) = (Room::new(100, 50), Share::new(100));
        let mut held = room.hold(&address, false);
        let mut payer = Payer::new(Some(&mut held), 10, &|| false);
        assert!(payer.take(60).is_ok() && payer.spend(1 << 40).is_ok());
        assert_eq!(payer.take(60).map_err(|error| error.kind), Err(ErrorKind::Limit));
        assert_eq!(payer.refused(), Some(Refused::Full(Full::Always)));
        assert_eq!(held.bytes(), 60);
        let mut stopping = Payer::new(None, 10, &|| true);
        assert!(stopping.take(1 << 40).is_ok() && stopping.spend(POLL - 1).is_ok());
        assert_eq!(stopping.spend(1).map_err(|error| error.kind), Err(ErrorKind::Cancelled));
        assert_eq!(stopping.refused(), Some(Refused::Stopped));
    }

    #[test]
    fn what_is_taken_is_given_back() {
        let (room, address) = (Room::new(100, 50), Share::new(60));
        let mut held = room.hold(&address, true);
        assert_eq!((held.left(), held.most()), (50, 50));
        assert_eq!(held.grow(40), Ok(()));
        assert_eq!(held.grow(20), Err(Full::Always), "60 of 50");
        let mut other = room.hold(&address, true);
        assert_eq!(other.grow(20), Err(Full::Now), "of strangers");
        held.know();
        assert_eq!(other.grow(21), Err(Full::Now), "of the address");
        assert_eq!(other.grow(20), Ok(()));
        assert_eq!((room.used(), address.used(), other.left()), (60, 60, 0));
        held.shrink(15);
        held.shrink(5);
        assert_eq!((room.used(), held.bytes(), other.left()), (40, 20, 20));
        drop(held);
        let mut third = room.hold(&Share::new(1000), false);
        assert_eq!(third.grow(81), Err(Full::Now), "of all");
        assert_eq!(third.grow(101), Err(Full::Always));
        assert_eq!(third.grow(usize::MAX), Err(Full::Always));
        assert_eq!(third.grow(80), Ok(()));
        drop((other, third));
        assert_eq!((room.used(), address.used()), (0, 0));
    }
}
