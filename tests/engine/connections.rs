//! Databases, folders and mail servers: real ones.

use crate::peer::{Peer, ok, status};
use crate::postgres::Postgres;
use crate::server::{Project, Server, flowscript, wait_for};
use crate::smtp::Smtp;
use std::time::{Duration, Instant};

fn answer(server: &Server) -> String {
    let answer = server.get("/hooks/w");
    assert_eq!(answer.status, 200, "{}\n{}\n{}", answer.text, server.log(), server.api("/runs")["runs"][0]);
    answer.text
}

/// Why a run of `w` fails.
fn failure(server: &Server) -> (String, String) {
    let answer = server.get("/hooks/w");
    assert_eq!(answer.status, 500, "{}", answer.text);
    let error = server.api("/runs")["runs"][0]["error"].clone();
    (error["kind"].as_str().unwrap().to_owned(), error["message"].as_str().unwrap().to_owned())
}

/// Serves a changed workflow.
fn change(project: &Project, server: &Server, workflow: &str) {
    let before = server.api("/workflows/w")["version"].clone();
    project.write("workflows/w.yaml", workflow);
    wait_for("the new version", || {
        let shown = server.api("/workflows/w");
        let problems = shown["problems"].as_array().map_or(0, Vec::len);
        assert_eq!(problems, 0, "{shown}\n{workflow}");
        (shown["version"] != before).then_some(())
    });
}

const HEAD: &str = "trigger: { webhook: { auth: none, response: wait } }\n";

#[test]
fn postgresql_gives_typed_tables_and_takes_bound_values() {
    let postgres = Postgres::start();
    postgres.run(
        "create table items (sku text, qty int, price numeric(12,4), made timestamptz, day date, ok bool, raw bytea, \
         tags text[], extra jsonb, ratio float4);
         insert into items values ('A1', 3, 12.3456, '2026-01-01T10:00:00+02', '2026-02-03', true, '\\x0102', '{x,y}', \
         '{\"a\": 1.50}', 0.1), ('B2', null, null, null, null, null, null, null, null, null)",
    );
    let query = format!(
        "{HEAD}steps:
  - id: all
    sql: {{ connection: erp, query: \"select * from items order by sku\" }}
  - id: none
    sql: {{ connection: erp, query: \"select sku, qty from items where sku = :sku\", params: {{ sku: \"' or 1=1 --\" }} }}
  - id: some
    sql:
      connection: erp
      query: select count(*)::int as n from items where sku = any(:skus) and price > :least and made < :before and ok = :ok
      params: {{ skus: [A1, B2], least: 12.34, before: \"2026-06-01\", ok: true }}
output:
  first: \"{{all[0]}}\"
  sum: \"{{sum(all, qty)}}\"
  none: \"{{count(none)}}\"
  n: \"{{some[0].n}}\"
"
    );
    let project = Project::new(&[
        ("workflows/w.yaml", &query),
        ("connections.yaml", &format!("erp: {{ sql: {{ url: '{}', pool: 2 }} }}", postgres.url())),
        ("flowscript.toml", "timeZone = 'Europe/Stockholm'"),
    ]);
    let server = project.serve();
    let expected = r#"{"first":{"sku":"A1","qty":3,"price":12.3456,"made":"2026-01-01T09:00:00+01:00","day":"2026-02-03T00:00:00+01:00","ok":true,"raw":"AQI=","tags":["x","y"],"extra":{"a":1.5},"ratio":0.1},"sum":3,"none":0,"n":1}"#;
    assert_eq!(answer(&server), expected);
    let writing = |execute: &str| {
        format!("{HEAD}steps:\n  - id: got\n    sql: {{ connection: erp, {execute} }}\noutput: \"{{got}}\"\n")
    };
    change(&project, &server, &writing("query: \"delete from items returning sku\""));
    let (kind, message) = failure(&server);
    assert!(kind == "io" && message.contains("`erp` could not query") && message.contains("read-only"), "{message}");
    let both = "execute: [\"update items set qty = qty + :n where sku = 'A1'\", \"insert into items (sku) values (:sku)\"], params: { n: 2, sku: C3 }";
    change(&project, &server, &writing(both));
    assert_eq!(answer(&server), "[1,1]");
    assert_eq!(postgres.run("select sku, qty from items order by sku"), "A1|5\nB2|\nC3|");
    let broken = "execute: [\"update items set qty = 99\", \"insert into nothing values (1)\"]";
    change(&project, &server, &writing(broken));
    let (_, message) = failure(&server);
    assert!(message.contains("relation \"nothing\" does not exist (42P01)"), "{message}");
    assert_eq!(postgres.run("select count(*) from items where qty = 99"), "0", "all or nothing");
    let slow = "query: \"select pg_sleep(20)\" }\n    timeout: 300ms\n    continueOnFail: true\n  - log: { message: x";
    change(&project, &server, &writing(slow).replace("{got}", "{errors.got.kind}: {errors.got.message}"));
    let begun = Instant::now();
    assert_eq!(answer(&server), "timeout: The connection `erp` could not query: it did not end within 300ms.");
    assert!(begun.elapsed() < Duration::from_secs(5));
    wait_for("the server has ended the statement", || {
        (postgres.run("select count(*) from pg_stat_activity where query like '%pg_sleep(20)%' and state = 'active' and query not like '%pg_stat%'") == "0").then_some(())
    });
    // The connections are whole again.
    change(&project, &server, &writing("query: \"select 1 as one\"").replace("{got}", "{got[0].one}"));
    for _ in 0..5 {
        assert_eq!(answer(&server), "1");
    }
}

#[test]
fn sqlite_gives_typed_tables_and_commits_lists_as_one() {
    let workflow = format!(
        "{HEAD}steps:
  - id: made
    sql:
      connection: local
      execute:
        - create table if not exists items (sku text primary key, qty integer, price decimal, at datetime, ok boolean)
        - insert into items values (:sku, :qty, :price, :at, :ok)
      params: {{ sku: \"{{run.id}}\", qty: 2, price: 1.25, at: \"2026-01-02T03:04:05Z\", ok: true }}
  - id: all
    sql: {{ connection: local, query: \"select qty, price, at, ok from items where sku = :sku\", params: {{ sku: \"{{run.id}}\" }} }}
  - id: empty
    sql: {{ connection: local, query: \"select qty from items where sku = 'none'\" }}
output: {{ made: \"{{made}}\", all: \"{{all}}\", sum: \"{{sum(empty, qty)}}\" }}
"
    );
    let project = Project::new(&[
        ("workflows/w.yaml", &workflow),
        (
            "connections.yaml",
            "local: { sql: { url: 'sqlite:shop.db' } }\nours: { sql: { url: 'sqlite:data/flowscript.db' } }",
        ),
    ]);
    rusqlite::Connection::open(project.path().join("shop.db"))
        .unwrap()
        .execute_batch("pragma journal_mode = wal")
        .unwrap();
    let server = project.serve();
    assert!(server.log().contains("outside the engine's own data/"), "{}", server.log());
    let expected =
        r#"{"made":[0,1],"all":[{"qty":2,"price":1.25,"at":"2026-01-02T03:04:05+00:00","ok":true}],"sum":0}"#;
    assert_eq!(answer(&server), expected);
    let writing = |sql: &str| format!("{HEAD}steps: [ {{ id: d, sql: {{ connection: local, {sql} }} }} ]\noutput: 1\n");
    change(&project, &server, &writing("query: \"delete from items\""));
    let (_, message) = failure(&server);
    assert!(message.contains("`local` could not query") && message.contains("readonly"), "{message}");
    change(&project, &server, &writing("execute: [\"delete from items\", \"insert into missing values (1)\"]"));
    let (_, message) = failure(&server);
    assert!(message.contains("no such table: missing"), "{message}");
    let count = "select count(*) from items";
    let shop = rusqlite::Connection::open(project.path().join("shop.db")).unwrap();
    assert_eq!(shop.query_row(count, (), |row| row.get::<_, i64>(0)).unwrap(), 1, "all or nothing");
    let endless = "query: \"with recursive n(i) as (select 1 union all select i + 1 from n) select count(*) from n\" }, timeout: 300ms, name: { x";
    let endless = writing(endless).replace(", name: { x }", "");
    change(&project, &server, &endless);
    let begun = Instant::now();
    assert_eq!(failure(&server).0, "timeout");
    assert!(begun.elapsed() < Duration::from_secs(5));
}

#[test]
fn files_go_through_folders_of_connections() {
    let workflow = format!(
        "{HEAD}steps:
  - id: found
    file: {{ connection: drop, list: \"in/*.csv\" }}
  - id: read
    forEach:
      item: file
      in: found
      steps:
        - id: rows
          file: {{ connection: drop, read: \"{{file.path}}\" }}
        - file: {{ connection: drop, move: \"{{file.path}}\", to: \"done/{{file.name}}\" }}
      output: \"{{sum(rows, number(qty))}}\"
  - file: {{ connection: drop, write: out/all.json, content: {{ sums: \"{{read}}\" }} }}
  - file: {{ write: table.csv, content: \"{{found}}\" }}
  - file: {{ connection: drop, append: out/log.txt, content: \"{{len(found)}}\" }}
output: \"{{read}}\"
"
    );
    let outside = tempfile::tempdir().unwrap();
    let project = Project::new(&[
        ("workflows/w.yaml", &workflow.replace("number(qty)", "val(qty)")),
        ("connections.yaml", &format!("drop: {{ folder: {{ path: '{}' }} }}", outside.path().display())),
    ]);
    std::fs::create_dir(outside.path().join("in")).unwrap();
    std::fs::write(outside.path().join("in/a.csv"), "sku,qty\nA,1\nB,2\n").unwrap();
    std::fs::write(outside.path().join("in/b.csv"), "sku,qty\nC,40\n").unwrap();
    std::fs::write(outside.path().join("in/readme.md"), "x").unwrap();
    let server = project.serve();
    assert_eq!(answer(&server), "[3,40]");
    let read = |path: &str| std::fs::read_to_string(outside.path().join(path)).unwrap();
    assert_eq!(read("out/all.json"), "{\"sums\":[3,40]}");
    assert_eq!(read("out/log.txt"), "2");
    assert_eq!(read("done/b.csv"), "sku,qty\nC,40\n");
    assert!(!outside.path().join("in/a.csv").exists() && outside.path().join("in/readme.md").exists());
    let table = std::fs::read_to_string(project.path().join("files/table.csv")).unwrap();
    assert!(table.starts_with("name,path,size,modified,folder"), "{table}");
}

#[test]
fn mail_is_sent_by_a_real_server() {
    let smtp = Smtp::start();
    let workflow = format!(
        "{HEAD}input: {{ to: {{ type: any, default: [a@example.com, 'Bo <b@example.com>'] }} }}
steps:
  - email:
      connection: mail
      to: \"{{to}}\"
      subject: \"Stock of {{1 + 1}} items: låg\"
      body: \"See below.\"
      attachments: [ {{ name: stock.csv, content: \"{{[[sku: 'A', qty: 1]]}}\" }} ]
output: 1
"
    );
    let project = Project::new(&[
        ("workflows/w.yaml", &workflow),
        ("mail.password", "secret\n"),
        (
            "connections.yaml",
            &format!(
                "mail: {{ smtp: {{ url: 'smtp://flow:${{file:mail.password}}@{}', from: 'Flow <flow@example.com>' }} }}",
                smtp.address
            ),
        ),
    ]);
    let server = project.serve();
    assert_eq!(answer(&server), "1");
    let [message] = smtp.messages().try_into().unwrap();
    for part in
        ["RCPT TO:<a@example.com>", "RCPT TO:<b@example.com>", "From: ", "See below.", "stock.csv", "Message-ID: <"]
    {
        assert!(message.contains(part), "{part}: {message}");
    }
    let refused = server.post("/hooks/w", "{\"to\": \"nobody@example.com\"}");
    assert_eq!(refused.status, 500);
    let error = server.api("/runs")["runs"][0]["error"]["message"].to_string();
    assert!(error.contains("`mail` could not send") && error.contains("no such receiver"), "{error}");
}

#[test]
fn failures_name_the_connection_the_operation_and_what_came_back() {
    let peer = Peer::new(|request, _| if request.path == "/api/late" { ok("1") } else { status(404) });
    let connections = format!(
        "db: {{ sql: {{ url: 'sqlite:db.db' }} }}\nnone: {{ sql: {{ url: 'postgres://flow@127.0.0.1:1/x' }} }}\n\
         api: {{ http: {{ url: 'http://{}/api/' }} }}\ndown: {{ http: {{ url: 'http://me:secret@127.0.0.1:1/' }} }}\n\
         mail: {{ smtp: {{ url: 'smtp://127.0.0.1:1', from: a@example.com }} }}\ndrop: {{ folder: {{ path: drop }} }}\n",
        peer.address
    );
    let cases = [
        (
            "sql: { connection: db, query: select a from nowhere }",
            "The connection `db` could not query: no such table: nowhere",
        ),
        (
            "sql: { connection: db, execute: [create table if not exists t (a integer primary key), insert into t values (1), insert into t values (1)] }",
            "The connection `db` could not execute: statement 3: UNIQUE constraint failed: t.a",
        ),
        (
            "sql: { connection: none, query: select 1 }",
            "The connection `none` could not query: error connecting to server: Connection refused",
        ),
        ("http: { connection: api, url: item/1 }", "GET item/1 answered 404 Not Found"),
        ("http: { connection: api, url: item/1 }", "The connection `api`: GET "),
        (
            "http: { connection: down, url: x, method: POST }",
            "The connection `down`: POST http://127.0.0.1:1/x failed: ",
        ),
        ("http: { connection: down, url: x }", "Connection refused"),
        ("http: { url: 'http://me:secret@127.0.0.1:1/x' }", "GET http://127.0.0.1:1/x failed: "),
        (
            "email: { connection: mail, to: b@example.com, subject: s, body: b }",
            "The connection `mail` could not send the e-mail: ",
        ),
        ("file: { connection: drop, read: gone.csv }", "The connection `drop`: The file `gone.csv` cannot be read: "),
        ("file: { read: gone.csv }", "The file `gone.csv` cannot be read: "),
        ("wait: { until: \"'soon'\" }", "`until` must give a datetime; it gives 'soon'"),
    ];
    let project = Project::new(&[("connections.yaml", &connections), ("db.db", ""), ("drop/here.txt", "")]);
    for (number, (step, _)) in cases.iter().enumerate() {
        let text = format!("trigger: {{ webhook: {{ auth: none, response: wait }} }}\nsteps:\n  - id: s\n    {step}\n");
        project.write(&format!("workflows/w{number}.yaml"), &text);
    }
    let server = project.serve();
    for (number, (step, part)) in cases.iter().enumerate() {
        let answer = server.post(&format!("/hooks/w{number}"), "{}");
        assert_eq!(answer.status, 500, "{step}: {}\n{}", answer.text, server.log());
        let run = server.api(&format!("/runs?workflow=w{number}"))["runs"][0].clone();
        let message = run["error"]["message"].as_str().unwrap();
        assert!(message.contains(part) && !message.contains("secret"), "{step}\n{message}\n{part}");
        assert_eq!(run["error"]["position"], "s", "{run}");
    }
}

#[test]
fn dollars_in_sql_for_sqlite_are_no_parameters() {
    let workflow = "
trigger: { webhook: { auth: none, response: wait } }
input: { doc: text }
steps:
  - id: found
    sql:
      connection: db
      query: \"select json_extract(:doc, '$.price') as price, 'costs $2 :doc' as said, :extra as extra, :doc as doc\"
      params: { doc: \"{doc}\", extra: x }
output: \"{First(found)}\"";
    let connections = ("connections.yaml", "db: { sql: { url: 'sqlite:db.db' } }");
    let project = Project::new(&[connections, ("db.db", ""), ("workflows/w.yaml", workflow)]);
    let answer = project.serve().post("/hooks/w", r#"{"doc": "{\"price\": 7}"}"#);
    let expected = r#"{"price":7,"said":"costs $2 :doc","extra":"x","doc":"{\"price\": 7}"}"#;
    assert_eq!((answer.status, answer.text.as_str()), (200, expected));
}

#[test]
fn connections_are_tried() {
    let (postgres, smtp) = (Postgres::start(), Smtp::start());
    let connections = format!(
        "erp: {{ sql: {{ url: '{}' }} }}\nnobody: {{ sql: {{ url: 'postgres://flow@127.0.0.1:1/x' }} }}\n\
         mail: {{ smtp: {{ url: 'smtp://flow:secret@{}' }} }}\nwrong: {{ smtp: {{ url: 'smtp://flow:guess@{}' }} }}\n\
         here: {{ folder: {{ path: . }} }}\n",
        postgres.url(),
        smtp.address,
        smtp.address
    );
    let project = Project::new(&[
        ("workflows/w.yaml", "output: 1"),
        ("connections.yaml", &connections.replace("path: .", "path: workflows")),
    ]);
    let checked = flowscript().args(["check", "--connections"]).arg(project.path()).output().unwrap();
    let (out, err) = (String::from_utf8(checked.stdout).unwrap(), String::from_utf8(checked.stderr).unwrap());
    assert_eq!(checked.status.code(), Some(2), "{out}{err}");
    for name in ["erp", "mail", "here"] {
        assert!(out.contains(&format!("{name}: Login is valid")), "{out}{err}");
    }
    assert!(err.contains("`wrong`") && err.contains("wrong password"), "{err}");
    assert!(err.contains("`nobody`") && err.to_lowercase().contains("refused"), "{err}");
    project.write("connections.yaml", &format!("erp: {{ sql: {{ url: '{}' }} }}", postgres.url()));
    let checked = flowscript().args(["check", "--connections"]).arg(project.path()).output().unwrap();
    assert_eq!(checked.status.code(), Some(0), "{}", String::from_utf8_lossy(&checked.stderr));
}
