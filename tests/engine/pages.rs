//! The dashboard as a browser sees it: sign-in and sessions, forms, roles, and what an attacker tries.

use crate::server::{Project, SOON, Server, TOKEN, bearer, flowscript, raw, wait_for};
use serde_json::{Value as Json, json};
use std::cell::RefCell;
use std::time::Duration;
use ureq::http::Request;

const FAILS: &str = "input: { sku: text, quantity: number }
label: \"{sku}\"
trigger: { webhook: { auth: none, ordered: { key: body.sku, onFailure: pause } } }
steps:
  - log: { message: \"moves {sku}\" }
  - assert: { failIf: quantity < 0, message: \"no {sku}\" }
output: { sku: \"{sku}\" }
";
const WAITS: &str = "trigger: { schedule: [ { id: night, cron: '0 3 * * *' } ] }
steps: [ { wait: { for: 1d } } ]
";

/// A browser: it keeps its cookie, and shows redirects instead of following them.
struct Browser<'s> {
    server: &'s Server,
    cookie: RefCell<String>,
}

struct Page {
    status: u16,
    location: String,
    set_cookie: String,
    headers: Vec<(String, String)>,
    text: String,
}

impl Page {
    fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    /// The text that the forms of the page carry.
    fn form(&self) -> String {
        let (_, rest) = self.text.split_once("name=\"form\" value=\"").expect("a page with a form");
        rest.split_once('"').unwrap().0.to_owned()
    }
}

impl<'s> Browser<'s> {
    fn new(server: &'s Server) -> Self {
        Self { server, cookie: RefCell::default() }
    }

    /// A browser that has signed in.
    fn signed_in(server: &'s Server, token: &str) -> Self {
        let browser = Self::new(server);
        let answer = browser.sign_in(token, "");
        assert_eq!((answer.status, answer.location.as_str()), (303, "/"), "{}", answer.text);
        browser
    }

    fn sign_in(&self, token: &str, next: &str) -> Page {
        let answer = self.send("POST", "/sign-in", &[], Some(&fields(&[("token", token), ("next", next)])));
        if let Some((cookie, _)) = answer.set_cookie.split_once(';') {
            cookie.clone_into(&mut self.cookie.borrow_mut());
        }
        answer
    }

    fn get(&self, path: &str) -> Page {
        self.send("GET", path, &[], None)
    }

    /// A page that is there.
    fn page(&self, path: &str) -> Page {
        let page = self.get(path);
        assert_eq!(page.status, 200, "{path}: {}", page.text);
        page
    }

    /// Sends a form as its page does.
    fn act(&self, path: &str, given: &[(&str, &str)]) -> Page {
        let form = self.page("/settings").form();
        let given: Vec<(&str, &str)> = given.iter().copied().chain([("form", form.as_str())]).collect();
        self.send("POST", path, &[("Sec-Fetch-Site", "same-origin")], Some(&fields(&given)))
    }

    fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Option<&str>) -> Page {
        let config = ureq::Agent::config_builder().http_status_as_error(false).max_redirects(0);
        let agent = config.max_redirects_will_error(false).timeout_global(Some(SOON)).build().new_agent();
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.server.base));
        let cookie = self.cookie.borrow().clone();
        if !cookie.is_empty() {
            request = request.header("Cookie", cookie);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let form = "application/x-www-form-urlencoded";
        let mut answer = match body {
            Some(body) => agent.run(request.header("Content-Type", form).body(body).unwrap()).unwrap(),
            None => agent.run(request.body(()).unwrap()).unwrap(),
        };
        let text = answer.body_mut().read_to_string().unwrap();
        let headers = answer.headers().iter();
        let headers: Vec<(String, String)> =
            headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect();
        let mut page = Page {
            status: answer.status().as_u16(),
            location: String::new(),
            set_cookie: String::new(),
            headers,
            text,
        };
        (page.location, page.set_cookie) = (page.header("location").into(), page.header("set-cookie").into());
        page
    }
}

fn fields(given: &[(&str, &str)]) -> String {
    let encoded =
        |text: &str| percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string();
    given.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value))).collect::<Vec<_>>().join("&")
}

fn api(server: &Server, method: &str, path: &str, body: &Json) -> Json {
    let answer = server.send(method, &format!("/api/v1{path}"), &[bearer()], Some(body.to_string().as_bytes()));
    assert!(answer.status < 300, "{path}: {}", answer.text);
    if answer.text.is_empty() { Json::Null } else { answer.json() }
}

fn token(server: &Server, role: &str) -> (String, String) {
    let made = api(server, "POST", "/tokens", &json!({ "role": role, "label": role }));
    (made["id"].as_str().unwrap().to_owned(), made["token"].as_str().unwrap().to_owned())
}

fn send(server: &Server, sku: &str, quantity: i32) -> String {
    let accepted = server.post("/hooks/w", &json!({ "sku": sku, "quantity": quantity }).to_string());
    assert_eq!(accepted.status, 202, "{}", accepted.text);
    accepted.json()["runId"].as_str().unwrap().to_owned()
}

fn project() -> Project {
    Project::new(&[("workflows/w.yaml", FAILS), ("workflows/waits.yaml", WAITS)])
}

#[test]
fn a_session_from_sign_in_to_sign_out() {
    let project = project();
    let server = project.serve();
    let stranger = Browser::new(&server);
    assert_eq!(stranger.get("/").location, "/sign-in");
    assert_eq!(stranger.get("/runs?state=failed").location, "/sign-in?next=%2Fruns%3Fstate%3Dfailed");
    assert!(stranger.page("/sign-in?next=/runs").text.contains("name=\"next\" value=\"/runs\""));
    for wrong in ["", "wrong", "token-of-the-test", "Bearer token-of-the-tests"] {
        let answer = stranger.sign_in(wrong, "/runs");
        assert_eq!((answer.status, answer.set_cookie.as_str()), (401, ""), "{wrong}");
        assert!(answer.text.contains("does not open the dashboard"), "{}", answer.text);
    }
    let answer = stranger.sign_in(TOKEN, "/runs?state=failed");
    assert_eq!((answer.status, answer.location.as_str()), (303, "/runs?state=failed"));
    for part in ["HttpOnly", "SameSite=Strict", "Path=/", "Max-Age=43200"] {
        assert!(answer.set_cookie.contains(part), "{}", answer.set_cookie);
    }
    let browser = stranger;
    assert!(browser.page("/").text.contains("What needs me"));
    assert_eq!(browser.get("/sign-in").location, "/", "it is signed in already");
    // The session is not in the memory of the process.
    let cookie = browser.cookie.take();
    let server = server.restart();
    let browser = Browser { server: &server, cookie: RefCell::new(cookie) };
    browser.page("/");
    let other = Browser::signed_in(&server, TOKEN);
    assert_ne!(*browser.cookie.borrow(), *other.cookie.borrow());
    assert_eq!(browser.act("/sign-out", &[]).location, "/sign-in");
    assert_eq!(browser.get("/").location, "/sign-in", "the cookie opens nothing, also where it was copied");
    other.page("/");
}

#[test]
fn sessions_end_with_their_token_and_everywhere() {
    let project = project();
    let server = project.serve();
    let (id, text) = token(&server, "viewer");
    let (one, two) = (Browser::signed_in(&server, &text), Browser::signed_in(&server, &text));
    let admin = Browser::signed_in(&server, TOKEN);
    assert_eq!(one.act("/sign-out/everywhere", &[]).location, "/sign-in");
    assert_eq!([&one, &two].map(|browser| browser.get("/").status), [303, 303]);
    admin.page("/");
    let three = Browser::signed_in(&server, &text);
    three.page("/");
    assert_eq!(admin.act(&format!("/settings/tokens/{id}/delete"), &[]).location, "/settings");
    assert_eq!(three.get("/").location, "/sign-in");
    assert_eq!(Browser::new(&server).sign_in(&text, "").status, 401);
    let cookie = admin.cookie.take();
    drop(server);
    // Another admin token: what the old one has started is over.
    let server = Server::start_with(project.path(), &[], &[("FLOWSCRIPT_TOKEN", "another-token")]);
    let admin = Browser { server: &server, cookie: RefCell::new(cookie) };
    assert_eq!(admin.get("/").location, "/sign-in");
}

#[test]
fn an_address_may_fail_some_times() {
    let project = project();
    let server = project.serve();
    let browser = Browser::new(&server);
    for _ in 0..10 {
        assert_eq!(browser.sign_in("guess", "").status, 401);
    }
    let refused = browser.sign_in(TOKEN, "");
    assert_eq!((refused.status, refused.set_cookie.as_str()), (429, ""));
    assert!(refused.header("retry-after").parse::<u64>().unwrap() <= 30);
    assert_eq!(browser.get("/sign-in/guess").status, 429, "links are guessed no faster");
}

#[test]
fn redirects_do_not_leave_the_dashboard() {
    let project = project();
    let server = project.serve();
    let browser = Browser::new(&server);
    for next in ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", "/\tx", "runs"] {
        let answer = browser.sign_in(TOKEN, next);
        assert_eq!((answer.status, answer.location.as_str()), (303, "/"), "{next}");
        let shown =
            Browser::new(&server).page(&format!("/sign-in?next={}", fields(&[("", next)]).trim_start_matches('=')));
        assert!(shown.text.contains("name=\"next\" value=\"/\""), "{next}");
        let themed = browser.send("POST", "/theme", &[], Some(&fields(&[("next", next)])));
        assert_eq!(themed.location, "/", "{next}");
    }
}

#[test]
fn a_sign_in_takes_no_session_that_is_there_already() {
    let project = project();
    let server = project.serve();
    let (_, text) = token(&server, "viewer");
    let attacker = Browser::signed_in(&server, &text);
    let planted = attacker.cookie.borrow().clone();
    let victim = Browser { server: &server, cookie: RefCell::new(planted.clone()) };
    victim.sign_in(TOKEN, "");
    assert_ne!(*victim.cookie.borrow(), planted);
    assert!(victim.page("/settings").text.contains("<b>admin</b>"));
    assert!(attacker.page("/settings").text.contains("<b>viewer</b>"));
    // Another site cannot sign a browser in with a token of its own.
    let form = fields(&[("token", &text)]);
    let answer = victim.send("POST", "/sign-in", &[("Sec-Fetch-Site", "cross-site")], Some(&form));
    assert_eq!((answer.status, answer.set_cookie.as_str()), (403, ""));
}

#[test]
fn cookies_are_secure_where_the_address_is() {
    let project = project();
    project.write("flowscript.toml", "publicUrl = 'https://flow.example'\n");
    let server = project.serve();
    let answer = Browser::new(&server).sign_in(TOKEN, "");
    assert!(answer.set_cookie.starts_with("__Host-flowscript-"), "{}", answer.set_cookie);
    assert!(answer.set_cookie.contains("; Secure"), "{}", answer.set_cookie);
}

/// Each action with its form, for these runs, tokens and keys.
fn actions(
    failed: &str,
    waiting: &str,
    queued: &str,
    id: &str,
    key: &str,
) -> Vec<(String, Vec<(&'static str, String)>)> {
    let field = |name, value: &str| vec![(name, value.to_owned())];
    vec![
        (format!("/runs/{waiting}/cancel"), vec![]),
        (format!("/runs/{waiting}/rerun"), vec![]),
        (format!("/runs/{queued}/skip"), vec![]),
        ("/lanes/w/skip".into(), field("key", "B")),
        ("/lanes/w/resume".into(), field("key", "C")),
        ("/runs/retry".into(), field("run", failed)),
        (format!("/runs/{failed}/retry"), vec![]),
        ("/schedules/waits/pause".into(), field("schedule", "night")),
        ("/schedules/waits/resume".into(), field("schedule", "night")),
        ("/workflows/w/run".into(), vec![("in-sku", "by hand".to_owned()), ("in-quantity", "1".to_owned())]),
        ("/workflows/w/keys".into(), field("label", "made here")),
        (format!("/workflows/w/keys/{key}/revoke"), vec![]),
        ("/settings/tokens".into(), vec![("role", "viewer".to_owned()), ("label", "made here".to_owned())]),
        (format!("/settings/tokens/{id}/delete"), vec![]),
        ("/workflows/w/activate".into(), field("active", "false")),
        ("/playground".into(), field("source", "1 + 1")),
        ("/workflows/w/diagnostics".into(), vec![("input", "off".to_owned()), ("variables", "on".to_owned())]),
    ]
}

/// Everything that the actions change, as the API has it.
fn state(server: &Server) -> Json {
    let runs = server.api("/runs?limit=1000");
    let runs = runs["runs"].as_array().unwrap().iter();
    let runs: Vec<Json> = runs.map(|run| json!([run["id"], run["state"], run["retries"], run["holdsLane"]])).collect();
    let tokens = server.api("/tokens")["tokens"].clone();
    json!([runs, tokens, server.api("/keys"), server.api("/schedules"), server.api("/workflows"), server.api("/lanes")])
}

#[test]
fn admins_act_and_viewers_do_not() {
    let project = project();
    let server = project.serve();
    let failed = send(&server, "A", -1);
    server.run_in(&failed, "failed");
    let head = send(&server, "B", -1);
    server.run_in(&head, "failed");
    let queued = send(&server, "B", 1);
    let held = send(&server, "C", -1);
    server.run_in(&held, "failed");
    let waiting = api(&server, "POST", "/workflows/waits/run", &json!({}))["runId"].as_str().unwrap().to_owned();
    server.run_in(&waiting, "waiting");
    let (_, viewing) = token(&server, "viewer");
    let (id, _) = token(&server, "admin");
    server.key("w");
    let key = server.api("/keys")["keys"][0]["id"].as_str().unwrap().to_owned();
    let actions = actions(&failed, &waiting, &queued, &id, &key);
    let viewer = Browser::signed_in(&server, &viewing);
    let admin = Browser::signed_in(&server, TOKEN);
    let before = state(&server);
    for (path, given) in &actions {
        let given: Vec<(&str, &str)> = given.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let refused = viewer.act(path, &given);
        assert_eq!(refused.status, 403, "{path}: {}", refused.text);
        assert!(refused.text.contains("role viewer"), "{path}");
        // An admin whose form is not of a page of the session.
        for form in ["", "0", &viewer.page("/settings").form()] {
            let given: Vec<(&str, &str)> = given.iter().copied().chain([("form", form)]).collect();
            let refused = admin.send("POST", path, &[], Some(&fields(&given)));
            assert_eq!(refused.status, 403, "{path}: {}", refused.text);
        }
        let form = admin.page("/settings").form();
        let whole: Vec<(&str, &str)> = given.iter().copied().chain([("form", form.as_str())]).collect();
        for from in ["cross-site", "same-site", "?"] {
            let refused = admin.send("POST", path, &[("Sec-Fetch-Site", from)], Some(&fields(&whole)));
            assert_eq!(refused.status, 403, "{path} from {from}");
        }
        assert_eq!(Browser::new(&server).send("POST", path, &[], Some(&fields(&whole))).location, "/sign-in", "{path}");
    }
    assert_eq!(state(&server), before, "nothing has changed");
    for path in ["/", "/workflows", "/workflows/w", "/runs", "/lanes", "/schedules", "/playground", "/settings"] {
        let page = viewer.page(path).text;
        assert!(page.contains("actions are shown, but off"), "{path}");
    }
    let act = |at: usize| {
        let (path, given) = &actions[at];
        let given: Vec<(&str, &str)> = given.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let done = admin.act(path, &given);
        assert!(matches!(done.status, 200 | 303), "{path}: {}", done.text);
        done
    };
    act(0);
    server.run_in(&waiting, "cancelled");
    let rerun = act(1).location;
    let rerun = server.api(&format!("/runs/{}", rerun.rsplit_once('/').unwrap().1));
    assert_eq!(rerun["cause"], waiting.as_str());
    act(2);
    server.run_in(&queued, "skipped");
    act(3);
    assert_eq!(server.api(&format!("/runs/{head}"))["holdsLane"], false);
    let tries = |run: &str, wanted: u64| {
        wait_for("it was retried", || Some(()).filter(|()| server.api(&format!("/runs/{run}"))["retries"] == wanted));
        server.run_in(run, "failed");
    };
    act(4);
    tries(&held, 1);
    assert!(act(5).text.contains("1 run is queued again"));
    tries(&failed, 1);
    act(6);
    tries(&failed, 2);
    let schedule = || server.api("/schedules")["schedules"][0]["state"].clone();
    act(7);
    assert_eq!(schedule(), "paused");
    act(8);
    assert_eq!(schedule(), "active");
    let by_hand = act(9).location.replace("/runs/", "");
    let by_hand = server.run_in(&by_hand, "completed");
    assert_eq!((&by_hand["output"], &by_hand["trigger"]), (&json!({ "sku": "by hand" }), &json!("manual")));
    let made = act(10).text;
    let (_, made) = made.split_once("<code id=\"new-key\">").unwrap();
    let made = made.split_once('<').unwrap().0;
    assert!(made.starts_with("fsk_") && made.len() == 68, "{made}");
    act(11);
    assert!(server.api("/keys")["keys"][0]["revokedAt"].is_string());
    let made = act(12).text;
    assert!(made.contains("<code id=\"new-token\">fst_"), "{made}");
    act(13);
    assert!(!server.api("/tokens").to_string().contains(&id));
    act(14);
    assert_eq!(server.api("/workflows/w")["active"], false);
    assert!(act(15).text.contains("<pre id=\"result\">2</pre>"));
    act(16);
    let kept = json!({ "input": "off", "output": "on", "variables": "on" });
    assert_eq!(server.api("/workflows/w")["diagnostics"], kept);
    assert_eq!(admin.act("/workflows/w/diagnostics", &[]).status, 303);
    assert_eq!(
        server.api("/workflows/w")["diagnostics"],
        json!({ "input": "on", "output": "on", "variables": "failures" })
    );
    assert_eq!(admin.act("/workflows/w/diagnostics", &[("input", "maybe")]).status, 400);
}

/// All pages, with what leads to an action.
fn paths(run: &str) -> Vec<String> {
    let runs = ["", "/cancel", "/skip", "?step=2"].map(|more| format!("/runs/{run}{more}"));
    let fixed = [
        "/",
        "/workflows",
        "/workflows?q=%3Cscript%3Ealert(1)%3C/script%3E",
        "/workflows/w",
        "/runs",
        "/runs?text=%3Cscript%3Ealert(1)%3C/script%3E&label=%22%3E%3Cimg%20src=x%3E",
        "/lanes",
        "/lanes?workflow=%3Cimg%20src=x%3E",
        "/schedules",
        "/playground",
        "/settings",
    ];
    runs.into_iter().chain(fixed.map(str::to_owned)).chain([format!("/runs/retry?run={run}")]).collect()
}

#[test]
fn texts_of_senders_are_texts() {
    let project = project();
    let server = project.serve();
    let attack = "\"'><script>alert(1)</script><img src=x onerror=alert(1)></pre></textarea>";
    let run = send(&server, attack, -1);
    server.run_in(&run, "failed");
    api(&server, "POST", "/tokens", &json!({ "role": "viewer", "label": attack }));
    api(&server, "POST", "/keys", &json!({ "workflow": "w", "label": attack }));
    let admin = Browser::signed_in(&server, TOKEN);
    let mut shown = 0;
    let key = fields(&[("key", attack)]);
    for path in paths(&run).into_iter().chain([format!("/lanes/w/skip?{key}"), "/runs/%3Cscript%3E".to_owned()]) {
        let page = admin.get(&path).text;
        for part in ["<script>", "<img", "onerror=alert(1)>"] {
            assert!(!page.contains(part), "{path}: {part}");
        }
        shown += page.matches("&lt;script&gt;alert(1)").count();
    }
    assert!(shown > 10, "the pages show the text: {shown}");
    let played = admin.act("/playground", &[("source", attack), ("input", attack)]).text;
    assert!(!played.contains("<script>") && !played.contains("<img"), "{played}");
    let failed =
        admin.act("/playground", &[("source", &format!("return '{}'", attack.replace('\'', ""))), ("input", "{}")]);
    assert!(!failed.text.contains("<script>") && failed.text.contains("&lt;script&gt;"), "{}", failed.text);
}

#[test]
fn pages_are_framed_nowhere_and_run_no_script_of_their_own() {
    let project = project();
    let server = project.serve();
    let run = send(&server, "A", -1);
    server.run_in(&run, "failed");
    let admin = Browser::signed_in(&server, TOKEN);
    let stranger = Browser::new(&server);
    let pages = paths(&run).into_iter().map(|path| (admin.page(&path), path));
    let all = pages.chain([(stranger.page("/sign-in"), "/sign-in".to_owned()), (stranger.get("/"), "/".to_owned())]);
    for (page, path) in all {
        let policy = page.header("content-security-policy");
        assert!(
            policy.starts_with("default-src 'none';") && policy.contains("frame-ancestors 'none'"),
            "{path}: {policy}"
        );
        assert!(!policy.contains("unsafe") && policy.contains("base-uri 'none'"), "{path}: {policy}");
        assert_eq!(page.header("x-frame-options"), "DENY", "{path}");
        assert_eq!(page.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(page.header("referrer-policy"), "no-referrer", "{path}");
        if page.status != 200 {
            continue;
        }
        assert_eq!(page.header("cache-control"), "no-store", "{path}");
        for part in ["style=", "<style", " onclick", " onload", "javascript:", "<iframe"] {
            assert!(!page.text.contains(part), "{path}: {part}");
        }
        assert_eq!(page.text.matches("<script").count(), 1, "{path}");
        assert!(page.text.contains("<script src=\"/assets/"), "{path}");
        for link in
            page.text.split("href=\"").chain(page.text.split("src=\"")).chain(page.text.split("action=\"")).skip(1)
        {
            let foreign = ["http:", "https:", "//"].iter().any(|start| link.starts_with(start));
            assert!(!foreign, "{path}: {}", link.split('"').next().unwrap_or_default());
        }
    }
    let page = admin.page("/").text;
    let style = page.split("href=\"").find(|link| link.contains("style.css\"")).unwrap().split('"').next().unwrap();
    let style = stranger.page(style);
    assert_eq!(style.header("content-type"), "text/css; charset=utf-8");
    assert!(style.header("cache-control").contains("immutable"));
    // What another site links to is loaded again from here, with the cookie.
    let followed = stranger.send("GET", "/runs?state=failed", &[("Sec-Fetch-Site", "cross-site")], None);
    assert!(followed.text.contains("content=\"0;url=/runs?state=failed\""), "{}", followed.text);
}

#[test]
fn values_that_are_too_long_for_a_page_are_files() {
    let project = Project::new(&[("workflows/w.yaml", "input: { text: text }\noutput: \"{text}\"\n")]);
    let server = project.serve();
    let long = "é".repeat(100_000);
    let started = api(&server, "POST", "/workflows/w/run", &json!({ "input": { "text": long } }));
    let run = started["runId"].as_str().unwrap();
    server.run_in(run, "completed");
    let admin = Browser::signed_in(&server, TOKEN);
    let page = admin.page(&format!("/runs/{run}"));
    assert!(page.text.len() < 300_000 && page.text.contains("All of it"));
    let file = admin.page(&format!("/runs/{run}/value/output"));
    assert!(file.header("content-disposition").starts_with("attachment"), "{}", file.header("content-disposition"));
    assert_eq!(serde_json::from_str::<String>(&file.text).unwrap(), long);
    assert_eq!(admin.get(&format!("/runs/{run}/value/secret")).status, 404);
}

#[test]
fn long_runs_are_shown_in_windows() {
    let workflow = "diagnostics: { variables: on }
steps:
  - set: { total: 0 }
  - forEach: { item: n, in: \"Range(1, 500)\", steps: [ { set: { total: total + 1 } } ] }
";
    let project = Project::new(&[("workflows/w.yaml", workflow)]);
    let server = project.serve();
    let started = api(&server, "POST", "/workflows/w/run", &json!({}));
    let run = server.run_in(started["runId"].as_str().unwrap(), "completed");
    let steps = run["steps"].as_array().unwrap().len();
    assert!(steps > 400, "{}", server.api("/workflows/w"));
    assert!(run["variables"].as_array().unwrap().len() > 400);
    let admin = Browser::signed_in(&server, TOKEN);
    let rows = |query: &str| {
        let page = admin.page(&format!("/runs/{}{query}", run["id"].as_str().unwrap())).text;
        page.matches("<a class=\"g\"").count()
    };
    assert_eq!((rows(""), rows("?first=400"), rows("?first=99999")), (200, steps - 400, 1));
    let page = admin.page(&format!("/runs/{}", run["id"].as_str().unwrap())).text;
    assert_eq!(page.matches("<td>total</td>").count(), 1, "the last change of each variable");
    assert!(page.contains("<ins>500</ins>"));
}

#[test]
fn an_engine_without_workflows_shows_the_first_steps() {
    let project = Project::new(&[("flowscript.toml", "")]);
    let server = project.serve();
    let admin = Browser::signed_in(&server, TOKEN);
    let page = admin.page("/").text;
    assert!(page.contains("Write a workflow"), "{page}");
    let (_, first) = page.split_once("<pre id=\"first-file\">").unwrap();
    let first = first.split_once("</pre>").unwrap().0.replace("&quot;", "\"");
    project.write("workflows/hello.yaml", &first);
    let called = wait_for("the file is loaded", || {
        Some(server.get("/hooks/hello?name=Anna")).filter(|answer| answer.status == 200)
    });
    assert_eq!(called.text, "Hello, Anna");
    assert!(admin.page("/").text.contains("Nothing. No lane is held"));
}

#[test]
fn a_file_that_does_not_load_is_on_the_first_page() {
    let project = Project::new(&[("workflows/bad.yaml", "steps: [ { set: { a: priced.totl } } ]\n")]);
    let server = project.serve();
    let admin = Browser::signed_in(&server, TOKEN);
    for path in ["/", "/workflows", "/workflows/bad"] {
        let page = admin.page(path).text;
        assert!(page.contains("There is no variable <code>priced</code>"), "{path}: {page}");
    }
    assert!(admin.page("/").text.contains("workflows/bad.yaml:1:22"));
}

#[test]
fn events_are_for_sessions_and_end_with_them() {
    let project = project();
    let server = project.serve();
    assert_eq!(Browser::new(&server).get("/events").location, "/sign-in?next=%2Fevents");
    let (id, text) = token(&server, "viewer");
    let viewer = Browser::signed_in(&server, &text);
    let cookie = viewer.cookie.borrow().clone();
    let request = format!("GET /events HTTP/1.1\r\nHost: x\r\nCookie: {cookie}\r\nConnection: close\r\n\r\n");
    let base = server.base.clone();
    let reading = std::thread::spawn(move || raw(&base, request.as_bytes()));
    std::thread::sleep(Duration::from_millis(500));
    let run = send(&server, "A", 1);
    server.run_in(&run, "completed");
    api(&server, "DELETE", &format!("/tokens/{id}"), &json!({}));
    let read = reading.join().unwrap();
    assert!(read.contains("text/event-stream") && read.contains(&run), "{read}");
    assert!(read.ends_with("0\r\n\r\n"), "the stream ends with the session: {read}");
}

/// `script` of util-linux gives a program a terminal.
#[cfg(target_os = "linux")]
#[test]
fn the_link_on_a_terminal_signs_in_once() {
    use std::io::{BufRead, BufReader};
    use std::process::{Command, Stdio};
    let project = project();
    let binary = flowscript().get_program().to_owned();
    let line = format!("{} serve {} --bind 127.0.0.1:0", binary.to_str().unwrap(), project.path().display());
    let mut command = Command::new("script");
    command.args(["--quiet", "--return", "--command", &line, "/dev/null"]).env("FLOWSCRIPT_TOKEN", TOKEN);
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().expect("`script` of util-linux");
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let link = lines.find(|line| line.contains("Dashboard ")).unwrap();
    let link = link.split_whitespace().nth(1).unwrap();
    let (_, path) = link.split_once("/sign-in/").unwrap();
    let base = link.trim_end_matches(&format!("/sign-in/{path}"));
    let agent = ureq::Agent::config_builder().timeout_global(Some(Duration::from_secs(20))).http_status_as_error(false);
    let agent = agent.build().new_agent();
    let get = |cookie: &str, url: &str| agent.get(url).header("Cookie", cookie).call().unwrap();
    let first = get("", link);
    let cookie = first.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    let mut home = get(&cookie, base);
    assert!(home.body_mut().read_to_string().unwrap().contains("What needs me"));
    let second = get("", link);
    assert_eq!((second.status().as_u16(), second.headers().get("set-cookie")), (401, None));
    child.kill().unwrap();
    child.wait().unwrap();
}
