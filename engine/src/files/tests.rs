//! Tests of files: what is read, changed and refused.

use super::list::matches;
use super::*;
use flowscript_lang::budget::Unlimited;

fn folder() -> (tempfile::TempDir, Files) {
    let project = tempfile::tempdir().unwrap();
    let root = project.path().join("files");
    std::fs::create_dir_all(root.join("in")).unwrap();
    std::fs::write(project.path().join("secret.txt"), "secret").unwrap();
    std::fs::write(root.join("in/a.json"), "{\"n\": 1.50}").unwrap();
    std::fs::write(root.join("a.csv"), "sku,price\nA1,2.5\n").unwrap();
    std::fs::write(root.join("a.bin"), [0xff]).unwrap();
    std::fs::write(root.join("bad.json"), "{").unwrap();
    std::os::unix::fs::symlink(project.path().join("secret.txt"), root.join("link.txt")).unwrap();
    (project, Files::new(root))
}

#[test]
fn formats() {
    let (_project, files) = folder();
    assert_eq!(files.read("in/a.json", None, &mut Unlimited).unwrap().to_literal(100), "{n: 1.5}");
    let Value::Table(table) = files.read("a.csv", None, &mut Unlimited).unwrap() else { panic!("no table") };
    assert_eq!((table.len(), table.shape().names().len()), (1, 2));
    assert!(matches!(files.read("a.csv", Some(FileFormat::Text), &mut Unlimited), Ok(Value::Text(_))));
    assert!(matches!(files.read("a.bin", None, &mut Unlimited), Ok(Value::Binary(_))));
}

#[test]
fn what_is_refused() {
    let (project, files) = folder();
    let check = |path: &str, part: &str| {
        let fault = files.read(path, None, &mut Unlimited).unwrap_err();
        assert!(fault.message.contains(part), "{path}: {}", fault.message);
    };
    check("../secret.txt", "leaves the folder");
    check("in/../../secret.txt", "leaves the folder");
    check(project.path().join("secret.txt").to_str().unwrap(), "leaves the folder");
    check("", "leaves the folder");
    check("link.txt", "is a link");
    check("none.csv", "cannot be read");
    check("in", "is not a file");
    check("bad.json", "does not hold what it should");
    assert!(
        files
            .read("a.bin", Some(FileFormat::Text), &mut Unlimited)
            .unwrap_err()
            .message
            .contains("not UTF-8 text at byte 0")
    );
}

#[test]
fn patterns_of_names() {
    let check = |pattern, name| matches(pattern, name);
    assert!(check("*", "a") && check("*.csv", "a.csv") && check("a*b*c", "a-b-c") && check("a", "a"));
    assert!(!check("*.csv", "a.csvx") && !check("a*b*c", "a-c") && !check("a", "ab") && !check("ab*ba", "aba"));
}

#[test]
fn files_are_listed_appended_moved_and_deleted_inside_only() {
    let (project, files) = folder();
    let perform = |change| files.perform(&change, false, &mut Unlimited);
    perform(append("log/a.txt", b"one")).unwrap();
    perform(append("log/a.txt", b"two")).unwrap();
    perform(FileChange::Move("log/a.txt".into(), "done/a.txt".into())).unwrap();
    assert!(matches!(files.read("done/a.txt", None, &mut Unlimited), Ok(Value::Text(text)) if text == "onetwo"));
    let listed = perform(FileChange::List("*.csv".into(), None)).unwrap();
    assert!(listed.to_literal(200).contains("path: 'a.csv'"), "{}", listed.to_literal(200));
    let listed = perform(FileChange::List("done".into(), None)).unwrap();
    assert!(listed.to_literal(200).contains("path: 'done/a.txt', size: 6"), "{}", listed.to_literal(200));
    assert!(perform(FileChange::Move("done/a.txt".into(), "a.csv".into())).is_err(), "what is there stays");
    perform(FileChange::Delete("done/a.txt".into())).unwrap();
    assert!(perform(FileChange::Delete("done/a.txt".into())).is_err());
    perform(FileChange::Delete("link.txt".into())).unwrap();
    assert!(project.path().join("secret.txt").exists(), "the link goes, not the file");
    std::os::unix::fs::symlink(project.path(), project.path().join("files/away")).unwrap();
    std::os::unix::fs::symlink(project.path().join("secret.txt"), project.path().join("files/link.txt")).unwrap();
    let outside = [
        FileChange::List("away".into(), None),
        FileChange::List("../*".into(), None),
        append("link.txt", b"x"),
        append("away/new.txt", b"x"),
        FileChange::Write("away/deep/new.txt".into(), b"x".to_vec()),
        FileChange::Move("away/secret.txt".into(), "mine.txt".into()),
        FileChange::Move("a.csv".into(), "away/a.csv".into()),
        FileChange::Delete("away/secret.txt".into()),
    ];
    for change in outside {
        assert!(files.perform(&change, false, &mut Unlimited).is_err(), "{change:?}");
    }
    assert_eq!(std::fs::read_to_string(project.path().join("secret.txt")).unwrap(), "secret");
    assert!(!project.path().join("deep").exists() && !project.path().join("new.txt").exists());
}

#[test]
fn files_are_written_inside_only() {
    let (project, files) = folder();
    files.write("out/b/c.txt", b"one").unwrap();
    files.write("out/b/c.txt", b"two").unwrap();
    assert!(matches!(files.read("out/b/c.txt", None, &mut Unlimited), Ok(Value::Text(text)) if text == "two"));
    assert_eq!(std::fs::read_dir(project.path().join("files/out/b")).unwrap().count(), 1, "nothing temporary stays");
    std::os::unix::fs::symlink(project.path(), project.path().join("files/away")).unwrap();
    for path in ["../x.txt", "/tmp/x.txt", "away/x.txt", "", "out/b"] {
        assert!(files.write(path, b"x").is_err(), "{path}");
    }
    assert!(!project.path().join("x.txt").exists());
}

#[test]
fn a_changed_file_is_read_again() {
    let (project, files) = folder();
    let path = project.path().join("files/in/a.json");
    let old = SystemTime::now() - std::time::Duration::from_secs(60);
    std::fs::File::options().write(true).open(&path).unwrap().set_modified(old).unwrap();
    assert_eq!(files.read("in/a.json", None, &mut Unlimited).unwrap().to_literal(100), "{n: 1.5}");
    assert_eq!(files.read("in/a.json", None, &mut Unlimited).unwrap().to_literal(100), "{n: 1.5}");
    std::fs::write(&path, "{\"n\": 2}").unwrap();
    assert_eq!(files.read("in/a.json", None, &mut Unlimited).unwrap().to_literal(100), "{n: 2}");
}

fn append(path: &str, bytes: &[u8]) -> FileChange {
    FileChange::Append(path.into(), Addition::Bytes(bytes.to_vec()))
}

fn text_of(files: &Files, path: &str) -> String {
    match files.read(path, Some(FileFormat::Text), &mut Unlimited).unwrap() {
        Value::Text(text) => text.to_string(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_repeated_move_or_delete_is_done_where_its_effect_is_there() {
    let (project, files) = folder();
    let moved = FileChange::Move("a.csv".into(), "done/a.csv".into());
    files.perform(&moved, false, &mut Unlimited).unwrap();
    assert!(files.perform(&moved, false, &mut Unlimited).is_err(), "a first attempt without its file is a mistake");
    files.perform(&moved, true, &mut Unlimited).unwrap();
    // The folder it came from may be gone as well.
    let nested = FileChange::Move("in/a.json".into(), "done/a.json".into());
    files.perform(&nested, false, &mut Unlimited).unwrap();
    std::fs::remove_dir(project.path().join("files/in")).unwrap();
    files.perform(&nested, true, &mut Unlimited).unwrap();
    let gone = FileChange::Move("never.csv".into(), "nowhere.csv".into());
    assert!(files.perform(&gone, true, &mut Unlimited).is_err(), "neither the file nor its effect is there");
    // A target that another step made is not taken for the effect while the file is still there.
    std::fs::write(project.path().join("files/new.csv"), "x").unwrap();
    let taken = FileChange::Move("new.csv".into(), "done/a.csv".into());
    assert!(files.perform(&taken, true, &mut Unlimited).is_err());

    let deleted = FileChange::Delete("done/a.csv".into());
    files.perform(&deleted, false, &mut Unlimited).unwrap();
    assert!(files.perform(&deleted, false, &mut Unlimited).is_err());
    files.perform(&deleted, true, &mut Unlimited).unwrap();
    files.perform(&FileChange::Delete("away/with/its/folder.csv".into()), true, &mut Unlimited).unwrap();
    assert!(files.perform(&FileChange::Delete("../secret.txt".into()), true, &mut Unlimited).is_err());
    assert!(
        files.perform(&FileChange::Delete("bad.json/x".into()), true, &mut Unlimited).is_err(),
        "a path through a file"
    );
}

#[test]
fn a_file_moved_to_itself_stays() {
    let (_project, files) = folder();
    files.perform(&FileChange::Move("a.csv".into(), "a.csv".into()), false, &mut Unlimited).unwrap();
    files.perform(&FileChange::Move("a.csv".into(), "in/../a.csv".into()), false, &mut Unlimited).unwrap_err();
    assert!(text_of(&files, "a.csv").starts_with("sku"));
}

#[test]
fn rows_are_appended_to_csv_in_the_columns_of_the_file() {
    let (project, files) = folder();
    let row = |fields: &[(&str, &str)]| {
        let fields = fields.iter().map(|(name, value)| (*name, Value::text(*value)));
        content::addition(&Value::record(fields.collect::<Vec<_>>()), None, "j.csv", &mut Unlimited).unwrap()
    };
    let add = |addition| files.perform(&FileChange::Append("j.csv".into(), addition), false, &mut Unlimited);
    add(row(&[("a", "1"), ("b", "x,y")])).unwrap();
    add(row(&[("b", "q\"r"), ("a", "2")])).unwrap();
    add(row(&[("b", "3")])).unwrap();
    assert_eq!(text_of(&files, "j.csv"), "a,b\r\n1,\"x,y\"\r\n2,\"q\"\"r\"\r\n,3\r\n");
    let fault = add(row(&[("a", "1"), ("c", "2")])).unwrap_err();
    assert!(fault.message.contains("has a column `c`") && fault.message.contains("`a`, `b`"), "{}", fault.message);
    // A file of another program: a byte order mark, a line end in a name, none at the end.
    std::fs::write(project.path().join("files/j.csv"), "\u{feff}\"a\nx\",b\n1,2").unwrap();
    add(row(&[("b", "4"), ("a\nx", "3")])).unwrap();
    assert_eq!(text_of(&files, "j.csv"), "\"a\nx\",b\n1,2\r\n3,4\r\n");
    add(content::addition(&Value::list(vec![]), None, "j.csv", &mut Unlimited).unwrap()).unwrap();
    assert_eq!(text_of(&files, "j.csv"), "\"a\nx\",b\n1,2\r\n3,4\r\n");
    add(content::addition(&Value::text("5,6\n"), None, "j.csv", &mut Unlimited).unwrap()).unwrap();
    assert!(text_of(&files, "j.csv").ends_with("3,4\r\n5,6\n"), "a text is added as it is");
}

#[test]
fn json_is_appended_a_value_a_line() {
    let (project, files) = folder();
    let add = |value: Value, name: &str| {
        content::addition(&value, None, name, &mut Unlimited)
            .and_then(|a| files.perform(&FileChange::Append(name.into(), a), false, &mut Unlimited))
    };
    let record = |n: i64| Value::record([("n", Value::from(n))]);
    add(record(1), "j.ndjson").unwrap();
    add(Value::list(vec![record(2), Value::Null, Value::text("x")]), "j.ndjson").unwrap();
    add(Value::text("{\"n\": 3}"), "j.ndjson").unwrap();
    assert_eq!(text_of(&files, "j.ndjson"), "{\"n\":1}\n{\"n\":2}\nnull\n\"x\"\n{\"n\": 3}\n");
    assert_eq!(
        files.read("j.ndjson", None, &mut Unlimited).unwrap().to_literal(200),
        "[{n: 1}, {n: 2}, null, 'x', {n: 3}]"
    );
    std::fs::write(project.path().join("files/half.jsonl"), "{\"n\":1}").unwrap();
    add(record(2), "half.jsonl").unwrap();
    assert_eq!(text_of(&files, "half.jsonl"), "{\"n\":1}\n{\"n\":2}\n");
    std::fs::write(project.path().join("files/half.jsonl"), "{\"n\":1}\n\n{n}\n").unwrap();
    let fault = files.read("half.jsonl", None, &mut Unlimited).unwrap_err();
    assert!(fault.message.contains("line 3"), "{}", fault.message);
    let fault = add(record(1), "j.json").unwrap_err();
    assert!(fault.message.contains("as: ndjson"), "{}", fault.message);
    add(Value::text("{}"), "j.json").unwrap();
}

#[test]
fn appends_beside_each_other_repeat_no_header_and_tear_no_row() {
    let (_project, files) = folder();
    let files = &files;
    std::thread::scope(|scope| {
        for thread in 0..8 {
            scope.spawn(move || {
                for n in 0..20 {
                    let row = Value::record([("thread", Value::from(thread)), ("n", Value::from(n))]);
                    let addition = content::addition(&row, None, "j.csv", &mut Unlimited).unwrap();
                    files.perform(&FileChange::Append("j.csv".into(), addition), false, &mut Unlimited).unwrap();
                }
            });
        }
    });
    let Value::Table(table) = files.read("j.csv", None, &mut Unlimited).unwrap() else { panic!("no table") };
    assert_eq!(table.len(), 160);
}

#[test]
fn files_that_are_still_written_are_left_alone() {
    let (project, files) = folder();
    let second = Duration::from_secs(1);
    let list = |settled| files.perform(&FileChange::List("*.csv".into(), settled), false, &mut Unlimited).unwrap();
    assert!(list(Some(second * 60)).is_empty_list() || list(Some(second * 60)).to_literal(99) == "[]");
    assert!(list(None).to_literal(99).contains("a.csv"));
    assert!(files.unsettled("a.csv", second * 60).unwrap().is_some());
    // A copy that keeps the times of its source is new all the same.
    let path = project.path().join("files/a.csv");
    let old = SystemTime::now() - second * 3600;
    std::fs::File::options().write(true).open(&path).unwrap().set_modified(old).unwrap();
    assert!(files.unsettled("a.csv", second * 60).unwrap().is_some());
    std::thread::sleep(Duration::from_millis(30));
    assert_eq!(files.unsettled("a.csv", Duration::from_millis(20)).unwrap(), None);
    assert!(list(Some(Duration::from_millis(20))).to_literal(99).contains("a.csv"));
}

#[test]
fn what_is_large_ends_with_a_limit() {
    let (project, files) = folder();
    let sparse = std::fs::File::create(project.path().join("files/sparse.txt")).unwrap();
    sparse.set_len(MAX_BYTES + 1).unwrap();
    let fault = files.read("sparse.txt", None, &mut Unlimited).unwrap_err();
    assert!(fault.kind == "limit" && fault.message.contains("67108865 bytes"), "{fault:?}");
    for number in 0..=list::MOST_ENTRIES {
        std::fs::File::create(project.path().join(format!("files/in/{number}.x"))).unwrap();
    }
    let list = |path: &str| files.perform(&FileChange::List(path.into(), None), false, &mut Unlimited);
    let fault = list("in").unwrap_err();
    assert!(fault.kind == "limit" && fault.message.contains("more than 100000 entries"), "{fault:?}");
    assert!(list("in/*.json").is_ok() && list("in/99*").is_ok());
    let stop = || Some(flowscript_lang::host::Interrupt::Cancelled);
    let mut stopped = flowscript_lang::budget::Allowance::new("The list", flowscript_lang::Limits::default(), &stop);
    let fault = files.perform(&FileChange::List("in/99*".into(), None), false, &mut stopped).unwrap_err();
    assert_eq!(fault.kind, "cancelled");
    let rows = format!("[{}]", vec!["[]"; 1 << 20].join(","));
    std::fs::write(project.path().join("files/many.json"), rows).unwrap();
    let limits = flowscript_lang::Limits { memory: 8 << 20, ..flowscript_lang::Limits::default() };
    let mut small = flowscript_lang::budget::Allowance::new("The file", limits, &|| None);
    assert_eq!(files.read("many.json", None, &mut small).unwrap_err().kind, "limit");
    assert!(files.read("many.json", None, &mut Unlimited).is_ok());
}
