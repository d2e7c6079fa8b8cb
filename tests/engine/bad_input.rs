//! For every bad input the engine reports what is wrong and continues.

use crate::server::{Project, SOON, Server, flowscript, raw};
use std::io::Write;
use std::process::Output;

const HOOK: &str = "
input: { n: { type: number, default: 1 } }
trigger: { webhook: { auth: none, response: wait, methods: [POST], query: { n: { type: number, default: 1 } } } }
output: \"{n}\"
";

fn project() -> Project {
    Project::new(&[("workflows/good.yaml", HOOK), ("workflows/keyed.yaml", "trigger: { webhook: }\noutput: 1")])
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn broken_files_are_told_with_their_places_and_the_others_serve() {
    let project = project();
    project.write("workflows/yaml.yaml", "output: 1\nsteps: [1\nname: x");
    project.write("workflows/script.yaml", "steps:\n  - script: |\n      let x = ;\n      return x;\n");
    project.write("workflows/template.yaml", "output:\n  total: \"{1 +}\"\n");
    project.write("workflows/key.yaml", "output: 1\noutptu: 2\n");
    let server = project.serve();
    let log = server.log();
    for place in ["yaml.yaml:3:5", "script.yaml:3:15", "template.yaml:2:15", "key.yaml:2:1"] {
        assert!(log.contains(place), "{place}\n{log}");
    }
    assert_eq!(server.post("/hooks/good", "").text, "1");
    server.get("/hooks/script").is_problem(404, "`script`");
}

#[test]
fn paths_methods_and_keys() {
    let project = project();
    let server = project.serve();
    server.get("/hooks/none").is_problem(404, "`none`");
    server.get("/elsewhere").is_problem(404, "/elsewhere");
    for method in ["GET", "PUT", "DELETE", "OPTIONS"] {
        let answer = server.send(method, "/hooks/good", &[], None);
        answer.is_problem(405, method);
        assert_eq!(answer.header("allow"), "POST");
    }
    assert_eq!(server.send("HEAD", "/hooks/good", &[], None).status, 405);
    server.post("/hooks/keyed", "").is_problem(401, "credential");
    let missing = server.post("/hooks/keyed", "").text;
    let wrong = server.send("POST", "/hooks/keyed", &[("X-API-Key", "wrong")], Some(b""));
    assert_eq!(wrong.text, missing, "all wrong credentials get one answer");
    let other = server.key("good");
    server.send("POST", "/hooks/keyed", &[("X-API-Key", &other)], Some(b"")).is_problem(401, "credential");
}

#[test]
fn parameters_and_bodies() {
    let project = project();
    let server = project.serve();
    server.post("/hooks/good?n=abc", "").is_problem(400, "`n`");
    server.post("/hooks/good?n=1&n=2", "").is_problem(400, "2 times");
    server.post("/hooks/good", "{").is_problem(400, "not JSON");
    server.post("/hooks/good", r#"{"n": [1]}"#).is_problem(400, "`n`");
    let send = |headers: &[(&str, &str)], body: &[u8]| server.send("POST", "/hooks/good", headers, Some(body));
    send(&[("Content-Type", "text/plain; charset=klingon")], b"x").is_problem(400, "klingon");
    send(&[("Content-Encoding", "br")], b"x").is_problem(415, "`br`");
    send(&[("Content-Encoding", "gzip")], b"not gzip").is_problem(400, "gzip");
    send(&[], &vec![b' '; (1 << 20) + 1]).is_problem(413, "1048576");
    let mut packed = flate2_bytes();
    send(&[("Content-Encoding", "gzip")], &packed).is_problem(413, "1048576");
    packed.truncate(packed.len() / 2);
    send(&[("Content-Encoding", "gzip")], &packed).is_problem(413, "1048576");
    assert_eq!(server.api("/runs")["runs"].as_array().unwrap().len(), 0, "nothing of this is kept");
    assert_eq!(server.post("/hooks/good", r#"{"n": 5}"#).text, "5");
}

/// Two megabytes of blanks, packed by hand: stored blocks need no compressor.
fn flate2_bytes() -> Vec<u8> {
    let mut bytes = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
    let block = vec![b' '; 0xffff];
    for number in 0..32 {
        bytes.push(u8::from(number == 31));
        bytes.extend(0xffff_u16.to_le_bytes());
        bytes.extend(0_u16.to_le_bytes());
        bytes.extend(&block);
    }
    bytes
}

#[test]
fn broken_requests() {
    let project = project();
    let server = project.serve();
    let header = "a".repeat(20_000);
    let long = raw(
        &server.base,
        format!("POST /hooks/good HTTP/1.1\r\nHost: x\r\nX-A: {header}\r\nConnection: close\r\n\r\n").as_bytes(),
    );
    assert!(long.starts_with("HTTP/1.1 431"), "{long}");
    assert!(long.contains("application/problem+json"), "{long}");
    let endless =
        raw(&server.base, format!("POST /hooks/good HTTP/1.1\r\nHost: x\r\nX-A: {}", "a".repeat(200_000)).as_bytes());
    assert!(endless.starts_with("HTTP/1.1 431"), "{endless}");
    let nonsense = raw(&server.base, b"\x00\x01\x02 nonsense\r\n\r\n");
    assert!(nonsense.starts_with("HTTP/1.1 400"), "{nonsense}");
    let lying = raw(
        &server.base,
        b"POST /hooks/good HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\nConnection: close\r\n\r\nx",
    );
    assert!(lying.starts_with("HTTP/1.1 413"), "{lying}");
    let mut broken = std::net::TcpStream::connect(server.base.trim_start_matches("http://")).unwrap();
    broken.write_all(b"POST /hooks/good HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf").unwrap();
    drop(broken);
    assert_eq!(server.post("/hooks/good", "").text, "1");
}

#[test]
fn a_port_in_use_is_told() {
    let project = project();
    let holder = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = holder.local_addr().unwrap().to_string();
    let output = flowscript().arg("serve").arg(project.path()).args(["--bind", &address]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains(&format!("{address} is in use")), "{}", stderr(&output));
}

#[test]
fn a_folder_that_is_held_is_told() {
    let project = project();
    let server = project.serve();
    let output = flowscript().arg("serve").arg(project.path()).args(["--bind", "127.0.0.1:0"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains(&server.base), "{}", stderr(&output));
    assert_eq!(server.post("/hooks/good", "").text, "1");
}

#[test]
fn a_data_folder_that_cannot_be_written_is_told() {
    let project = project();
    // A file where the folder should be: that stops root, too.
    project.write("data", "not a folder");
    let output = flowscript().arg("serve").arg(project.path()).args(["--bind", "127.0.0.1:0"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("data"), "{}", stderr(&output));
    let nowhere = flowscript().arg("serve").arg(project.path().join("nowhere")).output().unwrap();
    assert_eq!(nowhere.status.code(), Some(2));
    assert!(stderr(&nowhere).contains("is not a folder"), "{}", stderr(&nowhere));
}

#[test]
fn a_broken_flowscript_toml_is_told() {
    let project = project();
    project.write("flowscript.toml", "bnid = '127.0.0.1:1'\n");
    let output = flowscript().arg("serve").arg(project.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("bnid"), "{}", stderr(&output));
}

#[test]
fn a_damaged_database_is_told() {
    let project = project();
    project.write("data/flowscript.db", &"this is not a database ".repeat(100));
    let output = flowscript().arg("serve").arg(project.path()).args(["--bind", "127.0.0.1:0"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("flowscript.db"), "{}", stderr(&output));
}

#[test]
fn a_trickling_client_does_not_hold_the_others() {
    let project = project();
    let server: Server = project.serve();
    let address = server.base.trim_start_matches("http://").to_owned();
    let mut tricklers: Vec<_> = (0..200).map(|_| std::net::TcpStream::connect(&address).unwrap()).collect();
    for trickler in &mut tricklers {
        trickler.write_all(b"POST /hooks/good HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n1").unwrap();
    }
    let started = std::time::Instant::now();
    assert_eq!(server.post("/hooks/good", "").text, "1");
    assert!(started.elapsed() < SOON / 4);
}
