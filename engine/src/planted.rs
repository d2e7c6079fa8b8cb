//! Faults that tests plant in an engine on purpose: a proof that cannot find them proves nothing. See
//! `engine/histories`. A release has no trace of them.

/// A fault to plant in the engine of one [`crate::clock::TestClock`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Planted {
    /// An event that is delivered wakes no run.
    LostWake,
    /// A head that sleeps frees its lane.
    FreedLane,
    /// A result is noted as there, but its value is lost.
    DroppedResult,
    /// Attempts are counted anew after each crash and retry, and take the rows of earlier ones.
    OverwrittenAttempt,
    /// A claim that was lost may write.
    StaleFence,
    /// A back-off that is resumed is over at once.
    ForgottenBackOff,
    /// A sleeping run that is cancelled sleeps on.
    IgnoredCancel,
    /// A retry begins at the start.
    RetryFromStart,
    /// The results of passes come in reverse.
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
