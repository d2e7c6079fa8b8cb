//! The steps for odd values: each kind of step, with `VALUE` at each place that takes a value.
//!
//! A step whose id begins with `same_` fails if a value has changed on its way.

/// Lists of steps by name. `PEER` is a peer that echoes its requests.
pub const LISTS: [(&str, &str); 9] = [
    ("compute", COMPUTE),
    ("nested", NESTED),
    ("asserts", ASSERTS),
    ("http", HTTP),
    ("sql", SQL),
    ("file", FILE),
    ("paths", PATHS),
    ("email", EMAIL),
    ("waits", WAITS),
];

const COMPUTE: &str = r#"
  - { id: assigned, set: { w: "VALUE" }, continueOnFail: true }
  - { id: table, table: { name: t, from: "VALUE" }, continueOnFail: true }
  - { id: script, script: "return VALUE;", continueOnFail: true }
  - { id: script_set, script: "set w = VALUE; return [VALUE];", continueOnFail: true }
  - id: decide
    decide: [ { when: "VALUE", steps: [ { log: { message: taken } } ] }, { else: [ { log: { message: left } } ] } ]
  - { id: asked, when: "VALUE", log: { message: done }, continueOnFail: true }
  - { id: log, log: { message: "{VALUE}" }, continueOnFail: true }
  - { id: log_part, log: { message: "a {VALUE} b", level: debug }, continueOnFail: true }
  - { id: checkpoint, checkpoint: here, continueOnFail: true }
"#;

const NESTED: &str = r#"
  - id: each
    forEach: { item: x, in: "VALUE", steps: [ { id: one, script: return x; } ], output: "{x}" }
    continueOnFail: true
  - id: each_parallel
    forEach: { item: y, in: "VALUE", parallel: 2, steps: [ { id: two, script: return y; } ] }
    continueOnFail: true
  - id: both
    parallel:
      left: { steps: [ { set: { left: "VALUE" } } ], output: "{VALUE}" }
      right: { steps: [ { id: r, script: "return VALUE;" } ] }
    continueOnFail: true
  - { id: same_both, when: errors.both = null, assert: { failIf: "not (both.left = both.right and both.left = VALUE)", message: changed }, continueOnFail: true }
  - { id: called, call: { workflow: any, input: { v: "{VALUE}" } }, continueOnFail: true }
  - { id: same_called, when: errors.called = null, assert: { failIf: "not (called = VALUE)", message: changed }, continueOnFail: true }
  - { id: called_number, call: { workflow: number, input: { v: "{VALUE}" } }, continueOnFail: true }
  - { id: called_rows, call: { workflow: rows, input: { v: "{VALUE}" } }, continueOnFail: true }
"#;

const ASSERTS: &str = r#"
  - { id: fail_if, assert: { failIf: "VALUE", message: "it holds" }, continueOnFail: true }
  - { id: message, assert: { failIf: "true", message: "{VALUE}" }, continueOnFail: true }
  - { id: message_part, assert: { failIf: "true", message: "a {VALUE} b" }, continueOnFail: true }
  - { id: status, assert: { failIf: "true", message: "it holds", status: "{VALUE}" }, continueOnFail: true }
  - { id: retry_on, assert: { failIf: "true", message: "it holds" }, retry: { times: 1, delay: 1ms, on: "VALUE" }, continueOnFail: true }
"#;

const HTTP: &str = r#"
  - { id: part, http: { url: "http://PEER/path/{VALUE}/end" }, continueOnFail: true }
  - { id: address, http: { url: "{VALUE}" }, timeout: 2s, continueOnFail: true }
  - { id: query, http: { url: "http://PEER/query", query: { q: "{VALUE}" } }, continueOnFail: true }
  - { id: head, http: { url: "http://PEER/header", headers: { X-Odd: "{VALUE}" } }, continueOnFail: true }
  - { id: same_head, when: errors.head = null, assert: { failIf: "head.json != trim(VALUE)", message: "{head.json}" }, continueOnFail: true }
  - { id: json, http: { url: "http://PEER/json", json: { v: "{VALUE}" } }, continueOnFail: true }
  - { id: same_json, when: errors.json = null, assert: { failIf: "not (json.json.v = VALUE)", message: "changed to {json.text}" }, continueOnFail: true }
  - { id: put, http: { url: "http://PEER/json", method: PUT, json: "{VALUE}" }, continueOnFail: true }
  - { id: body, http: { url: "http://PEER/body", method: PATCH, body: "{VALUE}" }, continueOnFail: true }
  - { id: same_body, when: errors.body = null, assert: { failIf: "not (body.text = VALUE)", message: "changed to {body.text}" }, continueOnFail: true }
  - { id: delete, http: { url: "http://PEER/body", method: DELETE, body: "{VALUE}" }, continueOnFail: true }
  - { id: saved, http: { url: "http://PEER/file", saveAs: "{VALUE}" }, continueOnFail: true }
  - { id: saved_below, http: { url: "http://PEER/file", saveAs: "saved/{VALUE}.bin" }, continueOnFail: true }
"#;

const SQL: &str = r#"
  - { id: query, sql: { connection: db, query: "select :v as v", params: { v: "{VALUE}" } }, continueOnFail: true }
  - { id: same_query, when: errors.query = null, assert: { failIf: "not (query[0].v = VALUE)", message: "changed to {JSON.Encode(query[0].v)}" }, continueOnFail: true }
  - { id: insert, sql: { connection: db, execute: "insert into t (a, b) values (:v, :v) returning a, b", params: { v: "{VALUE}" } }, continueOnFail: true }
  - { id: same_insert, when: errors.insert = null, assert: { failIf: "not (insert[0].a = VALUE and insert[0].b = VALUE)", message: "changed to {JSON.Encode(insert[0])}" }, continueOnFail: true }
  - { id: list, sql: { connection: db, execute: ["delete from t where a = :v", "insert into t (a) values (:v)"], params: { v: "{VALUE}" } }, continueOnFail: true }
"#;

const FILE: &str = r#"
  - { id: write_json, file: { write: "{n}.json", content: { v: "{VALUE}" } }, continueOnFail: true }
  - { id: json, when: errors.write_json = null, file: { read: "{n}.json" }, continueOnFail: true }
  - { id: same_json, when: errors.write_json = null, assert: { failIf: "not (json.v = VALUE)", message: changed }, continueOnFail: true }
  - { id: whole_json, file: { write: "{n}-whole.json", content: "{VALUE}" }, continueOnFail: true }
  - { id: write_ndjson, file: { write: "{n}.ndjson", content: ["{VALUE}", { v: "{VALUE}" }] }, continueOnFail: true }
  - { id: add_ndjson, file: { append: "{n}.ndjson", content: ["{VALUE}"] }, continueOnFail: true }
  - { id: ndjson, when: errors.write_ndjson = null, file: { read: "{n}.ndjson" }, continueOnFail: true }
  - { id: same_ndjson, when: "errors.write_ndjson = null and errors.add_ndjson = null", assert: { failIf: "not (ndjson[0] = VALUE and ndjson[1].v = VALUE and ndjson[2] = VALUE)", message: changed }, continueOnFail: true }
  - { id: write_csv, file: { write: "{n}.csv", content: [{ a: "{VALUE}", b: x }] }, continueOnFail: true }
  - { id: add_csv, file: { append: "{n}.csv", content: [{ b: y, a: "{VALUE}" }] }, continueOnFail: true }
  - { id: csv, when: errors.write_csv = null, file: { read: "{n}.csv" }, continueOnFail: true }
  - { id: same_csv, when: "errors.write_csv = null and errors.add_csv = null", assert: { failIf: "not (count(csv) = 2 and csv[0].a = VALUE and csv[1].a = VALUE)", message: "changed to {JSON.Encode(csv)}" }, continueOnFail: true }
  - { id: write_single, file: { write: "{n}-single.csv", content: [{ a: "{VALUE}" }, { a: x }] }, continueOnFail: true }
  - { id: single, when: errors.write_single = null, file: { read: "{n}-single.csv" }, continueOnFail: true }
  - { id: same_single, when: errors.write_single = null, assert: { failIf: "not (count(single) = 2 and single[0].a = VALUE)", message: "changed to {JSON.Encode(single)}" }, continueOnFail: true }
  - { id: rows_csv, file: { write: "{n}-rows.csv", content: "{VALUE}" }, continueOnFail: true }
  - { id: rows, when: errors.rows_csv = null, file: { read: "{n}-rows.csv" }, continueOnFail: true }
  - { id: write_text, file: { write: "{n}.txt", content: "{VALUE}" }, continueOnFail: true }
  - { id: add_text, file: { append: "{n}.txt", as: text, content: "{VALUE}" }, continueOnFail: true }
  - { id: text, when: errors.write_text = null, file: { read: "{n}.txt", as: binary }, continueOnFail: true }
  - { id: write_binary, file: { write: "{n}.bin", content: "{VALUE}" }, continueOnFail: true }
  - { id: add_binary, file: { append: "{n}.bin", content: "{VALUE}" }, continueOnFail: true }
  - { id: add_json, file: { append: "{n}.json", content: "{VALUE}" }, continueOnFail: true }
"#;

const PATHS: &str = r#"
  - { id: write, file: { write: "{VALUE}", content: x }, continueOnFail: true }
  - { id: read, file: { read: "{VALUE}" }, continueOnFail: true }
  - { id: read_drop, file: { connection: drop, read: "{VALUE}" }, continueOnFail: true }
  - { id: read_csv, file: { read: "{VALUE}", as: csv }, continueOnFail: true }
  - { id: list, file: { list: "{VALUE}" }, continueOnFail: true }
  - { id: list_part, file: { list: "{VALUE}/*{VALUE}" }, continueOnFail: true }
  - { id: append, file: { append: "{VALUE}", content: y }, continueOnFail: true }
  - { id: move, file: { move: "{VALUE}", to: "moved/{VALUE}" }, continueOnFail: true }
  - { id: move_to, file: { move: "moved/{VALUE}", to: "{VALUE}" }, continueOnFail: true }
  - { id: delete, file: { delete: "{VALUE}" }, continueOnFail: true }
"#;

const EMAIL: &str = r#"
  - { id: to, email: { connection: mail, to: "{VALUE}", cc: "{VALUE}", bcc: "{VALUE}", subject: s, body: b }, continueOnFail: true }
  - { id: sender, email: { connection: mail, from: "{VALUE}", to: a@example.com, subject: s, body: b }, continueOnFail: true }
  - { id: subject, email: { connection: mail, to: a@example.com, subject: "{VALUE}", body: b }, continueOnFail: true }
  - { id: body, email: { connection: mail, to: a@example.com, subject: s, body: "{VALUE}", html: "{VALUE}" }, continueOnFail: true }
  - { id: attached, email: { connection: mail, to: a@example.com, subject: s, body: b, attachments: [{ name: "a.json", content: "{VALUE}" }] }, continueOnFail: true }
  - { id: named, email: { connection: mail, to: a@example.com, subject: s, body: b, attachments: [{ name: "{VALUE}", content: c }] }, continueOnFail: true }
"#;

const WAITS: &str = r#"
  - { id: event, wait: { event: "{VALUE}", timeout: 1ms }, continueOnFail: true }
  - { wait: { for: 1ms } }
  - { id: same_kept, assert: { failIf: "not (VALUE = odd.value(n))", message: changed }, continueOnFail: true }
  - { id: until, when: "not (VALUE is datetime) or Date(VALUE) < now()", wait: { until: "VALUE" }, continueOnFail: true }
"#;

/// Whole workflows by name, with `VALUE` in place of a value: the constructs that occur once in each.
pub const WHOLE: [(&str, &str); 11] = [
    ("output", "output: \"{VALUE}\""),
    ("output_parts", "output: { whole: \"{VALUE}\", list: [\"{VALUE}\"], text: \"a {VALUE} b\" }"),
    ("end_output", "steps:\n  - end: { output: { v: \"{VALUE}\" } }"),
    ("end_error", "steps:\n  - end: { error: \"{VALUE}\" }"),
    ("assert_status", "steps:\n  - assert: { failIf: \"true\", message: \"{VALUE}\", status: \"{VALUE}\" }"),
    ("respond_body", "steps:\n  - respond: { body: \"{VALUE}\" }"),
    ("respond_status", "steps:\n  - respond: { status: \"{VALUE}\", body: x }"),
    ("respond_header", "steps:\n  - respond: { headers: { X-Odd: \"{VALUE}\", Content-Type: \"{VALUE}\" }, body: x }"),
    ("label", "label: \"a {VALUE}\"\noutput: 1"),
    ("label_whole", "label: \"{VALUE}\"\noutput: 1"),
    ("when", "steps:\n  - { when: \"VALUE\", end: { output: \"{VALUE}\" } }"),
];

/// Words of which an error must contain one, so that it says what was wrong: by list and id of the step.
pub const NAMED: [(&str, &[&str]); 30] = [
    ("compute/table", &["`from`"]),
    ("compute/log", &["message"]),
    ("nested/each", &["`in`"]),
    ("nested/each_parallel", &["`in`"]),
    ("nested/called_number", &["`v`"]),
    ("nested/called_rows", &["`v`"]),
    ("asserts/fail_if", &["it holds"]),
    ("asserts/status", &["status", "it holds"]),
    ("http/part", &["address", "GET"]),
    ("http/query", &["`q`", "GET"]),
    ("http/head", &["X-Odd"]),
    ("http/json", &["JSON", "limit"]),
    ("http/put", &["JSON", "limit"]),
    ("http/body", &["body"]),
    ("http/delete", &["body"]),
    ("sql/query", &["`:v`"]),
    ("sql/insert", &["`:v`"]),
    ("sql/list", &["`:v`"]),
    ("file/write_json", &[".json"]),
    ("file/write_ndjson", &[".ndjson"]),
    ("file/write_csv", &[".csv"]),
    ("paths/read", &["path", "file", "folder"]),
    ("paths/list", &["path", "file", "folder"]),
    ("paths/delete", &["path", "file", "folder"]),
    ("email/to", &["`to`", "receiver", "address"]),
    ("email/sender", &["`from`", "address"]),
    ("email/subject", &["subject"]),
    ("email/attached", &["a.json"]),
    ("waits/event", &["event"]),
    ("waits/until", &["`until`"]),
];
