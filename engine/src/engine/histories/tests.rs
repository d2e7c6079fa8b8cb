//! Runs many histories, and searches for planted faults.

use super::count::Counts;
use super::drive::{self, Outcome};
use super::generate::History;
use super::shrink;
use super::witness::Finding;
use crate::planted::Planted;
use std::fmt::Write;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// The number of histories in a test by default.
const FEW: u64 = 150;
/// In this many histories every deed has hit every activity.
const MANY: u64 = 5_000;

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// Runs histories on several threads until one has a finding; in a survey, to the end.
#[allow(clippy::print_stdout, reason = "a survey shows what it finds")]
fn look(seeds: std::ops::Range<u64>, planted: Option<Planted>) -> (Counts, u64, Option<(u64, Finding)>) {
    let next = AtomicU64::new(seeds.start);
    let stop = AtomicBool::new(false);
    let survey = setting("FLOWSCRIPT_HISTORY_SURVEY", 0);
    let all: Mutex<(Counts, Option<(u64, Finding)>)> = Mutex::default();
    let threads = std::thread::available_parallelism().map_or(2, std::num::NonZero::get) * 2;
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end {
                        return;
                    }
                    let Outcome { counts, finding, trace } = drive::run(&History::of(seed), planted);
                    let mut all = all.lock().unwrap();
                    all.0.add(&counts);
                    if let Some(finding) = finding {
                        if survey > 0 {
                            println!("seed {seed}: {}: {}", finding.kind, finding.text);
                            trace.iter().filter(|_| survey > 1).for_each(|line| println!("{line}"));
                        }
                        all.1.get_or_insert((seed, finding));
                        stop.store(survey == 0, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    let (counts, finding) = all.into_inner().unwrap();
    (counts, next.into_inner().min(seeds.end) - seeds.start, finding)
}

/// A finding with the smallest history that has it.
fn report(seed: u64, finding: &Finding, planted: Option<Planted>) -> String {
    let small = shrink::smallest(&History::of(seed), planted, finding.kind);
    let Outcome { finding: again, trace, .. } = drive::run(&small, planted);
    let mut text = format!("seed {seed}: {}: {}\n", finding.kind, finding.text);
    let again = again.map_or("it did not come again".into(), |again| format!("{}: {}", again.kind, again.text));
    let _ = writeln!(text, "the smallest history with it: {again}\n");
    for (name, file) in small.tree.files("PEER") {
        let _ = writeln!(text, "# {name}\n{file}");
    }
    let _ = writeln!(
        text,
        "answers {:?}\nruns {:?}\nat work {:?}\nat rest {:?}\n",
        small.outcomes, small.runs, small.deeds, small.idle
    );
    text.push_str(&trace.join("\n"));
    text
}

#[test]
#[allow(clippy::print_stdout, reason = "the seed and the counts are what is to be seen")]
fn every_history_ends_as_its_steps_say() {
    let count = setting("FLOWSCRIPT_HISTORIES", FEW);
    let seed = setting("FLOWSCRIPT_HISTORY_SEED", 1);
    let begun = std::time::Instant::now();
    let (counts, looked, finding) = look(seed..seed + count, None);
    println!("{looked} histories from seed {seed} in {:?}\n{counts}", begun.elapsed());
    if let Some((seed, finding)) = finding.filter(|_| setting("FLOWSCRIPT_HISTORY_SURVEY", 0) == 0) {
        panic!("{}", report(seed, &finding, None));
    }
    if count >= MANY {
        let (construct, hit, times) = counts.rarest();
        assert!(times >= 50, "{hit} hit {construct} only {times} times");
    }
}

/// Searches for a planted fault; returns the number of histories until it was found, and the finding.
fn found(planted: Planted, kinds: &[&str]) -> Result<String, String> {
    let most = 2_000;
    let begun = std::time::Instant::now();
    match look(1..1 + most, Some(planted)) {
        (_, looked, Some((seed, finding))) if kinds.contains(&finding.kind) => {
            let text = finding.text.lines().next().unwrap_or_default().to_owned();
            Ok(format!("{planted:?}: {looked} histories, {:?}: seed {seed}: {}: {text}", begun.elapsed(), finding.kind))
        }
        (_, _, Some((seed, finding))) => {
            Err(format!("{planted:?} was found as `{}`, seed {seed}: {}", finding.kind, finding.text))
        }
        (_, looked, None) => Err(format!("{planted:?} was not found in {looked} histories")),
    }
}

#[test]
#[allow(clippy::print_stdout, reason = "how soon each is found is what is to be seen")]
fn every_planted_fault_is_found() {
    let repeated = ["step repeated", "write refused", "attempt overwritten"];
    let lost = ["output", "variable", "stray step", "end", "event"];
    let plan: &[(Planted, &[&str])] = &[
        (Planted::LostWake, &["hangs"]),
        (Planted::FreedLane, &["overtaken"]),
        (Planted::DroppedResult, &lost),
        (Planted::OverwrittenAttempt, &["attempt overwritten", "step repeated", "write refused"]),
        (Planted::StaleFence, &["write refused", "attempt overwritten", "step repeated", "end changed", "end"]),
        (Planted::ForgottenBackOff, &["pause lost"]),
        (Planted::IgnoredCancel, &["cancel ignored"]),
        (Planted::RetryFromStart, &repeated),
        (Planted::SwappedPasses, &lost),
        (Planted::RepeatedPass, &repeated),
        (Planted::LostBranch, &lost),
        (Planted::RepeatedOnce, &["once repeated"]),
        (Planted::SecondAnswer, &["answered twice", "answer"]),
        (Planted::SkippedCheckpoint, &["end", "stray step"]),
        (Planted::ChangingKey, &["key", "not done"]),
        (Planted::LaneByAge, &["overtaken"]),
        (Planted::SecondEvent, &["event"]),
        (Planted::LostItems, &lost),
        (Planted::RetriedWait, &["write refused"]),
        (Planted::RepeatedMove, &["file failed", "does not recover"]),
        (Planted::StalePlace, &["step repeated"]),
    ];
    let only = std::env::var("FLOWSCRIPT_PLANTED").unwrap_or_default();
    let mut missed = Vec::new();
    for (planted, kinds) in plan.iter().filter(|(planted, _)| only.is_empty() || format!("{planted:?}") == only) {
        match found(*planted, kinds) {
            Ok(line) => println!("{line}"),
            Err(line) => {
                println!("MISSED {line}");
                missed.push(line);
            }
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}
