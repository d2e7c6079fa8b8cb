use super::walk::{COMMON, Row};
use super::{KINDS, reference};
use crate::script::Library;
use crate::workflow::{Callee, read, schema};
use crate::yaml::{self, Core, Kind, Node};
use flowscript_lang::value::Zone;
use serde_json::{Value as Json, json};
use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

const BEGIN: &str =
    "<!-- kinds of steps: `UPDATE_PAGES=1 cargo test -p flowscript-engine --lib steps` writes them -->\n";
const END: &str = "<!-- end -->\n";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

#[test]
fn the_page_shows_the_kinds() {
    let path = root().join("docs/workflows.md");
    let page = fs::read_to_string(&path).unwrap();
    let (before, rest) = page.split_once(BEGIN).expect("the page has lost the table of steps");
    let (_, after) = rest.split_once(END).unwrap();
    let current = format!("{before}{BEGIN}{}{END}{after}", reference::markdown());
    if std::env::var_os("UPDATE_PAGES").is_some() {
        fs::write(&path, &current).unwrap();
    } else {
        assert!(page == current, "docs/workflows.md shows other kinds of steps; see the line above its table");
    }
}

#[test]
fn keys_are_distinct() {
    let mut seen: HashSet<&str> = COMMON.iter().map(|key| key.name).collect();
    assert!(KINDS.iter().all(|row| seen.insert(row.key)));
}

#[test]
fn examples_load() {
    let library = Library::new(Zone::UTC, "en-US", 1_000_000, 64 << 20).with_callbacks(true);
    let called = read("erp.item-price", "input: { sku: text }\noutput: 1", &library, &mut |_| Callee::Missing);
    let called = Arc::new(called.workflow.unwrap());
    for row in KINDS {
        let source = example(row);
        let read = read("test", &source, &library, &mut |_| Callee::Loaded(called.clone()));
        assert!(read.problems.is_empty(), "{source}\n{:#?}", read.problems);
        let kinds: Vec<&str> = read.workflow.unwrap().steps.iter().map(super::Step::kind).collect();
        assert_eq!(kinds.first(), Some(&row.key));
    }
}

fn example(row: &Row) -> String {
    let input = "input: { sku: text, price: number, quantity: number, rows: any }";
    format!("{input}\nsteps:\n  - {}\n", row.example)
}

#[test]
fn editors_accept_what_loads() {
    let schema = schema::workflow();
    let mut files: Vec<(String, String)> = KINDS.iter().map(|row| (row.key.to_owned(), example(row))).collect();
    for entry in fs::read_dir(root().join("examples/workflows")).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            files.push((path.display().to_string(), fs::read_to_string(&path).unwrap()));
        }
    }
    for page in ["docs/workflows.md", "docs/webhooks.md", "README.md"] {
        let text = fs::read_to_string(root().join(page)).unwrap();
        let blocks = text.split("```yaml\n").skip(1).filter_map(|rest| rest.split_once("```").map(|(block, _)| block));
        files.extend(blocks.filter(|b| b.contains("# workflows/")).map(|b| (page.to_owned(), b.to_owned())));
    }
    assert!(files.len() > KINDS.len() + 15, "the pages or the examples have lost their workflows");
    for (name, text) in files {
        let found = misfits(&schema, &json_of(&yaml::parse(&text).unwrap()), &schema);
        assert_eq!(found, None, "{name}:\n{text}");
    }
}

#[test]
fn editors_refuse_what_does_not_load() {
    let schema = schema::workflow();
    for text in [
        "stepps: []",
        "steps: 1",
        "steps: [ { loog: { message: x } } ]",
        "steps: [ { name: x } ]",
        "steps: [ { log: { message: x }, set: { a: 1 } } ]",
        "steps: [ { log: { message: x, levl: info } } ]",
        "steps: [ { log: { message: x, level: loud } } ]",
        "steps: [ { log: { level: info } } ]",
        "steps: [ { timeout: 1s, log: { message: x } } ]",
        "steps: [ { once: true, end: } ]",
        "steps: [ { retry: { times: -1 }, log: { message: x } } ]",
        "steps: [ { retry: { time: 1 }, log: { message: x } } ]",
        "steps: [ { forEach: { item: a, in: b, steps: [ { nothing: 1 } ] } } ]",
        "steps: [ { parallel: { a: { step: [] } } } ]",
        "steps: [ { decide: [ { when: a, steps: [ 1 ] } ] } ]",
        "trigger: { webhook: { auth: maybe } }",
        "trigger: { schedule: [ { every: minutely } ] }",
        "concurrency: 0",
        "limits: { run: [] }",
    ] {
        assert!(misfits(&schema, &json_of(&yaml::parse(text).unwrap()), &schema).is_some(), "{text}");
    }
}

fn json_of(node: &Node) -> Json {
    match &node.kind {
        Kind::List(elements) => elements.iter().map(json_of).collect(),
        Kind::Map(entries) => {
            Json::Object(entries.iter().map(|entry| (entry.key.clone(), json_of(&entry.value))).collect())
        }
        Kind::Scalar(scalar) => match scalar.core() {
            Core::Null => Json::Null,
            Core::Bool(value) => json!(value),
            Core::Number(_) => serde_json::from_str(&scalar.text).unwrap_or(json!(0)),
            Core::Text(text) => json!(text),
        },
    }
}

/// Why a value does not fit a schema. Knows the keywords that schemas of workflows use, and refuses others.
fn misfits(schema: &Json, value: &Json, root: &Json) -> Option<String> {
    let Some(words) = schema.as_object() else {
        return (schema == &json!(false)).then(|| format!("{value} must not be there"));
    };
    words.iter().find_map(|(word, what)| {
        let fits = |schema: &&Json| misfits(schema, value, root).is_none();
        let entries = || value.as_object().into_iter().flatten();
        let wrong = match word.as_str() {
            "$schema" | "$defs" | "title" | "description" => return None,
            "$ref" => {
                return misfits(root.pointer(what.as_str()?.trim_start_matches('#')).unwrap(), value, root);
            }
            "properties" => return entries().find_map(|(key, value)| misfits(what.get(key)?, value, root)),
            "additionalProperties" => {
                let known = |key: &str| schema.get("properties").is_some_and(|known| known.get(key).is_some());
                return entries().filter(|(key, _)| !known(key)).find_map(|(_, value)| misfits(what, value, root));
            }
            "items" => return value.as_array().into_iter().flatten().find_map(|item| misfits(what, item, root)),
            "anyOf" => !what.as_array()?.iter().any(|one| fits(&one)),
            "oneOf" => what.as_array()?.iter().filter(fits).count() != 1,
            "enum" => !what.as_array()?.contains(value),
            "required" => what
                .as_array()?
                .iter()
                .filter_map(Json::as_str)
                .any(|key| value.is_object() && value.get(key).is_none()),
            "minimum" => value.as_i64().is_some_and(|number| Some(number) < what.as_i64()),
            "maximum" => value.as_i64().is_some_and(|number| Some(number) > what.as_i64()),
            "type" => !types(what).any(|name| is_a(value, name)),
            word => panic!("the test does not know `{word}`"),
        };
        wrong.then(|| format!("{value} does not fit `{word}: {what}`"))
    })
}

fn types(what: &Json) -> impl Iterator<Item = &str> {
    what.as_array().map_or(std::slice::from_ref(what), Vec::as_slice).iter().filter_map(Json::as_str)
}

fn is_a(value: &Json, name: &str) -> bool {
    match name {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "number" => value.is_number(),
        "integer" => value.is_i64() || value.is_u64(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        name => panic!("the test does not know the type {name}"),
    }
}
