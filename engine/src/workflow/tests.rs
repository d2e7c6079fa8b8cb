use super::*;
use crate::script::Library;
use crate::yaml::problem::Problem;
use flowscript_lang::value::Zone;
use std::collections::BTreeMap;
use std::sync::Arc;

fn library() -> Library {
    let modules = BTreeMap::from([
        (
            "pricing".to_owned(),
            Arc::from("function net(gross: number) => gross / 1.25;\ntype line = {sku: text, qty: number};\n"),
        ),
        ("broken".to_owned(), Arc::from("let a = 1;\nfunction f() => nope;\n")),
    ]);
    Library::new(Zone::UTC, "en-US", 1_000_000, 64 << 20).with_modules(modules)
}

fn problems(source: &str) -> Vec<Problem> {
    read("test", source, &library(), &mut |_| Callee::Missing).problems
}

/// The file loads, with no more than warnings.
fn loads(source: &str) -> model::Workflow {
    let read = read("test", source, &library(), &mut |_| Callee::Missing);
    let lines: Vec<String> = read.problems.iter().map(|p| p.line("test.yaml")).collect();
    read.workflow.unwrap_or_else(|| panic!("{}\n{source}", lines.join("\n")))
}

/// The file has exactly this error at `line:column`, with `part` in its message.
fn fails(source: &str, place: &str, code: &str, part: &str) {
    let errors: Vec<Problem> = problems(source).into_iter().filter(|p| !p.warning).collect();
    let lines: Vec<String> = errors.iter().map(|p| p.line("test.yaml")).collect();
    let [error] = errors.as_slice() else { panic!("one error is expected, not {lines:#?}\n{source}") };
    let at = format!("{}:{}", error.place.line, error.place.column);
    assert_eq!((at.as_str(), error.code.id), (place, code), "{lines:?}\n{source}");
    assert!(error.message.contains(part), "{lines:?}");
}

#[test]
fn the_page_s_first_example_without_sql() {
    let workflow = loads(
        r#"
name: Item price
description: Price of an item for the web shop
active: true
label: "{itemId}"
input:
  itemId: text
  quantity: { type: number, default: 1 }
trigger:
  webhook:
    path: item-price
    methods: [GET, POST]
    auth: apiKey
    response: wait
    timeout: 30s
    query:
      itemId: {}
      quantity: { type: number, default: 1 }
    processing:
      input: "[itemId: upper(query.itemId), quantity: query.quantity]"
      output: "[price: output.total, currency: 'EUR']"
steps:
  - id: find
    file: { read: "{itemId}.json" }
  - assert: { failIf: "empty(find)", message: "No item {itemId}", status: 404 }
  - id: priced
    script: |
      let item = First(find);
      return [total: round(item.price * quantity, 2)];
output: { total: "{priced.total}" }
"#,
    );
    let webhook = workflow.webhook.unwrap();
    assert_eq!((webhook.path.as_str(), webhook.query.len(), workflow.steps.len()), ("item-price", 2, 3));
    assert!(webhook.processing_input.is_some() && webhook.processing_output.is_some());
    let positions: Vec<&str> = workflow.steps.iter().map(|step| step.position.as_str()).collect();
    assert_eq!(positions, ["find", "2", "priced"]);
}

#[test]
fn defaults() {
    let workflow = loads("trigger: { webhook: }\noutput: 1");
    let webhook = workflow.webhook.unwrap();
    assert_eq!(
        (webhook.path.as_str(), webhook.auth, webhook.response),
        ("test", model::Auth::ApiKey { query: None }, model::Response::Accept)
    );
    assert_eq!((workflow.name.as_str(), workflow.active, webhook.timeout.as_secs()), ("test", true, 30));
    assert_eq!(webhook.methods.len(), 2);
}

#[test]
fn the_way_through_decide() {
    let workflow = loads(
        "steps:
  - id: pick
    decide:
      - when: 1 = 1
        steps:
          - set: { a: 1 }
          - log: { message: x }
      - when: 1 = 2
        steps: []
      - else:
          - end: { output: 2 }
  - log: { message: behind }
",
    );
    let positions: Vec<&str> = workflow.steps.iter().map(|step| step.position.as_str()).collect();
    assert_eq!(positions, ["pick", "pick/1/1", "pick/1/2", "pick/3/1", "2"]);
    let next: Vec<_> = workflow.steps.iter().map(|step| step.next).collect();
    assert_eq!(next, [None, Some(2), Some(4), None, None]);
    assert_eq!(workflow.steps[0].ways, [Some(1), Some(4), Some(3)]);
}

#[test]
fn structure() {
    fails("a: 1", "1:1", "F0201", "A workflow has no key `a`");
    fails("steps: 1", "1:8", "F0203", "`steps` must be a list, not `1`");
    fails("name: x", "1:1", "F0202", "needs `steps` or `output`");
    fails("- 1", "1:1", "F0203", "A workflow must be a map");
    fails("active: maybe\noutput: 1", "1:9", "F0203", "`active` must be true or false, not `maybe`");
    fails("name: [1]\noutput: 1", "1:7", "F0203", "`name` must be a text, not a list");
    fails("redact: [a.b]\noutput: 1", "1:10", "F0203", "`redact` names `a`");
    fails("limits: { run: 0s }\noutput: 1", "1:16", "F0203", "0 leaves no time");
    fails("diagnostics: { input: no }\noutput: 1", "1:23", "F0203", "`input` is `no`");
    fails("trigger: { schedule: 1 }\noutput: 1", "1:22", "F0203", "must be a list of schedules");
    fails("output: 1\noutput: 2", "2:1", "F0103", "a second time");
    fails("output: &a 1", "1:9", "F0102", "Anchors");
}

#[test]
fn webhooks() {
    let check = |webhook: &str, column: u32, code: &str, part: &str| {
        fails(&format!("output: 1\ntrigger: {{ webhook: {{ {webhook} }} }}"), &format!("2:{column}"), code, part);
    };
    check("path: /a", 29, "F0203", "`path` must be made of letters");
    check("path: 'a b'", 29, "F0203", "not `a b`");
    check("path: a//b", 29, "F0203", "single slashes");
    check("path: a/runs/b", 29, "F0203", "must not end like");
    check("methods: [GET, PUT]", 38, "F0203", "`methods` is `PUT`; it can be `GET` or `POST`");
    check("methods: []", 32, "F0203", "`methods` must be a list");
    check("auth: key", 29, "F0203", "`auth` is `key`; it can be `apiKey`, `none` or `basic`");
    check("auth: { basic: { username: u } }", 38, "F0202", "`password` is missing");
    check("auth: { signature: gitlab, secret: x }", 42, "F0203", "`signature` is `gitlab`");
    check("auth: { signature: github }", 29, "F0202", "needs a `secret`");
    check("auth: { signature: { secret: x } }", 42, "F0202", "needs a `scheme`");
    check("auth: { signature: { scheme: github, prefix: x, secret: y } }", 60, "F0203", "`scheme` has settled it");
    check("auth: { signature: { header: 'a b', secret: '${env:X}' } }", 42, "F0203", "name of a header");
    check("auth: { apiKey: { query: k }, basic: {} }", 29, "F0203", "one of the keys");
    check("auth: { apiKey: { query: k } }, query: { k: {} }", 21, "F0203", "`k` holds the key");
    check("response: later", 33, "F0203", "`response` is `later`");
    check("timeout: 30", 32, "F0203", "`30` is not a duration");
    check("timeout: 0s", 32, "F0203", "leaves no time");
    check("timeout: 2d", 32, "F0203", "too long");
    check("cors: [a]", 30, "F0203", "An origin is a scheme");
    check("cors: ['https://a.example/path']", 30, "F0203", "An origin is a scheme");
    check("cors: []", 29, "F0203", "`cors` must be a list");
    check("pth: a", 23, "F0201", "A webhook has no key `pth`");
    check("query: { a: nummer }", 35, "E0107", "nummer");
    check("query: { a: { default: x, type: number } }", 46, "F0203", "The default of `a` does not fit");
}

#[test]
fn running() {
    let workflow = loads("concurrency: 3\nonFailure: erp.alarm\noutput: 1");
    assert_eq!((workflow.concurrency, workflow.on_failure.as_deref()), (Some(3), Some("erp.alarm")));
    assert_eq!(workflow.references[0].0, "erp.alarm");
    fails("concurrency: 0\noutput: 1", "1:14", "F0203", "from 1 to 10000");
    fails("concurrency: 1.5\noutput: 1", "1:14", "F0203", "from 1 to 10000");
    fails("onFailure: A b\noutput: 1", "1:12", "F0203", "The id of a workflow");
    fails("durability: some\noutput: 1", "1:13", "F0203", "`durability` is `some`");
    fails("durability: relaxed\nconcurrency: 1\noutput: 1", "1:13", "F0203", "`concurrency` needs");
    let ordered = |settings: &str| format!("trigger:\n  webhook:\n    ordered: {settings}\noutput: 1");
    let webhook = loads(&ordered("{ key: body.id, onFailure: pause }")).webhook.unwrap();
    assert!(webhook.ordered.is_some_and(|ordered| ordered.pause && ordered.key.is_some()));
    assert!(loads(&ordered("false")).webhook.unwrap().ordered.is_none());
    fails(&ordered("{ key: nope }"), "3:21", "E0101", "nope");
    fails(&ordered("{ onFailure: stop }"), "3:27", "F0203", "`continue` or `pause`");
    fails(&ordered("yes"), "3:14", "F0203", "`ordered` must be a map");
}

#[test]
fn inputs() {
    loads("input: { a: 'text?', b: { default: [1] }, c: 'pricing.line*', d: }\noutput: \"{a} {b} {d}\"");
    fails("input: { run: text }\noutput: 1", "1:10", "F0205", "`run` is a name of the engine");
    fails("input: { 1a: text }\noutput: 1", "1:10", "F0205", "`1a` is not a name");
    fails("input: { where: text }\noutput: 1", "1:10", "F0205", "`where` is a word of FlowScript");
    fails("input: { a: number }\nsteps:\n  - id: a\n    set: { b: 1 }", "3:9", "F0205", "`a` is an input already");
}

#[test]
fn steps() {
    fails("steps:\n  - id: a", "2:5", "F0202", "does nothing");
    fails("steps:\n  - log: { message: x }\n    set: { a: 1 }", "3:5", "F0203", "`log` and `set`");
    fails("steps:\n  - sql: { query: x }", "2:10", "F0202", "`sql` needs a `connection`");
    fails("steps:\n  - sett: { a: 1 }", "2:5", "F0201", "no key `sett`");
    fails("steps: [ x ]", "1:10", "F0203", "A step must be a map");
    fails("steps:\n  - file: { write: x }", "2:11", "F0202", "`write` needs `content`");
    fails("steps:\n  - file: { as: json }", "2:11", "F0202", "`file` does one thing: `read`");
    fails("steps:\n  - log: { message: x, level: loud }", "2:31", "F0203", "`level` is `loud`");
    fails("steps:\n  - assert: { failIf: true, status: 200 }", "2:37", "F0203", "from 400 to 599");
    fails("steps:\n  - end: { output: 1, error: x }", "2:23", "F0203", "not both");
    fails("steps:\n  - id: a\n    set: { x: 1 }\n  - id: a\n    set: { x: 1 }", "4:9", "F0205", "has the id `a`");
    fails("steps:\n  - end:\n  - log: { message: x }", "3:5", "F0206", "No run reaches this step");
    fails("steps:\n  - end:\noutput: 1", "3:1", "F0206", "`output` is never reached");
    fails("steps:\n  - set: { a: [1] }", "2:15", "F0203", "must be an expression, not a list");
    fails(
        "steps:\n  - decide:\n    - else: []\n    - when: true\n      steps: []",
        "3:7",
        "F0203",
        "`else` must be alone",
    );
    fails("steps:\n  - decide:\n    - when: true", "3:7", "F0202", "needs `steps`");
}

#[test]
fn steps_that_act() {
    let http = |settings: &str| format!("steps:\n  - http: {{ {settings} }}");
    let workflow = loads(&http("url: 'http://x/{1 + 1}', json: { a: '{1}' }"));
    assert!(workflow.steps[0].acts() && !workflow.is_direct());
    assert!(loads(&http("url: http://x")).is_direct());
    fails(&http("method: GET"), "2:11", "F0202", "`http` needs a `url`");
    fails(&http("url: x, method: FETCH"), "2:29", "F0203", "`method` is `FETCH`");
    fails(&http("url: x, json: 1, body: 2"), "2:30", "F0203", "not both");
    fails(&http("url: x, method: GET, json: 1"), "2:11", "F0203", "has no body");
    fails(&http("url: x, expect: 7xx"), "2:29", "F0203", "`expect` must be statuses");
    fails(&http("url: 'http://x/{nope}'"), "2:29", "E0101", "nope");
    fails(&http("url: x, query: [a]"), "2:28", "F0203", "`query` must be a map");
    fails(&http("url: x, ulr: y"), "2:21", "F0201", "no key `ulr`");
    loads("steps:\n  - respond: { status: 201, headers: { X-A: b }, body: { a: 1 } }");
    fails("steps:\n  - respond: { headers: { Set-Cookie: x } }", "2:27", "F0203", "cannot be set");
    fails("steps:\n  - respond: { headers: { Connection: x } }", "2:27", "F0203", "cannot be set");
    fails("steps:\n  - respond: { status: 99 }", "2:24", "F0203", "from 200 to 599");
    fails("steps:\n  - checkpoint:", "2:15", "F0203", "must be a name");
}

#[test]
fn what_steps_have_in_common() {
    let retry = |settings: &str| format!("steps:\n  - script: return 1;\n    retry: {{ {settings} }}");
    let workflow = loads(&retry("times: 3, delay: 2s, backoff: fixed, maxDelay: 1m, on: error.kind = 'io'"));
    assert!(workflow.steps[0].retry.as_ref().is_some_and(|retry| retry.times == 3 && !retry.exponential));
    assert!(!workflow.is_direct());
    fails(&retry("times: -1"), "3:21", "F0203", "from 0 to 1000");
    fails(&retry("on: error.knd"), "3:24", "E0106", "knd");
    fails(&retry("on: eror.kind"), "3:18", "E0101", "eror");
    fails("steps:\n  - script: return 1;\n    timeout: 1s", "3:5", "F0203", "`timeout` is for steps");
    fails("steps:\n  - script: return 1;\n    continueOnFail: true", "3:5", "F0203", "needs an `id`");
    fails("steps:\n  - end:\n    retry: { times: 1 }", "3:5", "F0203", "`end` ends the run");
    fails("steps:\n  - decide: [ else: [] ]\n    once: true", "3:5", "F0203", "`decide` contains steps");
    loads("steps:\n  - id: a\n    continueOnFail: true\n    script: return 1;\noutput: \"{a} {errors.a?.kind}\"");
}

#[test]
fn requests_stand_in_scripts_only() {
    assert!(loads("steps:\n  - script: return HTTP.Get('http://x');").steps[0].acts());
    let refused = problems("output: \"{HTTP.Get('http://x').text}\"");
    assert!(refused.iter().any(|problem| !problem.warning && problem.message.contains("HTTP")), "{refused:?}");
}

#[test]
fn flowscript_is_placed_in_the_file() {
    fails("steps:\n  - set: { a: nope + 1 }", "2:15", "E0101", "nope");
    fails("steps:\n  - id: s\n    script: |\n      let x = 1;\n      return x + nope;", "5:18", "E0101", "nope");
    fails("output: \"a {1 + nope} b\"", "1:17", "E0101", "nope");
    fails("output:\n  deep: [ 'it''s {nope}' ]", "2:19", "E0101", "nope");
    fails("steps:\n  - script: broken.f()", "2:17", "E0101", "nope");
}

#[test]
fn modules_have_files_of_their_own() {
    loads("output: \"{pricing.net(125)}\"");
    let found = problems("output: \"{broken.f()}\"");
    assert_eq!(found[0].file.as_deref(), Some("modules/broken.flow"));
    assert_eq!((found[0].place.line, found[0].place.column), (2, 17));
}

#[test]
fn variables_are_known_where_every_path_has_set_them() {
    let decide = |first: &str, second: &str| {
        format!(
            "steps:\n  - decide:\n      - when: 1 = 1\n        steps:\n          - {first}\n      - else:\n          - {second}\noutput: \"{{a}}\""
        )
    };
    loads(&decide("set: { a: 1 }", "set: { a: 2 }"));
    loads(&decide("set: { a: 1 }", "end:"));
    loads(&decide("{ id: a, script: return 1; }", "{ id: a, script: return 2; }"));
    fails(&decide("set: { a: 1 }", "log: { message: x }"), "8:11", "E0101", "`a`");
    fails("steps:\n  - when: 1 = 2\n    set: { a: 1 }\noutput: \"{a}\"", "4:11", "E0101", "`a`");
    loads("steps:\n  - id: a\n    when: 1 = 2\n    script: return 1;\noutput: \"{a}\"");
    fails("steps:\n  - log: { message: \"{a}\" }\n  - set: { a: 1 }", "2:23", "E0101", "`a`");
}

#[test]
fn what_processing_sees() {
    let webhook = |processing: &str| {
        format!(
            "input: {{ n: 'number?' }}\ntrigger:\n  webhook:\n    query: {{ q: number }}\n    processing: {{ {processing} }}\nsteps:\n  - set: {{ inner: 1 }}\noutput: {{ total: 1 }}"
        )
    };
    loads(&webhook("input: '[n: query.q + body.x]', output: '[t: output.total, n, id: run.id]'"));
    loads(&webhook("input: 'let x = query.q; return [n: x];'"));
    fails(&webhook("input: '[n: query.missing]'"), "5:37", "E0106", "missing");
    fails(&webhook("input: '[n: n]'"), "5:31", "E0101", "`n`");
    fails(&webhook("output: inner"), "5:27", "E0101", "`inner`");
}

#[test]
fn versions_change_with_what_they_reach() {
    let version = |source: &str, library: &Library| {
        read("a", source, library, &mut |_| Callee::Missing).workflow.unwrap().version
    };
    let plain = Library::new(Zone::UTC, "en-US", 1, 1 << 20);
    let other =
        plain.with_modules(BTreeMap::from([("pricing".to_owned(), Arc::from("function net(g: number) => g;"))]));
    assert_eq!(version("output: 1", &library()), version("output: 1", &other));
    assert_ne!(version("output: 1", &other), version("output: 2", &other));
    let reaching = "output: \"{pricing.net(1)}\"";
    assert_ne!(version(reaching, &library()), version(reaching, &other));
}

#[test]
fn ids_of_files() {
    assert_eq!(id_of_path("item-price.yaml"), Ok("item-price".to_owned()));
    assert_eq!(id_of_path("erp/item_2.yaml"), Ok("erp.item_2".to_owned()));
    assert!(id_of_path("Item.yaml").is_err_and(|e| e.contains("`Item`")));
    assert!(id_of_path("a.b.yaml").is_err());
    assert!(id_of_path(".yaml").is_err());
}

#[test]
fn stored_texts_come_back() {
    let workflow = loads("output: \"{pricing.net(125)}\"");
    let text = WorkflowText::decode(&workflow.text).unwrap();
    assert_eq!(text.hash(), workflow.version);
    assert!(text.modules.contains_key("pricing"));
    assert!(WorkflowText::decode(b"{}").is_err());
}

#[test]
fn statements_take_bound_values_only() {
    let sql = |sql: &str| format!("input: {{ a: text }}\nsteps:\n  - id: r\n    sql: {{ connection: c, {sql} }}\n");
    loads(&sql("query: \"select :a, ':b'\", params: { a: \"{a}\" }"));
    loads(&sql("execute: [\"delete from t\", \"insert into t values (:a)\"], params: { a: [1, 2] }"));
    fails(&sql("query: \"select '{a}'\""), "4:43", "F0212", "`{a}` inside SQL");
    fails(&sql("query: \"select :a\""), "4:10", "F0202", "`:a` has no value");
    fails(&sql("query: \"select 1\", params: { a: 1 }"), "4:56", "F0201", "No statement uses the parameter `a`");
    fails(&sql("query: x, execute: y"), "4:10", "F0203", "reads");
}

#[test]
fn steps_that_hold_steps() {
    let steps = |steps: &str| format!("input: {{ n: number }}\nsteps:\n{steps}");
    loads(&steps(
        "  - set: { t: 0 }\n  - forEach: { item: i, in: '[1]', steps: [ set: { t: t + i } ] }\n  - set: { u: t + 1 }",
    ));
    fails(
        &steps("  - set: { t: 0 }\n  - parallel: { a: { steps: [ set: { t: 1 } ] } }"),
        "4:38",
        "F0211",
        "`t` comes from outside and cannot be set inside `parallel`",
    );
    fails(
        &steps("  - forEach: { item: i, in: '[1]', parallel: 2, steps: [ end: ] }"),
        "3:61",
        "F0203",
        "`end` is not allowed inside a `forEach` with `parallel` above 1",
    );
    fails(&steps("  - forEach: { item: n, in: '[1]', steps: [] }"), "3:22", "F0205", "`n` is the name of a variable");
    fails(
        &steps("  - parallel: { a: { steps: [ set: { x: 1 } ] } }\n  - log: { message: \"{x}\" }"),
        "4:23",
        "E0101",
        "`x`",
    );
    fails(&steps("  - id: a\n    call: { workflow: none }"), "4:23", "F0207", "no workflow `none`");
    fails(&steps("  - wait: { event: paid }"), "3:13", "F0202", "its address is not known");
    fails(&steps("  - wait: { for: 1s, until: now() }"), "3:11", "F0203", "one thing");
    fails(
        &steps("  - forEach: { item: i, in: '[1]', steps: [] }\n    retry: { times: 1 }"),
        "4:5",
        "F0203",
        "contains steps",
    );
}

#[test]
fn relaxed_workflows_call_none_that_acts() {
    let called = Arc::new(loads("steps: [ http: { url: 'http://x', method: POST } ]"));
    let source = "durability: relaxed\nsteps: [ { id: c, call: { workflow: c } } ]";
    let read = read("test", source, &library(), &mut |_| Callee::Loaded(called.clone()));
    let messages: Vec<&str> = read.problems.iter().map(|problem| problem.message.as_str()).collect();
    assert!(read.workflow.is_none() && messages[0].contains("a step acts on something outside"), "{messages:?}");
}

#[test]
fn schedules() {
    let schedule = |schedule: &str| {
        format!("trigger:\n  schedule:\n    - {schedule}\ninput: {{ n: {{ type: number, default: 1 }} }}\noutput: 1\n")
    };
    let keys = |text: &str| loads(&schedule(text)).schedules.into_iter().map(|s| s.key).collect::<Vec<_>>();
    assert_eq!(keys("{ cron: '0  6 * * MON-FRI' }"), ["cron 0 6 * * MON-FRI UTC"]);
    assert_eq!(
        keys("{ monthly: [1, last], time: '06:30', timeZone: Europe/Stockholm }"),
        ["monthly 1,last 06:30:00 Europe/Stockholm"]
    );
    assert_eq!(keys("{ id: a, every: { hours: 2 }, from: 2026-01-01T01:00, input: { n: 2 }, jitter: 5s }"), ["a"]);
    let check = |text: &str, place: &str, code: &str, part: &str| fails(&schedule(text), place, code, part);
    check("{ cron: '0 0 30 2 *' }", "3:7", "F0213", "can never fire");
    check("{ cron: '0 0 * *' }", "3:15", "F0203", "has 4 fields");
    check("{ cron: '0 0 15W * *' }", "3:15", "F0203", "`15W` cannot be the day of the month");
    check("{ weekly: [mon, fry] }", "3:23", "F0203", "not `fry`");
    check("{ weekly: [monkey] }", "3:18", "F0203", "not `monkey`");
    check("{ monthly: [1, 32] }", "3:22", "F0203", "not `32`");
    check("{ every: daily, timeZone: Europe/Stokholm }", "3:33", "F0203", "not `Europe/Stokholm`");
    check("{ every: { seconds: 0 } }", "3:16", "F0203", "at least 1 second");
    check("{ every: daily, at: 2026-01-01T00:00 }", "3:7", "F0203", "has one of");
    check("{ every: daily, time: '06:30' }", "3:23", "F0203", "`time` is for");
    check("{ every: daily, timeZone: Mars/North }", "3:33", "F0203", "IANA name");
    check("{ every: daily, input: { m: 1 } }", "3:32", "F0201", "no input `m`");
    check("{ weekly: [someday] }", "3:18", "F0203", "list of days");
    check("{ every: daily }\n    - { every: daily }", "4:7", "F0205", "Another schedule");
}
