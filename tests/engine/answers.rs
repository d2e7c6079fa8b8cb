//! Answers to callers: with and without bodies, JSON or XML, and 406 if they accept neither.

use crate::server::Project;

fn workflow(output: &str) -> String {
    format!("trigger: {{ webhook: {{ auth: none, response: wait }} }}\noutput: {output}")
}

fn responding(respond: &str) -> String {
    format!("trigger: {{ webhook: {{ auth: none, response: wait }} }}\nsteps:\n  - respond: {respond}\noutput: 1")
}

#[test]
fn respond_without_a_body_sends_none() {
    let cases = [
        ("bare", "{ status: 200 }", 200, "", ""),
        ("created", "{ status: 201, headers: { Location: /x } }", 201, "", ""),
        ("none", "{ status: 204 }", 204, "", ""),
        ("reset", "{ status: 205 }", 205, "", ""),
        ("same", "{ status: 304, headers: { ETag: '\"1\"' } }", 304, "", ""),
        ("null", "{ body: null }", 200, "null", "application/json"),
        ("computed", "{ status: \"{200 + 5}\", body: { a: 1 } }", 205, "", ""),
        ("computed-none", "{ status: \"{204}\", body: text }", 204, "", ""),
        ("text", "{ body: hello }", 200, "hello", "text/plain; charset=utf-8"),
        ("own", "{ headers: { Content-Type: text/html }, body: hello }", 200, "hello", "text/html"),
        ("record", "{ status: 202, body: { a: 1 } }", 202, r#"{"a":1}"#, "application/json"),
        (
            "vendor",
            "{ headers: { Content-Type: application/vnd.a+json }, body: { a: 1 } }",
            200,
            r#"{"a":1}"#,
            "application/vnd.a+json",
        ),
        ("empty", "{ body: '' }", 200, "", "text/plain; charset=utf-8"),
    ];
    let files: Vec<(String, String)> =
        cases.iter().map(|(name, respond, ..)| (format!("workflows/{name}.yaml"), responding(respond))).collect();
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let project = Project::new(&files);
    let server = project.serve();
    for (name, _, status, body, content_type) in cases {
        for accept in ["*/*", "application/xml"] {
            let answer = server.send("GET", &format!("/hooks/{name}"), &[("Accept", accept)], None);
            let is_xml = accept != "*/*" && matches!(name, "null" | "record");
            assert_eq!(answer.status, status, "{name}: {}", answer.text);
            if !is_xml {
                assert_eq!(
                    (answer.text.as_str(), answer.header("content-type")),
                    (body, content_type),
                    "{name} {accept}"
                );
            }
        }
    }
}

#[test]
fn a_body_where_none_can_be_is_refused_at_load() {
    let mut files = Vec::new();
    for status in [204, 205, 304] {
        files.push((
            format!("workflows/s{status}.yaml"),
            responding(&format!("{{ status: {status}, body: {{ a: 1 }} }}")),
        ));
    }
    files.push(("workflows/fine.yaml".into(), responding("{ status: 204, body: null }")));
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let project = Project::new(&files);
    let server = project.serve();
    for status in [204, 205, 304] {
        assert!(server.log().contains(&format!("An answer of the status {status} has no body")), "{}", server.log());
    }
    assert_eq!(server.get("/hooks/fine").status, 204);
}

#[test]
fn answers_in_xml_where_they_are_preferred() {
    let project = Project::new(&[
        ("workflows/record.yaml", &workflow("{ a: 1, lines: [{ sku: 'A&B' }, { sku: C }] }")),
        ("workflows/list.yaml", &workflow("[1, 2]")),
        ("workflows/text.yaml", &workflow("plain")),
        ("workflows/odd.yaml", &workflow("{ \"a b\": 1 }")),
        ("workflows/any.yaml", &format!("input: {{ x: any }}\n{}", workflow("\"{x}\""))),
        ("workflows/responds.yaml", &responding("{ headers: { Content-Type: image/svg+xml }, body: <svg/> }")),
        ("workflows/accepts.yaml", "trigger: { webhook: { auth: none } }\noutput: 1"),
    ]);
    let server = project.serve();
    let ask = |path: &str, accept: &str| server.send("GET", path, &[("Accept", accept)], None);
    let xml = ask("/hooks/record", "application/xml");
    assert_eq!((xml.header("content-type"), xml.header("vary")), ("application/xml", "Accept"));
    assert!(
        xml.text.ends_with("<output><a>1</a><lines><sku>A&amp;B</sku></lines><lines><sku>C</sku></lines></output>"),
        "{}",
        xml.text
    );
    assert!(ask("/hooks/list", "text/xml").text.ends_with("<output><item>1</item><item>2</item></output>"));
    let browser = "text/html,application/xhtml+xml,application/xml;q=0.9,image/webp,*/*;q=0.8";
    let json =
        ["application/json", "*/*", browser, "application/xml;q=0.5, application/json", "application/xml;q=0", ""];
    for json in json {
        let answer = ask("/hooks/list", json);
        assert_eq!((answer.text.as_str(), answer.header("vary")), ("[1,2]", "Accept"), "{json}");
    }
    assert!(ask("/hooks/list", "application/json;q=0.5, application/xml").text.starts_with("<?xml"));
    assert_eq!(ask("/hooks/text", "application/xml").header("content-type"), "text/plain; charset=utf-8");
    assert_eq!(ask("/hooks/text", "text/plain").status, 200);
    assert_eq!(ask("/hooks/any", "text/plain").status, 200);
    assert_eq!(ask("/hooks/responds", "image/svg+xml").header("content-type"), "image/svg+xml");
    assert_eq!(ask("/hooks/accepts", "image/png").status, 202);
    let before = server.api("/runs")["runs"].as_array().unwrap().len();
    for refused in ["text/csv", "image/*", "application/json;q=0, text/html"] {
        let answer = ask("/hooks/record", refused);
        answer.is_problem(406, "JSON or XML");
        assert_eq!(answer.header("vary"), "Accept");
    }
    assert_eq!(server.api("/runs")["runs"].as_array().unwrap().len(), before, "nothing has run for them");
    // Only the run shows that XML cannot hold it.
    ask("/hooks/odd", "application/xml").is_problem(406, "XML");
    assert_eq!(ask("/hooks/odd", "application/xml, */*;q=0.1").text, r#"{"a b":1}"#);
}
