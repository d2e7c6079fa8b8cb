use super::*;

fn tree(source: &str) -> Node {
    parse(source).unwrap_or_else(|problem| panic!("{problem:?}"))
}

fn get<'a>(node: &'a Node, key: &str) -> &'a Node {
    &node.entries().unwrap().iter().find(|e| e.key == key).unwrap().value
}

/// The place of the first `needle` in the scalar `key`, as line:column.
fn place_of(source: &str, key: &str, needle: &str) -> String {
    let root = tree(source);
    let scalar = get(&root, key).scalar().unwrap().clone();
    let offset = scalar.text.find(needle).unwrap_or_else(|| panic!("{needle:?} is not in {:?}", scalar.text));
    let place = scalar.places.at(&scalar.text, offset);
    format!("{}:{}", place.line, place.column)
}

/// Every needle must be found at the place where the source itself has it.
fn check_places(source: &str, key: &str, needles: &[&str]) {
    for needle in needles {
        let offset = source.find(needle).unwrap_or_else(|| panic!("{needle:?} is not in the source"));
        let before = &source[..offset];
        let line = before.matches('\n').count() + 1;
        let column = before[before.rfind('\n').map_or(0, |i| i + 1)..].chars().count() + 1;
        assert_eq!(place_of(source, key, needle), format!("{line}:{column}"), "{needle:?} in {source:?}");
    }
}

fn problem(source: &str) -> (String, String) {
    let problem = parse(source).unwrap_err();
    (format!("{}:{}", problem.place.line, problem.place.column), problem.message)
}

#[test]
fn core_schema() {
    let check = |text: &str, expected: Core| {
        let root = tree(&format!("v: {text}"));
        assert_eq!(get(&root, "v").scalar().unwrap().core(), expected, "{text}");
    };
    let number = |text: &str| Core::Number(Number::parse(text).unwrap());
    for text in ["", "~", "null"] {
        check(text, Core::Null);
    }
    for text in ["on", "no", "06:30", "yes", "1_000", "0x", "1.2.3", ".", "-", ".inf", "2026-01-01", "0o8", "1e"] {
        if text != "-" {
            check(text, Core::Text(text));
        }
    }
    check("'12'", Core::Text("12"));
    check("true", Core::Bool(true));
    check("12", number("12"));
    check("-0.50", number("-0.5"));
    check("+7", number("7"));
    check(".5", number("0.5"));
    check("5.", number("5"));
    check("1e3", number("1000"));
    check("1.5E-2", number("0.015"));
    check("0x1F", number("31"));
    check("0o17", number("15"));
    check("007", number("7"));
}

#[test]
fn places_in_every_style() {
    check_places("v: alpha beta", "v", &["alpha", "beta"]);
    check_places("v: 'it''s beta'", "v", &["beta"]);
    check_places("v: \"a\\tb\\u00e9 beta\\n gamma\"", "v", &["beta", "gamma"]);
    check_places("v: |\n  let a = 1;\n  return b;\n", "v", &["let", "a = 1", "return", "b;"]);
    check_places("first: 1\nv: |2-\n    indented\n\n  zweite öä zeile\nlast: 2", "v", &["indented", "zweite", "zeile"]);
    check_places("v: >\n  one\n  two\n\n  three\nw: 1", "v", &["one", "two", "three"]);
    check_places("v: one\n  two\n\n  three", "v", &["one", "two", "three"]);
    check_places("v: \"one\n  two \\\n  three\"", "v", &["one", "two", "three"]);
    check_places("v: |\r\n  one\r\n  two\r\n", "v", &["one", "two"]);
    check_places("# note\nv: |  # a comment\n\n   one\n     two\n", "v", &["one", "two"]);
}

#[test]
fn nodes_know_their_place() {
    let root = tree("steps:\n  - set: { a: 1 }\n  - log: x\n");
    let steps = get(&root, "steps").elements().unwrap();
    assert_eq!(steps[1].place, Place { line: 3, column: 5 });
    assert_eq!(steps[0].entries().unwrap()[0].value.entries().unwrap()[0].place, Place { line: 2, column: 12 });
}

#[test]
fn refusals() {
    let check = |source: &str, place: &str, part: &str| {
        let (at, message) = problem(source);
        assert_eq!(at, place, "{message}");
        assert!(message.contains(part), "{message}");
    };
    check("", "1:1", "empty");
    check("a: 1\nb: 2\na: 3", "3:1", "`a` is given here a second time; the first is in line 1");
    check("a: &x 1\nb: 2", "1:4", "Anchors");
    check("a: 1\nb: *x", "2:4", "");
    check("a: !color red", "1:4", "tag");
    check("a: [1, 2\nb: 3", "2:2", "not YAML");
    check("a: 1\n---\nb: 2", "2:1", "second document");
    check("{a: 1}: 2", "1:1", "A key must be a text");
    check("a: 1\r\nb: å\rc: 2\r", "2:5", "carriage return");
    check("\r\rx", "1:1", "carriage return");
    check(&format!("a: {}{}", "[".repeat(70), "]".repeat(70)), "1:67", "More than 64");
    check(&"x".repeat(MAX_BYTES + 1), "1:1", "1 MiB");
}

#[test]
fn broken_files_never_panic() {
    for source in [
        "\u{0}",
        "\t",
        "a:\n\t- b",
        "%YAML 3.0\n---\na",
        "'",
        "\"\\",
        "|",
        "- - - -",
        "? a",
        ":",
        "{",
        "a: |9\n x",
        "\u{feff}a: 1",
    ] {
        let _ = parse(source);
    }
}

#[test]
fn a_file_of_the_largest_size_is_read_at_once() {
    let check = |source: String| {
        let started = std::time::Instant::now();
        assert!(source.len() <= MAX_BYTES);
        let _ = parse(&source);
        assert!(started.elapsed().as_secs() < 20, "{:?} for {:.20}…", started.elapsed(), source);
    };
    check(format!("a: [é{}]", ",1".repeat(500_000)));
    check((0..90_000).flat_map(|i| [format!("k{i}"), ": 1\n".to_owned()]).collect());
    check(format!("a: 'x{}y'", " ".repeat(1_000_000)));
    check(format!("a: |\n  x{}", "\n  y".repeat(200_000)));
    check(format!("a: \"x{}\"", "\n  y".repeat(200_000)));
}
