//! Scripts that ask a function, an operator or the checker for more than any machine has: they end by a limit, or
//! because they are cancelled, and they delay no other run.

use crate::bodies::note;
use crate::field::{Act, Attack, Field, KEY, Stage, admin, answer_within};
use crate::payloads::parts as p;
use crate::wire::Request;
use serde_json::{Value as Json, json};
use std::time::{Duration, Instant};

/// Where a script runs, and what ends it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Door {
    /// An evaluation of an admin, within its limits.
    Evaluate,
    /// A step of a run, eight at a time, which `limits.run` ends.
    Limit,
    /// A step of a run that would last an hour, which an admin cancels.
    Cancel,
    /// The same when the engine is asked to stop.
    Stop,
    /// The same when it is asked twice.
    StopAtOnce,
    /// `processing.input` of a message, which `limits.run` ends.
    Processing,
}
use Door::*;

const DOORS: &[Door] = &[Evaluate, Limit, Cancel, Stop, StopAtOnce, Processing];

/// A row: its finding, its name, the script, and the entry points that are always tried.
type Row = (&'static str, &'static str, &'static str, &'static [Door]);

const ROWS: &[Row] = &[
    // Regular expressions.
    (
        "S4",
        "look-ahead over 300,000 characters",
        "return RegexTest(Repeat('a', 300000), '(a+)(?=\\1+b)');",
        &[Evaluate, Limit, Cancel, Stop, StopAtOnce, Processing],
    ),
    ("S4", "look-ahead before each place", "return RegexTest(Repeat('a', 300000), '(?=a+$)a+b');", &[]),
    ("S4", "look-ahead at each place", "return RegexMatches(Repeat('a', 300000), 'a(?=a*$)');", &[]),
    ("S4", "look-behind at each place", "return RegexMatches(Repeat('a', 300000), '(?<=b|a{5})a(?!a*c)');", &[]),
    ("S4", "nested repetitions before look-ahead", "return RegexTest(Repeat('a', 300000), '(a+)+(?!a)b');", &[]),
    ("S4", "a back-reference", "return RegexMatch(Repeat('a', 300000), '(a+)(a+)\\1\\2b');", &[]),
    ("S4", "alternatives and look-ahead", "return RegexReplace(Repeat('ab', 150000), '(a|b|ab)*(?=c)', 'x');", &[]),
    ("S4", "a pattern of 1,000 times 1,000 times 1,000", "return RegexTest('a', '(((a{1000}){1000}){1000})');", &[]),
    ("S4", "a pattern of 300,000 characters", "return RegexTest(Repeat('a', 300000), Repeat('a?', 150000));", &[]),
    ("S4", "a pattern of many groups", "return RegexTest('a', Repeat('(', 20000) & 'a' & Repeat(')', 20000));", &[]),
    (
        "S4",
        "a replacement of `${`",
        "return Len(RegexReplace(Repeat('a', 300000), 'a', Repeat('${', 200000)));",
        &[Evaluate, Limit],
    ),
    (
        "S4",
        "a replacement that grows",
        "return Len(RegexReplace(Repeat('a', 300000), 'a', Repeat('$0', 100000)));",
        &[],
    ),
    // Patterns of dates and numbers.
    ("S11", "a date by 65,536 y", "return Format(now(), Repeat('y', 65536));", &[Evaluate, Limit]),
    ("S11", "a date by 1,000,000 f", "return Format(now(), Repeat('f', 1000000));", &[]),
    ("S4", "a date by a pattern of 30 MB", "return Len(Format(now(), Repeat('dddd ', 6000000)));", &[Limit]),
    ("S4", "a number by a pattern of 30 MB", "return Len(Format(1234.5, Repeat('#,##0.', 5000000)));", &[Cancel]),
    ("S4", "a number with a billion decimals", "return Len(Format(1, 'F1000000000'));", &[]),
    (
        "S4",
        "a date that is read by a pattern of 30 MB",
        "return DateTime.Parse(Repeat('1 ', 15000000), Repeat('d ', 15000000));",
        &[Evaluate],
    ),
    ("S4", "a date of blanks", "return DateTime.Parse(Repeat(' ', 30000000), 'dd MM yyyy');", &[]),
    ("S4", "days beyond the calendar", "return DateTime.AddDays(now(), 1e27);", &[]),
    // Texts.
    (
        "S4",
        "many characters to trim",
        "return Len(Trim(Repeat('a', 1000000), Repeat('b', 1000000) & 'a'));",
        &[Evaluate, Limit, Cancel],
    ),
    (
        "S4",
        "many characters to trim at the end",
        "return Len(TrimEnd(Repeat('é', 1000000), Repeat('b', 1000000) & 'é'));",
        &[],
    ),
    ("S4", "a text of a billion", "return Len(Repeat('x', 1000000000));", &[]),
    ("S4", "a text filled to a billion", "return Len(PadLeft('', 1000000000));", &[]),
    ("S4", "a text filled with texts", "return Len(PadRight('x', 100000000, 'é'));", &[]),
    ("S4", "a text split into 15 million", "return Count(Split(Repeat('a,', 15000000), ','));", &[]),
    ("S4", "a text split into characters", "return Count(Split(Repeat('ab', 15000000), ''));", &[]),
    (
        "S4",
        "each character replaced by a text",
        "return Len(Replace(Repeat('a', 1000000), 'a', Repeat('b', 1000000)));",
        &[],
    ),
    ("S4", "a long text that nearly is there", "return InStr(Repeat('a', 4000000), Repeat('a', 2000000) & 'b');", &[]),
    (
        "S4",
        "lengths of a long text",
        "let s = Repeat('é', 20000000);\nlet n = 0;\nwhile true { set n = n + Len(s); }\nreturn n;",
        &[Limit],
    ),
    (
        "S4",
        "cases of a long text",
        "let s = Repeat('é', 10000000);\nlet n = 0;\nwhile true { set n = n + Asc(Upper(s)); }\nreturn n;",
        &[],
    ),
    (
        "S4",
        "reversals of a long text",
        "let s = Repeat('é', 10000000);\nwhile true { set s = Reverse(s); }\nreturn 1;",
        &[],
    ),
    (
        "S4",
        "comparisons of long texts",
        "let s = Repeat('é', 20000000);\nlet t = Repeat('é', 20000000);\nlet n = 0;\nwhile true { if s = t { set n = n + 1; } }\nreturn n;",
        &[],
    ),
    (
        "S4",
        "hashes of a long text",
        "let s = Repeat('x', 30000000);\nlet n = 0;\nwhile true { set n = n + Len(Hash.Sha256(s)); }\nreturn n;",
        &[Cancel],
    ),
    (
        "S4",
        "base64 of a long text",
        "let s = Repeat('x', 30000000);\nlet n = 0;\nwhile true { set n = n + Len(Base64Encode(s)); }\nreturn n;",
        &[],
    ),
    (
        "S4",
        "addresses of a long text",
        "let s = Repeat('é', 5000000);\nlet n = 0;\nwhile true { set n = n + Len(URLEncode(s)); }\nreturn n;",
        &[],
    ),
    (
        "S4",
        "characters of a long text",
        "let s = Repeat('é', 3000000);\nlet n = 0;\nfor c in s { set n = n + InStr(s, 'x'); }\nreturn n;",
        &[],
    ),
    ("S17", "`like` with 15,000,000 %", "return 'x' like Repeat('%a', 15000000);", &[Evaluate, Limit]),
    ("S17", "`like` with 5,000 %", "return Repeat('a', 100000) like Repeat('%a', 5000) & 'b';", &[]),
    ("S17", "`like` with 100,000 sets", "return Repeat('a', 1000000) like '%' & Repeat('[a-f]', 100000) & 'b';", &[]),
    (
        "S17",
        "`like` with a set of 5,000,000",
        "return Repeat('a', 100000) like Repeat('[' & Repeat('b', 1000) & 'a]', 5000);",
        &[],
    ),
    // Numbers.
    ("S4", "a range of all numbers", "return Count(Range(0, 79228162514264337593543950335));", &[]),
    ("S4", "a range of a billion", "return Count(Range(0, 1000000000));", &[]),
    ("S4", "an element of a long range", "return Contains(Range(0, 1000000000), -1);", &[]),
    (
        "S4",
        "elements of a range",
        "let r = Range(0, 5000000);\nlet n = 0;\nwhile true { if Contains(r, -1) { set n = n + 1; } }\nreturn n;",
        &[Cancel],
    ),
    (
        "S4",
        "`in` a range",
        "let r = Range(0, 5000000);\nlet n = 0;\nwhile true { if -1 in r { set n = n + 1; } }\nreturn n;",
        &[],
    ),
    ("S4", "a power", "return Pow(1.0000000000000000000000000001, 79228162514264337593543950335);", &[]),
    (
        "S4",
        "sums of a range",
        "let r = Range(0, 5000000);\nlet n = 0;\nwhile true { set n = n + Sum(r, row); }\nreturn n;",
        &[],
    ),
    // Lists and tables.
    (
        "S17",
        "a table turned to 12,000 columns",
        "return Count(Pivot(Map(Range(0, 12000), i => [k: i, c: `c{i}`, v: 1]), 'k', 'c', 'v'));",
        &[Evaluate, Limit],
    ),
    (
        "S17",
        "rows of different names",
        "return Count(Map(Range(0, 20000), i => JSON.Decode('{\"k' & i & '\":1}')));",
        &[],
    ),
    ("S17", "5 million chunks", "return Count(Chunk(Range(0, 5000000), 1));", &[Evaluate]),
    (
        "S4",
        "a list that doubles",
        "let a = Range(0, 1000);\nfor i in Range(0, 60): set a = Concat(a, a);\nreturn Count(a);",
        &[],
    ),
    ("S4", "5 million pairs", "return Count(Zip(Range(0, 5000000), Range(0, 5000000)));", &[]),
    (
        "S4",
        "a list in order, again and again",
        "let r = Reverse(Range(0, 1000000));\nlet n = 0;\nwhile true { set n = n + First(r order by row); }\nreturn n;",
        &[],
    ),
    (
        "S4",
        "different elements, again and again",
        "let r = Range(0, 1000000);\nlet n = 0;\nwhile true { set n = n + Count(Distinct(r)); }\nreturn n;",
        &[],
    ),
    (
        "S4",
        "positions in a list",
        "let r = Range(0, 5000000);\nlet n = 0;\nwhile true { set n = n + IndexOf(r, -1); }\nreturn n;",
        &[],
    ),
    (
        "S4",
        "equality of lists",
        "let a = Range(0, 3000000);\nlet b = Range(0, 3000000);\nlet n = 0;\nwhile true { if a = b { set n = n + 1; } }\nreturn n;",
        &[],
    ),
    (
        "S4",
        "a join of all with all",
        "let t = Map(Range(0, 100000), i => [a: i]);\nreturn Count((select x.a from t x join t y on x.a < y.a + 1));",
        &[],
    ),
    ("S4", "a list as a text", "return Len(Join(Range(0, 10000000), ', '));", &[]),
    // Formats.
    ("S4", "JSON of 60 MB", "return Count(JSON.Decode('[' & Repeat('{},', 20000000) & '1]'));", &[Evaluate, Limit]),
    ("S4", "JSON of 60 MB in numbers", "return Count(JSON.Decode('[' & Repeat('1,', 30000000) & '1]'));", &[]),
    ("S4", "JSON of 60 MB in one record", "return JSON.Decode('{' & Repeat('\"k\":1,', 10000000) & '\"k\":1}');", &[]),
    ("S4", "XML of 60 MB", "return XML.Decode('<r>' & Repeat('<a/>', 15000000) & '</r>');", &[Evaluate, Limit]),
    ("S4", "XML of 60 MB in texts", "return XML.Decode('<r>' & Repeat('t<a/>', 12000000) & '</r>');", &[]),
    ("S4", "CSV of 60 MB", "return Count(CSV.Decode('a,b\\n' & Repeat(',\\n', 30000000)));", &[Limit]),
    ("S4", "CSV of one row", "return Count(CSV.Decode(Repeat(',', 5000000) & '\\n' & Repeat(',', 5000000)));", &[]),
    ("S17", "a list of 5 million as JSON", "return Len(JSON.Encode(Range(0, 5000000)));", &[]),
    (
        "S17",
        "lists in lists as JSON",
        "let a = [];\nfor i in Range(0, 1000000): set a = [a];\nreturn Len(JSON.Encode(a));",
        &[],
    ),
    (
        "S4",
        "paths of XML",
        "let s = '<r>' & Repeat('<a>', 500) & Repeat('</a>', 500) & '</r>';\nreturn Count(XML.Select(s, '//a//a//a//a//a//a'));",
        &[],
    ),
    (
        "S4",
        "XML that is read again and again",
        "let s = '<r>' & Repeat('<a/>', 200000) & '</r>';\nlet n = 0;\nwhile true { set n = n + Count(XML.Select(s, '//a')); }\nreturn n;",
        &[],
    ),
    ("S4", "hexadecimal digits", "return Len(Hex.Encode(Repeat('x', 60000000)));", &[]),
    // The language itself: steps have always been bounded.
    ("S4", "a loop without an end", "while true { }\nreturn 1;", &[]),
    ("S4", "a recursion without an end", "function f(n) => f(n + 1) + 1;\nreturn f(0);", &[]),
    ("S4", "a text that doubles", "let s = 'x';\nwhile true { set s = s & s; }\nreturn 1;", &[]),
];

/// A source that is long rather than hostile, as work for the checker. Its finding, its name, how it is made for a
/// size, a size of at most 64 KiB and one of the review's, and whether it is tried always.
type Source = (&'static str, &'static str, fn(usize) -> String, [usize; 2], bool);

const SOURCES: &[Source] = &[
    ("S4", "variables", |n| format!("{}return a0;", p(n, "", |n| format!("let a{n}=1;"))), [5_000, 50_000], true),
    (
        "S4",
        "variables that need each other",
        |n| format!("let a0=1;{}return a1;", p(n, "", |n| format!("let a{}=a{n};", n + 1))),
        [3_500, 45_000],
        false,
    ),
    (
        "S20",
        "names that are not known",
        |n| format!("{}{}return 1;", p(n, "", |n| format!("let b{n}=1;")), p(n, "", |n| format!("b=c{n};"))),
        [3_000, 30_000],
        true,
    ),
    (
        "S20",
        "long names that are not known",
        |n| {
            let long = "a".repeat(300);
            format!(
                "{}{}return 1;",
                p(n, "", |n| format!("let {long}{n}=1;")),
                p(n, "", |n| format!("let x=b{long}{n};"))
            )
        },
        [100, 1_500],
        true,
    ),
    ("S20", "functions that are not known", |n| p(n, "", |n| format!("Coumt{n}(1);")), [4_000, 60_000], false),
    (
        "S20",
        "one long name that is not known",
        |n| format!("let {}=1;return {};", "a".repeat(n), "a".repeat(n + 1)),
        [30_000, 400_000],
        false,
    ),
    ("S4", "a sum", |n| format!("return {};", p(n, "+", |_| "1".into())), [32_000, 400_000], true),
    ("S4", "a list", |n| format!("return Count([{}]);", p(n, ",", |_| "1".into())), [32_000, 400_000], false),
    (
        "S4",
        "a record of many names",
        |n| format!("return [{}];", p(n, ",", |n| format!("k{n}:1"))),
        [7_000, 80_000],
        true,
    ),
    (
        "S4",
        "records of different names",
        |n| format!("return [{}];", p(n, ",", |n| format!("[k{n}:1]"))),
        [6_000, 60_000],
        true,
    ),
    (
        "S4",
        "functions that call each other",
        |count| {
            let call = move |n| format!("function f{n}(x)=>f{}(x);", (n + 1) % count);
            format!("{}return f0(1);", p(count, "", call))
        },
        [2_200, 30_000],
        false,
    ),
    (
        "S4",
        "types of types",
        |n| {
            let types = p(n, "", |n| format!("type t{}={{a:t{n},b:t{n}}};", n + 1));
            format!("type t0={{a:number}};{types}return default(t{n});")
        },
        [2_200, 20_000],
        true,
    ),
    ("S4", "functions in functions", |n| format!("return {}1;", "x=>".repeat(n)), [21_000, 300_000], false),
    (
        "S4",
        "brackets in brackets",
        |n| format!("return {}1{};", "[".repeat(n), "]".repeat(n)),
        [32_000, 400_000],
        false,
    ),
    (
        "S4",
        "templates in templates",
        |n| format!("return {}1{};", "`{".repeat(n), "}`".repeat(n)),
        [16_000, 200_000],
        false,
    ),
    (
        "S4",
        "conditions",
        |n| format!("let x:any=1;{}return x;", p(n, "", |n| format!("if x={n}:set x={n};"))),
        [2_500, 40_000],
        false,
    ),
    (
        "S4",
        "loops in loops",
        |n| format!("let x=1;{}set x='a';{}return x;", "while x=1{".repeat(n), "}".repeat(n)),
        [50, 60],
        false,
    ),
    (
        "S4",
        "a query of many conditions",
        |n| format!("let t=[[a:1]];return t where {};", p(n, " and ", |_| "a=1".into())),
        [8_000, 100_000],
        false,
    ),
    (
        "S4",
        "a query of many steps",
        |n| format!("let t=[[a:1]];return t{};", " where a=1".repeat(n)),
        [6_000, 80_000],
        false,
    ),
    ("S4", "fields of fields", |n| format!("let t=[a:1];return t{};", ".a".repeat(n)), [32_000, 400_000], false),
];

/// The attacks of both tables.
pub fn attacks() -> Vec<Attack> {
    let scripts = ROWS.iter().flat_map(|row| DOORS.iter().map(move |door| (row, *door)));
    let scripts = scripts.map(|((row, name, script, always), door)| Attack {
        row,
        name: format!("script, {name}: {door:?}"),
        always: always.contains(&door),
        stage: Box::new(move || door.stage(script)),
        act: door.act(script),
    });
    let sources = SOURCES.iter().flat_map(|source| [0, 1].map(|door| (source, door)));
    let sources = sources.map(|((row, name, made, sizes, always), door)| {
        let size = sizes[door];
        Attack {
            row,
            name: format!("source, {size} {name}: {}", ["Evaluate", "File"][door]),
            // Files have a megabyte: two of them are enough.
            always: *always && (door == 0 || ["variables", "names that are not known"].contains(name)),
            stage: Box::new(Stage::default),
            act: Box::new(move |field| if door == 0 { evaluate(field, &made(size)) } else { load(field, &made(size)) }),
        }
    });
    scripts.chain(sources).collect()
}

/// A script as a workflow file contains it.
pub fn indented(script: &str) -> String {
    script.lines().fold(String::new(), |all, line| format!("{all}      {line}\n"))
}

impl Door {
    fn stage(self, script: &str) -> Stage {
        let step = format!("steps:\n  - id: made\n    script: |\n{}output: done\n", indented(script));
        let hour = "limits: { run: 1h, scriptSteps: 4000000000 }\ntrigger: { webhook: { } }\n";
        let waits = "limits: { run: 200ms, scriptSteps: 4000000000 }\ntrigger:\n  webhook:\n    response: wait\n    timeout: 1m\n";
        let text = match self {
            Evaluate => return Stage::default(),
            Limit => format!("{waits}{step}"),
            Processing => {
                let input = format!("    processing:\n      input: |\n{}", indented(&indented(script)));
                format!("input: {{ v: any }}\n{waits}{input}output: done\n").replace("            ", "        ")
            }
            Cancel | Stop | StopAtOnce => format!("{hour}{step}"),
        };
        Stage { ends: matches!(self, Stop | StopAtOnce), ..Stage::of([("workflows/target.yaml", text)]) }
    }

    fn act(self, script: &'static str) -> Act {
        Box::new(move |field| match self {
            Evaluate => evaluate(field, script),
            Limit | Processing => {
                let times = if self == Limit { 8 } else { 2 };
                let started = Instant::now();
                let told =
                    field.ask_often(&Request::new("POST", "/hooks/target").with("X-API-Key", KEY).json("{}"), times);
                note(field, &told);
                for told in told {
                    let status = told?.status;
                    if status != 200 && status != 500 && status != 400 {
                        return Err(format!("it was answered {status}"));
                    }
                }
                // Eight of them use the threads for scripts in turn, each for a fifth of a second.
                let most = answer_within() * 3;
                if started.elapsed() > most {
                    Err(format!("limits.run ended it after {:?}", started.elapsed()))
                } else {
                    Ok(())
                }
            }
            Cancel => {
                let run = start(field)?;
                std::thread::sleep(Duration::from_millis(400));
                let over =
                    |field: &Field| field.state(&run).is_some_and(|state| state != "queued" && state != "running");
                if over(field) {
                    field.notes.push("it was over before".into());
                    return Ok(());
                }
                let told = field.ask(&admin("POST", &format!("/api/v1/runs/{run}/cancel")).body(""))?;
                if told.status != 202 && told.status != 409 {
                    return Err(format!("cancel was answered {}", told.text));
                }
                let took = field.wait("it is cancelled", Duration::from_secs(20), || over(field))?;
                field.notes.push(format!("cancelled after {took:.1?}"));
                if took > answer_within() {
                    return Err(format!("it was cancelled after {took:.1?}"));
                }
                idle(field)
            }
            Stop | StopAtOnce => {
                start(field)?;
                std::thread::sleep(Duration::from_millis(400));
                field.end_watch();
                field.server.signal("TERM");
                // Its grace ends after ten seconds, or at once when it is asked again.
                let mut most = Duration::from_secs(10) + answer_within();
                if self == StopAtOnce {
                    std::thread::sleep(Duration::from_millis(300));
                    if field.server.is_running() {
                        field.server.signal("TERM");
                    }
                    most = answer_within();
                }
                let started = Instant::now();
                while field.server.is_running() && started.elapsed() < Duration::from_secs(20) {
                    std::thread::sleep(Duration::from_millis(10));
                }
                let took = started.elapsed();
                field.notes.push(format!("ended after {took:.1?}"));
                if took > most {
                    return Err(format!("it ended after {took:.1?}"));
                }
                field.restart();
                field.has_kept_all()
            }
        })
    }
}

/// No thread is busy soon after its work is over.
fn idle(field: &Field) -> Result<(), String> {
    let used = || {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", field.server.id())).unwrap_or_default();
        let fields: Vec<i64> =
            stat.rsplit(')').next().unwrap_or_default().split(' ').filter_map(|n| n.parse().ok()).collect();
        // Ticks of a hundredth of a second, of this process in its own code.
        fields.get(10).copied().unwrap_or_default()
    };
    std::thread::sleep(answer_within());
    let (mut busiest, mut least) = (0, i64::MAX);
    for _ in 0..4 {
        let before = used();
        std::thread::sleep(Duration::from_millis(500));
        let ticks = used() - before;
        (busiest, least) = (busiest.max(ticks), least.min(ticks));
    }
    // A script that is still running uses all of its thread, all of the time.
    if least > 40 { Err(format!("a thread still works: {least} to {busiest} of 50 ticks")) } else { Ok(()) }
}

/// Starts the target, and gives its run.
fn start(field: &Field) -> Result<String, String> {
    let told = field.ask(&Request::new("POST", "/hooks/target").with("X-API-Key", KEY).json("{}"))?;
    let body: Json = serde_json::from_str(told.body()).unwrap_or_default();
    body["runId"].as_str().map(str::to_owned).ok_or(told.text)
}

/// Evaluates it.
pub fn evaluate(field: &mut Field, source: &str) -> Result<(), String> {
    let body = json!({ "source": source }).to_string();
    let started = Instant::now();
    let told = field.ask(&admin("POST", "/api/v1/evaluate").json(&body))?;
    let took = started.elapsed();
    field.notes.push(format!("answer {} after {took:.1?}", told.status));
    if told.status != 200 {
        return Err(format!("it was answered {}", told.text.chars().take(400).collect::<String>()));
    }
    if told.text.len() > 16 << 20 {
        return Err(format!("the answer has {} MB", told.text.len() >> 20));
    }
    // Its limit is five seconds.
    if took > Duration::from_secs(5) + answer_within() { Err(format!("it took {took:.1?}")) } else { Ok(()) }
}

/// Writes it into a workflow file of the running engine, which reports what is wrong with it, or loads it.
fn load(field: &mut Field, source: &str) -> Result<(), String> {
    let text = format!("output: 1\nsteps:\n  - id: made\n    script: |\n{}", indented(source));
    field.project.write("workflows/late.yaml", &text);
    field.project.write("workflows/tiny.yaml", "output: 1\n");
    let took =
        field.wait("the folder is loaded", Duration::from_secs(30), || field.api("/workflows/tiny")["id"] == "tiny")?;
    field.notes.push(format!("loaded after {took:.1?}"));
    Ok(())
}
