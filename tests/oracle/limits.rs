//! What takes long can be stopped from another thread, soon; what takes too much is a limit error. By kernels, row by row
//! and in loops.

use crate::{compiled, settings};
use flowscript_lang::error::ErrorKind;
use flowscript_lang::host::{Host, Interrupt, LogLevel};
use flowscript_lang::{Limits, Settings};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

/// A world whose runs somebody else can cancel, and when the run saw it.
#[derive(Default)]
struct Cancelled {
    asked: AtomicBool,
    at: OnceLock<Instant>,
}

impl Host for Cancelled {
    fn now(&self) -> (i64, u32) {
        (0, 0)
    }

    fn random(&self) -> u64 {
        7
    }

    fn log(&self, _level: LogLevel, _message: &str) {}

    fn interrupt(&self) -> Option<Interrupt> {
        self.asked.load(Ordering::Relaxed).then_some(Interrupt::Cancelled)
    }
}

/// How long a run goes on behind the moment it is cancelled.
fn delay(source: &str) -> Duration {
    let program = compiled(source).expect("the script has no errors");
    let host = Arc::new(Cancelled::default());
    let other = host.clone();
    let canceller = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(30));
        let _ = other.at.set(Instant::now());
        other.asked.store(true, Ordering::Relaxed);
    });
    let error = program.run(Vec::new(), &Settings::default(), &*host).expect_err("it never ends by itself");
    let ended = Instant::now();
    canceller.join().expect("it only sleeps");
    assert_eq!(error.kind, ErrorKind::Cancelled, "{source}: {}", error.message);
    ended.saturating_duration_since(*host.at.get().expect("set before it is asked"))
}

#[test]
fn runs_are_cancelled_from_another_thread() {
    let rows = "let t = map range(0, 20000) as [a: row mod 977, b: 'k' & row mod 13];\n";
    for endless in [
        "while true { set n = n + 1; }",
        "function f(x) => x + 1; while true { set n = f(n); }",
        "while true { set n = Count(t where a > 3 and b like 'k%'); }",
        "while true { set n = Count(t where Upper(b) = 'K1'); }",
        "while true { set n = First(t order by b, a desc).a; }",
        "while true { set n = Count(select b, s: sum(a) from t group by b); }",
        "while true { set n = Count(select x.a from t x join t y on x.a = y.a and x.b = y.b); }",
        "while true { set n = Sum(t, a * 2); }",
        "while true { set n = Count(map t as [c: a * a, d: b]); }",
    ] {
        let source = format!("{rows}let n = 0;\n{endless}\nreturn n;");
        // The machine may be busy: one good moment shows that the run asks often enough. Unoptimised it takes longer.
        let limit = Duration::from_millis(if cfg!(debug_assertions) { 100 } else { 10 });
        let best = (0..5).map(|_| delay(&source)).find(|delay| *delay <= limit);
        assert!(best.is_some(), "{endless} went on for more than {limit:?} five times");
    }
}

#[test]
fn too_much_is_a_limit() {
    let deep = "function f(n) => f(n + 1) + 1; return f(0);";
    let steps = "return Count((map range(0, 5000) as [a: row]) where a > 1);";
    let memory = "let t = map range(0, 60000) as [a: row, b: row * 2]; let all = []; for i in range(0, 99) { \
                  set all = all & [[t: (t order by a desc)]]; } return Count(all);";
    for (source, limits, message) in [
        (deep, Limits::default(), "call depth"),
        (steps, Limits { steps: Some(3_000), ..Limits::default() }, "more than 3000 steps"),
        (memory, Limits { memory: 8 << 20, ..Limits::default() }, "more than the limit of 8 MiB"),
    ] {
        let program = compiled(source).expect("the script has no errors");
        let error = program.run(Vec::new(), &settings(limits), &crate::Still).expect_err("too much");
        assert_eq!(error.kind, ErrorKind::Limit, "{source}");
        assert!(error.message.contains(message), "{source}: {}", error.message);
    }
}

#[test]
fn appending_many_rows_does_not_copy_them() {
    let source = "let t = table(a, b); for i in range(0, 20000) { set t = t & [a: i, b: 'x']; } return Count(t);";
    let program = compiled(source).expect("the script has no errors");
    let start = Instant::now();
    let outcome = program.run(Vec::new(), &Settings::default(), &crate::Still).expect("it runs");
    assert_eq!(outcome.value.to_literal(10), "20000");
    // Copying would take 200 million cells: seconds.
    assert!(start.elapsed() < Duration::from_millis(700), "{:?}", start.elapsed());
}
