//! Connections to PostgreSQL with TLS, according to `sslmode`.

use crate::postgres::Postgres;
use crate::server::{Project, flowscript};
use std::path::Path;
use std::process::Command;

/// Runs openssl in a folder.
fn openssl(folder: &Path, arguments: &str) {
    let done = Command::new("openssl").args(arguments.split(' ')).current_dir(folder).output().unwrap();
    assert!(done.status.success(), "{arguments}: {}", String::from_utf8_lossy(&done.stderr));
}

/// A key and a self-signed certificate for the name `localhost`.
fn certificates(folder: &Path) -> Vec<String> {
    let own = "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost";
    openssl(folder, &format!("{own} -keyout server.key -out server.crt"));
    openssl(folder, &format!("{own} -keyout other.key -out other.crt"));
    // One is accepted with a password and TLS only.
    let hosts = "hostssl all safe all scram-sha-256\nhostnossl all safe all reject\nhost all all all trust\n";
    std::fs::write(folder.join("hosts"), hosts).unwrap();
    let setting = |name: &str, file: &str| format!("{name}={}", folder.join(file).display());
    let files = [("ssl_cert_file", "server.crt"), ("ssl_key_file", "server.key"), ("hba_file", "hosts")];
    files.iter().map(|(name, file)| setting(name, file)).chain(["ssl=on".to_owned()]).collect()
}

/// Certificates of an authority: its own, and one of a server that it has signed.
fn authority(folder: &Path) -> Vec<String> {
    openssl(folder, "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=authority -keyout ca.key -out ca.crt");
    openssl(folder, "req -newkey rsa:2048 -nodes -subj /CN=db -keyout server.key -out server.csr");
    std::fs::write(folder.join("names"), "subjectAltName=DNS:localhost").unwrap();
    openssl(folder, "x509 -req -in server.csr -CA ca.crt -CAkey ca.key -days 2 -extfile names -out server.crt");
    let setting = |name: &str, file: &str| format!("{name}={}", folder.join(file).display());
    vec!["ssl=on".into(), setting("ssl_cert_file", "server.crt"), setting("ssl_key_file", "server.key")]
}

/// The result of `check --connections` for each address: whether it is valid, and its output.
fn tried(addresses: &[(&str, String)]) -> Vec<(bool, String)> {
    let each = addresses.iter().map(|(name, url)| format!("{name}: {{ sql: {{ url: '{url}' }} }}\n"));
    let connections: String = each.collect();
    let project = Project::new(&[("workflows/w.yaml", "output: 1"), ("connections.yaml", &connections)]);
    let checked = flowscript().args(["check", "--connections"]).arg(project.path()).output().unwrap();
    let out = String::from_utf8(checked.stdout).unwrap();
    let err = String::from_utf8(checked.stderr).unwrap();
    addresses.iter().map(|(name, _)| (out.contains(&format!("{name}: Login is valid")), err.clone())).collect()
}

/// The modes that connect, and the messages of the others.
fn check(cases: &[(&str, String, Option<&str>)]) {
    let addresses: Vec<(&str, String)> = cases.iter().map(|(name, url, _)| (*name, url.clone())).collect();
    for ((name, url, expected), (valid, said)) in cases.iter().zip(tried(&addresses)) {
        match expected {
            None => assert!(valid, "{name} {url}: {said}"),
            Some(part) => {
                let line = said.lines().find(|line| line.contains(&format!("`{name}`"))).unwrap_or(&said);
                assert!(!valid && line.contains(part), "{name} {url}: {line}\n{said}");
            }
        }
    }
}

#[test]
fn a_certificate_that_signed_itself_is_taken_where_it_is_named() {
    let postgres = Postgres::start_with(certificates);
    let url = |host: &str, rest: &str| format!("postgres://flow@{host}:{}/postgres{rest}", postgres.port());
    let root = |name: &str| format!("&sslrootcert={}", postgres.file(name).display());
    postgres.run("create role safe login password 'p@ss'");
    let safe = |rest: &str| url("127.0.0.1", rest).replace("flow@", "safe:p%40ss@");
    check(&[
        ("safe", safe(""), None),
        ("open", safe("?sslmode=disable"), Some("pg_hba.conf rejects")),
        ("guess", safe("?sslmode=require").replace("p%40ss", "guess"), Some("password authentication failed")),
        ("plain", url("127.0.0.1", "?sslmode=disable"), None),
        ("default", url("127.0.0.1", ""), None),
        ("prefer", url("127.0.0.1", "?sslmode=prefer"), None),
        ("required", url("127.0.0.1", "?sslmode=require"), None),
        ("rooted", url("127.0.0.1", &format!("?sslmode=require{}", root("server.crt"))), None),
        ("ca", url("127.0.0.1", &format!("?sslmode=verify-ca{}", root("server.crt"))), None),
        ("full", url("localhost", &format!("?sslmode=verify-full{}", root("server.crt"))), None),
        ("name", url("127.0.0.1", &format!("?sslmode=verify-full{}", root("server.crt"))), Some("for another name")),
        ("other", url("localhost", &format!("?sslmode=verify-full{}", root("other.crt"))), Some("has signed itself")),
        ("otherca", url("localhost", &format!("?sslmode=verify-ca{}", root("other.crt"))), Some("has signed itself")),
        ("nofile", url("localhost", "?sslmode=verify-full&sslrootcert=no.crt"), Some("no.crt cannot be read")),
        ("keyfile", url("localhost", &format!("?sslmode=verify-ca{}", root("server.key"))), Some("cannot be read")),
        (
            "mode",
            url("localhost", "?sslmode=always"),
            Some("`sslmode=always` in `url` is not known; there are disable"),
        ),
    ]);
    // It really is TLS, and a statement that takes too long is cancelled over it.
    let step = "steps:\n  - id: found\n    sql: { connection: db, query: \"select ssl from pg_stat_ssl where pid = pg_backend_pid()\" }\n\
                output: \"{First(found).ssl}\"\n";
    let slow = "steps:\n  - sql: { connection: db, query: \"select pg_sleep(20)::text\" }\n    timeout: 300ms\n";
    let connections = format!("db: {{ sql: {{ url: '{}' }} }}", url("127.0.0.1", "?sslmode=require"));
    let project =
        Project::new(&[("connections.yaml", &connections), ("workflows/w.yaml", step), ("workflows/slow.yaml", slow)]);
    let run = |id: &str| {
        let arguments = ["trigger", id, "--wait", "--local", "--dir"];
        flowscript().args(arguments).arg(project.path()).output().unwrap()
    };
    let done = run("w");
    assert!(String::from_utf8_lossy(&done.stdout).contains("true"), "{done:?}");
    let done = run("slow");
    let said = format!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    assert!(said.contains("did not end within 300ms"), "{said}");
    let active = "select count(*) from pg_stat_activity where query like '%pg_sleep(20)%' and pid <> pg_backend_pid() and state = 'active'";
    crate::server::wait_for("the statement is ended", || (postgres.run(active) == "0").then_some(()));
}

#[test]
fn a_server_that_an_authority_has_signed_for_is_known_by_its_name() {
    let postgres = Postgres::start_with(authority);
    let url = |host: &str, rest: &str| format!("postgres://flow@{host}:{}/postgres{rest}", postgres.port());
    let root = format!("&sslrootcert={}", postgres.file("ca.crt").display());
    check(&[
        ("full", url("localhost", &format!("?sslmode=verify-full{root}")), None),
        ("name", url("127.0.0.1", &format!("?sslmode=verify-full{root}")), Some("for another name")),
        ("ca", url("127.0.0.1", &format!("?sslmode=verify-ca{root}")), None),
        ("rooted", url("127.0.0.1", &format!("?sslmode=require{root}")), None),
        ("unknown", url("localhost", "?sslmode=verify-full&sslrootcert=system"), Some("sslrootcert=FILE")),
    ]);
}

#[test]
fn a_server_without_tls_is_refused_where_it_is_required() {
    let postgres = Postgres::start();
    let url = |rest: &str| format!("postgres://flow@127.0.0.1:{}/postgres{rest}", postgres.port());
    check(&[
        ("prefer", url("?sslmode=prefer&application_name=x"), None),
        ("required", url("?sslmode=require"), Some("server does not support TLS (turn it on there")),
    ]);
}
