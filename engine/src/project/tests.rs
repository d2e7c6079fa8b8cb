use super::*;
use crate::access::Lock;
use crate::outgoing::Connections;
use crate::script::Library;
use flowscript_lang::value::Zone;
use std::collections::BTreeSet;
use std::path::Path;

fn library() -> Library {
    Library::new(Zone::UTC, "en-US", 1_000_000, 64 << 20)
}

fn project(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    folder
}

fn webhook(path: &str) -> String {
    format!("trigger: {{ webhook: {{ path: {path} }} }}\noutput: 1")
}

#[test]
fn ids_come_from_paths() {
    let folder = project(&[
        ("workflows/a.yaml", "output: 1"),
        ("workflows/erp/b-c.yaml", "output: 1"),
        ("workflows/Odd.yaml", "output: 1"),
        ("workflows/short.yml", "output: 1"),
        ("workflows/.a.yaml.swp", "x"),
        ("workflows/notes.txt", "x"),
        ("modules/m.flow", "function f() => 1;"),
    ]);
    let read = Folder::read(folder.path()).unwrap();
    assert_eq!(read.workflows.keys().collect::<Vec<_>>(), ["a", "erp.b-c"]);
    assert_eq!(read.workflows["erp.b-c"].path, "workflows/erp/b-c.yaml");
    assert_eq!(read.modules.keys().collect::<Vec<_>>(), ["m"]);
    assert_eq!(read.odd.len(), 2, "{:?}", read.odd);
    assert!(Folder::read(Path::new("/nowhere")).is_err(), "a project that is not there is no empty one");
}

#[test]
fn a_broken_file_leaves_the_others_alone() {
    let folder = project(&[("workflows/a.yaml", "output: 1"), ("workflows/b.yaml", "output: [")]);
    std::fs::write(folder.path().join("workflows/c.yaml"), b"output: 1\nname: \xff").unwrap();
    let files =
        load(&Folder::read(folder.path()).unwrap(), &library(), &Connections::default(), |_| None, &BTreeSet::new());
    assert!(files["a"].workflow.is_some());
    assert!(files["b"].workflow.is_none());
    assert!(files["c"].problems[0].message.contains("line 2 is not UTF-8"));
}

#[test]
fn who_serves_a_path_keeps_it() {
    let folder = project(&[("workflows/a.yaml", &webhook("p")), ("workflows/b.yaml", &webhook("p"))]);
    let folder = Folder::read(folder.path()).unwrap();
    let first = load(&folder, &library(), &Connections::default(), |_| None, &BTreeSet::new());
    assert!(first["a"].workflow.is_some() && first["b"].workflow.is_none());
    assert!(first["b"].problems[0].message.contains("belongs to the workflow `a`"));
    let kept = load(&folder, &library(), &Connections::default(), |_| Some("b".to_owned()), &BTreeSet::new());
    assert!(kept["a"].workflow.is_none() && kept["b"].workflow.is_some());
}

/// Codes and messages of the problems of a workflow in a project of these files.
fn problems(files: &[(&str, &str)], id: &str) -> Vec<String> {
    let folder = project(files);
    let library = library().with_callbacks(true);
    let files =
        load(&Folder::read(folder.path()).unwrap(), &library, &Connections::default(), |_| None, &BTreeSet::new());
    files[id].problems.iter().map(|problem| format!("{} {}", problem.code, problem.message)).collect()
}

#[test]
fn a_connection_is_of_the_kind_of_its_step() {
    let text = "erp: { http: { url: 'http://x/' } }\nbroken: { http: {} }\nodd: { ftp: {} }";
    let steps = "steps:\n  - sql: { connection: erp, query: select 1 }\n  - http: { connection: none, url: a }\n\
                 \u{20} - http: { connection: broken, url: a }\n  - http: { connection: odd, url: a }\n\
                 \u{20} - http: { connection: erp, url: a }\n";
    let folder = project(&[("workflows/a.yaml", steps), ("connections.yaml", text)]);
    let read = Folder::read(folder.path()).unwrap();
    let (connections, _) = read.read_connections(Path::new("x"), &Connections::default());
    let files = load(&read, &library(), &connections, |_| None, &BTreeSet::new());
    let found: Vec<_> = files["a"].problems.iter().map(|p| (p.place.line, p.message.as_str())).collect();
    let expected = [(2, "There is no connection `erp` of the kind `sql`"), (3, "There is no connection `none`")];
    assert_eq!(found, expected);
    assert!(files["a"].workflow.is_none());
}

#[test]
fn a_failure_target_that_needs_more_than_it_gets_is_refused() {
    let source = ("workflows/a.yaml", "onFailure: alarm\noutput: 1");
    let alarm = |input: &str| format!("input: {{ {input} }}\noutput: 1");
    for fits in
        ["failedRun: any, error: any", "error: { type: any }", "note: { type: text, default: x }", "note: text?"]
    {
        assert_eq!(problems(&[source, ("workflows/alarm.yaml", &alarm(fits))], "a"), [""; 0], "{fits}");
    }
    let found = problems(&[source, ("workflows/alarm.yaml", &alarm("mail: text, error: any"))], "a");
    assert_eq!(found, ["F0214 The workflow `alarm` needs the input `mail`, which `onFailure` does not give"]);
}

#[test]
fn an_event_whose_address_no_step_gives_out_is_a_warning() {
    let wait = "steps:\n  - id: answer\n    wait: { event: approved }\noutput: \"{answer}\"";
    let found = problems(&[("workflows/a.yaml", wait)], "a");
    assert_eq!(found, ["F0404 No step sends the address of the event `approved`"]);
    let gives = format!("steps:\n  - log: {{ message: \"{{callbackUrl('approved')}}\" }}\n{}", &wait[7..]);
    assert_eq!(problems(&[("workflows/a.yaml", &gives)], "a"), [""; 0]);
    let calls = "steps:\n  - log: { message: \"{CallbackURL('approved')}\" }\n  - call: { workflow: a }";
    assert_eq!(problems(&[("workflows/a.yaml", wait), ("workflows/b.yaml", calls)], "a"), [""; 0]);
}

#[test]
fn routes_lead_to_active_files_only() {
    let folder = project(&[("workflows/a.yaml", &webhook("p"))]);
    let files =
        load(&Folder::read(folder.path()).unwrap(), &library(), &Connections::default(), |_| None, &BTreeSet::new());
    let entry = |present, active| Entry {
        id: "a".into(),
        file: "workflows/a.yaml".into(),
        present,
        text: files["a"].text.clone(),
        workflow: files["a"].workflow.clone(),
        active,
        diagnostics: crate::workflow::history::DiagnosticsSwitch::default(),
        lock: Lock::Open,
        problems: Vec::new(),
    };
    assert!(Snapshot::new([entry(true, true)]).route("p").is_some());
    assert!(Snapshot::new([entry(true, true)]).route("q").is_none());
    assert!(Snapshot::new([entry(true, false)]).route("p").is_none());
    assert!(Snapshot::new([entry(false, true)]).route("p").is_none());
    assert!(Snapshot::new([entry(false, true)]).entry("a").is_some());
}

#[test]
fn versions_live_as_long_as_something_uses_them() {
    let folder = project(&[("workflows/a.yaml", "output: 1")]);
    let files =
        load(&Folder::read(folder.path()).unwrap(), &library(), &Connections::default(), |_| None, &BTreeSet::new());
    let workflow = files["a"].workflow.clone().unwrap();
    drop(files);
    let (catalog, version) = (Catalog::default(), workflow.version);
    catalog.remember(&workflow);
    assert!(catalog.version(version).is_some());
    let again = load_version(&workflow.text, &library()).unwrap();
    assert_eq!(again.version, version);
    drop(workflow);
    assert!(catalog.version(version).is_none());
}

#[tokio::test]
async fn changes_are_told_once_they_have_settled() {
    let folder = project(&[("data/x", "")]);
    let watch = Watch::new(folder.path()).unwrap();
    std::fs::create_dir(folder.path().join("workflows")).unwrap();
    watch.changed().await;
    assert!(watch.follow(&Folder::read(folder.path()).unwrap().folders));
    // Changes before the folder was watched count, too.
    watch.changed().await;
    std::fs::write(folder.path().join("workflows/a.yaml"), "output: 1").unwrap();
    let soon = std::time::Duration::from_secs(5);
    tokio::time::timeout(soon, watch.changed()).await.expect("a change below a new folder is seen");
    std::fs::write(folder.path().join("data/x"), "the store writes").unwrap();
    let quiet = tokio::time::timeout(SETTLE * 3, watch.changed()).await;
    assert!(quiet.is_err(), "what the store writes is no change");
}

#[test]
fn what_cannot_be_read_is_not_gone() {
    let folder = project(&[
        ("workflows/a.yaml", "output: 1"),
        ("workflows/erp/b.yaml", "output: 1"),
        ("modules/m.flow", "function f() => 1;"),
        ("connections.yaml", "a: { folder: { path: x } }"),
    ]);
    let at = |path: &str| folder.path().join(path);
    let link = |to: &str, path: &str| std::os::unix::fs::symlink(to, at(path)).unwrap();
    let before = Folder::read(folder.path()).unwrap();
    assert!(!before.is_partial && before.odd.is_empty(), "{:?}", before.odd);
    let ids = || ["a".to_owned(), "erp.b".to_owned()];
    let read = || {
        let mut read = Folder::read(folder.path()).unwrap();
        read.keep_from(Some(&before), ids());
        read
    };
    // A module, the connections and a workflow that are links to themselves; a folder that is a link to nowhere.
    for path in ["workflows/a.yaml", "modules/m.flow", "connections.yaml"] {
        std::fs::remove_file(at(path)).unwrap();
        link(Path::new(path).file_name().unwrap().to_str().unwrap(), path);
    }
    std::fs::rename(at("workflows/erp"), at("erp")).unwrap();
    link("nowhere", "workflows/erp");
    let links = read();
    assert!(links.is_partial);
    assert!(links.workflows["a"].text.is_err() && links.workflows["erp.b"].text.is_err());
    assert_eq!((&links.modules, &links.connections), (&before.modules, &before.connections));
    for named in ["workflows/erp", "modules/m.flow", "connections.yaml"] {
        assert!(links.odd.iter().any(|line| line.contains(named)), "{named}: {:?}", links.odd);
    }
    // Folders that became files.
    for path in ["workflows", "modules"] {
        std::fs::remove_dir_all(at(path)).unwrap();
        std::fs::write(at(path), "").unwrap();
    }
    let files = read();
    assert_eq!(files.workflows.keys().collect::<Vec<_>>(), ["a", "erp.b"]);
    assert_eq!(files.modules, before.modules);
    assert!(Folder::read_first(folder.path()).unwrap_err().contains("cannot be read"));
    // Removed files are missing.
    for path in ["workflows", "modules", "connections.yaml"] {
        std::fs::remove_file(at(path)).unwrap();
    }
    let gone = read();
    assert!(gone.workflows.is_empty() && gone.modules.is_empty() && gone.connections.is_none() && !gone.is_partial);
}

#[test]
fn only_files_of_a_bound_are_read() {
    let folder = project(&[("workflows/good.yaml", "output: 1"), ("modules/good.flow", "let a = 1;")]);
    let at = |path: &str| folder.path().join(path);
    for pipe in ["workflows/pipe.yaml", "modules/pipe.flow", "workflows/sub"] {
        assert!(std::process::Command::new("mkfifo").arg(at(pipe)).status().unwrap().success());
    }
    for huge in ["workflows/huge.yaml", "modules/huge.flow"] {
        std::fs::File::create(at(huge)).unwrap().set_len(1 << 40).unwrap();
    }
    std::fs::create_dir(at("workflows/folder.yaml")).unwrap();
    std::os::unix::fs::symlink("/dev/zero", at("workflows/zero.yaml")).unwrap();
    std::os::unix::fs::symlink(".", at("workflows/round")).unwrap();
    std::os::unix::fs::symlink("..", at("workflows/about")).unwrap();
    let read = Folder::read(folder.path()).unwrap();
    let mut good: Vec<&String> =
        read.workflows.iter().filter(|(_, file)| file.text.is_ok()).map(|(id, _)| id).collect();
    good.retain(|id| !id.starts_with("about."));
    assert_eq!(good, ["good"], "{:?}", read.workflows.keys());
    for (id, part) in
        [("pipe", "a pipe"), ("huge", "the limit is 4194304"), ("folder", "a folder"), ("zero", "a device")]
    {
        let reason = read.workflows[id].text.as_ref().unwrap_err();
        assert!(reason.contains(part), "{id}: {reason}");
    }
    assert_eq!(read.modules.keys().collect::<Vec<_>>(), ["good"]);
    let told = |part: &str| read.odd.iter().any(|line| line.contains(part));
    assert!(told("modules/pipe.flow") && told("modules/huge.flow") && told("workflows/round"), "{:?}", read.odd);
}
