//! Random histories: a tree of steps, how its peers behave, and what happens at which moment.

use super::dice::Dice;
use super::tree::{FileWork, Flow, Kind, Lane, Retry, Step, Test, Tree};
use std::collections::BTreeMap;

/// The most steps of one workflow.
const MOST_STEPS: usize = 16;
/// How deep steps hold steps.
const DEEPEST: usize = 3;

/// One history: everything that the engine does not decide.
#[derive(Clone, Debug)]
pub(super) struct History {
    pub tree: Tree,
    /// What peers answer first, by step; all that follows is a success.
    pub outcomes: BTreeMap<String, Vec<Outcome>>,
    /// The lanes of the runs, in the order of their starts.
    pub runs: Vec<&'static str>,
    /// What happens at commits and requests, by the number of the commit or request.
    pub deeds: BTreeMap<u32, Deed>,
    /// What happens when nothing is at work.
    pub idle: Vec<Deed>,
    /// How often a failed run is retried at the end.
    pub patience: u32,
}

/// What a peer does with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Success,
    /// A status, and `Retry-After` in seconds.
    Status(u16, Option<u32>),
    /// The connection ends without an answer.
    Drop,
    /// No answer before the step's timeout.
    Slow,
}

/// A deed against the engine or a run. Numbers choose among the possible targets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Deed {
    /// The engine dies before the commit.
    KillBefore,
    /// The engine dies after the commit, or during a request whose answer is lost.
    Kill,
    Cancel(usize),
    /// More time passes than a run may take.
    TimeOut,
    /// An event is delivered, also before a run waits for it or after it was delivered.
    Deliver(usize),
    /// The engine's lease ends while it works.
    Expire,
    /// The database refuses rows from now on.
    Break,
    /// And takes them again.
    Mend,
    /// The next run starts.
    Start,
    Retry(usize),
    Again(usize),
    SkipHead,
    /// The clock moves to the next instant that a run waits for.
    Advance,
}

impl History {
    /// The history of a seed.
    pub(super) fn of(seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        let tree = Grower { dice: &mut dice, number: 0, left: 0 }.tree();
        let mut outcomes = BTreeMap::new();
        tree.every(&mut |step| {
            if matches!(step.kind, Kind::Post | Kind::Ask) && dice.percent(50) {
                let count = 1 + dice.below(3);
                outcomes.insert(step.id.clone(), (0..count).map(|_| outcome(&mut dice, step)).collect());
            }
        });
        let in_lanes = tree.flows[0].lane.is_some();
        let count = if in_lanes { 2 + dice.below(3) } else { 1 + dice.below(3) };
        let lane = |dice: &mut Dice| if in_lanes && dice.percent(25) { "b" } else { "a" };
        let runs: Vec<_> = (0..count).map(|_| lane(&mut dice)).collect();
        let mut deeds = BTreeMap::new();
        let mut at = 0;
        for _ in 0..dice.below(9) {
            at += 1 + dice.below(14) as u32;
            deeds.insert(at, at_work(&mut dice));
        }
        let idle = (0..dice.below(14)).map(|_| at_rest(&mut dice)).collect();
        let patience = if dice.percent(85) { 3 } else { 0 };
        Self { tree, outcomes, runs, deeds, idle, patience }
    }
}

fn outcome(dice: &mut Dice, step: &Step) -> Outcome {
    match dice.below(10) {
        0..=3 => Outcome::Status([500, 502, 503][dice.below(3)], None),
        4 => Outcome::Status(429, Some(dice.between(1, 20) as u32)),
        5 => Outcome::Status(404, None),
        6 => Outcome::Success,
        7 if step.timed => Outcome::Slow,
        _ => Outcome::Drop,
    }
}

fn at_work(dice: &mut Dice) -> Deed {
    match dice.below(22) {
        0..=3 => Deed::KillBefore,
        4..=6 => Deed::Kill,
        7..=9 => Deed::Cancel(dice.below(8)),
        10..=11 | 20..=21 => Deed::TimeOut,
        12 => Deed::Expire,
        13..=14 => Deed::Deliver(dice.below(16)),
        15 => Deed::Start,
        16 => Deed::Break,
        17 => Deed::Mend,
        18 => Deed::Retry(dice.below(8)),
        _ => Deed::SkipHead,
    }
}

fn at_rest(dice: &mut Dice) -> Deed {
    match dice.below(20) {
        0..=4 => Deed::Advance,
        5..=8 => Deed::Retry(dice.below(8)),
        9..=11 => Deed::Deliver(dice.below(16)),
        12..=14 => Deed::Start,
        15 => Deed::Kill,
        16 => Deed::Cancel(dice.below(8)),
        17 => Deed::Again(dice.below(8)),
        18 => Deed::SkipHead,
        _ => Deed::Mend,
    }
}

struct Grower<'d> {
    dice: &'d mut Dice,
    /// Of the last step.
    number: usize,
    /// How many steps the workflow may still get.
    left: usize,
}

/// The blocks around a list of steps.
#[derive(Clone, Copy)]
struct Around {
    depth: usize,
    /// The number of the workflow.
    flow: usize,
    /// How many workflows there are.
    flows: usize,
    /// Steps in parallel branches cannot end the run.
    may_end: bool,
}

impl Grower<'_> {
    fn tree(mut self) -> Tree {
        let flows = 1 + usize::from(self.dice.percent(75)) + usize::from(self.dice.percent(40));
        let lane = self.dice.percent(45).then(|| Lane { pause: self.dice.percent(50) });
        let flow = |flow: usize| {
            self.left = if flow == 0 { MOST_STEPS } else { 4 };
            let around = Around { depth: 0, flow, flows, may_end: true };
            let mut steps = self.list(around);
            if flow == 0 && self.dice.percent(25) {
                self.respond(&mut steps);
            }
            let lane = lane.filter(|_| flow == 0);
            Flow { id: if flow == 0 { "main".into() } else { format!("called{flow}") }, lane, steps }
        };
        Tree { flows: (0..flows).map(flow).collect() }
    }

    fn list(&mut self, around: Around) -> Vec<Step> {
        let wanted = if around.depth == 0 { 2 + self.dice.below(4) } else { 1 + self.dice.below(3) };
        let mut steps = Vec::new();
        for _ in 0..wanted {
            if self.left == 0 {
                break;
            }
            self.left -= 1;
            self.push(around, &mut steps);
        }
        if steps.is_empty() {
            steps.push(self.step("mi", Kind::Mix(1)));
        }
        steps
    }

    fn step(&mut self, prefix: &str, kind: Kind) -> Step {
        self.number += 1;
        let id = format!("{prefix}{}", self.number);
        Step { id, kind, when: None, retry: None, once: false, may_fail: false, timed: false }
    }

    fn test(&mut self) -> Test {
        let divisor = self.dice.between(2, 3);
        Test { divisor, rest: self.dice.between(0, divisor - 1) }
    }

    fn push(&mut self, around: Around, steps: &mut Vec<Step>) {
        let inside = Around { depth: around.depth + 1, ..around };
        let holds = around.depth < DEEPEST && self.dice.percent([50, 40, 30][around.depth.min(2)]);
        if holds {
            let step = self.holder(around, inside);
            return steps.push(step);
        }
        let mut step = match self.dice.below(26) {
            0..=1 => {
                let value = self.dice.between(1, 30);
                self.step("mi", Kind::Mix(value))
            }
            2 => self.step("as", Kind::Ask),
            3..=9 => self.step("po", Kind::Post),
            10..=12 => self.step("in", Kind::Insert),
            13..=15 => return self.files(steps),
            16..=17 => {
                let seconds = self.dice.between(1, 90);
                let kind = if self.dice.percent(50) { Kind::Span(seconds) } else { Kind::Until(seconds) };
                self.step("wa", kind)
            }
            18..=20 => {
                let timeout = self.dice.percent(40).then(|| self.dice.between(5, 90));
                self.step("wa", Kind::Event(timeout))
            }
            21 => self.step("ch", Kind::Checkpoint),
            23 => {
                let test = self.test();
                self.step("re", Kind::Refuse(test))
            }
            24 if around.may_end => {
                let mut end = self.step("en", Kind::End);
                end.when = Some(self.test());
                return steps.push(end);
            }
            _ => self.step("po", Kind::Post),
        };
        self.manners(&mut step);
        steps.push(step);
    }

    /// Answers the caller in one place; a second answer is refused, which is allowed.
    fn respond(&mut self, steps: &mut Vec<Step>) {
        for may_fail in [false, true].into_iter().take(1 + self.dice.below(2)) {
            let mut step = self.step("rs", Kind::Respond);
            step.may_fail = may_fail;
            let after = steps.iter().rposition(|step| matches!(step.kind, Kind::Respond)).map_or(0, |at| at + 1);
            steps.insert(after + self.dice.below(steps.len() - after + 1), step);
        }
    }

    fn holder(&mut self, around: Around, inside: Around) -> Step {
        let mut step = match self.dice.below(if around.flow + 1 < around.flows { 6 } else { 4 }) {
            0 => {
                let test = self.test();
                let first = self.list(inside);
                let second = if self.dice.percent(60) { self.list(inside) } else { Vec::new() };
                self.step("de", Kind::Decide(test, first, second))
            }
            1 => {
                let width = 1 + self.dice.below(3) as u32;
                let steps = self.list(Around { may_end: around.may_end && width == 1, ..inside });
                let count = 1 + self.dice.below(3);
                self.step("fe", Kind::Each(count, width, steps))
            }
            2 | 3 => {
                let inside = Around { may_end: false, ..inside };
                let (left, right) = (self.list(inside), self.list(inside));
                self.step("pa", Kind::Parallel(left, right))
            }
            _ => self.step("ca", Kind::Call(around.flow + 1)),
        };
        if !matches!(step.kind, Kind::Decide(..)) {
            step.may_fail = self.dice.percent(15);
        }
        if self.dice.percent(10) {
            step.when = Some(self.test());
        }
        step
    }

    fn files(&mut self, steps: &mut Vec<Step>) {
        let base = format!("f{}", self.number + 1);
        if self.dice.percent(25) {
            let step = self.step("fi", Kind::File(FileWork::Append, base));
            return steps.push(step);
        }
        let works = [FileWork::Write, FileWork::Move, FileWork::Delete];
        for work in works.into_iter().take(1 + self.dice.below(3)) {
            let step = self.step("fi", Kind::File(work, base.clone()));
            steps.push(step);
        }
    }

    /// The settings that all steps share.
    fn manners(&mut self, step: &mut Step) {
        if matches!(step.kind, Kind::Mix(_) | Kind::Respond) {
            return;
        }
        if matches!(step.kind, Kind::Ask | Kind::Post | Kind::Insert) {
            if self.dice.percent(40) {
                let (times, delay) = (self.dice.between(1, 3) as u32, self.dice.between(1, 5));
                step.retry = Some(Retry { times, delay, exponential: self.dice.percent(50) });
            }
            if !matches!(step.kind, Kind::Ask) && self.dice.percent(35) {
                step.once = true;
                step.id.push('o');
            }
            step.timed = !matches!(step.kind, Kind::Insert) && self.dice.percent(10);
        }
        step.may_fail = !matches!(step.kind, Kind::Checkpoint) && self.dice.percent(20);
        if self.dice.percent(8) {
            step.when = Some(self.test());
        }
    }
}
