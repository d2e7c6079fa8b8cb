//! What needs somebody: failures that nothing else has taken care of, held lanes, waits for events, skipped
//! occurrences.

use super::view::Viewer;
use crate::filter::{Filter, Moment};
use crate::store::{
    Awaiting, Condition, Failure, LaneQuery, LaneState, RunId, RunMark, RunQuery, RunState, RunSummary, StoreError,
    Term, Timestamp, Trigger, VersionHash,
};

/// How many failed runs are looked at: 5 pages.
const PAGES: usize = 5;
const PAGE: u32 = 1000;
/// The most rows of each kind.
const MOST: usize = 100;
/// How much of an error a filter names, in characters.
const MOST_OF_ERROR: usize = 200;

/// What needs somebody.
#[derive(Debug, Default)]
pub struct Attention {
    /// Failed runs that hold no lane, the group with the newest first.
    pub failures: Vec<FailureGroup>,
    /// There are more failures: those accepted before this instant were not looked at.
    pub searched_to: Option<Timestamp>,
    /// Held lanes.
    pub lanes: Vec<LaneState>,
    /// Runs that wait for events, the longest waiting first.
    pub waits: Vec<Awaiting>,
    /// Rows of skipped and missed occurrences, newest first.
    pub skipped: Vec<RunSummary>,
}

/// Failed runs of one workflow, version and error.
#[derive(Debug)]
pub struct FailureGroup {
    /// Their workflow.
    pub workflow: String,
    /// Their version; `None` if they never started.
    pub version: Option<VersionHash>,
    /// Their error.
    pub error: Failure,
    /// How many they are.
    pub count: u64,
    /// When the first of them was accepted.
    pub first: Timestamp,
    /// When the last was.
    pub last: Timestamp,
    /// The last one.
    pub newest: RunId,
    /// The filter that finds them.
    pub filter: Filter,
}

impl Viewer {
    /// What needs somebody, with failures and skipped occurrences since an instant.
    pub async fn attention(&self, since: Timestamp) -> Result<Attention, StoreError> {
        let mut found = Attention::default();
        self.failures(since, &mut found).await?;
        let held = LaneQuery { held: true, limit: MOST as u32, ..LaneQuery::default() };
        found.lanes = self.store().lanes(held).await?.lanes;
        found.waits = self.store().awaiting(MOST as u32).await?;
        let skipped = RunQuery {
            states: vec![RunState::Skipped],
            trigger: Some(Trigger::Schedule),
            accepted_from: Some(since),
            limit: MOST as u32,
            ..RunQuery::default()
        };
        found.skipped = self.store().runs(skipped).await?.runs;
        found.skipped.retain(|run| run.skipped.is_some());
        Ok(found)
    }

    async fn failures(&self, since: Timestamp, found: &mut Attention) -> Result<(), StoreError> {
        let mut query = RunQuery {
            states: vec![RunState::Failed, RunState::TimedOut],
            terms: vec![Term { negated: true, condition: Condition::Is(RunMark::Held) }],
            accepted_from: Some(since),
            limit: PAGE,
            ..RunQuery::default()
        };
        for _ in 0..PAGES {
            let page = self.store().runs(query.clone()).await?;
            for run in &page.runs {
                found.add(run, since);
            }
            found.searched_to = page.searched_to.or_else(|| page.runs.last().map(RunSummary::accepted_at));
            query.after = page.next;
            if query.after.is_none() {
                found.searched_to = None;
                break;
            }
        }
        Ok(())
    }
}

impl Attention {
    /// Adds a failed run, which is older than all before it.
    fn add(&mut self, run: &RunSummary, since: Timestamp) {
        let Some(error) = &run.error else { return };
        let same = |group: &FailureGroup| {
            group.workflow == run.origin.workflow && group.version == run.version && group.error == *error
        };
        let at = run.accepted_at();
        if let Some(group) = self.failures.iter_mut().find(|group| same(group)) {
            group.count += 1;
            group.first = at;
        } else if self.failures.len() < MOST {
            let (first, last, newest, count) = (at, at, run.origin.id, 1);
            let filter = filter_of(run, error, since);
            let (workflow, version, error) = (run.origin.workflow.clone(), run.version, error.clone());
            self.failures.push(FailureGroup { workflow, version, error, count, first, last, newest, filter });
        }
    }
}

/// The filter that finds failed runs like this one.
fn filter_of(run: &RunSummary, error: &Failure, since: Timestamp) -> Filter {
    let message: String = error.message.chars().take(MOST_OF_ERROR).collect();
    let mut conditions = vec![
        Condition::State(vec![RunState::Failed, RunState::TimedOut]),
        Condition::Workflow(vec![run.origin.workflow.clone()]),
        Condition::Error(vec![message]),
    ];
    conditions.extend(run.version.map(|version| Condition::Version(vec![version.to_string()])));
    let mut terms: Vec<Term> = conditions.into_iter().map(|condition| Term { negated: false, condition }).collect();
    terms.push(Term { negated: true, condition: Condition::Is(RunMark::Held) });
    Filter { since: Some(Moment::At(since)), until: None, terms }
}
