//! Every type of PostgreSQL: the value read equals the one written, or the error is clear.

use crate::postgres::Postgres;
use crate::server::{Project, wait_for};
use serde_json::{Value as Json, json};
use std::fmt::Write;

/// Values of all types with a text form: type, and the written value.
fn samples() -> Vec<(&'static str, Json)> {
    let texts = [
        ("money", "$12,345.67"),
        ("interval", "1 year 2 mons 3 days 04:05:06.5"),
        ("macaddr", "08:00:2b:01:02:03"),
        ("macaddr8", "08:00:2b:01:02:03:04:05"),
        ("inet", "192.168.1.1"),
        ("inet", "192.168.1.0/24"),
        ("inet", "::1"),
        ("cidr", "10.0.0.0/8"),
        ("cidr", "10.1.2.3/32"),
        ("cidr", "2001:db8::/32"),
        ("pg_lsn", "16/B374D848"),
        ("point", "(1.5,-2)"),
        ("line", "{1,2,3}"),
        ("lseg", "[(1,2),(3,4)]"),
        ("box", "(3,4),(1,2)"),
        ("path", "((1,2),(3,4))"),
        ("polygon", "((1,2),(3,4),(5,6))"),
        ("circle", "<(1,2),3>"),
        ("bit(5)", "10101"),
        ("varbit", "101"),
        ("xml", "<a b=\"c\">é</a>"),
        ("tsvector", "'a':1A 'cat':2"),
        ("tsquery", "'a' & !'b'"),
        ("jsonpath", "$.\"a\"[*]"),
        ("name", "it's"),
        ("\"char\"", "x"),
        ("bpchar(4)", "abcd"),
        ("varchar(9)", "é\\\"',{}"),
        ("text", "line\nbreak \\x \"q\""),
        ("time", "06:30:00"),
        ("time", "24:00:00"),
        ("time", "23:59:59.999999"),
        ("timetz", "06:30:00+02"),
        ("uuid", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
        ("int4range", "[1,5)"),
        ("int8range", "empty"),
        ("numrange", "(1.5,)"),
        ("tsrange", "[\"2026-01-01 00:00:00\",\"2026-02-01 00:00:00\")"),
        ("tstzrange", "[\"2026-01-01 00:00:00+00\",)"),
        ("daterange", "[2026-01-01,2026-02-01)"),
        ("int4multirange", "{[1,3),[5,7)}"),
        ("int8multirange", "{}"),
        ("nummultirange", "{[1.5,2]}"),
        ("datemultirange", "{[2026-01-01,2026-02-01)}"),
        ("tsmultirange", "{[\"2026-01-01 00:00:00\",\"2026-02-01 00:00:00\")}"),
        ("tstzmultirange", "{[\"2026-01-01 00:00:00+00\",)}"),
        ("regclass", "pg_type"),
        ("regtype", "integer"),
        ("regproc", "now"),
        ("regprocedure", "abs(integer)"),
        ("regoper", "|/"),
        ("regoperator", "+(integer,integer)"),
        ("regrole", "flow"),
        ("regnamespace", "pg_catalog"),
        ("regconfig", "simple"),
        ("regdictionary", "simple"),
        ("regcollation", "\"C\""),
        ("xid", "1234"),
        ("xid8", "5000000000"),
        ("cid", "7"),
        ("tid", "(1,2)"),
        ("txid_snapshot", "10:20:10,14,15"),
        ("pg_snapshot", "10:20:10,14,15"),
        ("oidvector", "1 2 3"),
        ("int2vector", "1 2"),
        ("refcursor", "c"),
        ("aclitem", "flow=r/flow"),
        ("mood", "fine"),
        ("cents", "$1.00"),
        ("small", "5"),
        ("pair", "(1,\"a b\")"),
        ("span", "[1.5,2.5)"),
        ("marks", "{1,2}"),
    ];
    let values = [
        ("boolean", json!(true)),
        ("smallint", json!(-32768)),
        ("integer", json!(2_147_483_647)),
        ("bigint", json!(i64::MAX)),
        ("bigint", json!(i64::MIN)),
        ("oid", json!(4_294_967_295_u32)),
        ("real", json!(0.1)),
        ("double precision", json!(-1.5e-7)),
        ("numeric", json!(12345.6789)),
        ("numeric", json!(0.0001)),
        ("numeric", json!(-5)),
        ("json", json!({"a": [1, null]})),
        ("jsonb", json!([1, "x", {"b": true}])),
        ("jsonb", json!("text")),
        ("timestamptz", json!("2026-03-29T02:30:00.123456Z")),
        ("timestamp", json!("2026-01-02T03:04:05")),
        ("timestamp", json!("2026-03-29T02:30:00+01:00")),
        ("date", json!("2026-02-03")),
        ("timestamptz", json!("0001-01-01T00:00:00Z")),
        ("timestamptz", json!("1753-01-01T00:00:00+01:00")),
        ("timestamptz", json!("9999-12-31T22:00:00Z")),
        ("timestamp", json!("0001-01-01T00:00:00")),
        ("timestamp", json!("1753-01-01T00:00:00")),
        ("timestamp", json!("2150-07-01T12:00:00")),
        ("timestamp", json!("9999-12-31T23:59:59.999999")),
        ("date", json!("0001-01-01")),
        ("date", json!("9999-12-31")),
        ("integer[]", json!([[1, 2], [3, null]])),
        ("text[]", json!([])),
    ];
    texts.map(|(ty, text)| (ty, json!(text))).into_iter().chain(values).collect()
}

/// Types of extensions, where these are installed.
const EXTENSIONS: [(&str, &str, &str); 8] = [
    ("hstore", "hstore", "\"a\"=>\"1\", \"b\"=>NULL"),
    ("citext", "citext", "MiXed"),
    ("ltree", "ltree", "a.b.c"),
    ("ltree", "lquery", "a.*"),
    ("cube", "cube", "(1, 2)"),
    ("isn", "isbn13", "978-0-393-04002-9"),
    ("seg", "seg", "1 .. 2"),
    ("intarray", "query_int", "1 & 2"),
];

/// Types whose values only the server creates.
const MADE: [&str; 7] = [
    "pg_node_tree",
    "pg_ndistinct",
    "pg_dependencies",
    "pg_mcv_list",
    "pg_brin_bloom_summary",
    "pg_brin_minmax_multi_summary",
    "gtsvector",
];

/// A workflow that writes a value, reads it, writes the value read, and has the server compare.
fn workflow(table: &str) -> String {
    format!(
        "trigger: {{ webhook: {{ auth: none, response: wait }} }}
input: {{ v: {{ type: any, default: null }} }}
steps:
  - sql: {{ connection: db, execute: \"insert into {table} values (1, :v)\", params: {{ v: \"{{v}}\" }} }}
  - id: got
    sql: {{ connection: db, query: \"select v from {table}\" }}
  - id: back
    sql: {{ connection: db, execute: \"insert into {table} values (2, :v) returning v\", params: {{ v: \"{{got[0].v}}\" }} }}
  - id: same
    sql: {{ connection: db, query: \"select count(distinct v::text)::int as n, count(v)::int as c from {table}\" }}
output: {{ got: \"{{got[0].v}}\", back: \"{{back[0].v}}\", n: \"{{same[0].n}}\", c: \"{{same[0].c}}\" }}
"
    )
}

#[test]
fn what_is_written_is_read_in_every_type() {
    let postgres = Postgres::start();
    postgres.run(
        "create type mood as enum ('fine', 'bad'); create domain cents as money check (value > 0::money);
         create domain small as int check (value < 10); create type pair as (a int, b text);
         create type span as range (subtype = float8); create domain marks as int[]",
    );
    let mut samples = samples();
    for (extension, ty, sample) in EXTENSIONS {
        // Not every installation has them.
        if postgres.run(&format!("select count(*) from pg_available_extensions where name = '{extension}'")) == "1" {
            postgres.run(&format!("create extension if not exists {extension}"));
            samples.push((ty, json!(sample)));
        }
    }
    let known =
        samples.iter().map(|(ty, _)| format!("'{}'::regtype", ty.replace('\'', ""))).collect::<Vec<_>>().join(",");
    let made = MADE.map(|name| format!("'{name}'")).join(",");
    let untried = postgres.run(&format!(
        "select string_agg(typname, ' ') from pg_type where typnamespace = 'pg_catalog'::regnamespace and typtype in ('b', 'r', 'm') \
         and typcategory <> 'A' and typname not in ({made}, 'bytea') and oid <> all (array[{known}]::oid[])"
    ));
    assert_eq!(untried, "", "types without a sample");
    // Each alone, and in a list with null; some have no arrays.
    let single = ["aclitem", "integer[]", "text[]"];
    let mut cases: Vec<(String, Json)> = Vec::new();
    for (ty, sample) in &samples {
        cases.push(((*ty).to_owned(), sample.clone()));
        if !single.contains(ty) {
            cases.push((format!("{ty}[]"), json!([sample, null, sample])));
        }
    }
    let project = Project::new(&[
        ("connections.yaml", &format!("db: {{ sql: {{ url: '{}' }} }}", postgres.url())),
        ("flowscript.toml", "timeZone = 'Europe/Stockholm'"),
    ]);
    let mut tables = String::new();
    for (number, (ty, _)) in cases.iter().enumerate() {
        let _ = write!(tables, "create table t{number} (id int, v {ty});");
        project.write(&format!("workflows/w{number}.yaml"), &workflow(&format!("t{number}")));
    }
    postgres.run(&tables);
    let server = project.serve();
    wait_for("the last workflow", || (server.get("/hooks/none").status == 404).then_some(()));
    let answers: Vec<_> = cases
        .iter()
        .enumerate()
        .map(|(number, (_, sample))| server.post(&format!("/hooks/w{number}"), &json!({ "v": sample }).to_string()))
        .collect();
    let shown = (0..cases.len())
        .map(|number| format!("select {number}, replace(format('%s', v), e'\\n', ' ') from t{number} where id = 1"));
    let shown = postgres.run(&format!("{} order by 1", shown.collect::<Vec<_>>().join(" union all ")));
    let shown: std::collections::HashMap<&str, &str> = shown.lines().filter_map(|line| line.split_once('|')).collect();
    let mut wrong = Vec::new();
    for (number, ((ty, sample), answer)) in cases.iter().zip(answers).enumerate() {
        let answered: Json = serde_json::from_str(&answer.text).unwrap_or_default();
        let good =
            answer.status == 200 && answered["n"] == 1 && answered["c"] == 2 && answered["got"] == answered["back"];
        let shown = shown.get(number.to_string().as_str()).copied().unwrap_or_default();
        let text_fits = match &answered["got"] {
            Json::String(text) if sample.is_string() && !ty.contains("time") && ty != "date" => {
                text.replace('\n', " ") == shown || ty.starts_with("json")
            }
            _ => true,
        };
        if !good || !text_fits {
            let run = server.api(&format!("/runs?workflow=w{number}"))["runs"][0]["error"].clone();
            wrong.push(format!("{ty} {sample}: {} {}; the server shows {shown}; {run}", answer.status, answer.text));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_flowscript_does_not_have_is_a_clear_error() {
    let postgres = Postgres::start();
    let unread = [
        ("'NaN'::numeric", "not numbers of FlowScript"),
        ("'Infinity'::numeric", "not numbers of FlowScript"),
        ("'NaN'::float8", "cast it to text"),
        ("'-Infinity'::float4", "cast it to text"),
        ("'infinity'::timestamptz", "infinity is not a datetime"),
        ("'-infinity'::timestamp", "-infinity is not a datetime"),
        ("'infinity'::date", "cast it to text"),
        ("'4713-01-01 BC'::date", "is not a datetime of FlowScript"),
        ("'99999-01-01'::timestamp", "is not a datetime of FlowScript"),
        ("1e200::numeric", "more digits than"),
    ];
    let unwritten = [
        ("int2", json!(40000), "smallint"),
        ("int8", json!(1e19), "is not a bigint"),
        ("int4", json!(1.5), "whole number"),
        ("timestamptz", json!("infinity"), "is not a datetime"),
        ("bytea", json!("text"), "is not binary"),
        ("point", json!("here"), "invalid input syntax"),
        ("macaddr", json!({"a": 1}), "is not a simple value"),
        ("int4[]", json!("1,2"), "malformed array literal"),
        ("jsonpath", json!("$["), "syntax error"),
    ];
    let project = Project::new(&[("connections.yaml", &format!("db: {{ sql: {{ url: '{}' }} }}", postgres.url()))]);
    let head = "trigger: { webhook: { auth: none, response: wait } }\ninput: { v: { type: any, default: null } }\nsteps:\n  - id: x\n";
    for (number, (value, _)) in unread.iter().enumerate() {
        let step = format!("    sql: {{ connection: db, query: \"select {value} as v\" }}\n");
        project.write(&format!("workflows/r{number}.yaml"), &format!("{head}{step}"));
    }
    for (number, (ty, _, _)) in unwritten.iter().enumerate() {
        let step =
            format!("    sql: {{ connection: db, query: \"select :v::{ty} as v\", params: {{ v: \"{{v}}\" }} }}\n");
        project.write(&format!("workflows/s{number}.yaml"), &format!("{head}{step}"));
    }
    let server = project.serve();
    let fails = |name: String, body: Json, part: &str| {
        let answer = server.post(&format!("/hooks/{name}"), &body.to_string());
        let run = server.api(&format!("/runs?workflow={name}"))["runs"][0]["error"].clone();
        let message = run["message"].as_str().unwrap_or_default();
        assert!(answer.status == 500 && message.contains(part), "{name} {body} {part}: {} {run}", answer.text);
    };
    for (number, (_, part)) in unread.iter().enumerate() {
        fails(format!("r{number}"), json!({}), part);
    }
    for (number, (_, value, part)) in unwritten.iter().enumerate() {
        fails(format!("s{number}"), json!({ "v": value }), part);
    }
}
