//! Files that steps change, list and read: through kills, and while other programs write them.

use crate::server::{Project, wait_for};
use std::time::Duration;

const MOVES: &str = "
trigger: { webhook: { auth: none } }
steps:
  - id: found
    file: { list: \"mv/in/*.txt\" }
  - forEach:
      item: f
      in: found
      steps:
        - file: { move: \"{f.path}\", to: \"mv/out/{f.name}\" }
        - file: { delete: \"mv/marks/{f.name}\" }
";

#[test]
fn files_are_moved_and_deleted_once_through_kills() {
    const FILES: usize = 400;
    let project = Project::new(&[("workflows/moves.yaml", MOVES)]);
    for n in 0..FILES {
        project.write(&format!("files/mv/in/{n:04}.txt"), &n.to_string());
        project.write(&format!("files/mv/marks/{n:04}.txt"), "");
    }
    let count = |folder: &str| {
        let folder = project.path().join("files/mv").join(folder);
        std::fs::read_dir(folder).map_or(0, Iterator::count)
    };
    let mut server = project.serve();
    let accepted = server.post("/hooks/moves", "{}");
    let run = accepted.json()["runId"].as_str().unwrap().to_owned();
    for kill in 1..=6 {
        wait_for("some files have moved", || (count("out") >= kill * FILES / 8).then_some(()));
        // Kills at different moments of a move and its commit.
        std::thread::sleep(Duration::from_micros(700 * kill as u64));
        server = server.restart();
    }
    server.run_in(&run, "completed");
    assert_eq!((count("in"), count("out"), count("marks")), (0, FILES, 0));
    for n in 0..FILES {
        let path = project.path().join(format!("files/mv/out/{n:04}.txt"));
        assert_eq!(std::fs::read_to_string(path).unwrap(), n.to_string());
    }
}

#[test]
fn a_missing_file_stays_a_failure_however_often_it_is_retried() {
    let workflow = "
trigger: { webhook: { auth: none, response: wait } }
steps:
  - file: { move: in/a.txt, to: done/a.txt }
    retry: { times: 2, delay: 10ms }
";
    let project = Project::new(&[("workflows/move.yaml", workflow), ("files/done/a.txt", "old")]);
    let server = project.serve();
    let failed = server.post("/hooks/move", "{}");
    assert_eq!(failed.status, 500, "{}", failed.text);
    let run = failed.json()["runId"].as_str().unwrap().to_owned();
    let retried = server.send("POST", &format!("/api/v1/runs/{run}/retry"), &[crate::server::bearer()], Some(b""));
    assert!(retried.status < 300, "{}", retried.text);
    let shown = wait_for("the retry has failed", || {
        let shown = server.api(&format!("/runs/{run}"));
        (shown["state"] == "failed" && shown["retries"] == 1).then_some(shown)
    });
    assert!(shown["error"]["message"].as_str().unwrap().contains("in/a.txt"), "{shown}");
}

#[test]
fn appended_rows_and_lines_make_one_file() {
    let workflow = "
input: { n: number }
trigger: { webhook: { auth: none, response: wait } }
steps:
  - file: { append: journal.csv, content: \"{[[id: n, b: 'x']]}\" }
  - file: { append: journal.csv, content: { b: \"{n}\" } }
  - file: { append: journal.ndjson, content: { id: \"{n}\" } }
  - file: { append: log, as: ndjson, content: \"{[n, n + 1]}\" }
  - id: lines
    file: { read: log, as: ndjson }
output: \"{Sum(lines)}\"
";
    let project = Project::new(&[("workflows/journal.yaml", workflow)]);
    let server = project.serve();
    assert_eq!(server.post("/hooks/journal", "{\"n\": 1}").text, "3");
    assert_eq!(server.post("/hooks/journal", "{\"n\": 2}").text, "8");
    let file = |name: &str| std::fs::read_to_string(project.path().join("files").join(name)).unwrap();
    assert_eq!(file("journal.csv"), "id,b\r\n1,x\r\n,1\r\n2,x\r\n,2\r\n");
    assert_eq!(file("journal.ndjson"), "{\"id\":1}\n{\"id\":2}\n");
}

#[test]
fn a_file_that_is_still_written_is_not_listed_and_is_waited_for() {
    let list = "
trigger: { webhook: { auth: none, response: wait } }
steps:
  - id: found
    file: { list: \"in/*\", settled: 700ms }
output: \"{Count(found)}\"
";
    let read = "
trigger: { webhook: { auth: none, response: wait } }
steps:
  - id: text
    file: { read: in/a.txt, settled: 700ms }
output: \"{text}\"
";
    let project = Project::new(&[("workflows/list.yaml", list), ("workflows/read.yaml", read)]);
    let server = project.serve();
    project.write("files/in/a.txt", "one");
    assert_eq!(server.post("/hooks/list", "").text, "0");
    std::thread::scope(|scope| {
        let path = project.path().join("files/in/a.txt");
        let writer = scope.spawn(move || {
            for part in 0..10 {
                std::fs::write(&path, format!("part {part}")).unwrap();
                std::thread::sleep(Duration::from_millis(100));
            }
            std::fs::write(&path, "whole").unwrap();
        });
        assert_eq!(server.post("/hooks/read", "").text, "whole");
        writer.join().unwrap();
    });
    assert_eq!(server.post("/hooks/list", "").text, "1");
}

#[test]
fn what_files_cannot_do_is_reported_when_the_workflow_loads() {
    let step = |file: &str| format!("steps:\n  - file: {file}\n");
    let project = Project::new(&[
        ("workflows/json.yaml", &step("{ append: a.json, content: { n: 1 } }")),
        ("workflows/explicit.yaml", &step("{ append: a, as: json, content: [1] }")),
        ("workflows/settled.yaml", &step("{ write: a.txt, content: x, settled: 1s }")),
    ]);
    let checked = crate::server::flowscript().arg("check").arg(project.path()).output().unwrap();
    let told = String::from_utf8(checked.stderr).unwrap() + &String::from_utf8(checked.stdout).unwrap();
    assert_eq!(told.matches("as: ndjson").count(), 2, "{told}");
    assert!(told.contains("`settled` does not apply to `write`"), "{told}");
}
