//! The store: its file is removed, replaced or cut while the engine runs, or its disk is full.

use crate::field::{Attack, Field, KEY, Stage, answer_within};
use crate::places::{goes_on, scheduled};
use crate::wire::Request;
use std::fs::{self, File};
use std::path::Path;
use std::time::{Duration, Instant};

/// The attacks on it.
pub fn attacks() -> Vec<Attack> {
    let disk = Attack {
        row: "S15",
        name: "the disk is full for a while".into(),
        always: true,
        stage: Box::new(full),
        act: Box::new(full_disk),
    };
    harms().chain([disk]).collect()
}

/// Harm to the store's file while the engine runs: its name, the change in the folder of the store, and whether it is
/// always tried.
type Harm = (&'static str, fn(&Path), bool);

const STORE: &str = "flowscript.db";

const HARMS: &[Harm] = &[
    ("removed", |folder| fs::remove_file(folder.join(STORE)).unwrap(), true),
    (
        "removed with what belongs to it",
        |folder| {
            for name in [STORE, "flowscript.db-wal", "flowscript.db-shm"] {
                let _ = fs::remove_file(folder.join(name));
            }
        },
        false,
    ),
    ("removed with its folder", |folder| fs::remove_dir_all(folder).unwrap(), false),
    ("moved away", |folder| fs::rename(folder.join(STORE), folder.join("old.db")).unwrap(), false),
    ("moved away with its folder", |folder| fs::rename(folder, folder.with_extension("old")).unwrap(), true),
    ("replaced by an empty file", |folder| replace(folder, |path| fs::write(path, "").unwrap()), true),
    (
        "replaced by a file of text",
        |folder| replace(folder, |path| fs::write(path, "x".repeat(100_000)).unwrap()),
        false,
    ),
    ("replaced by a database of somebody else", |folder| replace(folder, foreign), true),
    (
        "replaced by its own copy",
        |folder| replace(folder, |path| fs::copy(path.with_file_name(STORE), path).map(|_| ()).unwrap()),
        false,
    ),
    (
        "cut to nothing",
        |folder| File::options().write(true).open(folder.join(STORE)).unwrap().set_len(0).unwrap(),
        true,
    ),
    (
        "overwritten",
        |folder| {
            use std::os::unix::fs::FileExt;
            let file = File::options().write(true).open(folder.join(STORE)).unwrap();
            file.write_all_at(&vec![0x5a; 200_000], 0).unwrap();
        },
        false,
    ),
    ("without its log", |folder| fs::remove_file(folder.join("flowscript.db-wal")).unwrap(), false),
];

fn replace(folder: &Path, made: impl Fn(&Path)) {
    made(&folder.join("new.db"));
    fs::rename(folder.join("new.db"), folder.join(STORE)).unwrap();
}

fn foreign(path: &Path) {
    let database = rusqlite::Connection::open(path).unwrap();
    database
        .execute_batch("create table customers (id integer, name text); insert into customers values (1, 'a');")
        .unwrap();
}

fn harms() -> impl Iterator<Item = Attack> {
    HARMS.iter().map(|(name, harm, always)| Attack {
        row: "S8",
        name: format!("the store is {name} while it runs"),
        always: *always,
        stage: Box::new(|| {
            let files =
                [("workflows/target.yaml", "input: { n: number }\ntrigger: { webhook: { } }\noutput: \"{n}\"\n")];
            Stage { ends: true, ..Stage::of(files) }
        }),
        act: Box::new(|field| {
            // Runs of others have been stored until now.
            std::thread::sleep(Duration::from_millis(500));
            field.end_watch();
            harm(&field.project.path().join("data"));
            let harmed = Instant::now();
            let send =
                |n: u32| Request::new("POST", "/hooks/target").with("X-API-Key", KEY).json(&format!("{{\"n\": {n}}}"));
            let mut kept = Vec::new();
            let mut refused = 0;
            while harmed.elapsed() < Duration::from_secs(4) {
                let told = field.ask(&send(kept.len() as u32))?;
                match told.text.split_once("\"runId\":\"").and_then(|(_, rest)| rest.split('"').next()) {
                    Some(run) if told.status == 202 => kept.push((harmed.elapsed(), run.to_owned())),
                    _ => refused += 1,
                }
                std::thread::sleep(Duration::from_millis(5));
            }
            let ready = field.ask(&Request::new("GET", "/readyz"))?.status;
            field.notes.push(format!("{} acknowledged, {refused} refused, readyz {ready}", kept.len()));
            let late = kept.iter().filter(|(at, _)| *at > answer_within()).count();
            let log = field.server.log();
            if late > 0 {
                // They may still be stored: in a log that was restored, in the copy.
                let lost = lost_after_restart(field, &kept);
                return Err(format!(
                    "readyz {ready}; {late} were acknowledged a second later and more, {lost} of all are lost"
                ));
            }
            if ready != 503 {
                return Err(format!("readyz says {ready}"));
            }
            if !log.contains("ERROR") {
                return Err("its log says nothing of it".into());
            }
            Ok(())
        }),
    })
}

/// How many of these are missing in a new process; all of them if it does not start.
fn lost_after_restart(field: &mut Field, kept: &[(Duration, String)]) -> usize {
    let started = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| field.restart()));
    if started.is_err() {
        return kept.len();
    }
    kept.iter().filter(|(_, run)| field.state(run).is_none()).count()
}

fn full() -> Stage {
    Stage { faults: true, refuses: true, ..scheduled() }
}

/// It reports that it is not ready, and logs it a few times only.
fn full_disk(field: &mut Field) -> Result<(), String> {
    field.faults.as_ref().unwrap().set("write", "ENOSPC");
    std::thread::sleep(Duration::from_secs(2));
    let ready = field.ask(&Request::new("GET", "/readyz"))?.status;
    std::thread::sleep(Duration::from_secs(6));
    let lines = field.server.log().lines().count();
    field.faults.as_ref().unwrap().clear("write");
    field.notes.push(format!("readyz {ready}, {lines} lines"));
    goes_on(field)?;
    if ready != 503 {
        return Err(format!("readyz says {ready}"));
    }
    if lines > 100 { Err(format!("the log has {lines} lines")) } else { Ok(()) }
}
