//! The row of a run: the only list of its columns, with the value of a new run for each and how each is read.

use std::sync::LazyLock;

use rusqlite::{Row, params};

use super::lanes::Place;
use super::parts;
use super::rows::failure;
use super::statement::Columns;
use super::tx::Tx;
use crate::store::{
    Failure, Finish, LaneTicket, NewRun, Origin, OwnerId, Result, Run, RunState, RunSummary, SkippedStretch, Timestamp,
};

/// A run to be inserted.
pub(super) struct New<'a> {
    /// The run as it was handed over.
    pub run: &'a NewRun,
    /// `workflows.key`.
    pub workflow: i64,
    /// Its first state.
    pub state: RunState,
    /// `versions.key`, once it has started.
    pub version: Option<i64>,
    /// The owner of the claim.
    pub owner: Option<OwnerId>,
    /// The instant from which it may be claimed.
    pub due: Option<i64>,
    /// Its place.
    pub lane: Option<Place>,
    /// `schedules.key`.
    pub schedule: Option<i64>,
    /// When it started.
    pub started_at: Option<Timestamp>,
    /// Its end, if it has already ended.
    pub finish: Option<&'a Finish>,
}

impl<'a> New<'a> {
    fn error(&self) -> Option<&'a Failure> {
        self.finish?.error.as_ref()
    }

    /// The output, if it has ended with one.
    pub fn output(&self) -> Option<&'a Vec<u8>> {
        self.finish?.output.as_ref()
    }

    /// The answer, if it has ended with one.
    pub fn answer(&self) -> Option<&'a Vec<u8>> {
        self.finish?.answer.as_ref()
    }

    /// The trace, if it has ended with one.
    pub fn trace(&self) -> Option<&'a Vec<u8>> {
        self.finish?.trace.as_ref()
    }
}

/// Generates the statements and functions below from the list of columns. `<-` is the value of a new run for the column
/// of this name; `=` is the source of the field of this name, read by the function after `=>` if it has several
/// columns.
macro_rules! run_columns {
    (
        |$new:ident|
        origin { $($origin:ident = $origin_sql:literal $(=> $origin_reader:ident)? $(<- $origin_value:expr)?;)* }
        summary { $($field:ident $(= $sql:literal $(=> $reader:ident)?)? $(<- $value:expr)?;)* }
        run { $($part:ident $(= $part_sql:literal)? $(<- $part_value:expr)?;)* }
    ) => {
        /// The columns of a summary. `seq` ends the lists, so that all others have a comma.
        const SUMMARY: &str = concat!($($origin_sql, ", ",)* $($($sql, ", ",)?)* "r.seq");

        /// The columns of a whole run.
        const RUN: &str = concat!(
            $($origin_sql, ", ",)* $($($sql, ", ",)?)* $($($part_sql, ", ",)?)* "r.seq"
        );

        const INSERT: &str = concat!(
            "insert into runs (",
            $($(name!($origin, $origin_value),)?)* $($(name!($field, $value),)?)* $($(name!($part, $part_value),)?)*
            "seq) values (",
            $($(mark!($origin_value),)?)* $($(mark!($value),)?)* $($(mark!($part_value),)?)*
            "null)"
        );

        fn read_summary(columns: &mut Columns<'_>) -> rusqlite::Result<RunSummary> {
            let origin = Origin { $($origin: column!(columns, $origin_sql $(, $origin_reader)?),)* };
            Ok(RunSummary { origin, $($($field: column!(columns, $sql $(, $reader)?),)?)* })
        }

        fn read_run(columns: &mut Columns<'_>) -> rusqlite::Result<Run> {
            Ok(Run { summary: read_summary(columns)?, $($($part: column!(columns, $part_sql),)?)* })
        }

        /// Inserts the row of a run.
        pub(super) fn insert(tx: &Tx<'_>, $new: &New<'_>) -> Result<usize> {
            tx.execute(INSERT, params![$($($origin_value,)?)* $($($value,)?)* $($($part_value,)?)*])
        }
    };
}

macro_rules! name {
    ($column:ident, $value:expr) => {
        concat!(stringify!($column), ", ")
    };
}

macro_rules! mark {
    ($value:expr) => {
        "?, "
    };
}

macro_rules! column {
    ($columns:ident, $sql:literal) => {
        $columns.next()?
    };
    ($columns:ident, $sql:literal, $reader:ident) => {
        $reader($columns)?
    };
}

run_columns! {
    |new|
    origin {
        id = "r.id" <- new.run.origin.id;
        workflow = "w.id" <- new.workflow;
        trigger = "r.trigger" <- new.run.origin.trigger;
        label = "r.label" <- new.run.origin.label;
        scheduled_for = "r.scheduled_for" <- new.run.origin.scheduled_for;
        lane = "l.kind, l.name, r.pause" => lane <- new.lane.map(|lane| lane.key);
        cause = "r.cause" <- new.run.origin.cause;
        on_failure = "r.on_failure" <- new.run.origin.on_failure;
    }
    summary {
        version = "v.hash" <- new.version;
        state = "r.state" <- new.state;
        with_errors = "r.with_errors" <- new.finish.is_some_and(|finish| finish.with_errors);
        fence <- i64::from(new.owner.is_some());
        owner <- new.owner;
        // 0 means at once: only a run that sleeps until an instant shows it.
        due = "case when r.state = 'waiting' and r.due > 0 then r.due end" <- new.due;
        place <- new.lane.map(|lane| lane.place);
        pause <- new.run.origin.lane.as_ref().map(|ticket| ticket.pause);
        in_lane <- new.lane.map(|_| 1);
        holds_lane = "r.in_lane is not null and r.ended_at is not null";
        schedule <- new.schedule;
        started_at = "r.started_at" <- new.started_at;
        ended_at = "r.ended_at" <- new.finish.map(|finish| finish.ended_at);
        error = "r.error_kind, r.error_message, r.error_status, r.error_position" => failure;
        error_kind <- new.error().map(|error| &error.kind);
        error_message <- new.error().map(|error| &error.message);
        error_status <- new.error().and_then(|error| error.status);
        error_position <- new.error().and_then(|error| error.position.as_ref());
        retries = "r.retries";
        cancel_requested = "r.cancel_requested";
        responded = "r.responded";
        masked = "r.masked";
        skipped = "r.skip_reason, r.skip_count, r.skip_first, r.skip_last" => stretch;
        revision = "r.revision";
    }
    run {
        payload = "coalesce(r.payload, (select bytes from parts where key = r.seq * 8))"
            <- parts::inline(new.run.payload.as_ref());
        input = "coalesce(r.input, (select bytes from parts where key = r.seq * 8 + 1))"
            <- parts::inline(new.run.input.as_ref());
        output = "coalesce(r.output, (select bytes from parts where key = r.seq * 8 + 2))" <- parts::inline(new.output());
        answer = "coalesce(r.answer, (select bytes from parts where key = r.seq * 8 + 3))" <- parts::inline(new.answer());
        trace = "coalesce(r.trace, (select bytes from parts where key = r.seq * 8 + 4))" <- parts::inline(new.trace());
    }
}

fn lane(columns: &mut Columns<'_>) -> rusqlite::Result<Option<LaneTicket>> {
    let Some(kind) = columns.next()? else {
        columns.skip(2);
        return Ok(None);
    };
    Ok(Some(LaneTicket { kind, key: columns.next()?, pause: columns.next()? }))
}

fn stretch(columns: &mut Columns<'_>) -> rusqlite::Result<Option<SkippedStretch>> {
    let Some(reason) = columns.next()? else {
        columns.skip(3);
        return Ok(None);
    };
    let (count, first, last) = (columns.next()?, columns.next()?, columns.next()?);
    Ok(Some(SkippedStretch { reason, count, first, last }))
}

/// The joins of a summary for a run `r`.
const JOINS: &str = "
    join workflows w on w.key = r.workflow
    left join versions v on v.key = r.version
    left join lanes l on l.key = r.lane";

/// The summary of a run by its id; [`summary`] reads it.
pub(super) static SUMMARY_BY_ID: LazyLock<String> =
    LazyLock::new(|| format!("select {SUMMARY} from runs r {JOINS} where r.id = ?1"));

/// A run by its id; [`run`] reads it.
pub(super) static RUN_BY_ID: LazyLock<String> =
    LazyLock::new(|| format!("select {RUN} from runs r {JOINS} where r.id = ?1"));

/// A run by its `seq`; [`run`] reads it.
pub(super) static RUN_BY_SEQ: LazyLock<String> =
    LazyLock::new(|| format!("select {RUN} from runs r {JOINS} where r.seq = ?1"));

/// A query for the summaries of a list, without the rest of long errors; `index` names the index to use (`indexed by …`)
/// or is empty, `rest` is the rest of it.
pub(super) fn select_list(index: &str, rest: &str) -> String {
    // `substr` ends at a character NUL, so a message with one is returned whole.
    let start = "case when octet_length(r.error_message) <= 4096 or instr(cast(r.error_message as blob), x'00') > 0 \
                 then r.error_message else substr(r.error_message, 1, 4096) end";
    let columns = SUMMARY.replace("r.error_message", start);
    format!("select {columns} from runs r {index} {JOINS} {rest}")
}

/// Reads a summary.
pub(super) fn summary(row: &Row<'_>) -> rusqlite::Result<RunSummary> {
    read_summary(&mut Columns::of(row))
}

/// Reads a whole run.
pub(super) fn run(row: &Row<'_>) -> rusqlite::Result<Run> {
    read_run(&mut Columns::of(row))
}
