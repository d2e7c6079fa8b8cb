//! Workflows as trees, and their YAML.
//!
//! All that a run knows is one number, the accumulator: each step's result is mixed into it, and it is part of every
//! address, parameter and path. A variable that is lost, stale or doubled changes everything after it.

use std::fmt::Write;

/// Accumulators stay below this.
pub(super) const MODULUS: i64 = 1_000_003;
/// What a step without a result counts as.
pub(super) const NOTHING: i64 = 7;

/// The workflows of a project: the first is the one that runs, the others are called.
#[derive(Clone, Debug)]
pub(super) struct Tree {
    pub flows: Vec<Flow>,
}

/// One workflow.
#[derive(Clone, Debug)]
pub(super) struct Flow {
    pub id: String,
    /// Messages take their turn.
    pub lane: Option<Lane>,
    pub steps: Vec<Step>,
}

/// How messages take their turn.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lane {
    /// A failed head holds the lane.
    pub pause: bool,
}

/// One step.
#[derive(Clone, Debug)]
pub(super) struct Step {
    pub id: String,
    pub kind: Kind,
    pub when: Option<Test>,
    pub retry: Option<Retry>,
    pub once: bool,
    /// `continueOnFail`
    pub may_fail: bool,
    /// A short `timeout`.
    pub timed: bool,
}

/// `retry`
#[derive(Clone, Copy, Debug)]
pub(super) struct Retry {
    pub times: u32,
    /// Seconds.
    pub delay: i64,
    pub exponential: bool,
}

/// A condition on the accumulator.
#[derive(Clone, Copy, Debug)]
pub(super) struct Test {
    pub divisor: i64,
    pub rest: i64,
}

/// What a step does.
#[derive(Clone, Debug)]
pub(super) enum Kind {
    /// `set`
    Mix(i64),
    /// A request that reads.
    Ask,
    /// A request that acts.
    Post,
    /// A row in a table.
    Insert,
    /// A file: the steps of one `base` follow each other without a change of the accumulator.
    File(FileWork, String),
    /// `wait: { for }`, seconds.
    Span(i64),
    /// `wait: { until }`, seconds from then.
    Until(i64),
    /// `wait: { event }`, with a timeout in seconds.
    Event(Option<i64>),
    Decide(Test, Vec<Step>, Vec<Step>),
    /// The number of passes, how many at a time, and the steps.
    Each(usize, u32, Vec<Step>),
    /// Two branches.
    Parallel(Vec<Step>, Vec<Step>),
    /// The workflow of this number.
    Call(usize),
    Checkpoint,
    Respond,
    /// `assert`
    Refuse(Test),
    /// `end`
    End,
}

/// What happens to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FileWork {
    Write,
    Move,
    Delete,
    Append,
}

impl Test {
    pub(super) fn holds(self, acc: i64) -> bool {
        acc % self.divisor == self.rest
    }

    fn text(self, acc: &str) -> String {
        format!("{acc} mod {} = {}", self.divisor, self.rest)
    }
}

/// The accumulator after a value.
pub(super) fn mixed(acc: i64, value: i64) -> i64 {
    (acc * 31 + value) % MODULUS
}

/// The elements of a loop, from the accumulator at its start; no two are the same.
pub(super) fn items(acc: i64, count: usize) -> Vec<i64> {
    (0..count as i64).map(|number| acc % (5 + number) + 10 * number).collect()
}

/// What a peer answers.
pub(super) fn answered(acc: i64) -> i64 {
    acc % 911 + 1
}

/// What the results of passes count as; without them as if each were nothing.
pub(super) fn passes(values: Option<&[i64]>, count: usize) -> i64 {
    (0..count).map(|n| (2 * n as i64 + 1) * values.map_or(NOTHING, |values| values[n])).sum()
}

/// The first accumulator of a branch.
pub(super) fn branched(acc: i64, right: bool) -> i64 {
    acc + if right { 5 } else { 3 }
}

impl Tree {
    /// The files of the project, below `workflows/`.
    pub(super) fn files(&self, peer: &str) -> Vec<(String, String)> {
        let file = |flow: &Flow| (format!("workflows/{}.yaml", flow.id), self.yaml(flow, peer));
        self.flows.iter().map(file).collect()
    }

    fn yaml(&self, flow: &Flow, peer: &str) -> String {
        let mut yaml = Yaml { tree: self, peer, text: String::new() };
        yaml.line(0, "input: { n: number, lane: { type: text, default: a } }");
        if let Some(lane) = flow.lane {
            let held = if lane.pause { "pause" } else { "continue" };
            let ordered = format!("ordered: {{ key: body.lane, onFailure: {held} }}");
            yaml.line(0, &format!("trigger: {{ webhook: {{ auth: none, {ordered} }} }}"));
        }
        yaml.line(0, &format!("limits: {{ run: {RUN_LIMIT}s }}"));
        yaml.line(0, "steps:");
        yaml.line(1, "- set: { acc: n }");
        yaml.steps(1, &flow.steps, "acc");
        yaml.line(0, "output: \"{acc}\"");
        yaml.text
    }

    /// All steps, at every depth.
    pub(super) fn every<'t>(&'t self, see: &mut dyn FnMut(&'t Step)) {
        self.flows.iter().for_each(|flow| every(&flow.steps, see));
    }
}

/// The run's limit in seconds.
pub(super) const RUN_LIMIT: u64 = 60;

fn every<'t>(steps: &'t [Step], see: &mut dyn FnMut(&'t Step)) {
    for step in steps {
        see(step);
        match &step.kind {
            Kind::Decide(_, first, second) | Kind::Parallel(first, second) => {
                every(first, see);
                every(second, see);
            }
            Kind::Each(_, _, steps) => every(steps, see),
            _ => {}
        }
    }
}

struct Yaml<'a> {
    tree: &'a Tree,
    peer: &'a str,
    text: String,
}

impl Yaml<'_> {
    fn line(&mut self, depth: usize, text: &str) {
        let _ = writeln!(self.text, "{:width$}{text}", "", width = depth * 2);
    }

    fn steps(&mut self, depth: usize, steps: &[Step], acc: &str) {
        for step in steps {
            self.step(depth, step, acc);
        }
    }

    fn step(&mut self, depth: usize, step: &Step, acc: &str) {
        let id = &step.id;
        if let Kind::Mix(value) = step.kind {
            return self.line(depth, &format!("- set: {{ {acc}: \"({acc} * 31 + {value}) mod {MODULUS}\" }}"));
        }
        self.line(depth, &format!("- id: {id}"));
        let inside = depth + 1;
        if let Some(when) = step.when {
            self.line(inside, &format!("when: {}", when.text(acc)));
        }
        if let Some(Retry { times, delay, exponential }) = step.retry {
            let backoff = if exponential { "exponential" } else { "fixed" };
            self.line(inside, &format!("retry: {{ times: {times}, delay: {delay}s, backoff: {backoff} }}"));
        }
        for (key, on) in [("once: true", step.once), ("continueOnFail: true", step.may_fail)] {
            if on {
                self.line(inside, key);
            }
        }
        if step.timed {
            self.line(inside, "timeout: 80ms");
        }
        self.kind(inside, step, acc);
        if let Some(value) = Self::value(step) {
            self.line(depth, &format!("- set: {{ {acc}: \"({acc} * 31 + {value}) mod {MODULUS}\" }}"));
        }
    }

    fn kind(&mut self, depth: usize, step: &Step, acc: &str) {
        let id = &step.id;
        let line = match &step.kind {
            Kind::Mix(_) => return,
            Kind::Ask => format!("http: {{ url: \"http://{}/{id}/{{run.id}}/{{{acc}}}\" }}", self.peer),
            Kind::Post => format!("http: {{ url: \"http://{}/{id}/{{run.id}}/{{{acc}}}\", method: POST }}", self.peer),
            Kind::Insert => {
                let insert = "insert into marks (run, step, acc) values (:run, :step, :acc)";
                let params = format!("{{ run: \"{{run.id}}\", step: {id}, acc: \"{{{acc}}}\" }}");
                format!("sql: {{ connection: db, execute: \"{insert}\", params: {params} }}")
            }
            Kind::File(work, base) => {
                let path = |suffix: &str| format!("\"{base}-{{run.id}}-{{{acc}}}.{suffix}\"");
                match work {
                    FileWork::Write => format!("file: {{ write: {}, as: text, content: \"{{{acc}}}\" }}", path("a")),
                    FileWork::Append => format!("file: {{ append: {}, as: text, content: x }}", path("log")),
                    FileWork::Move => format!("file: {{ move: {}, to: {} }}", path("a"), path("b")),
                    FileWork::Delete => format!("file: {{ delete: {} }}", path("b")),
                }
            }
            Kind::Span(seconds) => format!("wait: {{ for: {seconds}s }}"),
            Kind::Until(seconds) => format!("wait: {{ until: \"DateTime.AddSeconds(now(), {seconds})\" }}"),
            Kind::Event(None) => format!("wait: {{ event: {id} }}"),
            Kind::Event(Some(seconds)) => format!("wait: {{ event: {id}, timeout: {seconds}s }}"),
            Kind::Decide(test, first, second) => {
                self.line(depth, "decide:");
                self.line(depth + 1, &format!("- when: {}", test.text(acc)));
                self.block(depth + 2, "steps", first, acc);
                if !second.is_empty() {
                    self.line(depth + 1, "- else:");
                    self.steps(depth + 3, second, acc);
                }
                return;
            }
            Kind::Each(count, width, steps) => {
                let items: Vec<String> = (0..*count).map(|n| format!("{acc} mod {} + {}", 5 + n, 10 * n)).collect();
                self.line(depth, "forEach:");
                self.line(depth + 1, &format!("item: i_{id}"));
                self.line(depth + 1, &format!("in: \"[{}]\"", items.join(", ")));
                self.line(depth + 1, &format!("parallel: {width}"));
                let own = if *width > 1 { format!("x_{id}") } else { acc.to_owned() };
                self.line(depth + 1, "steps:");
                self.line(depth + 2, &format!("- set: {{ {own}: \"({acc} * 31 + i_{id}) mod {MODULUS}\" }}"));
                self.steps(depth + 2, steps, &own);
                return self.line(depth + 1, &format!("output: \"{{{own}}}\""));
            }
            Kind::Parallel(left, right) => {
                self.line(depth, "parallel:");
                for (name, steps, offset) in [("l", left, 3), ("r", right, 5)] {
                    let own = format!("x_{id}{name}");
                    self.line(depth + 1, &format!("{name}:"));
                    self.line(depth + 2, "steps:");
                    self.line(depth + 3, &format!("- set: {{ {own}: {acc} + {offset} }}"));
                    self.steps(depth + 3, steps, &own);
                    self.line(depth + 2, &format!("output: \"{{{own}}}\""));
                }
                return;
            }
            Kind::Call(number) => {
                let called = &self.tree.flows[*number].id;
                format!("call: {{ workflow: {called}, input: {{ n: \"{{{acc}}}\" }} }}")
            }
            Kind::Checkpoint => format!("checkpoint: {id}"),
            Kind::Respond => format!("respond: {{ status: 201, body: \"{{{acc}}}\" }}"),
            Kind::Refuse(test) => format!("assert: {{ failIf: {}, message: refused }}", test.text(acc)),
            Kind::End => format!("end: {{ output: \"{{{acc}}}\" }}"),
        };
        self.line(depth, &line);
    }

    fn block(&mut self, depth: usize, key: &str, steps: &[Step], acc: &str) {
        self.line(depth, &format!("{key}:"));
        self.steps(depth + 1, steps, acc);
    }

    /// What is mixed into the accumulator after a step.
    fn value(step: &Step) -> Option<String> {
        let id = &step.id;
        match &step.kind {
            Kind::Ask | Kind::Post => Some(format!("({id}?.json ?? {NOTHING})")),
            Kind::Insert | Kind::Event(_) | Kind::Call(_) => Some(format!("({id} ?? {NOTHING})")),
            Kind::Each(count, ..) => {
                let nothing = vec![NOTHING.to_string(); *count].join(", ");
                let part = |n: usize| format!("{} * ({id} ?? [{nothing}])[{n}]", 2 * n + 1);
                Some((0..*count).map(part).collect::<Vec<_>>().join(" + "))
            }
            Kind::Parallel(..) => Some(format!("({id}?.l ?? {NOTHING}) + 3 * ({id}?.r ?? {NOTHING})")),
            _ => None,
        }
    }
}
