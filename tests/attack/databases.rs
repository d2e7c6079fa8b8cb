//! Results of real databases: too many rows, columns or bytes, JSON that is small compared with its decoded form, and
//! queries without an end.

use crate::field::{Attack, Stage};
use crate::payloads as p;
use crate::peers::attack;
use crate::postgres::Postgres;

/// A query of SQLite: its name, its text, and whether it is tried always.
type Query = (&'static str, &'static str, bool);

const NUMBERS: &str = "with recursive n(i) as (select 1 union all select i + 1 from n";

const QUERIES: &[Query] = &[
    ("5 million rows", "NUMBERS limit 5000000) select i, i as b, i as c from n", true),
    ("900,000 rows of 20 columns", "NUMBERS limit 900000) select COLUMNS from n", false),
    ("a value of 900 MB", "select zeroblob(900000000) as b", true),
    ("a text of 900 MB", "select hex(zeroblob(450000000)) as b", false),
    ("many texts of 1 MB", "NUMBERS limit 100000) select hex(zeroblob(500000)) as b from n", true),
    ("a query without an end", "NUMBERS) select count(*) as c from n", true),
    (
        "a sum of all with all",
        "NUMBERS limit 100000) select count(*) as c from n a, n b, n c where a.i + b.i = c.i",
        false,
    ),
    ("rows without an end", "NUMBERS) select i from n", false),
    ("names that repeat", "select COLUMNS from (select 1 as i)", false),
];

/// JSON in PostgreSQL: its name, and the content of a column.
type Document = (&'static str, fn() -> String);

const DOCUMENTS: &[Document] = &[
    ("rows of different names", || p::ragged(300_000)),
    ("many empty lists", || p::many("[]", 2_000_000)),
    ("lists in lists", || p::deep(5_000)),
    ("one record of many names", || p::wide(500_000)),
];

/// The attacks of both tables.
pub fn attacks() -> Vec<Attack> {
    let lite = QUERIES.iter().map(|(name, query, always)| {
        let columns = p::parts(20, ", ", |n| format!("i as c{n}"));
        let query = query.replace("NUMBERS", NUMBERS).replace("COLUMNS", &columns);
        attack("S18", format!("SQLite gives {name}"), *always, 4, move || {
            let step = format!("  - id: rows\n    sql: {{ connection: db, query: \"{query}\" }}\n    timeout: 3s\n");
            let made = "  - sql: { connection: db, execute: \"create table if not exists t (a)\" }\n".to_owned();
            (("flowscript.toml".into(), String::new()), "db: { sql: { url: \"sqlite:db.db\" } }\n".into(), made + &step)
        })
    });
    let postgres = DOCUMENTS.iter().map(|(name, document)| {
        let mut attack = attack("S1", format!("PostgreSQL gives {name} as JSON"), false, 4, || {
            (("flowscript.toml".into(), String::new()), String::new(), "  - log: { message: nothing }\n".into())
        });
        attack.stage = Box::new(move || json_of(document()));
        attack
    });
    lite.chain(postgres).collect()
}

/// A server with a table of one document; it ends with the tests.
fn json_of(document: String) -> Stage {
    let server = Postgres::start();
    let file = server.file("document.sql");
    let text = format!("create table d (j json);\ncopy d from stdin;\n{document}\n\\.\n");
    std::fs::write(&file, text).unwrap();
    server.run_file(&file);
    let head = "trigger: { webhook: { response: wait, timeout: 1m } }\nsteps:\n";
    let step = "  - id: rows\n    sql: { connection: db, query: \"select j from d\" }\n    timeout: 3s\noutput: done\n";
    let files = [
        ("workflows/target.yaml", format!("{head}{step}")),
        ("connections.yaml", format!("db: {{ sql: {{ url: \"{}\" }} }}\n", server.url())),
    ];
    // It serves as long as its attack lasts.
    Stage { peers: vec![Box::new(server)], ..Stage::of(files) }
}
