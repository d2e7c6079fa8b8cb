//! Secrets of connections never appear in output, wherever they are written and however a step fails.

use crate::peer::{Peer, Reply};
use crate::postgres::Postgres;
use crate::server::{Project, Server, flowscript};
use crate::smtp::Smtp;
use std::fmt::Write;
use std::path::Path;

/// Secrets by the name of their variable. Two are words, one is encoded for addresses, one is a whole address.
const PLAIN: &str = "Qz7plainSecretWord";
const ENCODED: &str = "p%40ss%2Fw0rd%26Qz7";
const SHORT: &str = "Qz7";

/// The texts that must never appear: the secrets, and how libraries and addresses write them.
fn forms() -> Vec<String> {
    let base64 = ["UXo3cGxhaW5TZWNyZXRXb3Jk", "cEBzcy93MHJkJlF6N"];
    let own = [PLAIN, "qz7plainsecretword", ENCODED, "p@ss/w0rd&Qz7", "p%40ss/w0rd&Qz7", "/Qz7/"];
    own.into_iter().chain(base64).map(str::to_owned).collect()
}

fn leaks(what: &str, text: &[u8]) -> Vec<String> {
    let found = forms().into_iter().filter(|form| text.windows(form.len()).any(|part| part == form.as_bytes()));
    found
        .map(|form| {
            let at = text.windows(form.len()).position(|part| part == form.as_bytes()).unwrap();
            let around = &text[at.saturating_sub(120)..(at + 60).min(text.len())];
            format!("{what} has {form}: …{}…", String::from_utf8_lossy(around))
        })
        .collect()
}

/// Connections with a secret in each place, and a step that fails with each.
fn cases(http: &Peer, postgres: &Postgres, smtp: &Smtp) -> Vec<(String, &'static str)> {
    let (peer, port) = (&http.address, postgres.port());
    let get = "http: { connection: C, url: x }";
    let ask = "sql: { connection: C, query: select 1 as a }";
    let mail = "email: { connection: C, to: a@example.com, subject: s, body: b }";
    let http_urls = [
        "http://127.0.0.1:1/hook/${env:PLAIN}/".to_owned(),
        "http://127.0.0.1:1/hook/${env:ENCODED}/a".to_owned(),
        "http://127.0.0.1:1/hook/${env:SHORT}/a".to_owned(),
        "http://${env:PLAIN}:${env:ENCODED}@127.0.0.1:1/".to_owned(),
        "http://${env:PLAIN}.invalid/".to_owned(),
        "http://127.0.0.1:${env:PLAIN}/".to_owned(),
        "${env:PLAIN}".to_owned(),
        "${env:WHOLE}".to_owned(),
        "http://127.0.0.1/a?key=${env:PLAIN}".to_owned(),
        format!("https://{peer}/hook/${{env:PLAIN}}/"),
        format!("http://u:${{env:ENCODED}}@{peer}/status/${{env:PLAIN}}"),
        format!("http://{peer}/ftp/${{env:PLAIN}}"),
        format!("http://{peer}/away/${{env:PLAIN}}"),
        format!("http://{peer}/loop/${{env:ENCODED}}"),
        format!("http://{peer}/cut/${{env:PLAIN}}"),
        format!("http://{peer}/encoded/${{env:PLAIN}}"),
        format!("http://{peer}/silent/${{env:PLAIN}}"),
        format!("http://{peer}/location/${{env:PLAIN}}"),
    ];
    let databases = [
        format!("postgres://safe:${{env:ENCODED}}@127.0.0.1:{port}/postgres"),
        format!("postgres://${{env:PLAIN}}@127.0.0.1:{port}/postgres"),
        format!("postgres://flow@127.0.0.1:{port}/${{env:PLAIN}}"),
        format!("postgres://flow@127.0.0.1:{port}/postgres?options=${{env:PLAIN}}"),
        format!("postgres://flow@127.0.0.1:{port}/postgres?${{env:PLAIN}}=1"),
        format!("postgres://flow@127.0.0.1:{port}/postgres?sslmode=${{env:PLAIN}}"),
        format!("postgres://flow@127.0.0.1:{port}/postgres?sslmode=verify-ca&sslrootcert=${{env:PLAIN}}"),
        format!("postgres://flow@127.0.0.1:{port}/postgres?sslmode=require&application_name=${{env:PLAIN}}"),
        "postgres://flow@${env:PLAIN}.invalid/x".to_owned(),
        "postgres://u:${env:ENCODED}@127.0.0.1:1/x".to_owned(),
        "postgres://u:p@127.0.0.1:${env:PLAIN}/x".to_owned(),
        "sqlite:${env:PLAIN}/x.db".to_owned(),
        "sqlite:data/${env:PLAIN}.db".to_owned(),
        "sqlite:file:${env:PLAIN}".to_owned(),
        "${env:PLAIN}".to_owned(),
    ];
    let servers = [
        format!("smtp://flow:${{env:ENCODED}}@{}", smtp.address),
        format!("smtp://${{env:PLAIN}}:x@{}", smtp.address),
        "smtp://u:${env:ENCODED}@127.0.0.1:1".to_owned(),
        "smtp://${env:PLAIN}.invalid".to_owned(),
        "smtp://127.0.0.1:${env:PLAIN}".to_owned(),
        "smtps://127.0.0.1:1?tls=${env:PLAIN}".to_owned(),
        "${env:PLAIN}".to_owned(),
    ];
    let mut cases: Vec<(String, &'static str)> = Vec::new();
    cases.extend(http_urls.map(|url| (format!("http: {{ url: '{url}' }}"), get)));
    cases.extend(databases.map(|url| (format!("sql: {{ url: '{url}' }}"), ask)));
    cases.extend(servers.map(|url| (format!("smtp: {{ url: '{url}', from: a@example.com }}"), mail)));
    cases.extend([
        (format!("http: {{ url: 'http://{peer}/status/a', headers: {{ X-Key: '${{env:PLAIN}}', Authorization: 'Bearer ${{env:ENCODED}}' }} }}"), get),
        (format!("http: {{ url: 'http://{peer}/status/a', headers: {{ X-Key: \"${{env:PLAIN}}\\nx\" }} }}"), get),
        ("sql: { url: 'sqlite:x.db', pool: '${env:PLAIN}' }".to_owned(), ask),
        ("smtp: { url: 'smtp://127.0.0.1:1', from: '${env:PLAIN}' }".to_owned(), mail),
        ("folder: { path: '${env:PLAIN}' }".to_owned(), "file: { connection: C, read: x.csv }"),
        ("folder: { path: 'data/${env:PLAIN}' }".to_owned(), "file: { connection: C, list: '*' }"),
        ("http: { url: 'http://127.0.0.1:1/${file:plain.txt}' }".to_owned(), get),
        ("http: { url: 'http://127.0.0.1:1/a' }".to_owned(), "http: { connection: C, url: 'http://x/' }"),
    ]);
    cases
}

/// A peer that repeats everything it receives.
fn teller() -> Peer {
    Peer::new(|request, _| {
        let said = format!("{} {:?}", request.path, request.headers);
        let to =
            |status: u16, location: String| Reply { status, headers: vec![("Location", location)], body: said.clone() };
        match request.path.split('/').nth(1).unwrap_or_default() {
            "ftp" => to(302, format!("ftp://host{}", request.path)),
            "away" => to(302, format!("http://127.0.0.1:1{}", request.path)),
            "loop" => to(302, request.path.clone()),
            // The body of a successful answer is data.
            "location" => Reply { body: String::new(), ..to(201, request.path.clone()) },
            "cut" => Reply { status: 200, headers: vec![("Transfer-Encoding", "chunked".into())], body: said },
            "encoded" => Reply { status: 200, headers: vec![("Content-Encoding", PLAIN.into())], body: said },
            "silent" => {
                std::thread::sleep(std::time::Duration::from_secs(5));
                Reply { status: 200, headers: Vec::new(), body: said }
            }
            _ => Reply { status: 500, headers: Vec::new(), body: said },
        }
    })
}

#[test]
fn no_failure_tells_a_secret() {
    let hosts = |folder: &Path| {
        std::fs::write(folder.join("hosts"), "host all flow all trust\nhost all all all scram-sha-256\n").unwrap();
        vec![format!("hba_file={}", folder.join("hosts").display())]
    };
    let (http, postgres, smtp) = (teller(), Postgres::start_with(hosts), Smtp::start());
    postgres.run("create role safe login password 'other'");
    let cases = cases(&http, &postgres, &smtp);
    let project = Project::new(&[("plain.txt", PLAIN)]);
    let whole = format!("http://{PLAIN}:{ENCODED}@127.0.0.1:1/hook/{PLAIN}");
    let environment = [("PLAIN", PLAIN), ("ENCODED", ENCODED), ("SHORT", SHORT), ("WHOLE", whole.as_str())];
    let mut connections = String::new();
    for (number, (connection, step)) in cases.iter().enumerate() {
        let _ = writeln!(connections, "c{number}: {{ {connection} }}");
        let step = step.replace("connection: C", &format!("connection: c{number}"));
        let head = "trigger: { webhook: { auth: none, response: wait } }\nsteps:\n  - id: r\n";
        let limit = if step.starts_with("file") { "" } else { "    timeout: 2s\n" };
        let tail = format!(
            "{limit}    continueOnFail: true\n  - log: {{ message: \"{{errors.r.message}}\" }}\n  - end: {{ error: \"{{errors.r.message}}\" }}\n"
        );
        project.write(&format!("workflows/w{number}.yaml"), &format!("{head}    {step}\n{tail}"));
    }
    project.write("connections.yaml", &connections);
    let signed =
        "trigger: { webhook: { auth: { signature: { scheme: standard, secret: '${env:PLAIN}' } } } }\noutput: 1\n";
    project.write("workflows/signed.yaml", signed);
    let server = Server::start_with(project.path(), &[], &environment);
    let mut found = Vec::new();
    for (number, (connection, _)) in cases.iter().enumerate() {
        let answer = server.get(&format!("/hooks/w{number}"));
        assert!(answer.status >= 201, "{connection}: {}", answer.text);
        found.extend(leaks(&format!("{connection}: the answer"), answer.text.as_bytes()));
        let run = server.api(&format!("/runs?workflow=w{number}"))["runs"][0].clone();
        if answer.status != 201 {
            let message = run["error"]["message"].as_str().unwrap_or_default();
            assert!(message.len() > 15, "{connection}: {run}");
        }
        let whole = server.api(&format!("/runs/{}", run["id"].as_str().unwrap_or_default()));
        found.extend(leaks(&format!("{connection}: the run"), whole.to_string().as_bytes()));
    }
    for path in ["/workflows", "/workflows/signed"] {
        found.extend(leaks(path, server.api(path).to_string().as_bytes()));
    }
    found.extend(leaks("the log", server.log().as_bytes()));
    for arguments in [&["check", "--connections"][..], &["check"][..], &["runs"][..]] {
        let mut command = flowscript();
        command.envs(environment).args(arguments);
        if arguments[0] == "check" {
            command.arg(project.path());
        } else {
            command.current_dir(project.path());
        }
        let said = command.output().unwrap();
        found.extend(leaks(&arguments.join(" "), &[said.stdout, said.stderr].concat()));
    }
    drop(server);
    for file in std::fs::read_dir(project.path().join("data")).unwrap().map(|entry| entry.unwrap().path()) {
        found.extend(leaks(&file.display().to_string(), &std::fs::read(&file).unwrap_or_default()));
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}
