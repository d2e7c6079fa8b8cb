//! A Chromium that is driven by `chromedriver` over its HTTP interface (WebDriver).

use serde_json::{Value as Json, json};
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long the driver may take to answer, and a page to change.
const PATIENCE: Duration = Duration::from_secs(60);
/// The arguments of the browser: nothing but the pages is loaded.
const ARGUMENTS: [&str; 8] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
];
/// The name of an element in answers.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// One browser at a time: each takes several cores, and drops what it is sent while it is late.
static TURN: Mutex<()> = Mutex::new(());

/// A browser with an empty profile; it ends when dropped.
pub struct Browser {
    driver: Child,
    session: String,
    agent: ureq::Agent,
    base: String,
    /// Its folder is removed after the browser has ended.
    profile: TempDir,
    _turn: MutexGuard<'static, ()>,
}

impl Browser {
    /// A browser for the pages below `base`.
    pub fn start(base: &str) -> Self {
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let profile = tempfile::tempdir().unwrap();
        let mut command = Command::new("chromedriver");
        command.args(["--port=0"]).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut driver = command.spawn().expect("chromedriver is not installed; tests/run.sh installs it");
        let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines();
        let port = lines.by_ref().map_while(Result::ok).find_map(|line| {
            let (_, port) = line.split_once("started successfully on port ")?;
            port.trim_end_matches('.').parse::<u16>().ok()
        });
        std::thread::spawn(move || lines.count());
        let config = ureq::Agent::config_builder().timeout_global(Some(PATIENCE)).http_status_as_error(false);
        let agent = config.build().new_agent();
        let session = format!("http://127.0.0.1:{}/session", port.expect("chromedriver has a port"));
        let mut browser = Self { driver, session, agent, base: base.to_owned(), profile, _turn: turn };
        let data = format!("--user-data-dir={}", browser.profile.path().display());
        let arguments: Vec<&str> = ARGUMENTS.into_iter().chain([data.as_str()]).collect();
        let wanted = json!({ "capabilities": { "alwaysMatch": {
            "browserName": "chrome",
            "goog:chromeOptions": { "args": arguments },
            "goog:loggingPrefs": { "browser": "ALL", "performance": "ALL" },
        } } });
        let started = browser.send("POST", "", &wanted);
        browser.session = format!("{}/{}", browser.session, started["sessionId"].as_str().unwrap());
        // An element may come with the next page.
        browser.send("POST", "/timeouts", &json!({ "implicit": 10_000, "script": 60_000 }));
        browser
    }

    fn send(&self, method: &str, path: &str, body: &Json) -> Json {
        let url = format!("{}{path}", self.session);
        let answer = match method {
            "GET" => self.agent.get(&url).call(),
            "DELETE" => self.agent.delete(&url).call(),
            _ => self.agent.post(&url).send_json(body),
        };
        let mut answer = answer.unwrap_or_else(|error| panic!("{path}: {error}"));
        let text = answer.body_mut().with_config().limit(64 << 20).read_to_string().unwrap();
        let json: Json = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}: {text}"));
        assert!(answer.status().is_success(), "{path}: {text}");
        json["value"].clone()
    }

    /// Opens a page.
    pub fn open(&self, path: &str) {
        self.send("POST", "/url", &json!({ "url": format!("{}{path}", self.base) }));
    }

    /// The address of the page.
    pub fn url(&self) -> String {
        self.send("GET", "/url", &Json::Null).as_str().unwrap().to_owned()
    }

    /// The path of the page.
    pub fn path(&self) -> String {
        self.url().strip_prefix(&self.base).expect("a page of the engine").to_owned()
    }

    /// Waits until the path of the page has this beginning.
    #[track_caller]
    pub fn arrives(&self, at: &str) {
        let started = Instant::now();
        while !self.path().starts_with(at) {
            assert!(started.elapsed() < PATIENCE, "{} is not {at}", self.path());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// The value of a script's `return`.
    pub fn run(&self, script: &str) -> Json {
        self.send("POST", "/execute/sync", &json!({ "script": script, "args": [] }))
    }

    /// The value that a script gives to its callback, `arguments[0]`.
    pub fn run_async(&self, script: &str) -> Json {
        self.send("POST", "/execute/async", &json!({ "script": script, "args": [] }))
    }

    fn element(&self, selector: &str) -> String {
        let found = self.send("POST", "/element", &json!({ "using": "css selector", "value": selector }));
        found[ELEMENT].as_str().unwrap().to_owned()
    }

    /// Clicks an element.
    pub fn click(&self, selector: &str) {
        self.send("POST", &format!("/element/{}/click", self.element(selector)), &json!({}));
    }

    /// Types into an element. `\u{e007}` is the return key.
    pub fn write(&self, selector: &str, text: &str) {
        self.send("POST", &format!("/element/{}/value", self.element(selector)), &json!({ "text": text }));
    }

    /// Presses keys one by one, wherever the focus is. A browser drops keys before it has painted a page.
    pub fn press(&self, keys: &[&str]) {
        let started = Instant::now();
        while self.run("return performance.getEntriesByType('paint').length > 0") != true {
            assert!(started.elapsed() < PATIENCE, "the page is not painted");
            std::thread::sleep(Duration::from_millis(20));
        }
        let presses = keys.iter().flat_map(|key| ["keyDown", "keyUp"].map(|act| json!({ "type": act, "value": key })));
        let keyboard = json!({ "type": "key", "id": "keyboard", "actions": presses.collect::<Vec<_>>() });
        self.send("POST", "/actions", &json!({ "actions": [keyboard] }));
    }

    fn command(&self, name: &str, parameters: &Json) {
        self.send("POST", "/goog/cdp/execute", &json!({ "cmd": name, "params": parameters }));
    }

    /// The size of its window, in pixels.
    pub fn size(&self, width: u32, height: u32) {
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.command("Emulation.setDeviceMetricsOverride", &size);
    }

    /// The colours that its user prefers: `light` or `dark`.
    pub fn prefer(&self, colours: &str) {
        let feature = json!({ "name": "prefers-color-scheme", "value": colours });
        self.command("Emulation.setEmulatedMedia", &json!({ "features": [feature] }));
    }

    /// Switches the script of pages off.
    pub fn without_script(&self) {
        self.command("Emulation.setScriptExecutionDisabled", &json!({ "value": true }));
    }

    /// The picture of the page as PNG, in base64.
    pub fn picture(&self) -> String {
        self.send("GET", "/screenshot", &Json::Null).as_str().unwrap().to_owned()
    }

    /// The errors and warnings of the console since the last call.
    pub fn complaints(&self) -> Vec<String> {
        let lines = self.send("POST", "/se/log", &json!({ "type": "browser" }));
        let bad =
            lines.as_array().unwrap().iter().filter(|line| line["level"] == "SEVERE" || line["level"] == "WARNING");
        bad.map(|line| line["message"].to_string()).collect()
    }

    /// The addresses that pages have requested since the last call, outside the engine.
    pub fn foreign(&self) -> Vec<String> {
        let lines = self.send("POST", "/se/log", &json!({ "type": "performance" }));
        let messages = lines.as_array().unwrap().iter().filter_map(|line| {
            serde_json::from_str::<Json>(line["message"].as_str()?).ok().map(|entry| entry["message"].clone())
        });
        let sent = messages.filter(|message| message["method"] == "Network.requestWillBeSent");
        let urls = sent.map(|message| message["params"]["request"]["url"].as_str().unwrap().to_owned());
        // The browser begins with a page of its own, and draws its fields with pictures of its own.
        let own = [self.base.as_str(), "chrome", "data:"];
        urls.filter(|url| !own.iter().any(|own| url.starts_with(own))).collect()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The driver ends its browser with the session.
        let _ = self.agent.delete(&self.session).call();
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}
