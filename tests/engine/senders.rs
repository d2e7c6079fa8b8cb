//! Bodies that a workflow cannot read are their sender's fault: 400 with the field, and a run that keeps the payload.

use crate::server::{Answer, Project, Server, wait_for};

const MODULE: &str = "type line = {sku: text, qty: number};
function CustomerOf(order) { return order.customer.id; }
function Endless(x) { let n = 0; while true { set n = n + 1; } return n; }
";

fn reading(input: &str, response: &str, script: &str) -> String {
    let script: Vec<String> = script.lines().map(|line| format!("        {line}\n")).collect();
    let script = script.concat();
    format!(
        "input: {input}
trigger:
  webhook:
    auth: none
    methods: [POST]
    response: {response}
    processing:
      input: |
{script}output: done
"
    )
}

fn post(server: &Server, path: &str, content_type: &str, body: &[u8]) -> Answer {
    let headers = [("Content-Type", content_type)];
    let headers = if content_type.is_empty() { &headers[..0] } else { &headers[..] };
    server.send("POST", path, headers, Some(body))
}

#[test]
fn what_processing_cannot_read_is_named() {
    let workflow = reading(
        "{ id: text, total: number, first: text, day: datetime }",
        "wait",
        "let order = body.order;
return [id: upper(pricing.CustomerOf(order)), total: Round(order.total * 2, 2),
    first: First(order.lines).sku, day: order['due day'] + 0, all: Map(order.lines, l => upper(l.name)),
    q: (order.lines where qty > 1)];",
    );
    let project = Project::new(&[
        ("modules/pricing.flow", MODULE),
        ("workflows/deep.yaml", &reading("{ n: number }", "wait", "[n: body.a.b.c]")),
        ("workflows/program.yaml", &workflow),
        ("workflows/whole.yaml", &reading("{ n: number }", "wait", "body")),
        ("workflows/refuses.yaml", &reading("{}", "wait", "if body.n > 5 { error 'At most 5.'; }\nreturn [ok: 1];")),
    ]);
    let server = project.serve();
    let check = |path: &str, body: &str, part: &str| {
        let answer = post(&server, path, "application/json", body.as_bytes());
        answer.is_problem(400, part);
        let problem = answer.json();
        let detail = problem["detail"].as_str().unwrap();
        for inner in ["FlowScript", "processing", "?.", "parameter text", "Upper", "line ", "function"] {
            assert!(!detail.contains(inner), "{detail}");
        }
        // A run that failed at its first step, with its payload.
        let run = server.api(&format!("/runs/{}", problem["runId"].as_str().unwrap()));
        assert_eq!((run["state"].as_str(), &run["error"]["position"]), (Some("failed"), &"input".into()), "{run}");
        if !body.is_empty() {
            assert_eq!(run["payload"]["body"], serde_json::from_str::<serde_json::Value>(body).unwrap());
        }
    };
    check("/hooks/deep", "", "no body, so `body.a.b.c`");
    check("/hooks/deep", "null", "`body` is null");
    check("/hooks/deep", "5", "`body` is a number, so `body.a.b.c`");
    check("/hooks/deep", "[1]", "`body` is a list, so `body.a");
    check("/hooks/deep", r#"{"x": 1}"#, "`body.a` is missing, so `body.a.b.c`");
    check("/hooks/deep", r#"{"a": null}"#, "`body.a` is null, so `body.a.b.c`");
    check("/hooks/deep", r#"{"a": {"b": "x"}}"#, "`body.a.b` is a text, so `body.a.b.c`");
    check("/hooks/deep", r#"{"a": {"b": {}}}"#, "`body.a.b.c` is missing.");
    check("/hooks/deep", r#"{"a": {"b": {"c": "x"}}}"#, "`n`");
    check("/hooks/deep", r#"{"a": {"b": {"c": null}}}"#, "`n`");
    check("/hooks/whole", "[1]", "`body` is a list");
    check("/hooks/whole", "", "no body");
    check("/hooks/refuses", r#"{"n": 6}"#, "At most 5.");
    let order = |rest: &str| format!(r#"{{"order": {{{rest}}}}}"#);
    check("/hooks/program", "{}", "`body.order` is missing");
    check("/hooks/program", &order(""), "`body.order.customer` is missing, so `body.order.customer.id`");
    let good = r#""customer": {"id": "c"}"#;
    check("/hooks/program", &order(good), "`body.order.total` is missing");
    check(
        "/hooks/program",
        &order(&format!(r#"{good}, "total": "x""#)),
        "`body.order.total` cannot be used: it is a text",
    );
    let good = &format!(r#"{good}, "total": 1"#);
    check("/hooks/program", &order(&format!(r#"{good}, "lines": []"#)), "`body.order.lines`");
    check("/hooks/program", &order(&format!(r#"{good}, "lines": [{{}}]"#)), "sku");
    let good = &format!(r#"{good}, "lines": [{{"sku": "s"}}]"#);
    check("/hooks/program", &order(good), "`body.order['due day']` is missing");
    check("/hooks/program", &order(&format!(r#"{good}, "due day": 1"#)), "`name` in `body.order.lines`");
    let good = &good.replace(r#""sku": "s""#, r#""sku": "s", "name": "n""#);
    check("/hooks/program", &order(&format!(r#"{good}, "due day": 1"#)), "qty");
    assert!(server.api("/runs?limit=1")["runs"][0]["error"]["message"].as_str().unwrap().contains("qty"));
}

#[test]
fn broken_workflows_are_not_the_senders_fault() {
    let project = Project::new(&[
        ("modules/pricing.flow", MODULE),
        (
            "workflows/endless.yaml",
            &format!("limits: {{ scriptSteps: 1000 }}\n{}", reading("{}", "wait", "[x: pricing.Endless(body)]")),
        ),
        (
            "workflows/lane.yaml",
            "limits: { scriptSteps: 1000 }\ntrigger: { webhook: { auth: none, ordered: { key: pricing.Endless(body) } } }\noutput: 1",
        ),
    ]);
    let server = project.serve();
    server.post("/hooks/endless", "{}").is_problem(500, "The workflow failed.");
    let refused = server.post("/hooks/lane", "{}");
    refused.is_problem(500, "The workflow failed.");
    assert!(refused.json()["runId"].is_null());
}

#[test]
fn accepted_requests_tell_it_when_they_are_asked() {
    let project = Project::new(&[("workflows/a.yaml", &reading("{ n: number }", "accept", "[n: body.order.n]"))]);
    let server = project.serve();
    let ask = |body: &str, part: &str| {
        let accepted = server.post("/hooks/a", body);
        assert_eq!(accepted.status, 202, "{}", accepted.text);
        let url = accepted.json()["statusUrl"].as_str().unwrap().to_owned();
        let path = url.trim_start_matches(&server.base).to_owned();
        let answer = wait_for("the run is over", || Some(server.get(&path)).filter(|answer| answer.status != 202));
        answer.is_problem(400, part);
    };
    ask("{}", "`body.order` is missing");
    ask(r#"{"order": {"n": "x"}}"#, "`n`");
}

#[test]
fn masked_values_are_told_nowhere() {
    let workflow = format!("redact: [body.card]\n{}", reading("{ n: number }", "wait", "[n: body.card * 1]"));
    let project = Project::new(&[("workflows/m.yaml", &workflow)]);
    let server = project.serve();
    let answer = server.post("/hooks/m", r#"{"card": "4111-1111"}"#);
    answer.is_problem(400, "`body.card`");
    let run = server.api(&format!("/runs/{}", answer.json()["runId"].as_str().unwrap()));
    assert!(!run.to_string().contains("4111"), "{run}");
    assert!(!answer.text.contains("4111"), "{}", answer.text);
    // The author finds the place in the log.
    assert!(run["log"][0]["message"].as_str().unwrap().contains("column"), "{run}");
}

/// Unusual bodies that some sender may send.
fn odd_bodies() -> Vec<Vec<u8>> {
    let texts = [
        "",
        " ",
        "\r\n",
        "null",
        "[]",
        "{}",
        "\"x\"",
        "5",
        "true",
        "-0",
        "1e400",
        "NaN",
        "{",
        "[1,",
        "{\"a\"}",
        "{\"a\": 1, \"a\": 2}",
        "{\"a\": {\"b\": 1}}",
        "{\"a\": {\"b\": {\"c\": []}}}",
        "{\"a\": {\"b\": {\"c\": 7}}}",
        "{\"a\": [{\"b\": 1}, 2]}",
        "{\"order\": {\"key\": {}}}",
        "{\"order\": {\"key\": \"\"}}",
        "{\"order\": {\"key\": \"k\"}}",
        "{\"order\": 1}",
        "{\"id\": null, \"n\": \"x\"}",
        "{\"id\": [], \"n\": {}}",
        "{\"id\": \"a\", \"n\": 123456789012345678901234567890123456789}",
        "{\"id\": \"a\", \"n\": 1e999}",
        "{\"id\": \"a\", \"n\": 1, \"lines\": 5}",
        "{\"id\": \"a\", \"n\": 1, \"lines\": [{\"sku\": \"s\"}]}",
        "{\"id\": \"a\", \"n\": 1, \"lines\": [{\"sku\": {}, \"qty\": \"x\"}], \"at\": \"soon\", \"tags\": [[1]]}",
        "{\"id\": \"a\", \"n\": 1, \"lines\": [null, 3]}",
        "{\"\\u0000\": \"\\ud800\"}",
        "<a><b><c>1</c></b></a>",
        "<a/>",
        "<a",
        "<!DOCTYPE a [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><a>&e;</a>",
        "<?xml version=\"1.0\" encoding=\"klingon\"?><a/>",
        "a=1&b=2",
        "a=%ff",
        "a=%zz&=&&",
        "id=a&n=1&n=2",
        "=",
        "a,b\n1,2",
        "a,a\n1,2\n3",
        "\"a",
        "\u{feff}",
        "\u{feff}{\"a\": 1}",
        "--x\r\n\r\n--x--",
        "text",
    ];
    let mut bodies: Vec<Vec<u8>> = texts.iter().map(|text| text.as_bytes().to_vec()).collect();
    bodies.extend([b"\xff\xfe{\x00}\x00".to_vec(), b"\xff".to_vec(), b"{\"a\": \"\xe9\"}".to_vec(), vec![0; 20]]);
    bodies.push(format!("{}{}", "[".repeat(500), "]".repeat(500)).into_bytes());
    bodies.push(format!("{}1{}", "{\"a\":".repeat(190), "}".repeat(190)).into_bytes());
    bodies.push(format!("{{\"n\": {}}}", "9".repeat(5000)).into_bytes());
    bodies
}

#[test]
fn odd_bodies_of_every_type_are_answered() {
    let typed = "input: { id: text, n: number, at: datetime?, tags: { type: 'text*', default: [] }, lines: { type: 'pricing.line*', default: [] } }
trigger: { webhook: { auth: none, response: wait } }
output: { id: \"{id}\", n: \"{n}\", lines: \"{count(lines)}\" }
";
    let ordered = "trigger: { webhook: { auth: none, ordered: { key: body.order.key } } }\noutput: 1\n";
    let script = "let found = body.order ?? body;\nreturn [id: upper(found.key), n: found.n * 2, lines: Map(found.lines, l => l.sku)];";
    let project = Project::new(&[
        ("modules/pricing.flow", MODULE),
        ("workflows/deep.yaml", &reading("{ n: number }", "wait", "[n: body.a.b.c]")),
        ("workflows/script.yaml", &reading("{ id: text, n: number, lines: any }", "wait", script)),
        ("workflows/typed.yaml", typed),
        ("workflows/ordered.yaml", ordered),
        ("workflows/none.yaml", "trigger: { webhook: { auth: none, response: wait } }\noutput: { ok: true }\n"),
    ]);
    let server = project.serve();
    let types = [
        "",
        "application/json",
        "text/json",
        "application/ld+json",
        "application/json; charset=utf-16",
        "application/xml",
        "text/xml; charset=iso-8859-1",
        "application/x-www-form-urlencoded",
        "application/x-www-form-urlencoded; charset=latin1",
        "text/csv",
        "text/plain",
        "text/plain; charset=klingon",
        "multipart/form-data; boundary=x",
        "application/octet-stream",
        ";;",
        "json",
    ];
    let bodies = odd_bodies();
    for workflow in ["deep", "script", "typed", "ordered", "none"] {
        for content_type in types {
            for body in &bodies {
                let answer = post(&server, &format!("/hooks/{workflow}"), content_type, body);
                let shown = String::from_utf8_lossy(body);
                let shown: String = shown.chars().take(80).collect();
                let what = format!("{workflow} {content_type:?} {shown:?}: {} {}", answer.status, answer.text);
                assert!(matches!(answer.status, 200 | 202 | 400 | 415), "{what}");
                if answer.status >= 400 {
                    let problem = answer.json();
                    let detail = problem["detail"].as_str().unwrap();
                    let named = detail.contains('`') || detail.starts_with("The body") || detail.contains("no body");
                    assert!(named, "{what}");
                    assert!(!detail.contains("?.") && !detail.contains("variable"), "{what}");
                }
            }
        }
    }
    assert_eq!(server.post("/hooks/typed", r#"{"id": "a", "n": "2", "lines": [{"sku": "s", "qty": 1}]}"#).status, 200);
}

#[test]
fn bodies_in_their_encodings() {
    let workflow = "input: { a: text }\ntrigger: { webhook: { auth: none, response: wait } }\noutput: \"{a}\"\n";
    let from_xml = reading("{ a: text }", "wait", "[a: body.r.a]").replace("output: done", "output: \"{a}\"");
    let project = Project::new(&[("workflows/f.yaml", workflow), ("workflows/x.yaml", &from_xml)]);
    let server = project.serve();
    let check = |path: &str, content_type: &str, body: &[u8]| {
        let answer = post(&server, path, content_type, body);
        assert_eq!(
            (answer.status, answer.text.as_str()),
            (200, "é"),
            "{content_type} {}",
            String::from_utf8_lossy(body)
        );
    };
    let utf_16 = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    check("/hooks/x", "application/xml", b"<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><r><a>\xe9</a></r>");
    check("/hooks/x", "text/xml", &utf_16("\u{feff}<?xml version=\"1.0\" encoding=\"UTF-16\"?><r><a>é</a></r>"));
    check(
        "/hooks/x",
        "text/xml; charset=utf-8",
        "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><r><a>é</a></r>".as_bytes(),
    );
    check("/hooks/f", "application/x-www-form-urlencoded; charset=ISO-8859-1", b"a=%E9");
    check("/hooks/f", "application/x-www-form-urlencoded; charset=ISO-8859-1", b"a=\xe9");
    check("/hooks/f", "application/x-www-form-urlencoded", b"a=%C3%A9");
    check("/hooks/f", "text/json", "{\"a\": \"é\"}".as_bytes());
    check("/hooks/f", "", "\u{feff}{\"a\": \"é\"}".as_bytes());
    check("/hooks/f", "application/json", &utf_16("\u{feff}{\"a\": \"é\"}"));
    let wrong = |path: &str, content_type: &str, body: &[u8], part: &str| {
        post(&server, path, content_type, body).is_problem(400, part);
    };
    wrong("/hooks/x", "text/xml", b"<r><a>\xe9</a></r>", "not text in UTF-8");
    wrong("/hooks/x", "text/xml", b"<?xml version=\"1.0\" encoding=\"klingon\"?><r/>", "`klingon`");
    wrong("/hooks/f", "application/x-www-form-urlencoded", b"a=%E9", "percent-encoded UTF-8");
    wrong("/hooks/x", "text/xml", b"<!DOCTYPE x [<!ENTITY a \"aaaaaaaaaa\">]><x>&a;</x>", "not XML");
    post(&server, "/hooks/f", "multipart/form-data; boundary=x", b"--x--").is_problem(415, "`multipart/form-data`");
}
