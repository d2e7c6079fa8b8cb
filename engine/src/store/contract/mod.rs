//! The contract of the store, as tests that every kind of store runs.
//!
//! A test has two claimants on one database and a clock that it moves. Stores of a kind are opened by a function that
//! [`contract_tests`] is given; the tests do not know the implementation.

pub(super) mod accept;
pub(super) mod admin;
pub(super) mod claims;
pub(super) mod filters;
pub(super) mod lanes;
pub(super) mod lists;
pub(super) mod model;
pub(super) mod notices;
pub(super) mod people;
pub(super) mod progress;
pub(super) mod prune;
pub(super) mod recovery;
pub(super) mod schedules;
pub(super) mod statistics;
pub(super) mod workflows;

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use super::{
    Accepted, Changes, Claim, Claimed, ClaimedRun, Failure, Fence, Finish, LaneId, LaneKind, LaneTicket,
    LoadedWorkflow, NewRun, Origin, OwnerId, Publication, Result, RunId, RunState, RunSummary, Start, StepStart, Store,
    Timestamp, Trigger, VersionHash,
};
use crate::clock::{Clock, TestClock};

/// The first instant of every test.
pub(super) const START: Timestamp = Timestamp(1_767_225_600_000);

/// Opens two handles on one database.
pub(super) type Open = Box<dyn Fn(Arc<TestClock>) -> [Arc<dyn Store>; 2] + Send>;

/// A queued run without lane, key or payload.
pub(super) fn queued(id: RunId, workflow: &str, trigger: Trigger) -> NewRun {
    NewRun {
        origin: Origin {
            id,
            workflow: workflow.to_owned(),
            trigger,
            label: None,
            scheduled_for: None,
            lane: None,
            cause: None,
            on_failure: None,
        },
        payload: None,
        input: None,
        idempotency: None,
        due: None,
        queue_limit: Some(10_000),
        start: Start::Queue,
    }
}

/// Two engines on one database.
pub(super) struct Bench {
    pub a: Engine,
    pub b: Engine,
    pub clock: Arc<TestClock>,
    open: Open,
    ids: AtomicU16,
}

/// A store as one engine sees it.
pub(super) struct Engine {
    pub store: Arc<dyn Store>,
    pub owner: OwnerId,
}

/// The length of the leases in tests.
const LEASE: Duration = Duration::from_secs(30);

impl Bench {
    /// Two engines with leases, and the workflow `w` published.
    pub async fn new(open: Open) -> Self {
        let clock = Arc::new(TestClock::new(START));
        let [a, b] = open(clock.clone()).map(|store| Engine { store, owner: OwnerId::random() });
        let bench = Self { a, b, clock, open, ids: AtomicU16::new(0) };
        bench.lease().await;
        bench.publish(&[workflow("w")]).await;
        bench
    }

    /// Both engines end; new ones start on their state.
    pub async fn restart(self) -> Self {
        let Self { a, b, clock, open, ids } = self;
        drop((a, b));
        let [a, b] = open(clock.clone()).map(|store| Engine { store, owner: OwnerId::random() });
        let bench = Self { a, b, clock, open, ids };
        bench.lease().await;
        bench
    }

    async fn lease(&self) {
        for engine in [&self.a, &self.b] {
            engine.store.renew(engine.owner, LEASE).await.unwrap();
        }
    }

    /// Publishes exactly these workflows.
    pub async fn publish(&self, workflows: &[LoadedWorkflow]) {
        let publication = Publication { loaded: workflows.to_vec(), kept: Vec::new() };
        self.a.store.publish(publication).await.unwrap();
    }

    /// A new id at the current time. Tests share a process and move their clocks, so each counts its ids itself.
    pub fn id(&self) -> RunId {
        let mut bytes = *RunId::new(self.clock.now()).as_bytes();
        let number = 0x7000 | self.ids.fetch_add(1, Ordering::SeqCst);
        bytes[6..8].copy_from_slice(&number.to_be_bytes());
        RunId::from_bytes(bytes)
    }

    /// A queued run of `w`.
    pub fn new_run(&self) -> NewRun {
        queued(self.id(), "w", Trigger::Webhook)
    }

    /// A queued run of `w` with another origin.
    pub fn run_with(&self, change: impl FnOnce(&mut Origin)) -> NewRun {
        let mut new = self.new_run();
        change(&mut new.origin);
        new
    }

    /// A run of `w` in a lane.
    pub fn in_lane(&self, key: &str, pause: bool) -> NewRun {
        self.run_with(|origin| origin.lane = Some(ticket(key, pause)))
    }

    /// Accepts a run and gives its id.
    pub async fn accept(&self, new: NewRun) -> RunId {
        let id = new.origin.id;
        assert_eq!(self.a.store.accept(new).await.unwrap(), Accepted::Queued);
        id
    }

    /// Accepts a queued run of `w`, claims it by the first engine.
    pub async fn claimed(&self) -> ClaimedRun {
        let id = self.accept(self.new_run()).await;
        let claimed = self.a.claim_one().await;
        assert_eq!(claimed.fence.run, id);
        claimed
    }

    /// The summary of a run.
    pub async fn summary(&self, run: RunId) -> RunSummary {
        self.b.store.summary(run).await.unwrap()
    }

    /// The state of a run.
    pub async fn state(&self, run: RunId) -> RunState {
        self.summary(run).await.state
    }
}

impl Engine {
    /// Claims up to `limit` runs.
    pub async fn claim(&self, limit: u32) -> Claimed {
        self.store.claim(Claim { owner: self.owner, limit }).await.unwrap()
    }

    /// Claims up to `limit` runs and gives their ids.
    pub async fn claim_ids(&self, limit: u32) -> Vec<RunId> {
        self.claim(limit).await.runs.into_iter().map(|run| run.fence.run).collect()
    }

    /// Claims exactly one run.
    pub async fn claim_one(&self) -> ClaimedRun {
        let mut claimed = self.claim(1).await.runs;
        assert_eq!(claimed.len(), 1, "one run should be claimable");
        claimed.remove(0)
    }

    /// Nothing can be claimed.
    pub async fn claims_nothing(&self) {
        assert_eq!(self.claim_ids(10).await, []);
    }

    /// Ends a run successfully.
    pub async fn complete(&self, fence: Fence) {
        self.store.finish(fence, Finish::new(RunState::Completed, START), None).await.unwrap();
    }

    /// Ends a run with a failure.
    pub async fn fail(&self, fence: Fence) {
        self.store.finish(fence, failed("boom"), None).await.unwrap();
    }
}

/// A workflow that loads.
pub(super) fn workflow(id: &str) -> LoadedWorkflow {
    LoadedWorkflow {
        id: id.to_owned(),
        version: version(id, 1),
        text: format!("{id} 1").into_bytes(),
        active: true,
        concurrency: None,
        schedules: Vec::new(),
    }
}

/// The same workflow in another version.
pub(super) fn changed(id: &str, number: u8) -> LoadedWorkflow {
    LoadedWorkflow { version: version(id, number), text: format!("{id} {number}").into_bytes(), ..workflow(id) }
}

/// An invented hash.
pub(super) fn version(id: &str, number: u8) -> VersionHash {
    let mut hash = [number; 32];
    for (byte, letter) in hash.iter_mut().zip(id.bytes()) {
        *byte = letter;
    }
    VersionHash(hash)
}

/// A failed end.
pub(super) fn failed(message: &str) -> Finish {
    Finish { error: Some(failure(message)), ..Finish::new(RunState::Failed, START) }
}

/// A failure.
pub(super) fn failure(message: &str) -> Failure {
    Failure {
        kind: "assert".to_owned(),
        message: message.to_owned(),
        status: Some(404),
        position: Some("find".to_owned()),
    }
}

/// A place in a lane of a webhook.
pub(super) fn ticket(key: &str, pause: bool) -> LaneTicket {
    LaneTicket { kind: LaneKind::Webhook, key: key.to_owned(), pause }
}

/// A lane of `w`.
pub(super) fn lane(key: &str) -> LaneId {
    LaneId { workflow: "w".to_owned(), kind: LaneKind::Webhook, key: key.to_owned() }
}

/// Changes that keep one value.
pub(super) fn keeping(name: &str, value: &str) -> Changes {
    Changes { kept: vec![(name.to_owned(), Some(value.as_bytes().to_vec()))], ..Changes::default() }
}

/// Commits the start of a step with other changes.
pub(super) async fn started(store: &Arc<dyn Store>, fence: Fence, start: StepStart, changes: Changes) -> Result<()> {
    let starts = changes.starts.into_iter().chain([start]).collect();
    store.checkpoint(fence, Changes { starts, ..changes }).await
}

/// A start that wants the claim at once.
pub(super) fn claiming(engine: &Engine) -> Start {
    Start::Claim(engine.owner)
}

/// Generates a test for every test of the contract, on stores that `$open` opens.
macro_rules! contract_tests {
    ($open:path) => {
        $crate::store::contract::contract_tests! { $open;
            accept: [
                a_run_is_kept_as_it_came
                an_unknown_workflow_is_refused
                a_second_run_with_an_id_is_refused
                a_free_run_is_claimed_as_it_is_accepted
                an_engine_without_a_lease_gets_no_claim
                a_finished_run_is_one_decision
                a_finished_run_names_a_published_version
                a_finished_run_cannot_stand_in_a_lane
                a_full_queue_refuses_and_keeps_nothing
                running_runs_are_not_queued_ones
                history_takes_a_batch_twice
                one_bad_decision_spoils_no_other
                a_hundred_duplicates_make_one_run
                a_key_with_another_request_is_refused
                a_key_is_forgotten_after_its_time
                a_key_outlives_its_time_while_its_run_is_unfinished
                a_refused_run_leaves_no_key
                keys_of_different_scopes_do_not_meet
                large_bodies_come_back_whole
            ]
            claims: [
                two_claimants_never_get_the_same_run
                the_longest_due_run_goes_first
                a_run_takes_the_current_version_when_it_starts
                a_retried_run_keeps_its_version
                slots_bound_the_claimed_runs
                a_parked_run_frees_its_slot
                nobody_overtakes_those_who_wait_for_a_slot
                an_ended_lease_frees_the_claims
                a_renewed_lease_keeps_them
                a_released_owner_is_stale_at_once
                a_clock_that_jumps_takes_no_claim_and_stops_no_queue
                a_clock_that_was_set_back_prolongs_no_sleep
                a_run_that_is_not_yet_due_waits
                a_claim_without_a_lease_is_refused
                a_finish_claims_the_next_in_the_same_commit
                a_finish_without_a_lease_stands_and_claims_nothing
            ]
            progress: [
                a_stale_fence_writes_nothing
                every_write_of_a_dead_claim_is_refused
                steps_are_kept_in_the_order_of_their_starts
                no_start_overwrites_an_earlier_attempt
                no_step_of_an_ended_run_is_at_work
                a_result_wants_a_start
                kept_state_comes_back_and_goes_with_the_end
                a_failed_run_keeps_its_state_for_a_retry
                every_try_of_a_run_stays_in_its_history
                a_try_that_slept_started_before_its_sleep
                lists_of_steps_leave_large_results_out
                a_parked_run_sleeps_until_it_is_due
                parking_keeps_the_lane
                a_response_is_given_once_and_stays
                the_answer_of_a_retry_is_the_newest
                a_mask_replaces_what_was_kept
                a_failure_starts_its_workflow_in_the_same_commit
                a_failure_run_starts_no_further_one
                a_run_cannot_end_in_a_state_that_is_no_end
                log_lines_are_numbered_through
            ]
            lanes: [
                a_lane_goes_in_order_and_one_at_a_time
                lanes_of_different_keys_do_not_wait_for_each_other
                a_failure_lets_the_next_go
                a_pausing_failure_holds_the_lane
                a_message_keeps_the_pause_it_came_with
                a_skipped_head_opens_the_lane
                a_retried_head_keeps_its_place
                resume_retries_the_head
                a_late_retry_goes_to_the_tail
                a_head_run_again_takes_the_place
                any_other_run_again_goes_to_the_tail
                a_full_queue_does_not_lock_a_held_lane
                cancelled_and_skipped_let_the_next_go
                a_crash_keeps_the_order
                two_claimants_keep_the_order_of_many_lanes
                lanes_are_listed_with_their_heads
            ]
            people: [
                only_failures_can_be_retried
                run_again_takes_the_payload_and_the_current_version
                a_masked_run_cannot_run_again
                a_queued_run_can_be_skipped
                a_queued_or_waiting_run_is_cancelled_at_once
                a_running_run_is_asked_to_end
                the_first_committed_end_wins
                a_cancel_outlives_its_worker
                an_early_event_is_kept
                an_event_wakes_the_run_that_waits_for_it
                an_event_for_another_name_wakes_nobody
                an_event_is_delivered_once
                runs_that_wait_for_events_are_listed
                an_ended_run_takes_no_event
            ]
            notices: [
                a_watcher_sees_the_end
                a_watcher_sees_cancels_events_and_responses
                a_watch_of_nothing_is_an_error
                events_go_on_behind_a_cursor
                a_strange_cursor_has_missed_something
                a_broken_cursor_is_refused
                ready_is_told
            ]
            lists: [
                the_beginnings_of_outputs_are_read_for_many_runs
                pages_do_not_shift_while_runs_are_accepted
                filters_are_joined_by_and
                text_finds_ids_labels_lanes_and_errors
                a_common_text_is_found_too
                a_page_has_a_largest_size
                states_are_merged_in_order
                a_strange_cursor_of_a_list_is_refused
                counts_are_of_unfinished_runs
                the_newest_runs_of_each_workflow_are_listed
            ]
            schedules: [
                an_occurrence_is_decided_once
                a_new_schedule_counts_from_its_first_load
                overlap_skips_while_a_run_is_unfinished
                skips_for_one_reason_are_one_row
                a_full_queue_is_a_skipped_row
                overlap_cancels_the_earlier_run
                runs_of_a_schedule_can_wait_for_each_other
                a_paused_schedule_fires_nothing_and_misses_nothing
                a_clock_that_was_far_ahead_silences_nothing
                a_clock_that_is_set_back_by_less_than_an_hour_repeats_nothing
                a_store_that_was_closed_while_the_clock_was_ahead_starts_anew
                an_inactive_workflow_fires_nothing_and_misses_nothing
            ]
            statistics: [
                runs_are_counted_when_they_are_accepted_and_end
                every_end_of_a_retried_run_counts
                what_is_refused_is_not_counted
                skipped_occurrences_count_one_by_one
                a_deleted_run_stays_counted
                minutes_become_hours_and_hours_go_with_their_time
                an_empty_stretch_is_refused
            ]
            workflows: [
                publishing_twice_changes_nothing
                a_new_text_is_a_new_version
                the_switch_wins_until_the_file_changes
                a_workflow_that_does_not_load_stays
                a_workflow_that_is_gone_comes_back
                settings_are_kept
                versions_are_listed_with_their_unfinished_runs
            ]
            admin: [
                a_key_opens_its_workflows
                a_revoked_key_stays_closed
                keys_are_renamed_and_deleted
                the_last_use_is_kept_to_the_minute
                tokens_come_and_go
                ended_sessions_are_kept_until_they_have_expired
                the_secret_stays
            ]
            prune: [
                old_runs_go_and_the_others_stay
                a_clock_that_is_ahead_for_seconds_makes_nothing_old
                unfinished_runs_and_held_heads_stay
                the_oldest_of_too_many_go
                a_version_goes_with_its_last_run
                an_idempotency_key_goes_with_its_time
                slices_end
            ]
            recovery: [
                a_crash_frees_every_claim
                what_was_committed_is_there_after_a_crash
                an_idempotency_key_survives_a_crash
                a_wait_survives_a_crash
            ]
        }
    };
    ($open:path; $($area:ident: [$($test:ident)*])*) => {$(
        mod $area {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $test() {
                    let bench = $crate::store::contract::Bench::new($open()).await;
                    $crate::store::contract::$area::$test(bench).await;
                }
            )*
        }
    )*};
}
pub(super) use contract_tests;
