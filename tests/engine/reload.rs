//! Changes of the project's files while the engine serves.

use crate::server::{Project, Server, wait_for};
use std::time::{Duration, Instant};

fn hook(path: &str, output: &str) -> String {
    format!("trigger: {{ webhook: {{ path: {path}, auth: none, response: wait }} }}\noutput: {output}")
}

/// The webhook answers this within a second.
#[track_caller]
fn soon(server: &Server, path: &str, expected: &str) {
    let started = Instant::now();
    wait_for(&format!("{path} answers {expected}"), || (server.get(path).text == expected).then_some(()));
    // The machine may be busy with other tests; alone it takes a quarter of a second.
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
}

#[test]
fn a_changed_price_is_there_within_a_second() {
    let project = Project::examples();
    let server = Server::start(&project.path().join("examples"), &[]);
    let price = || server.get("/hooks/item-price?itemId=A100&quantity=10").json()["discount"].to_string();
    assert_eq!(price(), "0.03");
    let file = project.path().join("examples/workflows/item-price.yaml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("return 0.03", "return 0.04")).unwrap();
    wait_for("the new discount counts", || (price() == "0.04").then_some(()));
}

#[test]
fn a_broken_file_stays_on_its_last_good_version_also_after_a_restart() {
    let project = Project::new(&[("workflows/a.yaml", &hook("a", "1")), ("workflows/b.yaml", &hook("b", "1"))]);
    let server = project.serve();
    project.write("workflows/a.yaml", "output: \"{nope}\"");
    project.write("workflows/b.yaml", &hook("b", "2"));
    soon(&server, "/hooks/b", "2");
    assert_eq!(server.get("/hooks/a").text, "1");
    let problem = server.api("/workflows/a")["problems"][0].clone();
    assert_eq!(
        (problem["code"].as_str(), problem["line"].as_u64(), problem["column"].as_u64()),
        (Some("E0101"), Some(1), Some(11))
    );
    assert!(server.log().contains("workflows/a.yaml:1:11"), "{}", server.log());
    let server = server.restart();
    assert_eq!(server.get("/hooks/a").text, "1");
    assert_eq!(server.api("/workflows/a")["problems"][0]["line"], 1);
    project.write("workflows/a.yaml", &hook("a", "3"));
    soon(&server, "/hooks/a", "3");
    assert_eq!(server.api("/workflows/a")["problems"].as_array().unwrap().len(), 0);
}

#[test]
fn files_come_go_and_rest() {
    let project = Project::new(&[]);
    let server = project.serve();
    project.write("workflows/erp/stock.yaml", &hook("stock", "1"));
    soon(&server, "/hooks/stock", "1");
    assert_eq!(server.api("/workflows")["workflows"][0]["id"], "erp.stock");
    project.write("workflows/erp/stock.yaml", &format!("active: false\n{}", hook("stock", "1")));
    wait_for("the inactive one is gone", || (server.get("/hooks/stock").status == 404).then_some(()));
    project.write("workflows/erp/stock.yaml", &hook("stock", "2"));
    soon(&server, "/hooks/stock", "2");
    std::fs::remove_file(project.path().join("workflows/erp/stock.yaml")).unwrap();
    wait_for("the deleted one is gone", || (server.get("/hooks/stock").status == 404).then_some(()));
    assert!(server.api("/runs")["runs"].as_array().unwrap().len() >= 2, "history stays");
}

#[test]
fn who_serves_a_path_keeps_it() {
    let project = Project::new(&[("workflows/z.yaml", &hook("p", "1"))]);
    let server = project.serve();
    project.write("workflows/a.yaml", &hook("p", "2"));
    wait_for("the other has a problem", || {
        let workflows = server.api("/workflows");
        workflows["workflows"][0]["problems"][0]["message"]
            .as_str()
            .map(|m| assert!(m.contains("`p` belongs to the workflow `z`")))
    });
    assert_eq!(server.get("/hooks/p").text, "1");
    let server = server.restart();
    assert_eq!(server.get("/hooks/p").text, "1");
}

#[test]
fn modules_reach_workflows() {
    let project = Project::new(&[
        ("workflows/a.yaml", &hook("a", "\"{pricing.net(100)}\"")),
        ("modules/pricing.flow", "function net(gross: number): number { return gross / 2; }"),
    ]);
    let server = project.serve();
    assert_eq!(server.get("/hooks/a").text, "50");
    project.write("modules/pricing.flow", "function net(gross: number): number { return gross / 4; }");
    soon(&server, "/hooks/a", "25");
    project.write("modules/pricing.flow", "function net(gross: number): number { return nope; }");
    wait_for("the module's problem is told", || {
        (server.api("/workflows/a")["problems"][0]["file"] == "modules/pricing.flow").then_some(())
    });
    assert_eq!(server.get("/hooks/a").text, "25");
}
