//! The permissions of SQL steps on a database: its types, its sessions, its files.

use crate::postgres::Postgres;
use crate::server::{Project, Server, flowscript, wait_for};

/// A workflow that answers with `output` once its steps have run.
fn workflow(steps: &str, output: &str) -> String {
    format!("trigger: {{ webhook: {{ auth: none, response: wait }} }}\nsteps:\n{steps}output: \"{output}\"\n")
}

/// A step that runs SQL over the connection `db`.
fn step(id: &str, sql: &str) -> String {
    format!("  - id: {id}\n    sql: {{ connection: db, {sql} }}\n")
}

/// A project with a connection `db` and these workflows.
fn project(url: &str, workflows: &[(&str, String)]) -> Project {
    let project = Project::new(&[("connections.yaml", &format!("db: {{ sql: {{ url: '{url}', pool: 1 }} }}"))]);
    for (name, text) in workflows {
        project.write(&format!("workflows/{name}.yaml"), text);
    }
    project
}

/// The answer of a workflow that succeeds.
fn answer(server: &Server, name: &str) -> String {
    let answer = server.get(&format!("/hooks/{name}"));
    assert_eq!(answer.status, 200, "{name}: {}\n{}\n{}", answer.text, server.log(), server.api("/runs")["runs"][0]);
    answer.text
}

/// Why a workflow fails.
fn failure(server: &Server, name: &str) -> String {
    let answer = server.get(&format!("/hooks/{name}"));
    assert_eq!(answer.status, 500, "{name}: {}", answer.text);
    let run = server.api(&format!("/runs?workflow={name}"))["runs"][0].clone();
    run["error"]["message"].as_str().unwrap().to_owned()
}

/// The findings of `check` for a workflow with this step.
fn refusal(sql: &str) -> String {
    let project = project("sqlite:db.db", &[("w", workflow(&step("x", sql), "{x}"))]);
    let checked = flowscript().arg("check").arg(project.path()).output().unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&checked.stdout), String::from_utf8_lossy(&checked.stderr));
    assert_eq!(checked.status.code(), Some(2), "{sql}\n{said}");
    said
}

#[test]
fn transaction_control_is_refused_at_load() {
    for word in [
        "begin",
        "BEGIN IMMEDIATE",
        "start transaction",
        "commit",
        "Commit work",
        "end",
        "end transaction",
        "rollback",
        "rollback to a",
        "abort",
        "savepoint a",
        "release a",
        "release savepoint a",
        "prepare transaction 'x'",
        "commit prepared 'x'",
        "set transaction isolation level serializable",
        "set session characteristics as transaction read only",
        "  \n commit",
        "/* a */ commit",
        "-- a\n commit",
        "/* a /* b */ c */ commit",
        "; commit",
        ";;\n/* x */ commit;",
    ] {
        let word = word.replace('\n', "\\n");
        for sql in [
            format!("execute: \"{word}\""),
            format!("query: \"{word}\""),
            format!("execute: [\"insert into t values (1)\", \"{word}\", \"insert into bad values (1)\"]"),
        ] {
            let said = refusal(&sql);
            assert!(said.contains("one transaction"), "{sql}\n{said}");
        }
    }
    for several in [
        "insert into t values (1); commit",
        "insert into t values (1); insert into t values (2)",
        "select 1;;select 2",
        "insert into t values (';'); /* ; */ delete from t",
        "create table begin (a int); commit; select 1",
        "create table t (a int); create trigger x after insert on t begin select 1; end; commit",
    ] {
        let said = refusal(&format!("execute: \"{several}\""));
        assert!(said.contains("one transaction"), "{several}\n{said}");
    }
    for reach in [
        "attach database 'data/flowscript.db' as eng",
        "ATTACH 'x' as y",
        "detach eng",
        "/* x */ attach 'a' as b",
        "vacuum",
        "vacuum into 'copy.db'",
        "select load_extension('x')",
        "pragma journal_mode = delete",
        "pragma main.journal_mode(off)",
        "pragma temp_store_directory = '/tmp'",
        "pragma wal_checkpoint(truncate)",
        "pragma writable_schema = on",
        "explain query plan attach 'a' as b",
    ] {
        let said = refusal(&format!("execute: \"{reach}\""));
        assert!(said.contains("workflows/w.yaml"), "{reach}\n{said}");
    }
}

#[test]
fn words_of_transactions_elsewhere_are_no_refusal() {
    let steps = [
        "create table t (a integer, \\\"commit\\\" text, savepoint text)",
        "create table log (a integer)",
        "create trigger tr after insert on t begin insert into log values (new.a); update log set a = case when a > 0 then a else 0 end; end",
        "insert into t values (1, 'commit; rollback', 'begin') -- commit",
        "/* commit */ insert into t select 2, 'x', 'y';",
        "with \\\"end\\\" as (select 3 as a) insert into t select a, ';', ';' from \\\"end\\\" ;  ",
        "create virtual table words using fts5(word)",
        "insert into words values ('commit')",
        "insert into words(words) values ('optimize')",
        "pragma user_version = 7",
    ];
    let list = steps.map(|sql| format!("\"{sql}\"")).join(", ");
    let read = format!(
        "{}{}{}",
        step("a", "query: \"select count(*) as n from t\""),
        step("v", "query: \"pragma user_version\""),
        step("c", "query: \"pragma table_info(log)\"")
    );
    let all = format!("{}{read}", step("x", &format!("execute: [{list}]")));
    let project = project("sqlite:db.db", &[("w", workflow(&all, "{a[0].n} {v[0].user_version} {c[0].name}"))]);
    assert_eq!(answer(&project.serve(), "w"), "3 7 a");
}

#[test]
fn sqlite_steps_reach_their_own_file_only() {
    // Statements that the text does not reveal are refused at run time.
    let hidden = [
        (
            "trigger",
            "execute: [\"create table if not exists t (a)\", \"create virtual table x using zipfile('data/flowscript.db')\"]",
        ),
        ("text", "execute: \"create virtual table if not exists x using fts5tokenize('data')\""),
        ("function", "query: \"select readfile('data/flowscript.db')\""),
        ("quoted", "query: \"select \\\"load_extension\\\"('x')\""),
        ("pragmas", "query: \"select * from pragma_wal_checkpoint\""),
    ];
    let workflows: Vec<_> = hidden.iter().map(|(name, sql)| (*name, workflow(&step("x", sql), "{x}"))).collect();
    let project = project("sqlite:db.db", &workflows);
    rusqlite::Connection::open(project.path().join("db.db")).unwrap();
    let server = project.serve();
    for (name, _) in &hidden {
        let said = failure(&server, name);
        assert!(
            said.contains("not authorized") || said.contains("no such") || said.contains("cannot"),
            "{name}: {said}"
        );
    }
}

#[cfg(unix)]
#[test]
fn the_store_is_no_database_of_a_connection_by_any_path() {
    let project = Project::new(&[]);
    let server = project.serve();
    let at = |path: &str| project.path().join(path);
    std::os::unix::fs::symlink(at("data/flowscript.db"), at("link.db")).unwrap();
    std::os::unix::fs::symlink(at("data"), at("folder")).unwrap();
    std::fs::hard_link(at("data/flowscript.db"), at("hard.db")).unwrap();
    std::fs::hard_link(at("data/flowscript.db-wal"), at("wal.db")).unwrap();
    let whole = at("data/flowscript.db").display().to_string();
    let paths = [
        "data/flowscript.db",
        "./data/../data/flowscript.db",
        "workflows/../data/flowscript.db",
        "link.db",
        "folder/flowscript.db",
        "folder/new.db",
        "hard.db",
        "wal.db",
        "DATA/flowscript.db",
        "Data/FlowScript.db",
        "file:data/flowscript.db",
        "file:data/flowscript.db?mode=ro",
        "FILE:data/flowscript.db",
        "data/flowscript.db-wal",
        "data//new.db",
        &whole,
        ":memory:",
    ];
    let each = paths.iter().enumerate().map(|(n, path)| format!("c{n}: {{ sql: {{ url: 'sqlite:{path}' }} }}\n"));
    let connections = each.collect::<Vec<_>>().concat();
    project.write("connections.yaml", &format!("{connections}late: {{ sql: {{ url: 'sqlite:late.db' }} }}\n"));
    for (name, connection) in
        (0..paths.len()).map(|n| (format!("w{n}"), format!("c{n}"))).chain([("late".into(), "late".into())])
    {
        let sql = format!(
            "  - id: x\n    sql: {{ connection: {connection}, query: \"select count(*) as n from sqlite_master\" }}\n"
        );
        project.write(&format!("workflows/{name}.yaml"), &workflow(&sql, "{x[0].n}"));
    }
    wait_for("the workflows are loaded", || (server.get("/hooks/late").status == 500).then_some(()));
    for (n, path) in paths.iter().enumerate() {
        let said = failure(&server, &format!("w{n}"));
        assert!(said.contains("no database"), "{path}: {said}");
    }
    // A link that is made afterwards has no effect, either.
    for link in ["data/flowscript.db", "link.db"] {
        std::os::unix::fs::symlink(at(link), at("late.db")).unwrap();
        let said = failure(&server, "late");
        assert!(said.contains("engine's own"), "{said}");
        std::fs::remove_file(at("late.db")).unwrap();
    }
}

#[test]
fn nothing_of_a_sqlite_session_stays() {
    let all = [
        (
            "leave",
            workflow(
                &step(
                    "x",
                    "execute: [\"create table if not exists t (a integer primary key)\", \"create temp table secret (a)\", \"insert into t values (null)\", \"insert into secret values (1)\", \"pragma case_sensitive_like = on\"]",
                ),
                "1",
            ),
        ),
        ("temp", workflow(&step("x", "query: \"select * from secret\""), "1")),
        (
            "like",
            workflow(
                &step("x", "query: \"select 'A' like 'a' as a, last_insert_rowid() as l, total_changes() as c\""),
                "{x[0].a} {x[0].l} {x[0].c}",
            ),
        ),
        (
            "chained",
            workflow(&step("x", "execute: [\"insert into t values (50)\", \"insert into bad values (1)\"]"), "1"),
        ),
        ("count", workflow(&step("x", "query: \"select count(*) as n from t\""), "{x[0].n}")),
    ];
    let project = project("sqlite:db.db", &all);
    let server = project.serve();
    answer(&server, "leave");
    assert!(failure(&server, "temp").contains("no such table: secret"));
    assert_eq!(answer(&server, "like"), "1 0 0");
    assert!(failure(&server, "chained").contains("no such table: bad"));
    assert_eq!(answer(&server, "count"), "1");
}

#[test]
fn nothing_of_a_postgresql_session_stays() {
    let postgres = Postgres::start();
    postgres.run(
        "create table t (a int); create schema other; create table other.t (a int); create role weak;
         create procedure committing() language plpgsql as $$ begin insert into t values (1); commit; end $$",
    );
    let left = [
        "set search_path = other",
        "create temp table secret (a int)",
        "listen things",
        "select pg_advisory_lock(7)",
        "prepare kept as select 1",
        "set time zone 'Asia/Tokyo'",
        "select set_config('my.secret', 'x', false)",
        "set role weak",
    ];
    let left = left.map(|sql| format!("\"{sql}\"")).join(", ");
    let seen = "select current_schemas(false)::text as s, current_user::text as u, current_setting('TimeZone') as z, \
                coalesce(current_setting('my.secret', true), '') as c, (select count(*)::int from pg_locks where locktype = 'advisory') as l, \
                (select count(*)::int from pg_listening_channels()) as h, (select count(*)::int from pg_prepared_statements where from_sql) as p, \
                to_regclass('secret') is null as n";
    let all = [
        ("leave", workflow(&step("x", &format!("execute: [{left}]")), "1")),
        ("failing", workflow(&step("x", &format!("execute: [{left}, \"select 1/0\"]")), "1")),
        (
            "seen",
            workflow(
                &step("x", &format!("query: \"{seen}\"")),
                "{x[0].s} {x[0].u} {x[0].z} {x[0].c} {x[0].l} {x[0].h} {x[0].p} {x[0].n}",
            ),
        ),
        ("procedure", workflow(&step("x", "execute: [\"insert into t values (1)\", \"call committing()\"]"), "1")),
        ("block", workflow(&step("x", "execute: [\"insert into t values (1)\", \"do $$ begin commit; end $$\"]"), "1")),
        (
            "session",
            workflow(
                &step("x", "query: \"select set_config('my.secret', 'x', false), pg_advisory_lock(8)::text as b\""),
                "1",
            ),
        ),
        (
            "slow",
            workflow(
                &format!(
                    "{}    timeout: 300ms\n",
                    step(
                        "x",
                        "query: \"select set_config('my.secret', 'x', false), pg_advisory_lock(9)::text, pg_sleep(20)::text\""
                    )
                ),
                "1",
            ),
        ),
    ];
    let project = project(&postgres.url(), &all);
    let server = project.serve();
    let clean = "{public} flow";
    for name in ["seen", "leave", "seen", "session", "seen", "slow", "seen", "failing", "seen"] {
        match name {
            "failing" => assert!(failure(&server, name).contains("division by zero")),
            "slow" => assert!(failure(&server, name).contains("did not end within 300ms")),
            "seen" => {
                let seen = answer(&server, name);
                assert!(seen.starts_with(clean) && !seen.contains("Tokyo") && seen.ends_with("  0 0 0 true"), "{seen}");
            }
            _ => drop(answer(&server, name)),
        }
    }
    for name in ["procedure", "block"] {
        assert!(failure(&server, name).contains("invalid transaction termination"), "{name}");
    }
    assert_eq!(postgres.run("select count(*) from t"), "0");
}

#[test]
fn changes_give_the_rows_that_they_return() {
    let postgres = Postgres::start();
    postgres.run("create table t (id int generated always as identity, a int, m money)");
    let one = step("x", "execute: \"insert into t (a, m) values (5, '1.50') returning id, m\"");
    let list = step(
        "x",
        "execute: [\"update t set a = a + 1\", \"with gone as (delete from t returning id) select count(*)::int as n from gone\", \
         \"insert into t (a) values (1), (2)\"]",
    );
    let none = step("x", "execute: \"delete from t where a = 99 returning id\"");
    let all = [
        ("one", workflow(&one, "{x[0].id} {x[0].m} {count(x)}")),
        ("list", workflow(&list, "{x[0]} {x[1][0].n} {x[2]}")),
        ("none", workflow(&none, "{count(x)}")),
    ];
    let check = |server: &Server| {
        assert_eq!(answer(server, "one"), "1 $1.50 1");
        assert_eq!(answer(server, "list"), "1 1 2");
        assert_eq!(answer(server, "none"), "0");
    };
    check(&project(&postgres.url(), &all).serve());
    let lite = all.map(|(name, text)| {
        let text = text.replace("'1.50'", "'$1.50'").replace(
            "with gone as (delete from t returning id) select count(*)::int as n from gone",
            "delete from t returning 1 as n",
        );
        (name, text)
    });
    let project = project("sqlite:db.db", &lite);
    let made = rusqlite::Connection::open(project.path().join("db.db")).unwrap();
    made.execute_batch("create table t (id integer primary key, a int, m text)").unwrap();
    check(&project.serve());
}

#[test]
fn sqlite_loses_no_digits_of_whole_numbers_in_silence() {
    let query = |sql: &str, value: &str| step("x", &format!("query: \"{sql}\", params: {{ v: \"{{{value}}}\" }}"));
    let whole = |value: &str| workflow(&query("select :v as v", value), "{x[0].v}");
    let project = project(
        "sqlite:db.db",
        &[
            ("long", whole("9223372036854775808")),
            ("list", whole("[1, 2]")),
            ("double", whole("20000000000000000000")),
            ("least", whole("-9223372036854775808")),
            ("third", whole("1 / 3")),
            ("dates", workflow(&step("x", "query: select at from t order by id"), "{x}")),
        ],
    );
    let db = rusqlite::Connection::open(project.path().join("db.db")).unwrap();
    db.execute_batch(
        "create table t (id integer, at datetime); insert into t values (1, 1700000000), (2, 1700000000000), (3, 'soon')",
    )
    .unwrap();
    let server = project.serve();
    let message = failure(&server, "long");
    assert!(message.contains("the parameter `:v` is 9223372036854775808, which has more digits"), "{message}");
    assert!(failure(&server, "list").contains("the parameter `:v` is a list; give a simple value"));
    assert_eq!(answer(&server, "double"), "20000000000000000000");
    assert_eq!(answer(&server, "least"), "-9223372036854775808");
    assert_eq!(answer(&server, "third"), "0.333333333333333");
    assert_eq!(answer(&server, "dates"), r#"[{"at":"2023-11-14T22:13:20+00:00"},{"at":1700000000000},{"at":"soon"}]"#);
}
