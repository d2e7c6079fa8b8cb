//! OpenAPI documents are valid for another program, and describe the inputs of webhooks.

use crate::server::{Project, Server, TOKEN};
use serde_json::Value as Json;
use std::process::Command;

/// Reads a document and checks what every document must have; an independent validator reads it too, if
/// `tests/run.sh` has installed it.
#[track_caller]
fn valid(project: &Project, server: &Server, path: &str, headers: &[(&str, &str)]) -> Json {
    let answer = server.send("GET", path, headers, None);
    assert_eq!(answer.status, 200, "{path}: {}", answer.text);
    let document = answer.json();
    let mut ids = Vec::new();
    for (place, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let id = operation["operationId"].as_str().unwrap_or_else(|| panic!("{path}: {method} {place} has no id"));
            assert!(!ids.contains(&id.to_owned()), "{path}: two operations are `{id}`");
            ids.push(id.to_owned());
            for (status, response) in operation["responses"].as_object().unwrap() {
                let description = response["description"].as_str().unwrap_or_default();
                assert!(!description.is_empty(), "{path}: {method} {place} {status} has no description");
            }
        }
    }
    if let Some(validator) = std::env::var_os("OPENAPI_VALIDATOR") {
        project.write("openapi.json", &answer.text);
        let output = Command::new(validator).arg(project.path().join("openapi.json")).output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        assert!(output.status.success(), "{path}\n{}\n{}", String::from_utf8_lossy(&said), answer.text);
    }
    document
}

#[test]
fn the_admin_api_and_the_examples() {
    let project = Project::examples();
    let server = Server::start(&project.path().join("examples"), &[]);
    let token = format!("Bearer {TOKEN}");
    let api = valid(&project, &server, "/api/v1/openapi.json", &[("Authorization", &token)]);
    assert_eq!(api["paths"]["/runs"]["get"]["operationId"], "runs_list");
    assert!(!api.to_string().contains("so many"), "descriptions are plain English");
    for (path, rows) in [("/runs", "runs"), ("/lanes", "lanes"), ("/schedules", "schedules")] {
        let list = &api["paths"][path]["get"];
        let parameters = list["parameters"].as_array().unwrap();
        for name in ["cursor", "limit"] {
            assert!(parameters.iter().any(|parameter| parameter["name"] == name), "{path} has no `{name}`");
        }
        let page = list["responses"]["200"]["content"]["application/json"]["schema"]["$ref"].as_str().unwrap();
        let page = &api["components"]["schemas"][page.rsplit('/').next().unwrap()];
        assert_eq!(
            (&page["properties"][rows]["type"], page["properties"]["next"].is_object()),
            (&"array".into(), true)
        );
    }
    let searched = |path: &str| {
        let page = &api["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"]["$ref"];
        let page = page.as_str().and_then(|page| page.rsplit('/').next()).unwrap();
        api["components"]["schemas"][page]["properties"]["searchedTo"].is_object()
    };
    assert_eq!((searched("/runs"), searched("/lanes")), (true, false));
    assert_eq!(api["paths"]["/keys"]["post"]["requestBody"]["required"], true);
    assert_eq!(api["paths"]["/lanes/{workflow}/skip"]["post"]["requestBody"]["required"], false);
    let hooks = server.api("/workflows")["workflows"].clone();
    let hooks: Vec<&Json> =
        hooks.as_array().unwrap().iter().filter(|workflow| workflow["webhook"].is_object()).collect();
    assert!(hooks.len() > 2, "{hooks:?}");
    for workflow in hooks.iter().filter(|workflow| workflow["webhook"]["auth"] == "apiKey") {
        let key = server.key(workflow["id"].as_str().unwrap());
        let path = format!("/hooks/{}/openapi.json", workflow["webhook"]["path"].as_str().unwrap());
        valid(&project, &server, &path, &[("X-API-Key", &key)]);
    }
}

/// Every kind of input, with a type, whether it is required, and a part of its schema.
const INPUTS: [(&str, &str, bool, &str); 17] = [
    ("a", "text", true, r#"{"type":"string"}"#),
    ("b", "number?", false, r#"{"anyOf":[{"type":"number"},{"type":"null"}],"default":null}"#),
    ("c", "boolean", true, r#"{"type":"boolean"}"#),
    ("d", "datetime", true, r#"{"type":"string","format":"date-time"}"#),
    ("e", "binary", true, r#"{"type":"string","contentEncoding":"base64"}"#),
    ("f", "any", false, r#"{"default":null}"#),
    ("g", "text*", true, r#"{"type":"array","items":{"type":"string"}}"#),
    ("h", "{ type: number, default: 1.5 }", false, r#"{"type":"number","default":1.5}"#),
    ("i", "{ type: 'number*', default: [1] }", false, r#"{"type":"array","items":{"type":"number"},"default":[1]}"#),
    ("j", "'{x: number, y: text?}'", true, r#""required":["x","y"]"#),
    ("k", "pricing.line*", true, r#""items":{"type":"object","properties":{"sku":{"type":"string"}"#),
    ("l", "pricing.line", true, r#""required":["sku","qty","note"]"#),
    ("m", "pricing.tree", true, r#""children":{"type":"array","items":{}}"#),
    ("n", "pricing.lines?", false, r#""anyOf":[{"type":"array","items":{"type":"object""#),
    ("o", "pricing.sku", true, r#"{"type":"string"}"#),
    ("p", "{ type: text, default: 'it''s' , description: What it is }", false, r#""description":"What it is""#),
    ("q", "text*?", false, r#"{"anyOf":[{"type":"array","items":{"type":"string"}},{"type":"null"}],"default":null}"#),
];

const TYPES: &str = "type line = {sku: text, qty: number, note: text?, price: number = 1};
type lines = line*;
type sku = text;
type tree = {name: text, children: tree*};
";

#[test]
fn inputs_of_every_kind() {
    let inputs: Vec<String> = INPUTS.iter().map(|(name, ty, ..)| format!("  {name}: {ty}\n")).collect();
    let inputs = inputs.concat();
    let hook = |rest: &str| {
        format!("input:\n{inputs}trigger: {{ webhook: {{ auth: none, response: wait{rest} }} }}\noutput: 1")
    };
    let mut files = vec![
        ("modules/pricing.flow".to_owned(), TYPES.to_owned()),
        ("workflows/all.yaml".to_owned(), hook("")),
        ("workflows/queried.yaml".to_owned(), hook(", query: { a: {}, h: { type: number, default: 2 }, g: text* }")),
        ("workflows/processed.yaml".to_owned(), hook(", processing: { input: body }")),
        ("workflows/posted.yaml".to_owned(), hook(", methods: [POST], onTimeout: accept")),
        ("workflows/accepted.yaml".to_owned(), hook("").replace("response: wait", "response: accept")),
        ("workflows/none.yaml".to_owned(), "trigger: { webhook: { auth: none } }\noutput: { a: 1 }".to_owned()),
        (
            "workflows/form.yaml".to_owned(),
            "input: { a: text, b: 'number*' }\ntrigger: { webhook: { auth: none } }\noutput: text".to_owned(),
        ),
        (
            "workflows/key.yaml".to_owned(),
            "input: { a: text, key: text? }\ntrigger: { webhook: { auth: { apiKey: { query: key } } } }\noutput: 1"
                .to_owned(),
        ),
    ];
    // Each kind on its own, too.
    for (name, ty, ..) in INPUTS {
        let text = format!(
            "input:\n  {name}: {ty}\ntrigger: {{ webhook: {{ auth: none, response: wait }} }}\noutput: \"{{{name}}}\""
        );
        files.push((format!("workflows/only-{name}.yaml"), text));
    }
    let borrowed: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let project = Project::new(&borrowed);
    let server = project.serve();
    let read = |id: &str| valid(&project, &server, &format!("/hooks/{id}/openapi.json"), &[]);
    let operation = |document: &Json, id: &str, method: &str| document["paths"][format!("/hooks/{id}")][method].clone();
    let names = |operation: &Json, required: bool| -> Vec<String> {
        let parameters = operation["parameters"].as_array().unwrap().iter();
        let parameters =
            parameters.filter(|parameter| parameter["in"] == "query" && (!required || parameter["required"] == true));
        parameters.map(|parameter| parameter["name"].as_str().unwrap().to_owned()).collect()
    };
    let wanted: Vec<&str> = INPUTS.iter().filter(|(_, _, required, _)| *required).map(|(name, ..)| *name).collect();
    let all = read("all");
    let (get, post) = (operation(&all, "all", "get"), operation(&all, "all", "post"));
    assert_eq!(names(&get, false).len(), INPUTS.len());
    assert_eq!((names(&get, true), names(&post, true)), (wanted.iter().map(|n| (*n).to_owned()).collect(), Vec::new()));
    assert_eq!((post["requestBody"]["required"].as_bool(), get["requestBody"].is_null()), (Some(true), true));
    let schema = &post["requestBody"]["content"]["application/json"]["schema"];
    assert_eq!(schema["required"], serde_json::json!(wanted));
    for (name, ty, _, part) in INPUTS {
        let shown = schema["properties"][name].to_string();
        assert!(shown.contains(part), "{name}: {ty}: {shown}");
    }
    assert!(post["requestBody"]["content"]["application/x-www-form-urlencoded"].is_null(), "forms hold no records");
    let queried = read("queried");
    let post = operation(&queried, "queried", "post");
    assert_eq!(
        (names(&post, false), names(&post, true)),
        (vec!["a".into(), "h".into(), "g".into()], vec!["a".into(), "g".into()])
    );
    let required = post["requestBody"]["content"]["application/json"]["schema"]["required"].to_string();
    assert!(!required.contains("\"a\"") && required.contains("\"c\""), "{required}");
    assert_eq!(operation(&read("processed"), "processed", "post")["requestBody"]["required"], false);
    let form = operation(&read("form"), "form", "post")["requestBody"].clone();
    assert_eq!(form["content"]["application/x-www-form-urlencoded"], form["content"]["application/json"]);
    assert!(form["content"]["application/json"].is_object());
    assert_eq!(operation(&read("none"), "none", "post")["requestBody"]["required"], false);
    let key = server.key("key");
    let keyed = valid(&project, &server, &format!("/hooks/key/openapi.json?key={key}"), &[]);
    assert_eq!(names(&operation(&keyed, "key", "get"), false), ["a"]);
    for id in ["posted", "accepted"] {
        read(id);
    }
    for (name, ..) in INPUTS {
        read(&format!("only-{name}"));
    }
}
