//! The time of a run by line.

use flowscript_lang::host::Profiler;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::{Duration, Instant};

/// Time and steps by line, gathered while a script runs.
pub struct LineProfile(RefCell<State>);

struct State {
    /// Where each line of the script begins.
    starts: Vec<usize>,
    /// By module, which is empty for the script, and by byte or line.
    spent: BTreeMap<(String, usize), Spent>,
    current: Option<(String, usize)>,
    since: Instant,
    steps: u64,
}

#[derive(Clone, Copy, Default)]
struct Spent {
    time: Duration,
    steps: u64,
}

impl LineProfile {
    /// Of a script of this text.
    pub fn new(text: &str) -> Self {
        let starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        let (spent, current) = (BTreeMap::new(), None);
        Self(RefCell::new(State { starts, spent, current, since: Instant::now(), steps: 0 }))
    }

    /// The lines that took time, as text. `steps` are those of the whole run.
    pub fn table(&self, text: &str, steps: u64) -> String {
        let mut state = self.0.borrow_mut();
        state.leave(steps);
        let total: Duration = state.spent.values().map(|spent| spent.time).sum();
        let mut out = format!("{:>6} {:>12} {:>6} {:>14}\n", "line", "time", "", "steps");
        for ((module, line), spent) in &state.spent {
            let share = 100.0 * spent.time.as_secs_f64() / total.as_secs_f64().max(f64::MIN_POSITIVE);
            let place = if module.is_empty() { line.to_string() } else { String::new() };
            let shown = match text.lines().nth(line.saturating_sub(1)) {
                Some(written) if module.is_empty() => written.trim(),
                _ => module.as_str(),
            };
            // Writing to a String cannot fail.
            let milliseconds = spent.time.as_secs_f64() * 1000.0;
            let _ = writeln!(out, "{place:>6} {milliseconds:>9.3} ms {share:>5.1}% {:>14}  {shown}", spent.steps);
        }
        let _ = writeln!(out, "{:>6} {:>9.3} ms {:>6} {steps:>14}", "", total.as_secs_f64() * 1000.0, "");
        out
    }
}

impl Profiler for LineProfile {
    fn at(&self, module: Option<&str>, offset: usize, steps: u64) {
        let mut state = self.0.borrow_mut();
        let line = match module {
            None => state.starts.partition_point(|start| *start <= offset),
            // Modules count as a whole.
            Some(_) => 0,
        };
        let module = module.unwrap_or("");
        if state.current.as_ref().is_some_and(|(of, at)| of == module && *at == line) {
            return;
        }
        state.leave(steps);
        state.current = Some((module.to_owned(), line));
    }
}

impl State {
    /// The time since the last change belongs to the line before it.
    fn leave(&mut self, steps: u64) {
        let now = Instant::now();
        if let Some(place) = self.current.take() {
            let spent = self.spent.entry(place).or_default();
            spent.time += now - self.since;
            spent.steps += steps.saturating_sub(self.steps);
        }
        self.since = now;
        self.steps = steps;
    }
}
