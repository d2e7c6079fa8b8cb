//! Values that share their parts: a few KiB in memory, and larger than any machine when they are walked.

use crate::bodies::note;
use crate::field::{Attack, KEY, Stage, answer_within};
use crate::peer::{Peer, ok};
use crate::scripts::{evaluate, indented};
use crate::wire::Request;
use std::time::Instant;

/// How such a value is made: `a` and `b` are equal and share nothing with each other.
const SHAPES: &[(&str, &str)] = &[
    ("lists", "let a: any = [1];\nlet b: any = [1];\nfor i in Range(0, 24) { set a = [a, a]; set b = [b, b]; }\n"),
    (
        "records",
        "let a: any = [x: 1];\nlet b: any = [x: 1];\nfor i in Range(0, 24) { set a = [x: a, y: a]; set b = [x: b, y: b]; }\n",
    ),
    (
        "tables",
        "let a: any = [[x: 1]];\nlet b: any = [[x: 1]];\nfor i in Range(0, 24) { set a = [[x: a], [x: a]]; set b = [[x: b], [x: b]]; }\n",
    ),
    (
        "wide lists",
        "let a: any = [1];\nlet b: any = [1];\nfor i in Range(0, 6) { set a = Map(Range(0, 32), n => a); set b = Map(Range(0, 32), n => b); }\n",
    ),
    (
        "texts",
        "let a: any = Repeat('x', 1000);\nlet b: any = Repeat('x', 1000);\nfor i in Range(0, 24) { set a = [a, a]; set b = [b, b]; }\n",
    ),
];

/// A walk by a script: its name, and its code. The first shape is tried with all of those marked.
const WALKS: &[(&str, &str, bool)] = &[
    ("as the result", "return a;", true),
    ("in a list as the result", "return [v: [a, b]];", false),
    ("log", "log(a);\nreturn 1;", true),
    ("log of its JSON", "log(JSON.Encode(a));\nreturn 1;", false),
    ("=", "return a = b;", true),
    ("!= of lists of them", "return [a, a] != [b, b];", false),
    ("in", "return a in [1, b];", true),
    ("case", "return case when a = b then 1 else 2 end;", false),
    ("Distinct", "return Count(Distinct([a, b]));", true),
    ("select distinct", "let t = [[v: a], [v: b]];\nreturn Count((select distinct v from t));", false),
    ("group by", "let t = [[v: a], [v: b]];\nreturn Count((select n: count() from t group by v));", true),
    ("order by", "let t = [[v: a], [v: b]];\nreturn Count((t order by v));", false),
    ("join", "let t = [[v: a]];\nlet u = [[v: b]];\nreturn Count((select x.v from t x join u y on x.v = y.v));", true),
    ("except", "let t = [[v: a]];\nlet u = [[v: b]];\nreturn Count((t except [v: b]));", false),
    ("Contains", "return Contains([a], b);", false),
    ("IndexOf", "return IndexOf([a], b);", false),
    ("Pivot", "return Count(Pivot([[k: a, c: 'x', v: 1], [k: b, c: 'y', v: 2]], 'k', 'c', 'v'));", true),
    ("JSON.Encode", "return Len(JSON.Encode(a));", true),
    ("JSON.Serialize", "return Len(JSON.Serialize(a, true));", false),
    ("JSON.EncodeTable", "return Len(JSON.EncodeTable([[v: a]]));", false),
    ("XML.Encode", "return Len(XML.Encode([v: a], 'r'));", true),
    ("CSV.Encode", "return Len(CSV.Encode([[v: a]]));", false),
    ("Join", "return Join([a, a], ', ');", false),
    ("Str", "return Str(a);", true),
    ("a template", "return `{a}`;", false),
    ("&", "return 'x' & a;", false),
    ("Val", "return Val(a);", false),
    ("Sum", "return Sum(a, row);", false),
    ("Min", "return Min([a, b]);", false),
    ("a type", "let c: number* = a;\nreturn Count(c);", false),
    ("is a type", "type deep = [x: any];\nreturn a is deep;", false),
    ("an error", "error Str(a);", false),
    ("an index", "return a[b];", false),
    ("Flatten", "let c: any = a;\nfor i in Range(0, 23) { set c = Flatten(c); }\nreturn Count(c);", true),
    (
        "a loop",
        "function count(v) => case when v is number then 1 else Sum(Map(v, w => count(w))) end;\nreturn count(a);",
        false,
    ),
    ("Default", "return Count([Default(a, b)]);", false),
    ("a query over them", "return a where row = b;", false),
    ("Reverse of all", "return Reverse([a, b]);", false),
];

/// A walk by the engine: its name, and the steps over the variables `a` and `b`.
const STEPS: &[(&str, &str, bool)] = &[
    ("output", "output: \"{a}\"\n", true),
    ("variables at a checkpoint", "  - checkpoint: here\noutput: done\n", true),
    ("variables of a run that fails", "  - assert: { failIf: 1 = 1, message: over }\noutput: done\n", true),
    ("a variable", "  - set: { c: \"[a, b]\" }\n  - checkpoint: here\noutput: done\n", false),
    ("respond", "  - respond: { status: 200, body: \"{a}\" }\noutput: done\n", true),
    ("a log step", "  - log: { message: \"{JSON.Encode(a)}\" }\noutput: done\n", true),
    ("a condition", "  - when: a = b\n    log: { message: equal }\noutput: done\n", true),
    (
        "a loop over it",
        "  - forEach:\n      item: one\n      in: a\n      parallel: 4\n      steps: [ log: { message: one } ]\noutput: done\n",
        false,
    ),
    (
        "branches with it",
        "  - parallel:\n      left: { steps: [ log: { message: l } ], output: \"{a}\" }\n      right: { steps: [ log: { message: r } ], output: \"{b}\" }\noutput: done\n",
        false,
    ),
    ("a called workflow", "  - call: { workflow: called, input: { v: \"{a}\" } }\noutput: done\n", true),
    ("a request", "  - http: { url: \"http://PEER/\", json: \"{a}\" }\noutput: done\n", true),
    ("a file of JSON", "  - file: { write: out.json, content: \"{a}\" }\noutput: done\n", false),
    ("a line of a file", "  - file: { append: out.ndjson, content: \"{a}\" }\noutput: done\n", false),
    ("a file of CSV", "  - file: { write: out.csv, content: [ { v: \"{a}\" } ] }\noutput: done\n", false),
    ("a message of a failure", "  - assert: { failIf: 1 = 1, message: \"{JSON.Encode(a)}\" }\noutput: done\n", false),
    ("an event waited for", "  - wait: { for: 2s }\noutput: \"{a}\"\n", false),
];

/// The attacks of the tables: each walk over each shape, evaluated and in a step; each step over each shape.
pub fn attacks() -> Vec<Attack> {
    let mut attacks = Vec::new();
    for (number, (shape, made)) in SHAPES.iter().enumerate() {
        for (name, walk, always) in WALKS {
            attacks.push(Attack {
                row: "S5",
                name: format!("shared {shape}, {name}: Evaluate"),
                // An evaluation has five seconds: a few of them are enough.
                always: ["as the result", "log"].contains(name) && number == 0,
                stage: Box::new(Stage::default),
                act: Box::new(move |field| evaluate(field, &format!("{made}{walk}"))),
            });
            attacks.push(in_a_run(
                format!("shared {shape}, {name}: Step"),
                *always && number < 2,
                format!("  - id: made\n    script: |\n{}output: done\n", indented(&format!("{made}{walk}"))),
            ));
        }
        for (name, steps, always) in STEPS {
            let script = indented(&format!("{made}return [a: a, b: b];"));
            let both = "  - set: { a: made.a, b: made.b }\n";
            attacks.push(in_a_run(
                format!("shared {shape}, {name}"),
                *always && number == 0,
                format!("  - id: made\n    script: |\n{script}{both}{steps}"),
            ));
        }
    }
    attacks
}

fn in_a_run(name: String, always: bool, steps: String) -> Attack {
    Attack {
        row: "S5",
        name,
        always,
        stage: Box::new(move || {
            let peer = Peer::new(|_, _| ok("1"));
            let head = "limits: { run: 200ms }\ndiagnostics: { variables: \"on\" }\ntrigger: { webhook: { response: wait, timeout: 1m } }\nsteps:\n";
            let steps = steps.replace("PEER", &peer.address);
            Stage::of([
                ("flowscript.toml", peer.allow()),
                ("workflows/target.yaml", format!("{head}{steps}")),
                ("workflows/called.yaml", "input: { v: any }\noutput: \"{v}\"\n".to_owned()),
            ])
        }),
        act: Box::new(|field| {
            let started = Instant::now();
            let told = field.ask_often(&Request::new("POST", "/hooks/target").with("X-API-Key", KEY).json("{}"), 4);
            note(field, &told);
            for told in told {
                let told = told?;
                if told.status != 200 && told.status != 500 {
                    return Err(format!("it was answered {}", told.text.chars().take(400).collect::<String>()));
                }
                if told.text.len() > 16 << 20 {
                    return Err(format!("the answer has {} MB", told.text.len() >> 20));
                }
            }
            if started.elapsed() > answer_within() * 4 {
                return Err(format!("limits.run ended it after {:?}", started.elapsed()));
            }
            Ok(())
        }),
    }
}
