//! The dashboard in a real Chromium: every page at three widths and in both colours, by mouse, by keyboard, and without
//! script.
#![allow(clippy::unwrap_used, reason = "a test that cannot continue panics")]

mod driver;
#[path = "../support/server.rs"]
#[allow(dead_code, reason = "other tests use the rest")]
mod server;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use driver::Browser;
use serde_json::{Value as Json, json};
use server::{Project, Server, TOKEN, bearer, wait_for};
use std::path::{Path, PathBuf};

const MOVES: &str = "name: Stock movements
description: Books what came in and what went out, in the order in which it came.
label: \"{sku}\"
input: { sku: text, quantity: { type: number, description: Negative for what went out } }
diagnostics: { variables: on }
trigger: { webhook: { path: moves, auth: apiKey, ordered: { key: body.sku, onFailure: pause } } }
steps:
  - id: doubled
    script: return quantity * 2
  - log: { message: \"{sku} by {doubled}, with a-very-long-word-that-has-no-place-to-break-in-the-line-of-a-phone\" }
  - id: each
    forEach:
      item: n
      in: \"[1, 2, 3]\"
      steps: [ { log: { message: \"{n}\" } } ]
  - assert: { failIf: quantity < 0, message: \"Of {sku} there are 40; {-quantity} cannot go out.\" }
output: { sku: \"{sku}\", stock: \"{doubled}\" }
";
const WAITS: &str = "trigger: { schedule: [ { id: night, cron: '0 3 * * *' }, { every: { hours: 1 } } ] }
input: { text: { type: text, default: hello }, rows: any? }
steps: [ { wait: { for: 1d } } ]
";
const BAD: &str = "steps:\n  - decide:\n      - when: priced.totl > 1000\n        steps: []\n";

/// An engine with something of everything, and the ids of its runs by state.
struct Stage {
    server: Server,
    _project: Project,
    failed: String,
    waiting: String,
    queued: String,
}

fn stage() -> Stage {
    let files = [("workflows/stock/moves.yaml", MOVES), ("workflows/waits.yaml", WAITS), ("workflows/bad.yaml", BAD)];
    let project = Project::new(&files);
    let server = project.serve();
    let key = server.key("stock.moves");
    let send = |sku: &str, quantity: i32| {
        let body = json!({ "sku": sku, "quantity": quantity }).to_string();
        let headers = [("X-API-Key", key.as_str()), ("Content-Type", "application/json")];
        let answer = server.send("POST", "/hooks/moves", &headers, Some(body.as_bytes()));
        assert_eq!(answer.status, 202, "{} {}", answer.text, server.log());
        answer.json()["runId"].as_str().unwrap().to_owned()
    };
    let failed = send("A112", -90);
    server.run_in(&failed, "failed");
    let queued = send("A112", 5);
    let done = send("B121", 7);
    server.run_in(&done, "completed");
    let waiting = post(&server, "/workflows/waits/run", &json!({}))["runId"].as_str().unwrap().to_owned();
    server.run_in(&waiting, "waiting");
    post(&server, "/tokens", &json!({ "role": "viewer", "label": "wall display" }));
    Stage { server, _project: project, failed, waiting, queued }
}

fn post(server: &Server, path: &str, body: &Json) -> Json {
    let answer = server.send("POST", &format!("/api/v1{path}"), &[bearer()], Some(body.to_string().as_bytes()));
    assert!(answer.status < 300, "{path}: {}", answer.text);
    answer.json()
}

impl Stage {
    /// Every page, with a name for its picture.
    fn pages(&self) -> Vec<(&'static str, String)> {
        let Self { failed, waiting, queued, .. } = self;
        vec![
            ("home", "/".into()),
            ("workflows", "/workflows".into()),
            ("workflow", "/workflows/stock.moves".into()),
            ("workflow-waits", "/workflows/waits".into()),
            ("workflow-bad", "/workflows/bad".into()),
            ("runs", "/runs".into()),
            ("runs-failed", "/runs?state=failed%2CtimedOut&text=a-text-that-nothing-begins-with".into()),
            ("runs-retry", format!("/runs/retry?run={failed}")),
            ("run", format!("/runs/{failed}")),
            ("run-step", format!("/runs/{failed}?step=doubled")),
            ("run-waiting", format!("/runs/{waiting}")),
            ("run-cancel", format!("/runs/{waiting}/cancel")),
            ("run-skip", format!("/runs/{queued}/skip")),
            ("run-unknown", "/runs/unknown".into()),
            ("lanes", "/lanes".into()),
            ("lanes-skip", "/lanes/stock%2Emoves/skip?key=A112".into()),
            ("schedules", "/schedules".into()),
            ("playground", "/playground".into()),
            ("settings", "/settings".into()),
        ]
    }
}

fn sign_in(browser: &Browser, token: &str) {
    browser.open("/sign-in");
    browser.write("#token", &format!("{token}\u{e007}"));
    wait_for("the browser has signed in", || Some(()).filter(|()| browser.path() == "/"));
}

/// A page asks for nothing outside, complains of nothing, and fits its window.
#[track_caller]
fn is_sound(browser: &Browser, path: &str, width: u32) {
    let wide = browser.run("return document.documentElement.scrollWidth - window.innerWidth");
    assert!(wide.as_i64().unwrap() <= 0, "{path} is {wide} pixels wider than {width}");
    let unseen = "return [...document.querySelectorAll('main button, main a.btn, main input:not([type=hidden])')]\
        .filter(one => { const box = one.getBoundingClientRect(); const scroll = one.closest('.scroll, .panel, .gantt');\
        return box.width > 0 && box.right > innerWidth + 1 && !(scroll && scroll.scrollWidth > scroll.clientWidth); })\
        .map(one => one.outerHTML.slice(0, 200))";
    assert_eq!(browser.run(unseen), json!([]), "{path} at {width}");
    // The page of a problem is one of an error status, which the console repeats.
    let complaints =
        browser.complaints().into_iter().filter(|line| !line.contains("the server responded with a status"));
    assert_eq!(complaints.collect::<Vec<_>>(), Vec::<String>::new(), "{path}");
    assert_eq!(browser.foreign(), Vec::<String>::new(), "{path}");
}

/// Writes the picture of a page if `DASHBOARD_PICTURES` names a folder.
fn picture(browser: &Browser, name: &str, width: u32) {
    let Some(folder) = std::env::var_os("DASHBOARD_PICTURES") else { return };
    let height = browser.run("return Math.max(document.documentElement.scrollHeight, 700)").as_u64().unwrap();
    browser.size(width, height as u32);
    let png = BASE64_STANDARD.decode(browser.picture()).unwrap();
    std::fs::write(Path::new(&folder).join(format!("{name}.png")), png).unwrap();
}

#[test]
fn every_page_is_sound_at_every_width() {
    let stage = stage();
    let browser = Browser::start(&stage.server.base);
    sign_in(&browser, TOKEN);
    for (width, colours) in [(1440, "light"), (1440, "dark"), (768, "light"), (360, "dark")] {
        browser.prefer(colours);
        for (name, path) in stage.pages() {
            browser.size(width, 900);
            browser.open(&path);
            assert_eq!(browser.path(), path);
            is_sound(&browser, &path, width);
            picture(&browser, &format!("{name}-{width}-{colours}"), width);
        }
    }
}

/// Where tests/run.sh puts axe-core.
fn axe() -> Option<String> {
    let file: PathBuf = [env!("CARGO_MANIFEST_DIR"), "target/axe/node_modules/axe-core/axe.min.js"].iter().collect();
    std::fs::read_to_string(file).ok()
}

#[test]
#[allow(clippy::print_stdout, reason = "a check that is left out is said")]
fn axe_finds_nothing() {
    let Some(axe) = axe() else {
        println!("axe-core is not installed; tests/run.sh installs it");
        return;
    };
    let stage = stage();
    let browser = Browser::start(&stage.server.base);
    let check = |path: &str| {
        let script = format!(
            "const done = arguments[arguments.length - 1]; {axe}; axe.run({{ resultTypes: ['violations'] }}).then(found => \
             done(found.violations.map(one => one.id + ': ' + one.help + ' ' + one.nodes.map(node => node.html).join(' '))))"
        );
        assert_eq!(browser.run_async(&script), json!([]), "{path}");
    };
    browser.size(1440, 900);
    browser.open("/sign-in?next=/runs");
    check("/sign-in");
    sign_in(&browser, TOKEN);
    for (width, colours) in [(1440, "light"), (1440, "dark"), (360, "light")] {
        browser.prefer(colours);
        browser.size(width, 900);
        for (_, path) in stage.pages() {
            browser.open(&path);
            check(&format!("{path} at {width}, {colours}"));
        }
    }
}

/// A way through the pages by their links, buttons and forms.
fn walk(stage: &Stage, browser: &Browser) {
    let server = &stage.server;
    browser.size(1440, 900);
    browser.open("/runs?state=failed");
    browser.arrives("/sign-in");
    browser.write("#token", "wrong\u{e007}");
    wait_for("the page says so", || {
        Some(()).filter(|()| browser.run("return document.querySelector('[role=alert]') !== null") == true)
    });
    browser.write("#token", &format!("{TOKEN}\u{e007}"));
    browser.arrives("/runs?state=failed");
    browser.click(&format!("a[href=\"/runs/{}\"]", stage.failed));
    browser.arrives(&format!("/runs/{}", stage.failed));
    browser.click("a[href^=\"?step=doubled\"]");
    browser.arrives(&format!("/runs/{}?step=doubled", stage.failed));
    browser.click(".acts form[action$=\"/retry\"] button");
    wait_for("it was retried", || Some(()).filter(|()| server.api(&format!("/runs/{}", stage.failed))["retries"] == 1));
    server.run_in(&stage.failed, "failed");
    browser.open("/lanes");
    browser.click("a[href*=\"/skip?key=A112\"]");
    browser.arrives("/lanes/");
    browser.click("form[action$=\"/skip\"] .danger.fill");
    browser.arrives("/lanes");
    server.run_in(&stage.queued, "completed");
    browser.open(&format!("/runs/{}", stage.waiting));
    browser.click("a[href$=\"/cancel\"]");
    browser.click("form[action$=\"/cancel\"] .danger.fill");
    server.run_in(&stage.waiting, "cancelled");
    browser.open("/schedules");
    browser.click("form[action=\"/schedules/waits/pause\"] button");
    wait_for("it is paused", || Some(()).filter(|()| server.api("/schedules").to_string().contains("\"paused\"")));
    browser.open("/workflows");
    browser.click("a.main-link[href=\"/workflows/stock.moves\"]");
    browser.write("#in-sku", "by hand");
    browser.write("#in-quantity", "3");
    browser.click("form[action$=\"/run\"] button");
    browser.arrives("/runs/");
    let run = browser.path().replace("/runs/", "");
    assert_eq!(server.run_in(&run, "completed")["output"], json!({ "sku": "by hand", "stock": 6 }));
    browser.open("/playground");
    browser.run("document.querySelector('[name=source]').value = ''");
    browser.write("[name=source]", "return 6 * 7");
    browser.click("form.pg button");
    wait_for("there is a value", || {
        Some(()).filter(|()| browser.run("return document.getElementById('result')?.textContent") == "42")
    });
    let theme = || browser.run("return document.documentElement.dataset.theme ?? ''").as_str().unwrap().to_owned();
    let before = theme();
    browser.click("[data-theme-switch]");
    wait_for("the colours change", || Some(()).filter(|()| theme() != before));
    browser.click(".topbar .menu summary");
    browser.click("form[action=\"/sign-out\"] button");
    browser.arrives("/sign-in");
    browser.open("/settings");
    browser.arrives("/sign-in?next=%2Fsettings");
    assert_eq!(browser.foreign(), Vec::<String>::new());
}

#[test]
fn the_pages_are_used_with_the_mouse() {
    let stage = stage();
    walk(&stage, &Browser::start(&stage.server.base));
}

#[test]
fn the_pages_are_used_without_script() {
    let stage = stage();
    let browser = Browser::start(&stage.server.base);
    browser.without_script();
    walk(&stage, &browser);
}

#[test]
fn the_pages_are_used_with_the_keyboard() {
    let stage = stage();
    let browser = Browser::start(&stage.server.base);
    browser.size(1440, 900);
    sign_in(&browser, TOKEN);
    browser.open("/runs");
    let focused = || browser.run("return document.activeElement.textContent.trim()").as_str().unwrap().to_owned();
    let has_focus = |name: &str| wait_for(&format!("{name} has the focus"), || Some(()).filter(|()| focused() == name));
    browser.press(&["\u{e004}"]);
    has_focus("To the content");
    browser.press(&["j"]);
    has_focus("waits");
    browser.press(&["j"]);
    has_focus("stock.moves");
    browser.press(&["k"]);
    has_focus("waits");
    browser.press(&["\u{e007}"]);
    browser.arrives(&format!("/runs/{}", stage.waiting));
    browser.press(&["/", "A", "1", "1", "2", "\u{e007}"]);
    browser.arrives("/runs?text=A112");
    let rows = browser.run("return document.querySelectorAll('tr[data-run]').length");
    assert_eq!(rows, 2);
}

#[test]
fn a_link_of_another_site_finds_the_session() {
    let stage = stage();
    let browser = Browser::start(&stage.server.base);
    sign_in(&browser, TOKEN);
    // The same engine by another name is another site for the browser.
    let elsewhere = stage.server.base.replace("127.0.0.1", "localhost");
    browser.run(&format!("location.href = '{elsewhere}/sign-in?next=/runs'"));
    wait_for("the other site is open", || Some(()).filter(|()| browser.url().starts_with(&elsewhere)));
    browser.run(&format!("location.href = '{}/runs?state=failed'", stage.server.base));
    wait_for("the runs are shown", || {
        let shown = "return document.querySelectorAll('tr[data-run]').length === 1";
        Some(()).filter(|()| browser.url().starts_with(&stage.server.base) && browser.run(shown) == true)
    });
    assert_eq!(browser.path(), "/runs?state=failed");
}

#[test]
fn pages_follow_what_happens_and_never_jump() {
    let mut stage = stage();
    let browser = Browser::start(&stage.server.base);
    browser.size(1440, 900);
    sign_in(&browser, TOKEN);
    browser.open("/runs");
    let is = |what: &str, script: &str| {
        wait_for(what, || Some(()).filter(|()| browser.run(&format!("return Boolean({script})")) == true));
    };
    is("the page listens", "document.querySelector('[data-live-state]').textContent === 'Live'");
    browser.run("window.same = true");
    let start = |sku: &str| {
        let started =
            post(&stage.server, "/workflows/stock.moves/run", &json!({ "input": { "sku": sku, "quantity": 1 } }));
        started["runId"].as_str().unwrap().to_owned()
    };
    let run = start("C1");
    is("the run is shown", &format!("document.querySelector('[data-run=\"{run}\"] .completed')"));
    // A row is chosen: the list stays as it is, and a button says what is new.
    browser.click("[data-row]");
    let next = start("C2");
    is("the button is shown", "document.querySelector('[data-live-show]:not([hidden])')?.textContent === '1 new'");
    assert_eq!(browser.run(&format!("return document.querySelector('[data-run=\"{next}\"]')")), Json::Null);
    browser.click("[data-live-show]");
    is("the run is shown", &format!("document.querySelector('[data-run=\"{next}\"]')"));
    assert_eq!(browser.run("return window.same"), true, "it is the same page");
    // The page of a run.
    browser.open(&format!("/runs/{}", stage.waiting));
    is("the page listens", "document.querySelector('[data-live-state]').textContent === 'Live'");
    post(&stage.server, &format!("/runs/{}/cancel", stage.waiting), &json!({}));
    is("the end is shown", "document.querySelector('.state.big.cancelled')");
    assert_eq!(browser.complaints(), Vec::<String>::new());
    // The engine has gone.
    browser.open("/lanes");
    is("the page listens", "document.querySelector('[data-live-state]').textContent === 'Live'");
    stage.server.signal("TERM");
    stage.server.ended();
    is("the page says so", "document.querySelector('[data-live-state].off').textContent.startsWith('Not live, ')");
}

#[test]
fn a_viewer_sees_actions_off() {
    let stage = stage();
    let viewer = post(&stage.server, "/tokens", &json!({ "role": "viewer" }))["token"].as_str().unwrap().to_owned();
    let browser = Browser::start(&stage.server.base);
    browser.size(768, 900);
    sign_in(&browser, &viewer);
    let readable = ["runs-retry", "run-cancel", "run-skip", "lanes-skip"];
    for (name, path) in stage.pages() {
        browser.open(&path);
        if readable.contains(&name) || name == "run-unknown" {
            continue;
        }
        let on = "return [...document.querySelectorAll('main form[method=post] button')].filter(one => !one.disabled)\
            .map(one => one.textContent.trim())";
        let own: &[&str] = if name == "settings" { &["Sign out everywhere"] } else { &[] };
        assert_eq!(browser.run(on), json!(own), "{path}");
        is_sound(&browser, &path, 768);
    }
}
