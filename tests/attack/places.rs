//! The surroundings of the engine: the project's folders, the clock, the files that it may open.

use crate::field::{Act, Attack, Field, KEY, Stage, answer_within};
use crate::wire::{ATTACKER, Request, connect};
use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// The attacks of all tables here.
pub fn attacks() -> Vec<Attack> {
    entries().chain(folders()).chain(others()).collect()
}

/// A file among the project's files: its name, where, how it is made, and whether it is tried always.
type Entry = (&'static str, &'static str, fn(&Path), bool);

fn fifo(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

fn sparse(path: &Path) {
    File::create(path).unwrap().set_len(64 << 30).unwrap();
}

fn zeros(path: &Path) {
    symlink("/dev/zero", path).unwrap();
}

fn ends_nowhere(path: &Path) {
    symlink(path, path).unwrap();
}

fn socket(path: &Path) {
    drop(UnixListener::bind(path).unwrap());
}

/// Folders in folders, the last of which is a link to the first.
fn folders_in_folders(path: &Path) {
    let deep = (0..200).fold(path.to_owned(), |path, _| path.join("d"));
    fs::create_dir_all(&deep).unwrap();
    symlink(path, deep.join("again")).unwrap();
}

fn many_files(path: &Path) {
    fs::create_dir(path).unwrap();
    for n in 0..5_000 {
        fs::write(path.join(format!("w{n}.txt")), "x").unwrap();
    }
}

const ENTRIES: &[Entry] = &[
    ("a FIFO", "workflows/late.yaml", fifo, true),
    ("a FIFO", "modules/late.flow", fifo, true),
    ("a FIFO", "connections.yaml", fifo, true),
    ("a FIFO", "files/late.csv", fifo, false),
    ("a device", "workflows/late.yaml", zeros, true),
    ("a device", "modules/late.flow", zeros, false),
    ("a device", "connections.yaml", zeros, true),
    ("a sparse file of 64 GB", "workflows/late.yaml", sparse, true),
    ("a sparse file of 64 GB", "modules/late.flow", sparse, true),
    ("a sparse file of 64 GB", "connections.yaml", sparse, false),
    ("a link to itself", "workflows/late.yaml", ends_nowhere, false),
    ("a link to itself", "modules/late.flow", ends_nowhere, false),
    ("a socket", "workflows/late.yaml", socket, false),
    ("a folder", "workflows/late.yaml", |path| fs::create_dir(path).unwrap(), false),
    ("folders in folders", "workflows/deep", folders_in_folders, false),
    ("5,000 other files", "workflows/many", many_files, false),
    ("bytes that are not text", "workflows/late.yaml", |path| fs::write(path, [0xff; 1000]).unwrap(), false),
    ("aliases of aliases", "workflows/late.yaml", |path| fs::write(path, aliases()).unwrap(), true),
    (
        "1 MB of brackets",
        "workflows/late.yaml",
        |path| fs::write(path, format!("output: {}", "[".repeat(1_000_000))).unwrap(),
        true,
    ),
    (
        "1 MB of levels",
        "workflows/late.yaml",
        |path| {
            let text = (0..1_400).fold(String::new(), |all, n| all + &" ".repeat(n) + "a:\n");
            fs::write(path, text).unwrap();
        },
        false,
    ),
    (
        "1 MB of keys",
        "workflows/late.yaml",
        |path| {
            fs::write(path, format!("output:\n{}", crate::payloads::parts(80_000, "", |n| format!("  k{n}: 1\n"))))
                .unwrap();
        },
        false,
    ),
    (
        "20,000 steps",
        "workflows/late.yaml",
        |path| {
            fs::write(path, format!("steps:\n{}", "  - log: { message: a }\n".repeat(20_000))).unwrap();
        },
        false,
    ),
    (
        "a template of 1 MB",
        "workflows/late.yaml",
        |path| {
            fs::write(path, format!("output: \"{}\"\n", "{1}".repeat(300_000))).unwrap();
        },
        true,
    ),
];

fn aliases() -> String {
    let lines = crate::payloads::parts(30, "", |n| format!("a{}: &a{} [*a{n}, *a{n}]\n", n + 1, n + 1));
    format!("a0: &a0 [1, 2]\n{lines}output: *a30\n")
}

/// Each is added to a project that is served, and each exists when a project is first served.
fn entries() -> impl Iterator<Item = Attack> {
    let each = ENTRIES.iter().flat_map(|entry| [false, true].map(|before| (entry, before)));
    each.map(|((name, at, made, always), before)| Attack {
        row: "S16",
        name: format!("{name} as {at}{}", if before { " at the start" } else { "" }),
        always: *always && !before,
        stage: Box::new(Stage::default),
        act: Box::new(move |field| {
            let path = field.project.path().join(at);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            if before {
                field.end_watch();
                made(&path);
                return starts_again(field);
            }
            made(&path);
            std::thread::sleep(Duration::from_secs(1));
            loads(field, "tiny")?;
            let _ = fs::remove_file(&path).or_else(|_| fs::remove_dir_all(&path));
            loads(field, "small")
        }),
    })
}

/// It serves with the file there, or reports within some seconds why it does not.
fn starts_again(field: &mut Field) -> Result<(), String> {
    field.server.signal("KILL");
    field.server.ended();
    let mut command = crate::server::flowscript();
    command.arg("serve").arg(field.project.path()).args(["--bind", "127.0.0.1:0"]);
    command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::null());
    let mut child = command.spawn().unwrap();
    let mut out = child.stdout.take().unwrap();
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        use std::io::Read;
        let mut byte = [0];
        // The first line, or the end of the output.
        let _ = out.read(&mut byte);
        let _ = tell.send(());
        let _ = std::io::copy(&mut out, &mut std::io::sink());
    });
    let came = told.recv_timeout(Duration::from_secs(15));
    let peak = crate::watch::memory(child.id(), "VmHWM").unwrap_or_default();
    let ended = child.try_wait().ok().flatten();
    let _ = child.kill();
    let _ = child.wait();
    field.notes.push(format!("{} MB, ended {ended:?}", peak >> 20));
    if came.is_err() {
        return Err("it neither serves nor ends".into());
    }
    if peak > 500 << 20 {
        return Err(format!("it took {} MB", peak >> 20));
    }
    let late = ENTRIES.iter().map(|(_, at, ..)| field.project.path().join(at));
    for path in late {
        let _ = fs::remove_file(&path).or_else(|_| fs::remove_dir_all(&path));
    }
    field.restart();
    Ok(())
}

/// A new workflow is loaded, and the existing ones still are.
fn loads(field: &mut Field, name: &str) -> Result<(), String> {
    field.project.write(&format!("workflows/{name}.yaml"), "output: 1\n");
    let took = field.wait("what changes is loaded", Duration::from_secs(20), || {
        field.api(&format!("/workflows/{name}"))["id"] == name
    })?;
    field.notes.push(format!("loaded after {took:.1?}"));
    Ok(())
}

/// A change of a folder of the project while it is served.
type Loss = (&'static str, &'static str, fn(&Path), bool);

const LOSSES: &[Loss] = &[
    (
        "a link to itself",
        "workflows",
        |path| {
            fs::rename(path, path.with_extension("old")).unwrap();
            symlink(path, path).unwrap();
        },
        true,
    ),
    (
        "a file",
        "workflows",
        |path| {
            fs::rename(path, path.with_extension("old")).unwrap();
            fs::write(path, "x").unwrap();
        },
        true,
    ),
    (
        "a link to a place that is not there",
        "workflows",
        |path| {
            fs::rename(path, path.with_extension("old")).unwrap();
            symlink("/nowhere/at/all", path).unwrap();
        },
        false,
    ),
    (
        "a FIFO",
        "workflows",
        |path| {
            fs::rename(path, path.with_extension("old")).unwrap();
            fifo(path);
        },
        false,
    ),
    (
        "a link to itself",
        "modules",
        |path| {
            fs::rename(path, path.with_extension("old")).unwrap();
            symlink(path, path).unwrap();
        },
        true,
    ),
    (
        "a file",
        "modules",
        |path| {
            fs::rename(path, path.with_extension("old")).unwrap();
            fs::write(path, "x").unwrap();
        },
        false,
    ),
];

const SCHEDULED: &str = "trigger:\n  webhook: { response: wait }\n  schedule: [ { id: each, every: { seconds: 1 } } ]\noutput: \"{rates.one()}\"\n";

/// A project with a schedule and a module.
pub fn scheduled() -> Stage {
    Stage::of([("workflows/target.yaml", SCHEDULED), ("modules/rates.flow", "function one() => 1;\n")])
}

fn folders() -> impl Iterator<Item = Attack> {
    LOSSES.iter().map(|&(name, folder, harm, always)| Attack {
        row: "S6",
        name: format!("{name} instead of {folder}"),
        always,
        stage: Box::new(scheduled),
        act: Box::new(move |field| {
            let path = field.project.path().join(folder);
            harm(&path);
            std::thread::sleep(Duration::from_secs(2));
            goes_on(field)?;
            fs::remove_file(&path).map_err(|error| error.to_string())?;
            fs::rename(path.with_extension("old"), &path).unwrap();
            loads(field, "tiny")?;
            goes_on(field)
        }),
    })
}

/// The target answers, and so does its schedule.
pub fn goes_on(field: &mut Field) -> Result<(), String> {
    let told = field.ask(&Request::new("POST", "/hooks/target").with("X-API-Key", KEY).json("{}"))?;
    if told.status != 200 {
        return Err(format!("the webhook answers {}", told.text));
    }
    // Runs of a clock that was ahead stay before the others.
    let newest = |field: &Field| {
        let runs = field.api("/runs?workflow=target&trigger=schedule&limit=100")["runs"].clone();
        runs.as_array().into_iter().flatten().map(|run| run["id"].to_string()).collect::<Vec<String>>()
    };
    let before = newest(field);
    field
        .wait("the schedule fires", Duration::from_secs(15), || newest(field).iter().any(|id| !before.contains(id)))?;
    Ok(())
}

type Other = (&'static str, &'static str, fn() -> Stage, Act, bool);

fn others() -> impl Iterator<Item = Attack> {
    let all: Vec<Other> = vec![
        (
            "S6",
            "no more files can be opened while the folder changes",
            || Stage { descriptors: Some(160), ..scheduled() },
            Box::new(descriptors),
            true,
        ),
        (
            "S6",
            "no more files can be opened for a while",
            || Stage { descriptors: Some(160), ..scheduled() },
            Box::new(descriptors_return),
            false,
        ),
        (
            "S14",
            "the clock goes 10 years forward for seconds",
            clocked,
            Box::new(|field| clock(field, 10 * 365 * DAY, 3)),
            true,
        ),
        ("S14", "the clock goes 2 hours forward for seconds", clocked, Box::new(|field| clock(field, 7_200, 3)), false),
        (
            "S14",
            "the clock goes 200 years forward for seconds",
            clocked,
            Box::new(|field| clock(field, 200 * 365 * DAY, 2)),
            false,
        ),
        (
            "S14",
            "the clock goes 10 years back for seconds",
            clocked,
            Box::new(|field| clock(field, -10 * 365 * DAY, 3)),
            true,
        ),
        (
            "S14",
            "the clock goes to 1970 for seconds",
            clocked,
            Box::new(|field| clock(field, -1_700_000_000, 3)),
            false,
        ),
        ("S19", "files come and go in a folder that is listed", listed, Box::new(files_come_and_go), true),
        ("S16", "a step reads a FIFO", || reading("pipe.txt"), Box::new(|field| read(field, "pipe.txt", fifo)), true),
        (
            "S16",
            "a step reads a device",
            || reading("zero.txt"),
            Box::new(|field| read(field, "zero.txt", zeros)),
            true,
        ),
        (
            "S16",
            "a step reads a sparse file of 64 GB",
            || reading("sparse.txt"),
            Box::new(|field| read(field, "sparse.txt", sparse)),
            false,
        ),
        (
            "S16",
            "a step reads a sparse file of 60 MB as CSV",
            || reading("sparse.csv"),
            Box::new(|field| read(field, "sparse.csv", |path| File::create(path).unwrap().set_len(60 << 20).unwrap())),
            false,
        ),
        (
            "S16",
            "a step reads 60 MB of JSON",
            || reading("much.json"),
            Box::new(|field| {
                read(field, "much.json", |path| fs::write(path, crate::payloads::many("[]", 20_000_000)).unwrap())
            }),
            true,
        ),
        (
            "S16",
            "a step reads 60 MB of CSV",
            || reading("much.csv"),
            Box::new(|field| {
                read(field, "much.csv", |path| fs::write(path, crate::payloads::csv_tall(30_000_000)).unwrap())
            }),
            false,
        ),
    ];
    all.into_iter().map(|(row, name, stage, act, always)| Attack {
        row,
        name: name.to_owned(),
        always,
        stage: Box::new(stage),
        act,
    })
}

const DAY: i64 = 86_400;

fn clocked() -> Stage {
    Stage { faults: true, ..scheduled() }
}

fn clock(field: &mut Field, seconds: i64, lasts: u64) -> Result<(), String> {
    goes_on(field)?;
    let faults = field.faults.as_ref().unwrap();
    faults.set("clock", &seconds.to_string());
    std::thread::sleep(Duration::from_secs(lasts));
    faults.set("clock", "0");
    goes_on(field)
}

/// Takes all files that the engine may open, changes the project, and disconnects.
fn descriptors(field: &mut Field) -> Result<(), String> {
    starve(field, |field| {
        for n in 0..3 {
            field.project.write("workflows/tiny.yaml", &format!("output: {n}\n"));
            std::thread::sleep(Duration::from_millis(800));
        }
        Ok(())
    })
}

/// Takes them, lets the engine continue, and disconnects.
fn descriptors_return(field: &mut Field) -> Result<(), String> {
    starve(field, |_| {
        std::thread::sleep(Duration::from_secs(3));
        Ok(())
    })
}

fn starve(field: &mut Field, act: impl Fn(&mut Field) -> Result<(), String>) -> Result<(), String> {
    goes_on(field)?;
    // Others cannot be served when no connection can be opened.
    field.end_watch();
    let mut taken = Vec::new();
    for _ in 0..400 {
        taken.extend(connect(field.address, ATTACKER));
    }
    std::thread::sleep(Duration::from_millis(500));
    let open = fs::read_dir(format!("/proc/{}/fd", field.server.id())).map_or(0, Iterator::count);
    field.notes.push(format!("{open} files are open"));
    act(field)?;
    drop(taken);
    // It recovers by itself, without another change of the folder.
    let answers = |id: &str| {
        let told = field.api(&format!("/workflows/{id}"));
        told["serving"] == true && told["present"] == true
    };
    field.wait("all workflows are served", Duration::from_secs(20), || {
        ["target", "honest", "kept"].into_iter().all(answers)
    })?;
    goes_on(field)?;
    loads(field, "small")?;
    goes_on(field)
}

fn listed() -> Stage {
    Stage::of([
        (
            "workflows/target.yaml",
            "trigger: { webhook: { response: wait } }\nsteps:\n  - id: found\n    file: { list: \"in/*.txt\" }\noutput: \"{count(found)}\"\n",
        ),
        ("files/in/stays.txt", "x"),
    ])
}

fn files_come_and_go(field: &mut Field) -> Result<(), String> {
    let folder = field.project.path().join("files/in");
    let over = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(std::sync::atomic::Ordering::Relaxed) {
                for n in 0..500 {
                    fs::write(folder.join(format!("{n}.txt")), "x").unwrap();
                }
                for n in 0..500 {
                    fs::remove_file(folder.join(format!("{n}.txt"))).unwrap();
                }
            }
        });
        let mut asked = Ok(());
        for _ in 0..60 {
            let told = field.ask(&Request::new("POST", "/hooks/target").with("X-API-Key", KEY).json("{}"));
            if told.as_ref().is_ok_and(|told| told.status == 200) {
                continue;
            }
            asked = Err(told.map_or_else(|error| error, |told| format!("the list failed: {}", told.text)));
            break;
        }
        over.store(true, std::sync::atomic::Ordering::Relaxed);
        asked
    })
}

fn reading(name: &str) -> Stage {
    let step = format!("  - id: got\n    file: {{ read: {name} }}\n");
    Stage::of([
        (
            "workflows/target.yaml",
            format!(
                "limits: {{ run: 3s }}\ntrigger: {{ webhook: {{ response: wait, timeout: 1m }} }}\nsteps:\n{step}output: done\n"
            ),
        ),
        ("files/plain.txt", "x".to_owned()),
    ])
}

fn read(field: &mut Field, name: &str, made: fn(&Path)) -> Result<(), String> {
    made(&field.project.path().join("files").join(name));
    let started = Instant::now();
    let told = field.ask_often(&Request::new("POST", "/hooks/target").with("X-API-Key", KEY).json("{}"), 4);
    crate::bodies::note(field, &told);
    for told in told {
        let told = told?;
        if told.status != 200 && told.status != 500 {
            return Err(format!("it was answered {}", told.text));
        }
    }
    let most = Duration::from_secs(8) + answer_within();
    if started.elapsed() > most { Err(format!("it took {:.1?}", started.elapsed())) } else { Ok(()) }
}
