//! The walks of a unit: it is walked until nothing new is learned.

/// The number of walks before types that still change become `any`, and before the last.
const WIDEN_AFTER: usize = 5;
const MOST_WALKS: usize = 12;

/// One walk.
#[derive(Clone, Copy)]
pub(super) struct Walk {
    /// From 1.
    number: usize,
    learned: bool,
}

impl Walk {
    pub fn first() -> Self {
        Self { number: 1, learned: false }
    }

    /// The walk after this one; `None` after the last.
    pub fn next(self) -> Option<Self> {
        (self.learned && self.number < MOST_WALKS).then_some(Self { number: self.number + 1, learned: false })
    }

    pub fn is_first(self) -> bool {
        self.number == 1
    }

    /// Do types that still change become `any`?
    pub fn widens(self) -> bool {
        self.number > WIDEN_AFTER
    }

    /// This walk has learned something that the next one must know.
    pub fn learn(&mut self) {
        self.learned = true;
    }
}
