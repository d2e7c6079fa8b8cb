//! Decisions about many runs at once: which runs they take, and what they would do.

use crate::store::{RunId, RunQuery, RunState, RunSummary, Store, StoreError};
use std::time::{Duration, Instant};

/// The most runs that one decision takes.
pub const MOST: usize = 10_000;
/// How many runs are read at a time.
const PAGE: u32 = 1_000;
/// How long the search for runs may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is done with each run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// It resumes after its last successful acting step.
    Retry,
    /// A new run takes its payload.
    Rerun,
    /// It ends.
    Cancel,
    /// It never starts, or releases the lane that it holds.
    Skip,
}

/// The runs of a decision.
#[derive(Clone, Debug)]
pub enum Selected {
    /// These.
    Ids(Vec<RunId>),
    /// All in a state that permits it that a query finds.
    Found(Box<RunQuery>),
}

/// The result of a decision about many runs, or of its dry run.
#[derive(Debug, Default)]
pub struct Bulk {
    /// The runs that it changed.
    pub done: Vec<RunId>,
    /// The new runs, in the same order, if it starts some.
    pub started: Vec<RunId>,
    /// The refused ones, and why.
    pub refused: Vec<(RunId, String)>,
    /// The lanes that were held by a changed run, as workflow and key.
    pub lanes: Vec<(String, String)>,
    /// The query finds more, or its search took long: the decision took the newest ones.
    pub more: bool,
}

impl Deed {
    /// The states in which a run may permit it.
    fn states(self) -> Vec<RunState> {
        let may = |state: &RunState| match self {
            Self::Retry => state.is_retryable(),
            Self::Rerun => state.is_final(),
            Self::Cancel => !state.is_final(),
            Self::Skip => *state == RunState::Queued || state.is_retryable(),
        };
        RunState::ALL.iter().copied().filter(may).collect()
    }

    /// Why a run does not permit it.
    pub(super) fn refusal(self, run: &RunSummary) -> Option<String> {
        let (id, state) = (run.origin.id, run.state);
        match self {
            Self::Retry if state.is_retryable() => None,
            Self::Retry => Some(format!("run {id} is {state}: only failed and timed-out runs can be retried")),
            Self::Rerun if run.masked => Some(format!("run {id} cannot run again: its payload has been masked")),
            Self::Rerun if run.skipped.is_some() => {
                Some(format!("run {id} is a row for skipped occurrences of a schedule: it has no payload"))
            }
            Self::Cancel if state.is_final() => Some(format!("run {id} has ended already: it is {state}")),
            Self::Skip if state != RunState::Queued && !run.holds_lane => {
                let hint = if state.is_final() { "there is nothing to skip" } else { "cancel it instead" };
                Some(format!("run {id} is {state}: {hint}"))
            }
            Self::Rerun | Self::Cancel | Self::Skip => None,
        }
    }
}

/// The selected runs, oldest first, so that runs of one lane keep their order; and whether a query finds more.
pub(super) async fn select(
    store: &dyn Store,
    deed: Deed,
    selected: Selected,
    done: &mut Bulk,
) -> Result<Vec<RunSummary>, StoreError> {
    let query = match selected {
        Selected::Found(query) => *query,
        Selected::Ids(ids) => {
            let mut runs = Vec::with_capacity(ids.len());
            for id in ids {
                match store.summary(id).await {
                    Ok(run) => runs.push(run),
                    Err(StoreError::NotFound(reason)) => done.refused.push((id, reason)),
                    Err(error) => return Err(error),
                }
            }
            return Ok(runs);
        }
    };
    let asked = query.states.clone();
    let states =
        deed.states().into_iter().filter(|state| asked.is_empty() || asked.contains(state)).collect::<Vec<_>>();
    if states.is_empty() {
        return Ok(Vec::new());
    }
    let mut query = RunQuery { states, limit: PAGE, ..query };
    let (mut runs, started) = (Vec::new(), Instant::now());
    loop {
        let page = store.runs(query.clone()).await?;
        // A failed run that holds no lane is nothing to skip; it is not worth a refusal.
        runs.extend(page.runs.into_iter().filter(|run| deed != Deed::Skip || deed.refusal(run).is_none()));
        if runs.len() > MOST {
            runs.truncate(MOST);
            done.more = true;
            break;
        }
        query.after = page.next;
        if query.after.is_none() {
            break;
        }
        if started.elapsed() > PATIENCE {
            done.more = true;
            break;
        }
    }
    runs.reverse();
    Ok(runs)
}
