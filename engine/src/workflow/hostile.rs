//! Files that were not written by hand: the cost of reading them is bounded for any content.

use super::{Callee, Read, read};
use crate::script::Library;
use crate::yaml::problem::codes;
use flowscript_lang::host::Interrupt;
use flowscript_lang::value::Zone;
use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// The factor by which these files and their budgets of steps are smaller than the largest: an unoptimised build is as
/// much slower.
const SMALLER: usize = 20;
/// Steps.
const STEPS: u64 = 50_000;
/// Detects hangs. Other tests run at the same time.
const HANGS: Duration = Duration::from_secs(60);

fn library() -> Library {
    Library::new(Zone::UTC, "en-US", 1_000_000, 64 << 20).with_file_steps(STEPS)
}

/// `head`, and below it as many of these lines as a file may have.
fn filled(head: &str, line: impl Fn(usize) -> String) -> String {
    let mut text = head.to_owned();
    for number in 0.. {
        let line = line(number);
        if text.len() + line.len() > crate::yaml::MAX_BYTES / SMALLER {
            break;
        }
        text.push_str(&line);
    }
    text
}

/// Kinds of files: a name and the text.
fn files() -> Vec<(&'static str, String)> {
    let many = |part: &str, count: usize| part.repeat(count / SMALLER);
    vec![
        ("variables", filled("steps:\n", |n| format!("  - set: {{ v{n}: \"{n}\" }}\n"))),
        ("variables in one step", filled("steps:\n  - set:\n", |n| format!("      v{n}: \"1\"\n"))),
        ("results", filled("steps:\n", |n| format!("  - id: s{n}\n    log: {{ message: x }}\n"))),
        (
            "results that may be left out",
            filled("steps:\n", |n| format!("  - id: s{n}\n    when: \"true\"\n    log: {{ message: x }}\n")),
        ),
        (
            "branches",
            filled("steps:\n  - decide:\n", |n| {
                format!("      - {{ when: \"true\", steps: [ {{ set: {{ v{n}: \"1\" }} }} ] }}\n")
            }),
        ),
        (
            "branches beside each other",
            filled("steps:\n  - parallel:\n", |n| {
                format!("      b{n}: {{ steps: [ {{ log: {{ message: x }} }} ] }}\n")
            }),
        ),
        (
            "loops",
            filled("steps:\n", |n| {
                format!("  - forEach: {{ item: e{n}, in: \"[1]\", steps: [ {{ set: {{ v{n}: \"e{n}\" }} }} ] }}\n")
            }),
        ),
        ("inputs", filled("output: 1\ninput:\n", |n| format!("  i{n}: number\n"))),
        ("inputs of records", filled("output: 1\ninput:\n", |n| format!("  i{n}: \"{{a: number}}\"\n"))),
        (
            "defaults that are computed",
            filled("output: 1\ninput:\n", |n| {
                format!("  i{n}: {{ type: \"{{a: number = Sum(range 1..100000)}}\", default: {{}} }}\n")
            }),
        ),
        ("wrong types", filled("output: 1\ninput:\n", |n| format!("  k{n}: 1\n"))),
        ("unknown keys", filled("", |n| format!("k{n}: 1\n"))),
        ("templates", filled("output:\n", |n| format!("  o{n}: \"{{1}}\"\n"))),
        ("unknown variables", filled("steps:\n", |n| format!("  - set: {{ v{n}: \"u{n}\" }}\n"))),
        ("texts that read like expressions", {
            let head = filled("steps:\n", |n| format!("  - set: {{ v{n}: \"1\" }}\n"));
            let head: String = head.lines().take(200).fold(String::new(), |mut all, line| {
                let _ = writeln!(all, "{line}");
                all
            });
            filled(&format!("{head}output:\n"), |n| format!("  - v{}\n", n % 200))
        }),
        ("words that read like expressions", format!("input: {{ a: number }}\noutput: {}\n", many("b a ", 200_000))),
        (
            "schedules",
            filled("output: 1\ntrigger:\n  schedule:\n", |n| {
                format!("    - {{ id: s{n}, cron: \"{} {} 30 2 *\" }}\n", n % 60, n % 24)
            }),
        ),
        ("an address of parts", format!("steps:\n  - http: {{ url: \"http://x/{}\" }}\n", many("{1}", 300_000))),
        ("redacted paths", filled("output: 1\nredact:\n", |n| format!("  - a{n}.b\n"))),
        (
            "parameters of SQL",
            filled("steps:\n  - sql:\n      connection: c\n      query: |\n        select 1\n", |n| {
                format!("        , :p{n}\n")
            }),
        ),
        (
            "braces in SQL",
            format!(
                "steps:\n  - sql:\n      connection: c\n      query: |\n        select {}}}\n",
                many("{ ", 500_000)
            ),
        ),
        (
            "comments in SQL",
            format!(
                "steps:\n  - sql:\n      connection: c\n      query: |\n        select {}*/\n",
                many("/*", 500_000)
            ),
        ),
        ("calls of inputs that are not there", {
            filled("steps:\n", |n| format!("  - call: {{ workflow: wide, input: {{ j{n}: 1 }} }}\n"))
        }),
        ("calls", filled("steps:\n", |n| format!("  - call: {{ workflow: wide, input: {{ i{n}: 1 }} }}\n"))),
        ("a folded text", format!("output: >\n{}", many("  a\n\n", 200_000))),
        ("escapes", format!("output: \"{}\"\n", many("\\x41", 250_000))),
        ("lists in a list", format!("output: [{}1]\n", many("[],", 300_000))),
    ]
}

#[test]
fn reading_a_file_ends_in_time() {
    let wide: String = (0..500).fold("output: 1\ninput:\n".to_owned(), |mut all, n| {
        let _ = writeln!(all, "  i{n}: {{ type: number, default: 1 }}");
        all
    });
    let library = library();
    let wide = read("wide", &wide, &library.for_kept_versions(), &mut |_| Callee::Missing).workflow;
    let wide = Arc::new(wide.expect("the called workflow loads"));
    for (name, source) in files() {
        let begun = Instant::now();
        let Read { workflow, problems } = read("test", &source, &library, &mut |_| Callee::Loaded(wide.clone()));
        let (took, bytes) = (begun.elapsed(), problems.iter().map(|problem| problem.line("").len()).sum::<usize>());
        assert!(took < HANGS, "{name}: {took:?}");
        assert!(problems.len() <= 1_001 && bytes < 8 << 20, "{name}: {} problems of {bytes} bytes", problems.len());
        assert!(workflow.is_some() || problems.iter().any(|problem| !problem.warning), "{name}: nothing is said");
    }
}

#[test]
fn reading_a_file_stops_when_it_is_told_to() {
    for (name, source) in files() {
        let asked = Arc::new(AtomicUsize::new(0));
        let counted = asked.clone();
        let stopped = move || (counted.fetch_add(1, Ordering::Relaxed) > 5).then_some(Interrupt::Cancelled);
        let library = library().stopping_with(Arc::new(stopped));
        let Read { workflow, problems } = read("test", &source, &library, &mut |_| Callee::Missing);
        let asked = asked.load(Ordering::Relaxed);
        let codes: Vec<_> = problems.iter().map(|problem| problem.code).collect();
        // The parser ends by itself, and so do files of few parts.
        let ended = asked > 5 && workflow.is_none() && codes == [codes::LATE];
        assert!(ended || asked <= 6, "{name}: asked {asked} times, {} problems: {:?}", codes.len(), codes.first());
    }
}

#[test]
fn a_file_that_takes_too_much_says_so() {
    let source = filled("steps:\n", |n| format!("  - set: {{ v{n}: \"{n}\" }}\n"));
    let read = read("test", &source, &library(), &mut |_| Callee::Missing);
    assert!(read.workflow.is_none());
    let problems: Vec<_> = read.problems.iter().map(|problem| (problem.code, problem.message.as_str())).collect();
    let message = "The file was not read to its end: it takes more work than a file may take";
    assert_eq!(problems, [(codes::TOO_COSTLY, message)]);
}

#[test]
fn of_many_problems_the_first_are_told() {
    let source = (0..2_000).fold("output: 1\n".to_owned(), |all, n| all + &format!("k{n}: 1\n"));
    let read = read("test", &source, &library(), &mut |_| Callee::Missing);
    assert!(read.workflow.is_none());
    assert_eq!(read.problems.len(), 1_001);
    let last = read.problems.last().expect("there are problems");
    assert!(last.code == codes::MORE && !last.warning, "{last:?}");
}
