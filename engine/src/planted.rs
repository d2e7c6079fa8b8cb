//! Faults that tests plant in an engine on purpose: a test that cannot find them proves nothing. See
//! `engine/histories`. Release builds do not contain them.

/// A fault to plant in the engine of one [`crate::clock::TestClock`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Planted {
    /// An event that is delivered wakes no run.
    LostWake,
    /// A head that sleeps frees its lane.
    FreedLane,
    /// A result is recorded, but its value is lost.
    DroppedResult,
    /// Attempts are counted from 1 again after each crash and retry, and overwrite the rows of earlier ones.
    OverwrittenAttempt,
    /// A lost claim may write.
    StaleFence,
    /// A back-off that is resumed is over at once.
    ForgottenBackOff,
    /// A sleeping run that is cancelled sleeps on.
    IgnoredCancel,
    /// A retry begins at the start.
    RetryFromStart,
    /// The results of passes are in reverse order.
    SwappedPasses,
    /// Passes that have ended begin again after a crash.
    RepeatedPass,
    /// What branches have given is lost in a crash.
    LostBranch,
    /// A step that may run once runs again after a crash.
    RepeatedOnce,
    /// A second answer takes the place of the first.
    SecondAnswer,
    /// A checkpoint is passed without a commit.
    SkippedCheckpoint,
    /// The idempotency key of a step changes with time.
    ChangingKey,
    /// The oldest run of a lane comes first, regardless of its place.
    LaneByAge,
    /// An event may come twice.
    SecondEvent,
    /// The elements of a loop are not kept.
    LostItems,
    /// A retry ends a wait that has ended.
    RetriedWait,
    /// A file that a crash moves or deletes again must be where it was.
    RepeatedMove,
    /// An attempt after a back-off leaves the place of its strand asleep.
    StalePlace,
}
