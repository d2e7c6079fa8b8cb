//! Steps that do not end.

use crate::peer::{Peer, ok};
use crate::server::{Project, wait_for};
use crate::{accept, act};
use std::time::Duration;

#[test]
fn hanging_steps_end_by_their_limits_and_hold_nobody_up() {
    // Answers nothing for longer than this test lasts.
    let peer = Peer::new(|request, _| {
        if request.path == "/hang" {
            std::thread::sleep(Duration::from_secs(600));
        }
        ok("1")
    });
    let hook = "trigger: { webhook: { auth: none } }\nsteps:\n";
    let http = |extra: &str| {
        format!("{hook}  - http: {{ url: \"http://{}/hang\", method: POST }}\n    timeout: {extra}\n", peer.address)
    };
    let endless = "  - script: |\n      while true { }\n";
    let project = Project::new(&[
        ("flowscript.toml", &format!("{}[limits]\nrun = \"4s\"\nscriptSteps = 100000000000\n", peer.allow())),
        ("workflows/request.yaml", &http("1s")),
        ("workflows/patient.yaml", &http("1h")),
        ("workflows/endless.yaml", &format!("{hook}{endless}")),
        ("workflows/ordered.yaml", &http("1s").replace("auth: none", "auth: none, ordered: true")),
        (
            "workflows/other.yaml",
            &format!("{}output: 1\n", hook.replace("auth: none", "auth: none, response: wait").replace("steps:\n", "")),
        ),
    ]);
    let server = project.serve();
    let request = accept(&server, "/hooks/request", "{}");
    let patient = accept(&server, "/hooks/patient", "{}");
    let cancelled = accept(&server, "/hooks/patient", "{}");
    let endless = accept(&server, "/hooks/endless", "{}");
    let (first, second) = (accept(&server, "/hooks/ordered", "{}"), accept(&server, "/hooks/ordered", "{}"));
    assert_eq!(server.post("/hooks/other", "{}").text, "1");
    wait_for("the cancelled run to hang", || {
        (server.api(&format!("/runs/{cancelled}"))["state"] == "running").then_some(())
    });
    assert_eq!(act(&server, &format!("/runs/{cancelled}/cancel")).status, 202);
    server.run_in(&cancelled, "cancelled");
    let failed = server.run_in(&request, "failed");
    assert_eq!(failed["error"]["kind"], "timeout", "{failed}");
    server.run_in(&first, "failed");
    server.run_in(&second, "failed");
    server.run_in(&patient, "timedOut");
    server.run_in(&endless, "timedOut");
    assert_eq!(server.post("/hooks/other", "{}").text, "1");
}
