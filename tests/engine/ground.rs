//! Failures of the surroundings: folders that cannot be read, the limit on open files, a store that is removed.

use crate::server::{Project, Server, bearer, flowscript, wait_for};
use std::fs::{self, File};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

fn hook(output: &str) -> String {
    format!("trigger: {{ webhook: {{ auth: none, response: wait }} }}\noutput: {output}\n")
}

/// Two workflows, one of them in a folder and with a module, and a schedule.
fn project() -> Project {
    Project::new(&[
        ("workflows/a.yaml", &hook("1")),
        ("workflows/erp/b.yaml", &hook("\"{m.one()}\"")),
        ("workflows/c.yaml", "trigger: { schedule: [{ id: s, cron: \"0 3 * * *\" }] }\noutput: 1\n"),
        ("modules/m.flow", "function one() => 1;"),
    ])
}

#[track_caller]
fn all_serve(server: &Server) {
    assert_eq!(server.get("/hooks/a").text, "1");
    assert_eq!(server.get("/hooks/erp.b").text, "1");
    let schedules = server.api("/schedules");
    assert_eq!(schedules["schedules"].as_array().unwrap().len(), 1, "{schedules}");
}

/// The project has a problem with this text, and everything still serves, for longer than a reload takes.
#[track_caller]
fn stays(server: &Server, part: &str) {
    wait_for(&format!("a problem with {part}"), || {
        let shown = server.api("/workflows").to_string();
        (shown.contains(part) && server.log().contains(part)).then_some(())
    });
    for _ in 0..10 {
        all_serve(server);
        std::thread::sleep(Duration::from_millis(100));
    }
    let lines = server.log().lines().filter(|line| line.contains(part)).count();
    // There are only two reasons of two lines each.
    assert!(lines <= 4, "{lines} lines:\n{}", server.log());
}

fn serves_soon(server: &Server, path: &str, text: &str) {
    wait_for(&format!("{path} answers {text}"), || (server.get(path).text == text).then_some(()));
}

#[test]
fn a_folder_that_cannot_be_read_keeps_what_it_held() {
    let project = project();
    let at = |path: &str| project.path().join(path);
    let server = project.serve();
    all_serve(&server);
    // A file in its place.
    for folder in ["workflows", "modules", "workflows/erp"] {
        fs::rename(at(folder), at("away")).unwrap();
        fs::write(at(folder), "").unwrap();
        project.write("connections.yaml", "seen: { folder: { path: x } }\n");
        if folder == "workflows/erp" {
            // A file where a folder was: this one is really removed.
            wait_for("its workflows are gone", || (server.get("/hooks/erp.b").status == 404).then_some(()));
        } else {
            stays(&server, &format!("{folder} cannot be read"));
        }
        fs::remove_file(at(folder)).unwrap();
        fs::rename(at("away"), at(folder)).unwrap();
        serves_soon(&server, "/hooks/erp.b", "1");
        wait_for("no problems", || server.api("/workflows")["problems"].as_array().unwrap().is_empty().then_some(()));
    }
    // A link that leads to itself, and one that leads nowhere.
    for (path, to) in [("workflows", "workflows"), ("workflows/erp", "nowhere"), ("modules/m.flow", "m.flow")] {
        fs::rename(at(path), at("away")).unwrap();
        symlink(to, at(path)).unwrap();
        project.write("connections.yaml", "again: { folder: { path: x } }\n");
        stays(&server, &format!("{path} cannot be read"));
        fs::remove_file(at(path)).unwrap();
        fs::rename(at("away"), at(path)).unwrap();
        wait_for("no problems", || server.api("/workflows")["problems"].as_array().unwrap().is_empty().then_some(()));
        all_serve(&server);
    }
    // It is followed as before.
    project.write("workflows/erp/b.yaml", &hook("2"));
    serves_soon(&server, "/hooks/erp.b", "2");
    fs::remove_file(at("workflows/a.yaml")).unwrap();
    wait_for("what is really gone is gone", || (server.get("/hooks/a").status == 404).then_some(()));
}

#[test]
fn a_project_that_cannot_be_read_is_no_empty_one() {
    for path in ["workflows", "modules", "connections.yaml"] {
        let project = project();
        let at = project.path().join(path);
        let _ = fs::remove_dir_all(&at);
        symlink(at.file_name().unwrap(), &at).unwrap();
        let output = flowscript().arg("serve").arg(project.path()).args(["--once"]).output().unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{told}");
        assert!(told.contains(path), "{told}");
    }
    let project = project();
    let settings = project.path().join("flowscript.toml");
    assert!(Command::new("mkfifo").arg(&settings).status().unwrap().success());
    let output = within(flowscript().arg("serve").arg(project.path()).args(["--once"]));
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("flowscript.toml cannot be read: it is a pipe"));
}

/// The output of a command that must not block.
fn within(command: &mut Command) -> Output {
    use std::process::Stdio;
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let started = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if started.elapsed() > Duration::from_secs(30) {
            child.kill().unwrap();
            panic!("{command:?} waits for ever");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    child.wait_with_output().unwrap()
}

#[test]
fn descriptors_at_their_limit_change_nothing() {
    let project = project();
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -n 128; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_flowscript")]);
    command.env("FLOWSCRIPT_TOKEN", crate::server::TOKEN);
    let server = Server::start_by(command, project.path(), &[]);
    all_serve(&server);
    // A limit below the number of open files: nothing more can be opened.
    let limit = |number: &str| {
        let mut command = Command::new("prlimit");
        let set = command.args(["--pid", &server.id().to_string(), &format!("--nofile={number}:")]).status();
        assert!(set.unwrap().success());
    };
    limit("5");
    project.write("workflows/a.yaml", &hook("2"));
    wait_for("the log says so", || server.log().contains("the project stays as it was").then_some(()));
    assert!(server.log().matches("the project stays as it was").count() <= 2, "{}", server.log());
    limit("128");
    serves_soon(&server, "/hooks/a", "2");
    assert_eq!(server.get("/hooks/erp.b").text, "1");
    assert_eq!(server.api("/schedules")["schedules"].as_array().unwrap().len(), 1);
    assert!(server.api("/workflows")["workflows"].as_array().unwrap().iter().all(|one| one["present"] == true));
    assert_eq!(server.api("/workflows")["problems"].as_array().unwrap().len(), 0);
}

#[test]
fn only_regular_files_of_a_bound_are_read() {
    let project = project();
    project.write("flowscript.toml", "");
    project.write("scripts/good.flow", "return 1;");
    let at = |path: &str| project.path().join(path);
    let server = project.serve();
    let pipe = |path: &str| assert!(Command::new("mkfifo").arg(at(path)).status().unwrap().success());
    pipe("workflows/pipe.yaml");
    pipe("modules/pipe.flow");
    pipe("scripts/pipe.flow");
    File::create(at("workflows/huge.yaml")).unwrap().set_len(1 << 40).unwrap();
    File::create(at("modules/huge.flow")).unwrap().set_len(1 << 40).unwrap();
    symlink("/dev/zero", at("workflows/zero.yaml")).unwrap();
    fs::create_dir(at("workflows/folder.yaml")).unwrap();
    for name in ["workflows/round", "workflows/about", "scripts/round", "scripts/again"] {
        symlink(".", at(name)).unwrap();
    }
    for (id, part) in
        [("pipe", "a pipe"), ("huge", "the limit is 4194304"), ("zero", "a device"), ("folder", "a folder")]
    {
        wait_for(&format!("{id} has a problem"), || {
            let found = server.send("GET", &format!("/api/v1/workflows/{id}"), &[bearer()], None);
            (found.status == 200 && found.text.contains(part)).then_some(())
        });
    }
    wait_for("modules have problems", || {
        let problems = server.api("/workflows")["problems"].to_string();
        ["modules/pipe.flow", "modules/huge.flow", "workflows/round"]
            .iter()
            .all(|part| problems.contains(part))
            .then_some(())
    });
    all_serve(&server);
    // Live reload continues.
    project.write("workflows/a.yaml", &hook("2"));
    serves_soon(&server, "/hooks/a", "2");
    // Commands do not wait for a pipe, either.
    let checked = within(flowscript().arg("check").arg(project.path()));
    let told = String::from_utf8_lossy(&checked.stderr).into_owned();
    assert_eq!(checked.status.code(), Some(2), "{told}");
    assert!(told.contains("pipe.flow") && told.contains("huge.yaml"), "{told}");
    for arguments in [["run", "scripts/pipe.flow"], ["check", "scripts/pipe.flow"], ["run", "/dev/zero"]] {
        let output = within(flowscript().current_dir(project.path()).args(arguments));
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
    }
    let script = Command::new("sh")
        .args(["-c", "echo 'return 1 + 1;' | \"$0\" run /dev/stdin", env!("CARGO_BIN_EXE_flowscript")])
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&script.stdout), "2\n");
}

#[test]
fn file_steps_read_regular_files_only() {
    let step = |path: &str| {
        let step = format!("  - file: {{ {path} }}\n    id: found\n");
        format!("trigger: {{ webhook: {{ auth: none, response: wait }} }}\nsteps:\n{step}output: \"{{found}}\"\n")
    };
    let project = Project::new(&[
        ("workflows/read.yaml", &step("read: pipe.txt")),
        ("workflows/huge.yaml", &step("read: huge.txt")),
        ("workflows/append.yaml", &step("append: pipe.txt, content: x")),
        ("files/x.txt", "x"),
    ]);
    assert!(Command::new("mkfifo").arg(project.path().join("files/pipe.txt")).status().unwrap().success());
    File::create(project.path().join("files/huge.txt")).unwrap().set_len(1 << 40).unwrap();
    let server = project.serve();
    for id in ["read", "huge", "append"] {
        assert_eq!(server.get(&format!("/hooks/{id}")).status, 500, "{id}");
    }
}

fn accepting() -> Project {
    Project::new(&[
        ("workflows/a.yaml", "trigger: { webhook: { auth: none } }\noutput: 1\n"),
        (
            "workflows/relaxed.yaml",
            "durability: relaxed\ntrigger: { webhook: { auth: none, response: wait } }\noutput: 1\n",
        ),
    ])
}

/// Every request is refused with an answer; the log says it once.
#[track_caller]
fn takes_nothing(server: &Server, part: &str) {
    for _ in 0..5 {
        server.post("/hooks/a", "{}").is_problem(503, "cannot store anything");
    }
    server.get("/readyz").is_problem(503, "cannot store anything");
    assert_eq!(server.get("/livez").status, 200);
    wait_for("relaxed answers end", || (server.get("/hooks/relaxed").status == 503).then_some(()));
    for _ in 0..500 {
        assert_eq!(server.post("/hooks/a", "{}").status, 503);
    }
    wait_for("the log says so", || server.log().contains(part).then_some(()));
    assert!(server.log().lines().count() < 40, "{}", server.log());
}

#[test]
fn a_store_that_is_taken_away_keeps_nothing_and_says_so() {
    let project = accepting();
    let at = |path: &str| project.path().join(path);
    let server = project.serve();
    assert_eq!(server.get("/readyz").status, 200);
    let mut kept = 0;
    for path in ["data/flowscript.db", "data/flowscript.db-wal", "data"] {
        fs::rename(at(path), at("away")).unwrap();
        takes_nothing(&server, "is gone while the store is open");
        fs::rename(at("away"), at(path)).unwrap();
        // The right file is back: the engine recovers by itself.
        wait_for("it goes on", || (server.get("/readyz").status == 200).then_some(()));
        assert_eq!(server.post("/hooks/a", "{}").status, 202);
        kept += 1;
    }
    // Another file of this name is refused, and no acknowledged run is lost.
    fs::rename(at("data/flowscript.db"), at("away")).unwrap();
    fs::write(at("data/flowscript.db"), "").unwrap();
    takes_nothing(&server, "another file is at");
    server.kill();
    let output = flowscript().arg("serve").arg(project.path()).arg("--once").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("is empty"), "{output:?}");
    fs::rename(at("away"), at("data/flowscript.db")).unwrap();
    let server = project.serve();
    let runs = server.api("/runs?workflow=a&limit=100");
    assert_eq!(runs["runs"].as_array().unwrap().len(), kept);
}

#[test]
fn a_store_that_is_cut_off_or_written_over_keeps_nothing() {
    for (name, cut) in [("flowscript.db", true), ("flowscript.db-wal", true), ("flowscript.db", false)] {
        let project = accepting();
        let server = project.serve();
        assert_eq!(server.post("/hooks/a", "{}").status, 202);
        let mut file = File::options().write(true).open(project.path().join("data").join(name)).unwrap();
        if cut {
            file.set_len(0).unwrap();
        } else {
            std::io::Write::write_all(&mut file, &[b'x'; 4096]).unwrap();
        }
        takes_nothing(&server, "was damaged while it was open");
    }
}

#[test]
fn a_store_that_is_gone_is_not_begun_anew() {
    let project = accepting();
    let at = |path: &str| project.path().join(path);
    let server = project.serve();
    assert_eq!(server.post("/hooks/a", "{}").status, 202);
    server.kill();
    let refused = |part: &str| {
        for arguments in [["serve", "--once"].as_slice(), &["runs"]] {
            let mut command = flowscript();
            command.current_dir(project.path()).args(arguments);
            let output = command.output().unwrap();
            let told = String::from_utf8_lossy(&output.stderr).into_owned();
            assert_eq!(output.status.code(), Some(2), "{told}");
            assert!(told.contains(part), "{told}");
        }
    };
    let (database, wal) = (at("data/flowscript.db"), at("data/flowscript.db-wal"));
    let bytes = [&database, &wal].map(|path| fs::read(path).unwrap());
    fs::write(&database, "").unwrap();
    refused("holds what was last written to it");
    fs::remove_file(&database).unwrap();
    refused("holds what was last written to it");
    fs::remove_file(&wal).unwrap();
    refused("is gone: put it back");
    fs::write(&database, "").unwrap();
    refused("is empty: put it back");
    fs::write(&database, "no database at all").unwrap();
    refused("is not a FlowScript database");
    fs::remove_file(&database).unwrap();
    let other = rusqlite::Connection::open(&database).unwrap();
    other.execute_batch("create table customers (id integer)").unwrap();
    drop(other);
    refused("another program");
    fs::write(&database, &bytes[0]).unwrap();
    fs::write(&wal, &bytes[1]).unwrap();
    assert_eq!(project.serve().api("/runs")["runs"].as_array().unwrap().len(), 1);
    // An operator must confirm a new start.
    for entry in fs::read_dir(at("data")).unwrap().flatten() {
        if entry.file_name().to_string_lossy().starts_with("flowscript.db") {
            fs::remove_file(entry.path()).unwrap();
        }
    }
    drop(project.serve());
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn the_data_folder_is_its_owner_s_and_one_engine_s() {
    let project = accepting();
    let mut command = Command::new("sh");
    command.args(["-c", "umask 000; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_flowscript")]);
    command.env_remove("FLOWSCRIPT_TOKEN");
    let server = Server::start_by(command, project.path(), &[]);
    assert_eq!(server.post("/hooks/a", "{}").status, 202);
    let data = project.path().join("data");
    assert_eq!(mode(&data), 0o700);
    for entry in fs::read_dir(&data).unwrap().flatten() {
        assert_eq!(mode(&entry.path()), 0o600, "{:?}", entry.path());
    }
    let second = || {
        let output = flowscript().arg("serve").arg(project.path()).args(["--bind", "127.0.0.1:0"]).output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(told.contains("another engine"), "{told}");
    };
    second();
    fs::remove_file(data.join("lock")).unwrap();
    second();
    fs::write(data.join("lock"), "").unwrap();
    second();
    // The engine makes it again, so that commands find it.
    wait_for("the lock file", || {
        fs::read_to_string(data.join("lock")).is_ok_and(|text| text.contains(&server.base)).then_some(())
    });
    second();
    let listed =
        flowscript().arg("runs").arg("--dir").arg(project.path()).env_remove("FLOWSCRIPT_TOKEN").output().unwrap();
    assert!(listed.status.success(), "{listed:?}");
}

#[test]
fn texts_of_messages_do_nothing_on_a_terminal() {
    let workflow =
        "input: { x: text }\ntrigger: { webhook: { auth: none, response: wait } }\nlabel: \"{x}\"\noutput: 1\n";
    let project = Project::new(&[("workflows/a.yaml", workflow)]);
    let server = project.serve();
    let evil = "a\\u001b[2J\\u009b31m\\u202e\\u2066b\\n";
    assert_eq!(server.post("/hooks/a", &format!("{{\"x\": \"{evil}\"}}")).status, 200);
    let run = |arguments: &[&str]| {
        let output = flowscript().args(arguments).arg("--dir").arg(project.path()).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let id = server.api("/runs")["runs"][0]["id"].as_str().unwrap().to_owned();
    for shown in [run(&["runs"]), run(&["runs", "show", &id])] {
        assert!(shown.contains("\\u001b[2J\\u009b31m\\u202e\\u2066b"), "{shown:?}");
        assert!(!shown.contains(['\u{1b}', '\u{9b}', '\u{202e}', '\u{2066}']), "{shown:?}");
    }
    // Tools get the JSON.
    let page: serde_json::Value = serde_json::from_str(&run(&["runs", "--json"])).unwrap();
    assert!(page["runs"][0]["label"].as_str().unwrap().contains("\u{1b}[2J\u{9b}31m\u{202e}"));
}
