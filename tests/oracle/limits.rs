//! Long work can be stopped from another thread, soon; excessive work is a limit error. By kernels, row by row and in
//! loops.

use crate::{compiled, settings};
use flowscript_lang::error::ErrorKind;
use flowscript_lang::host::{Host, Interrupt, LogLevel};
use flowscript_lang::{Limits, Settings};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

/// A world whose runs can be cancelled from another thread, and when the run saw it.
#[derive(Default)]
struct Cancelled {
    asked: AtomicBool,
    at: OnceLock<Instant>,
    seen: OnceLock<Instant>,
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
        let asked = self.asked.load(Ordering::Relaxed);
        asked.then(|| {
            self.seen.get_or_init(Instant::now);
            Interrupt::Cancelled
        })
    }
}

/// How long a run continues after it is cancelled.
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

/// A world that learns when the sort begins, and cancels it a while after that.
struct CancelledLater {
    begins: AtomicBool,
    cancelled: Cancelled,
}

impl Host for CancelledLater {
    fn now(&self) -> (i64, u32) {
        (0, 0)
    }

    fn random(&self) -> u64 {
        7
    }

    fn log(&self, _level: LogLevel, _message: &str) {
        self.begins.store(true, Ordering::Release);
    }

    fn interrupt(&self) -> Option<Interrupt> {
        self.cancelled.interrupt()
    }
}

/// How long a run continues after it is cancelled, `after` it has written a line. Freeing the memory of millions of
/// rows, some ten milliseconds, is not counted.
fn delay_after(source: &str, after: Duration) -> Duration {
    let program = compiled(source).expect("the script has no errors");
    let host = Arc::new(CancelledLater { begins: AtomicBool::new(false), cancelled: Cancelled::default() });
    let other = host.clone();
    let canceller = std::thread::spawn(move || {
        while !other.begins.load(Ordering::Acquire) {
            std::thread::yield_now();
        }
        std::thread::sleep(after);
        let _ = other.cancelled.at.set(Instant::now());
        other.cancelled.asked.store(true, Ordering::Relaxed);
    });
    let limits = Limits { memory: 2 << 30, ..Limits::default() };
    let error = program.run(Vec::new(), &settings(limits), &*host).expect_err("it sorts again and again");
    canceller.join().expect("it only waits");
    assert_eq!(error.kind, ErrorKind::Cancelled, "{source}: {}", error.message);
    let seen = *host.cancelled.seen.get().expect("it has ended");
    seen.saturating_duration_since(*host.cancelled.at.get().expect("set before it is asked"))
}

/// One sort of millions of rows takes much longer than a run may continue.
#[test]
fn a_sort_of_many_rows_is_cancelled() {
    let (rows, limit) = if cfg!(debug_assertions) { (100_000, 100) } else { (2_000_000, 10) };
    let table = format!(
        "let t = map range(0, {rows}) as [a: row * 7919 mod 1000003, b: 'k' & row * 31 mod 977, c: row * 104729 mod {rows}];"
    );
    for sort in [
        // One integer a row, narrow and wide.
        "t order by b, a desc",
        "t order by c, a, c desc",
        // Too wide to be packed: rows are compared.
        "t order by c / 7, a / 3, b",
        "Take((t order by a, c), 60000)",
        "select b, a, c from t order by b desc, c",
    ] {
        let source =
            format!("{table} exec Log('go'); let n = 0; while true {{ set n = n + Count({sort}); }} return n;");
        for after in [3, 40] {
            let (after, limit) = (Duration::from_millis(after), Duration::from_millis(limit));
            // The machine may be busy: one good moment shows that the run asks often enough.
            let best = (0..5).map(|_| delay_after(&source, after)).find(|delay| *delay <= limit);
            assert!(best.is_some(), "{sort} went on for more than {limit:?} five times, {after:?} behind its start");
        }
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
