//! Sources that would make the parser hang, overflow or crash.

use crate::ast::ExprKind;
use crate::diagnostic::codes;
use crate::parse::{is_incomplete, parse_expression, parse_script, parse_template, parse_type, unknown_escapes};
use proptest::prelude::*;

/// All entry points, on one source.
fn survive(source: &str) {
    parse_script(source);
    parse_expression(source);
    parse_template(source);
    parse_type(source);
    is_incomplete(source);
    for quote in ["'", "\"", "`", "@'"] {
        unknown_escapes(&format!("{quote}{source}{}", quote.trim_start_matches('@')));
    }
}

#[test]
fn places_end_with_the_source() {
    for source in [" }{6", "if a { f(", "{1", "do", "let x = {1, 2"] {
        for diagnostic in parse_script(source).diagnostics {
            let (start, end) = (diagnostic.span.start as usize, diagnostic.span.end as usize);
            assert!(source.get(start..end).is_some(), "{diagnostic:?} in {source}");
        }
    }
}

/// Is the nesting refused, without another error?
fn too_deep(source: &str) {
    let parsed = parse_script(source);
    let codes: Vec<_> = parsed.diagnostics.iter().map(|diagnostic| diagnostic.code).collect();
    assert_eq!(codes, [codes::TOO_DEEP], "in {}", &source[..source.len().min(80)]);
}

const NESTED: [(&str, &str, &str); 24] = [
    ("(", "1", ")"),
    ("[", "1", "]"),
    ("{a: ", "1", "}"),
    ("f(", "1", ")"),
    ("x[", "1", "]"),
    ("Map(", "1", ")"),
    ("map(", "1", ")"),
    ("error (", "1", ")"),
    ("error ", "'x'", ""),
    ("map ", "t", " as [a]"),
    ("`{", "1", "}`"),
    ("x => ", "1", ""),
    ("(x) => ", "1", ""),
    ("function (x) => ", "1", ""),
    ("function () { return ", "1", "; }"),
    ("case when a then ", "1", " end"),
    ("case when ", "1", " then a end"),
    ("- ", "1", ""),
    ("* ", "1", ""),
    ("not ", "a", ""),
    ("t where (", "1", ")"),
    ("select ", "a", " from b"),
    ("[t order by k, ", "1", "]"),
    ("f<t>(", "1", ")"),
];

#[test]
fn nesting_ends_at_200() {
    for (open, inner, close) in NESTED {
        let nested = |depth: usize| format!("return {}{inner}{};", open.repeat(depth), close.repeat(depth));
        for depth in [1, 50, 99] {
            let parsed = parse_script(&nested(depth));
            assert_eq!(parsed.diagnostics, [], "{open} {depth}");
        }
        for depth in [202, 1000] {
            too_deep(&nested(depth));
        }
        too_deep(&format!("return {}", open.repeat(100_000)));
        parse_script(&nested(20_000));
    }
    for (open, inner, close) in NESTED.into_iter().take(7) {
        let source = format!("return {}{inner}{};", open.repeat(198), close.repeat(198));
        assert_eq!(parse_script(&source).diagnostics, [], "{open}");
    }
}

#[test]
fn exactly_200_brackets_parse() {
    let nested = |depth| format!("return {}1{};", "[".repeat(depth), "]".repeat(depth));
    assert_eq!(parse_script(&nested(200)).diagnostics, []);
    too_deep(&nested(201));
}

#[test]
fn statements_nest_up_to_200() {
    for (open, close) in [
        ("if a {", "}"),
        ("if a: ", ""),
        ("if a { } else: ", ""),
        ("for a in b do ", " done"),
        ("while a: ", ""),
        ("try {", "} catch { }"),
        ("try { } catch {", "}"),
        ("function f() {", "}"),
    ] {
        let nested = |depth: usize| format!("{}b(){}", open.repeat(depth), close.repeat(depth));
        assert_eq!(parse_script(&nested(199)).diagnostics, [], "{open}");
        too_deep(&nested(201));
        too_deep(&nested(20_000));
    }
}

#[test]
fn types_nest_up_to_200() {
    for (open, close) in [("(", ")"), ("{a: ", "}"), ("(text) -> ", ""), ("(", ") -> text")] {
        let nested = |depth: usize| format!("let x: {}text{} = 1;", open.repeat(depth), close.repeat(depth));
        assert_eq!(parse_script(&nested(199)).diagnostics, [], "{open}");
        too_deep(&nested(202));
        too_deep(&nested(20_000));
    }
    assert_eq!(parse_type(&format!("text{}", "?".repeat(1000))).diagnostics, []);
    assert_eq!(parse_type(&format!("text{}", "*".repeat(100_000))).diagnostics.len(), 1);
}

#[test]
fn long_chains_stay_flat() {
    // A debug build takes a minute for all of them at full length.
    let count = if cfg!(debug_assertions) { 10_000 } else { 100_000 };
    let sum = parse_expression(&vec!["1"; 100_000].join("+"));
    assert_eq!(sum.diagnostics, []);
    assert!(matches!(sum.tree.kind, ExprKind::Binary { rest, .. } if rest.len() == 99_999));
    for (first, next) in [
        ("a", " and a"),
        ("a", " or not a"),
        ("a", " & -a"),
        ("a", " ?? a"),
        ("a", " * 2 - 1"),
        ("a", ".f()"),
        ("a", "?.b[0]"),
        ("a", " where b"),
        ("a", " with {b: 1} where c"),
        ("a", " order by b"),
        ("a order by b", ", c desc"),
        ("a with {b: 1} when c", ", {b: 2} when d"),
        ("a in b", " and a in (b, c)"),
        ("`", "a{b}\\{"),
    ] {
        let source = format!("{first}{}{}", next.repeat(count), if first == "`" { "`" } else { "" });
        assert_eq!(parse_expression(&source).diagnostics, [], "{next}");
    }
    for (first, next) in [
        ("if a { }", " else if b { }"),
        ("if a: b();", " elseif c: d();"),
        ("", "let x = 1; "),
        ("", "if a { } "),
        ("set a", ".b[0]"),
    ] {
        let source = format!("{first}{}{}", next.repeat(count), if first == "set a" { " = 1;" } else { "" });
        assert_eq!(parse_script(&source).diagnostics, [], "{next}");
    }
    let cases = format!("case {} end", "when a then b ".repeat(count));
    assert_eq!(parse_expression(&cases).diagnostics, []);
    let list = format!("[{}]", "1, ".repeat(count));
    assert_eq!(parse_expression(&list).diagnostics, []);
}

/// An error at the end of deep nesting is found at once, not after trying each level twice.
#[test]
fn errors_in_deep_nesting_are_cheap() {
    for open in [
        "(",
        "[",
        "{a: ",
        "f(",
        "map(",
        "Map(",
        "error (",
        "map (",
        "[t order by k, [",
        "[t group by k, [",
        "[a: t order by k, {b: ",
        "[t with {a: 1} when b, {c: ",
        "select a from t where (",
        "(select a from t where ",
        "t with {a: 1} where (",
        "case when a then t with {b: 1} when (",
        "map map(x) as [a: ",
        "a < (",
        "a < {b = a < ",
        "x is {b = ",
        "f<{b = f<",
        "(x, (",
        "x => (",
        "function (a = (",
        "function (a = function () { function g(b = ",
        "`{",
        "`{'{`",
        "let x = [",
        "if a { if (",
        "error error (",
        "(select x from (",
        "select (select ",
        "x[y[",
        "-(",
        "not (",
        "t except (",
        "except where (",
        "f<t>(",
        "x.f<t>(x, ",
        "a => b => c [",
        "a => (b) => c + (",
        "a => b => t where c < [",
        "a => t with {b: 1} where c => d in (",
        "error a => error b & [",
        "function (x) => function (y) => x ?? (",
        "select a => b from t [",
        "select a from t where b => c [",
        "select a from t join u on x => y [",
        "select a from t group by x => y [",
        "select a from t order by x => y [",
        "t order by x => y => z [",
        "map a => b => c [",
        "[r=>r>e=>b=>r>r ",
    ] {
        for depth in [30, 90, 190] {
            survive(&open.repeat(depth));
            survive(&format!("return {} ;", open.repeat(depth)));
            survive(&format!("{}1 1", open.repeat(depth)));
        }
    }
}

#[test]
fn a_megabyte_of_anything() {
    let size = 1 << 20;
    for piece in [
        ";",
        "+",
        "-",
        "*",
        "1+",
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        "()",
        "'",
        "\"",
        "`",
        "`{",
        "@'",
        "\\",
        "a ",
        "a;",
        "a b;",
        "1 1;",
        "let ",
        "let x = ;",
        "let x = ;\n",
        "if ",
        "if a {",
        "else ",
        "}{",
        "(]",
        "[)",
        "/*",
        "//",
        "=> ",
        "x => ",
        "not ",
        "\0",
        "\u{1}",
        "é",
        "😀",
        "'😀",
        "error ",
        "map ",
        "select ",
        ", ",
        ".",
        "?.",
        "a.",
        "done ",
        "do ",
        "1e",
        "0x",
        "function f(",
        "try ",
        "case when ",
        "a = b = ",
        "\n",
        "? ",
        "(1, 2) ",
        "\\'",
        "'\n",
        "'a\nb",
        "\\'\n",
        "\\\"\n",
    ] {
        let source = piece.repeat(size / 8 / piece.len());
        parse_script(&source);
        parse_expression(&source);
        is_incomplete(&source);
    }
}

#[test]
fn truncated_scripts() {
    let source = "function f(a: {b: text?}*, c = 1): text { try { for r in (select x: 'é', y from t u left join v on u.a = v.b \
                  where r in (1, 2) group by k: 1 having c order by d desc) with {a: 1} when b, {a: 2} otherwise { set x.y[0] = \
                  case when a is not m.t then `q{b ?? \"x\"}\\{` else new t [a, b: -1] end; } } catch e { error 'x'; } } // c\n/* d */";
    for end in (0..=source.len()).filter(|end| source.is_char_boundary(*end)) {
        survive(&source[..end]);
        survive(&source[end..]);
    }
}

fn tokens() -> impl Strategy<Value = String> {
    let words: Vec<&str> = "let set if else elseif for in while do done break continue return try catch function private type open exec \
        assert error map as select distinct from where with when otherwise except order by group having join left inner on asc desc case \
        then end new is not null true false like mod and or a b c x y t number text 1 2.5 1e3 'x' \"y\" @'z' ` { } ( ) [ ] , ; : . ?. ?? ? \
        = == => -> < > <= >= <> != + - * / & \\{ // /* */ \u{1} é 😀 ' \" \\ @ # \n ! | && ||"
        .split(' ')
        .filter(|word| !word.is_empty())
        .collect();
    prop::collection::vec((prop::sample::select(words), prop::sample::select(vec!["", " ", " ", "\n"])), 0..60)
        .prop_map(|pieces| pieces.into_iter().flat_map(|(word, blank)| [word, blank]).collect())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn random_tokens(source in tokens()) {
        survive(&source);
    }

    #[test]
    fn random_text(source in "\\PC{0,80}") {
        survive(&source);
    }

    #[test]
    fn random_bytes(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        survive(&String::from_utf8_lossy(&bytes));
    }

    /// Places lie in the source, on characters, in order.
    #[test]
    fn places_are_sound(source in tokens()) {
        let parsed = parse_script(&source);
        for diagnostic in &parsed.diagnostics {
            let (start, end) = (diagnostic.span.start as usize, diagnostic.span.end as usize);
            prop_assert!(start <= end && source.get(start..end).is_some(), "{diagnostic:?} in {source:?}");
        }
        prop_assert!(parsed.diagnostics.is_sorted_by_key(|diagnostic| diagnostic.span.start));
        prop_assert!(parsed.tree.statements.is_sorted_by_key(|statement| statement.span.start), "{:?}", source);
    }
}
