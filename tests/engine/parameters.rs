//! Query parameters fill `input` if a webhook declares neither `query` nor `processing.input`.

use crate::server::Project;

const PLAIN: &str = "
input: { id: text, times: { type: number, default: 1 }, tags: { type: 'text*', default: [] }, day: datetime? }
trigger: { webhook: { response: wait, auth: AUTH } }
output: { id: \"{id}\", times: \"{times}\", tags: \"{tags}\" }
";

fn plain(auth: &str) -> String {
    PLAIN.replace("AUTH", auth)
}

#[test]
fn parameters_fill_input_by_name() {
    let project = Project::new(&[("workflows/p.yaml", &plain("none"))]);
    let server = project.serve();
    let gives = |method: &str, path: &str, body: Option<&str>, expected: &str| {
        let headers = [("Content-Type", "application/json")];
        let answer = server.send(method, path, if body.is_some() { &headers } else { &[] }, body.map(str::as_bytes));
        assert_eq!((answer.status, answer.text.as_str()), (200, expected), "{path}");
    };
    gives("GET", "/hooks/p?id=a%20b&times=2", None, r#"{"id":"a b","times":2,"tags":[]}"#);
    gives("GET", "/hooks/p?id=a&other=1&other=2&%ff=1", None, r#"{"id":"a","times":1,"tags":[]}"#);
    gives("GET", "/hooks/p?id=a&tags=x", None, r#"{"id":"a","times":1,"tags":["x"]}"#);
    gives("GET", "/hooks/p?id=a&tags=x&tags=y", None, r#"{"id":"a","times":1,"tags":["x","y"]}"#);
    gives("POST", "/hooks/p?times=3", Some(r#"{"id": "b"}"#), r#"{"id":"b","times":3,"tags":[]}"#);
    gives("POST", "/hooks/p?id=a&other=1", Some(r#"{"other": "b"}"#), r#"{"id":"a","times":1,"tags":[]}"#);
    server.get("/hooks/p?times=2").is_problem(400, "`id` is missing");
    server.get("/hooks/p?id=a&times=x").is_problem(400, "`times`");
    server.get("/hooks/p?id=a&day=soon").is_problem(400, "`day`");
    server.get("/hooks/p?id=a&times=1&times=1").is_problem(400, "`times` is given 2 times");
    server.get("/hooks/p?id=%ff").is_problem(400, "`id`");
    server.post("/hooks/p?id=a", r#"{"id": "a"}"#).is_problem(400, "`id` is given in the query and in the body");
    server.post("/hooks/p?tags=a", r#"{"id": "a", "tags": []}"#).is_problem(400, "`tags`");
    // A run that is run again has the same input.
    let run = server.api("/runs?limit=1")["runs"][0]["id"].as_str().unwrap().to_owned();
    let payload = server.api(&format!("/runs/{run}"))["payload"].clone();
    assert_eq!(payload["query"]["id"], "a", "{payload}");
}

#[test]
fn keys_and_signatures_keep_parameters_out() {
    let declared = plain("none").replace("auth: none", "auth: none, query: {}");
    let processed = plain("none").replace("auth: none", "auth: none, processing: { input: \"[id: 'fixed']\" }");
    let key = "input: { id: text, key: { type: text, default: none } }
trigger: { webhook: { response: wait, auth: { apiKey: { query: key } } } }
output: { id: \"{id}\", key: \"{key}\" }\n";
    let signed =
        plain("{ signature: { header: X-Sign, algorithm: sha256, encoding: hex, secret: s3cret-of-the-tests } }");
    let project = Project::new(&[
        ("workflows/declared.yaml", &declared),
        ("workflows/processed.yaml", &processed),
        ("workflows/key.yaml", key),
        ("workflows/signed.yaml", &signed),
    ]);
    let server = project.serve();
    server.get("/hooks/declared?id=a").is_problem(400, "`id` is missing");
    assert_eq!(server.get("/hooks/processed?id=a&times=x").text, r#"{"id":"fixed","times":1,"tags":[]}"#);
    let secret = server.key("key");
    assert_eq!(server.get(&format!("/hooks/key?id=a&key={secret}")).text, r#"{"id":"a","key":"none"}"#);
    let in_header = server.send("GET", "/hooks/key?id=a&key=mine", &[("X-API-Key", &secret)], None);
    assert_eq!(in_header.text, r#"{"id":"a","key":"none"}"#);
    // The HMAC of no bytes.
    let signature = "f1d5cbdd0a3d8ce0d5b1f9f7ab1c2d61";
    assert_eq!(server.send("GET", "/hooks/signed?id=a", &[("X-Sign", signature)], None).status, 401);
    let signature = crate::signed::hex_of(b"s3cret-of-the-tests", "");
    server.send("GET", "/hooks/signed?id=a", &[("X-Sign", &signature)], None).is_problem(400, "`id` is missing");
}

#[test]
fn keys_of_runs_compare_parameters() {
    let project = Project::new(&[("workflows/p.yaml", &plain("none"))]);
    let server = project.serve();
    let get = |path: &str| server.send("GET", path, &[("Idempotency-Key", "k")], None);
    assert_eq!(get("/hooks/p?id=a").status, 200);
    assert_eq!(get("/hooks/p?id=a").text, r#"{"id":"a","times":1,"tags":[]}"#);
    get("/hooks/p?id=b").is_problem(422, "another request");
    assert_eq!(server.api("/runs")["runs"].as_array().unwrap().len(), 1);
}
