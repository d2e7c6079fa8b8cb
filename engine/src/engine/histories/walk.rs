//! A naive walk over a workflow: the required results of its steps, if each acting step went as the store and its peer
//! recorded. It knows nothing of strands, commits or resuming.

use super::generate::Outcome;
use super::peer::Asked;
use super::tree::{FileWork, Kind, NOTHING, Step, Tree, answered, branched, items, mixed, passes};
use super::witness::{Finding, Row, Seen, number};
use crate::script::TIMEOUT;
use crate::script::encoding;
use crate::store::{Failure, StepState};
use std::collections::BTreeSet;

/// The end of a list of steps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Flow {
    /// To its end, with this accumulator.
    Goes(i64),
    /// It fails at one of these positions.
    Failed(Vec<String>),
    /// The run or call ends with this.
    Ended(i64),
    /// It was cut off before its end.
    Cut,
}

/// The end of one step.
enum Gone {
    /// Its result, if it has one.
    Done(Option<i64>),
    Failed,
    /// It fails, and the failure must not be swallowed.
    Ends,
    Cut,
}

/// The walk of one run.
pub(super) struct Walk<'a> {
    pub tree: &'a Tree,
    pub seen: &'a Seen,
    /// Requests of this run.
    pub asked: Vec<&'a Asked>,
    /// Rows by step and accumulator.
    pub marks: &'a [(String, i64)],
    /// Why the run failed.
    pub error: Option<&'a Failure>,
    /// The time that may have passed beyond the waits, in milliseconds.
    pub leapt: i64,
    /// A lease was lost: steps may have continued during their repetition.
    pub expired: bool,
    pub findings: Vec<Finding>,
    pub visited: BTreeSet<String>,
    pub with_errors: bool,
    /// The answer to the caller.
    pub response: Option<i64>,
    /// Files that must be there, and those that must not, by base, accumulator and suffix.
    pub files: Vec<(String, i64, &'static str, bool)>,
}

impl<'a> Walk<'a> {
    pub(super) fn run(&mut self, n: i64) -> Flow {
        let flow = &self.tree.flows[0];
        self.list(&flow.steps, "", n)
    }

    fn find(&mut self, kind: &'static str, text: String) {
        self.findings.push(Finding::new(kind, text));
    }

    fn list(&mut self, steps: &[Step], path: &str, mut acc: i64) -> Flow {
        for step in steps {
            match self.step(step, path, acc) {
                Flow::Goes(after) => acc = after,
                other => return other,
            }
        }
        Flow::Goes(acc)
    }

    fn step(&mut self, step: &Step, path: &str, acc: i64) -> Flow {
        if let Kind::Mix(value) = step.kind {
            return Flow::Goes(mixed(acc, value));
        }
        let position = format!("{path}{}", step.id);
        if step.when.is_some_and(|test| !test.holds(acc)) {
            return Flow::Goes(nothing(step, acc));
        }
        match &step.kind {
            Kind::Decide(test, first, second) => {
                let (number, steps) = if test.holds(acc) { (1, first) } else { (2, second) };
                self.list(steps, &format!("{position}/{number}/"), acc)
            }
            Kind::End => Flow::Ended(acc),
            Kind::Each(count, width, steps) => self.each(step, &position, acc, *count, *width, steps),
            Kind::Parallel(left, right) => {
                let first = self.list(left, &format!("{position}/l/"), branched(acc, false));
                let second = self.list(right, &format!("{position}/r/"), branched(acc, true));
                match (first, second) {
                    (Flow::Goes(left), Flow::Goes(right)) => Flow::Goes(mixed(acc, left + 3 * right)),
                    (first, second) => self.together(step, [first, second], acc),
                }
            }
            Kind::Call(number) => {
                let flow = &self.tree.flows[*number];
                match self.list(&flow.steps, &format!("{position}/"), acc) {
                    Flow::Goes(value) | Flow::Ended(value) => Flow::Goes(mixed(acc, value)),
                    other => self.together(step, [other], acc),
                }
            }
            _ => match self.leaf(step, &position, acc) {
                Gone::Done(Some(value)) => Flow::Goes(mixed(acc, value)),
                Gone::Done(None) => Flow::Goes(acc),
                Gone::Failed if step.may_fail => self.swallowed(step, acc),
                Gone::Failed | Gone::Ends => Flow::Failed(vec![position]),
                Gone::Cut => Flow::Cut,
            },
        }
    }

    fn swallowed(&mut self, step: &Step, acc: i64) -> Flow {
        self.with_errors = true;
        Flow::Goes(nothing(step, acc))
    }

    /// Parts of a step, not all of which have ended.
    fn together<const N: usize>(&mut self, step: &Step, flows: [Flow; N], acc: i64) -> Flow {
        let mut failed = Vec::new();
        let mut is_cut = false;
        for flow in flows {
            match flow {
                Flow::Failed(positions) => failed.extend(positions),
                Flow::Cut => is_cut = true,
                Flow::Goes(_) | Flow::Ended(_) => {}
            }
        }
        // Branches beside one that may fail continue.
        let waits = matches!(step.kind, Kind::Parallel(..)) && step.may_fail && is_cut;
        if failed.is_empty() || (waits && !self.ends_all(&failed)) {
            return Flow::Cut;
        }
        if step.may_fail && !self.ends_all(&failed) { self.swallowed(step, acc) } else { Flow::Failed(failed) }
    }

    fn ends_all(&self, failed: &[String]) -> bool {
        self.error.is_some_and(|error| {
            error.kind == "interrupted" && error.position.as_ref().is_some_and(|at| failed.contains(at))
        })
    }

    fn each(&mut self, step: &Step, position: &str, acc: i64, count: usize, width: u32, steps: &[Step]) -> Flow {
        let mut values = Vec::new();
        let (mut failed, mut is_cut) = (Vec::new(), false);
        let mut outer = acc;
        for (number, item) in items(acc, count).into_iter().enumerate() {
            let first = mixed(if width == 1 { outer } else { acc }, item);
            match self.list(steps, &format!("{position}[{}]/", number + 1), first) {
                Flow::Goes(value) => {
                    values.push(value);
                    outer = value;
                }
                Flow::Ended(value) => return Flow::Ended(value),
                Flow::Failed(positions) => failed.extend(positions),
                Flow::Cut => is_cut = true,
            }
            if width == 1 && (is_cut || !failed.is_empty()) {
                break;
            }
        }
        let after = if width == 1 { outer } else { acc };
        if !failed.is_empty() {
            let ends = self.ends_all(&failed);
            return if step.may_fail && !ends { self.swallowed(step, after) } else { Flow::Failed(failed) };
        }
        if is_cut { Flow::Cut } else { Flow::Goes(mixed(after, passes(Some(&values), count))) }
    }

    /// A step that holds no others.
    fn leaf(&mut self, step: &Step, position: &str, acc: i64) -> Gone {
        self.visited.insert(position.to_owned());
        match &step.kind {
            Kind::Refuse(test) => return if test.holds(acc) { Gone::Failed } else { Gone::Done(None) },
            Kind::Ask => return self.ask(step, position, acc),
            _ => {}
        }
        let seen: &'a Seen = self.seen;
        let rows: Vec<&'a Row> = seen.rows.iter().filter(|row| row.record.position == position).collect();
        let is_second = matches!(step.kind, Kind::Respond) && self.response.is_some();
        if is_second {
            if rows.iter().any(|row| row.record.state == StepState::Completed) {
                self.find("answered twice", format!("{position} answered a caller who had an answer"));
            }
            return Gone::Failed;
        }
        let Some(last) = rows.last() else { return Gone::Cut };
        self.pauses(step, &rows);
        if let Kind::File(_, base) = &step.kind
            && last.record.state != StepState::Completed
        {
            // Whether a cancelled step has had its effect is unknown.
            self.files.retain(|(other, at, ..)| (other.as_str(), *at) != (base.as_str(), acc));
        }
        match (&last.record.state, &last.record.error) {
            (StepState::Completed, _) => Gone::Done(self.done(step, &rows, acc)),
            (StepState::Started | StepState::Interrupted, _) => match self.error {
                Some(error) if error.kind == "interrupted" && error.position.as_deref() == Some(position) => Gone::Ends,
                _ => Gone::Cut,
            },
            (StepState::Failed, Some(error)) if error.kind == Failure::CANCELLED => Gone::Cut,
            (StepState::Failed, Some(error)) if error.kind == Failure::INTERRUPTED => Gone::Ends,
            (StepState::Failed, error) => self.failed(step, position, &rows, error.as_ref()),
        }
    }

    /// A request that reads leaves no row: the last request its peer saw counts.
    fn ask(&mut self, step: &Step, position: &str, acc: i64) -> Gone {
        let key = crate::run::step_key(self.seen.id, position);
        let last = self.asked.iter().rev().find(|asked| asked.key == key).copied();
        let Some(last) = last else { return Gone::Cut };
        if last.acc != acc {
            let text = format!("{position} asked with {} instead of {acc}", last.acc);
            self.find("variable", text);
        }
        match last.outcome {
            Outcome::Success if step.timed && self.is_error_at(position) => Gone::Failed,
            Outcome::Success => Gone::Done(Some(answered(acc))),
            _ => Gone::Failed,
        }
    }

    fn is_error_at(&self, position: &str) -> bool {
        self.error.is_some_and(|error| error.position.as_deref() == Some(position))
    }

    /// The result of a step that was done.
    fn done(&mut self, step: &Step, rows: &[&Row], acc: i64) -> Option<i64> {
        let (row, attempts) = (rows[rows.len() - 1], rows.len());
        let record = &row.record;
        let position = &record.position;
        let took = took(rows);
        match &step.kind {
            Kind::Post => {
                let key = crate::run::step_key(self.seen.id, position);
                let asked: Vec<&'a Asked> = self.asked.iter().filter(|asked| asked.key == key).copied().collect();
                match asked.last().copied() {
                    Some(last) if last.acc != acc => {
                        self.find("variable", format!("{position} asked with {} instead of {acc}", last.acc));
                    }
                    Some(last) if last.outcome != Outcome::Success && !self.expired => {
                        self.find(
                            "result",
                            format!("{position} is completed, but its peer answered {:?}", last.outcome),
                        );
                    }
                    Some(_) => {}
                    None => {
                        self.find("not done", format!("{position} is completed, but no request had its key"));
                    }
                }
                if asked.len() > attempts {
                    let text = format!("{position} asked {} times in {attempts} attempts", asked.len());
                    self.find("step repeated", text);
                }
                if let (Some(done), Some(last)) = (row.done, asked.last())
                    && last.moment > done
                    && !self.expired
                {
                    self.find("step repeated", format!("{position} asked again after its result was kept"));
                }
                Some(answered(acc))
            }
            Kind::Insert => {
                let count = self.marks.iter().filter(|(id, at)| *id == step.id && *at == acc).count();
                if count == 0 {
                    self.find("not done", format!("{position} is completed without a row for {acc}"));
                }
                Some(1)
            }
            Kind::Span(seconds) | Kind::Until(seconds) => {
                self.slept(position, took, *seconds, false);
                None
            }
            Kind::Event(_) => {
                let body = self.seen.delivered.get(&step.id).copied();
                let value = record.result.as_ref().and_then(|bytes| encoding::decode(bytes).ok());
                if value.as_ref().and_then(number) != body {
                    self.find("event", format!("{position} got {value:?}; {body:?} was delivered"));
                }
                Some(body.unwrap_or(NOTHING))
            }
            Kind::File(work, base) => {
                self.file(*work, base, acc);
                None
            }
            Kind::Respond => {
                self.response = Some(acc);
                None
            }
            _ => None,
        }
    }

    fn file(&mut self, work: FileWork, base: &str, acc: i64) {
        let suffixes = match work {
            FileWork::Write => vec![("a", true)],
            FileWork::Move => vec![("a", false), ("b", true)],
            FileWork::Delete => vec![("b", false)],
            FileWork::Append => vec![("log", true)],
        };
        for (suffix, there) in suffixes {
            // A later step takes precedence.
            self.files.retain(|(b, a, s, _)| (b.as_str(), *a, *s) != (base, acc, suffix));
            self.files.push((base.to_owned(), acc, suffix, there));
        }
    }

    /// A wait that is over took as long as it should.
    fn slept(&mut self, position: &str, took: i64, seconds: i64, is_timeout: bool) {
        // `until` counts from the start of a second, and a run that was retried may have slept while it was failed.
        let most = seconds * 1000 + self.leapt;
        if took < seconds * 1000 - 1 {
            self.find("woke early", format!("{position} slept {took} ms of {seconds} s"));
        }
        if took > most && self.seen.retries == 0 && !is_timeout {
            self.find("woke late", format!("{position} slept {took} ms; the limit is {most} ms"));
        }
    }

    /// A step whose last attempt failed.
    fn failed(&mut self, step: &Step, position: &str, rows: &[&Row], error: Option<&Failure>) -> Gone {
        let (kind, status) = error.map_or(("", None), |error| (error.kind.as_str(), error.status));
        match &step.kind {
            Kind::File(..) if !self.expired => {
                let text = error.map_or("", |error| error.message.as_str());
                self.find("file failed", format!("{position}: {text}"));
            }
            Kind::Checkpoint | Kind::Span(_) | Kind::Until(_) => self.find("failed", format!("{position}: {error:?}")),
            Kind::Event(seconds) => {
                let took = took(rows);
                match seconds {
                    Some(seconds) if kind == TIMEOUT => self.slept(position, took, *seconds, true),
                    _ => self.find("failed", format!("{position}: {error:?}")),
                }
            }
            _ => {}
        }
        let retries = rows[rows.len() - 1].retries;
        let failures = rows.iter().filter(|row| row.retries == retries && has_failed(row)).count() as u32;
        let passes = !matches!(step.kind, Kind::Post) || status.is_none_or(|status| status == 429 || status >= 500);
        let wanted = step.retry.map_or(1, |retry| retry.times + 1);
        if failures > wanted {
            self.find("tried too often", format!("{position} failed {failures} times; the limit is {wanted}"));
        }
        if passes && failures < wanted {
            // It was to be tried again.
            return Gone::Cut;
        }
        Gone::Failed
    }

    /// Attempts that follow a failure keep the pause between them.
    fn pauses(&mut self, step: &Step, rows: &[&Row]) {
        let Some(retry) = step.retry else { return };
        let mut failures = 0;
        for pair in rows.windows(2) {
            let (before, after) = (&pair[0], &pair[1]);
            if before.retries != after.retries {
                failures = 0;
                continue;
            }
            let Some(ended) = before.record.ended_at.filter(|_| has_failed(before)) else { continue };
            let doubled = if retry.exponential { 1 << failures } else { 1 };
            failures += 1;
            let least = retry.delay * doubled * 800;
            let paused = after.record.started_at.0 - ended.0;
            if paused < least {
                let position = &after.record.position;
                self.find("pause lost", format!("{position} paused for {paused} ms; {least} ms are the least"));
            }
        }
    }
}

/// How long it took from the first attempt on: a wait lasts until the instant set at its start.
fn took(rows: &[&Row]) -> i64 {
    let (first, last) = (&rows[0].record, &rows[rows.len() - 1].record);
    last.ended_at.map_or(0, |ended| ended.0 - first.started_at.0)
}

/// Did this attempt fail by itself?
fn has_failed(row: &Row) -> bool {
    row.record.state == StepState::Failed && row.record.error.as_ref().is_none_or(|error| !error.is_given_up())
}

/// The accumulator after a step that was left out, or whose failure was swallowed.
fn nothing(step: &Step, acc: i64) -> i64 {
    match &step.kind {
        Kind::Ask | Kind::Post | Kind::Insert | Kind::Event(_) | Kind::Call(_) => mixed(acc, NOTHING),
        Kind::Each(count, ..) => mixed(acc, passes(None, *count)),
        Kind::Parallel(..) => mixed(acc, NOTHING * 4),
        _ => acc,
    }
}
