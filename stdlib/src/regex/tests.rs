use crate::testing::{Harness, shown};
use flowscript_lang::value::Value;

fn first(text: &str, pattern: &str) -> String {
    shown("RegexMatch", vec![text.into(), pattern.into()])
}

fn replaced(text: &str, pattern: &str, replacement: &str) -> String {
    shown("RegexReplace", vec![text.into(), pattern.into(), replacement.into()])
}

#[test]
fn patterns_of_net() {
    for (text, pattern, wanted) in [
        ("order 42 of 77", r"\d+", "'42'"),
        ("none", r"\d+", "null"),
        ("", "", "''"),
        ("price: 40kr", r"\d+(?=kr)", "'40'"),
        ("kr40", r"(?<=kr)\d+", "'40'"),
        ("hello", r"(l)\1", "'ll'"),
        ("hello", r"(?<x>l)\k<x>", "'ll'"),
        ("hello", r"(?'x'l)\k<x>", "'ll'"),
        ("a[b", "[[]", "'['"),
        ("a]b", "[]]", "']'"),
        ("a&b", "[&&]", "'&'"),
        ("bad", "[a-z-[aeiou]]+", "'b'"),
        ("a{b}", "a{b}", "'a{b}'"),
        ("a{,2}", "a{,2}", "'a{,2}'"),
        ("aaa", "a{2}", "'aa'"),
        ("aaa", "a{1,}?", "'a'"),
        ("<b>", r"\<b\>", "'<b>'"),
        ("ab", "a(?#comment)b", "'ab'"),
        ("ÅSA", "(?i)åsa", "'ÅSA'"),
        ("a b", r"a\ b", "'a b'"),
        ("x/y", r"x\/y", "'x/y'"),
        ("(?x", r"\(\?x", "'(?x'"),
        ("a1", "(?x) a # [ letter\n 1", "'a1'"),
        ("😀é", ".é", "'😀é'"),
    ] {
        assert_eq!(first(text, pattern), wanted, "{pattern} in {text}");
    }
}

#[test]
fn bad_patterns_say_why() {
    for (pattern, part) in [
        ("(", "'(' is no regular expression: unclosed group."),
        ("a**", "the quantifier * follows another one"),
        ("a++", "the quantifier + follows another one"),
        ("a{2}{3}", "the quantifier { follows another one"),
        ("[a", "a class in [ ] has no end"),
        ("*a", "repetition operator missing expression"),
        (r"(?<=a)(", "is no regular expression"),
        (r"\8", "is no regular expression"),
    ] {
        let message = first("x", pattern);
        assert!(message.starts_with("RegexMatch: ") && message.contains(part), "{pattern}: {message}");
    }
    for pattern in ["(".repeat(10_000), "a".to_owned() + &"*".repeat(9_999), "[".repeat(10_000), "[a-[".repeat(2_500)] {
        assert!(first("x", &pattern).contains("is no regular expression"));
    }
    assert!(first("x", &"a".repeat(10_001)).contains("it is longer than 10000 bytes"));
    assert!(first("x", &"\\w{1000}".repeat(100)).contains("too large"));
}

#[test]
fn catastrophic_patterns_end() {
    let text = "a".repeat(40) + "b";
    assert_eq!(first(&text, "^(a+)+$"), "null");
    assert_eq!(first(&text, "^(?=a)(a+)+$"), "null");
    assert!(first(&text, r"(a*)*\1c").contains("too many steps"));
    let mut harness = Harness::default();
    for name in ["RegexTest", "RegexMatches"] {
        let result = harness.call(name, vec![text.as_str().into(), r"(a*)*\1c".into()]);
        assert!(result.is_err_and(|message| message.contains("too many steps")), "{name}");
    }
}

#[test]
fn matches_are_a_table() {
    let matches = |text: &str, pattern: &str| shown("RegexMatches", vec![text.into(), pattern.into()]);
    assert_eq!(
        matches("é1😀22", r"(?<l>\D)(\d+)|(?<n>z)"),
        "[{value: 'é1', index: 0, length: 2, groups: ['é1', 'é', '1', null], l: 'é', n: null}, \
         {value: '😀22', index: 2, length: 3, groups: ['😀22', '😀', '22', null], l: '😀', n: null}]"
    );
    assert_eq!(matches("ab", "").matches("index").count(), 3);
    let none = crate::testing::call("RegexMatches", vec!["x".into(), "(?<n>y)".into()]).expect("a table");
    assert!(matches!(&none, Value::Table(table) if table.shape().len() == 5 && table.is_empty()));
    assert!(matches("x", "(?<value>x)").contains("a group has the name of another column"));
}

#[test]
fn replacements_name_groups() {
    assert_eq!(replaced("2024-03-05", r"(\d+)-(\d+)-(\d+)", "$3/$2/$1"), "'05/03/2024'");
    assert_eq!(replaced("ab", "(a)", "$1a"), "'aab'");
    assert_eq!(replaced("ab", "(?<x>a)", "${x}${1}$0$$"), "'aaa$b'");
    assert_eq!(replaced("ab", "a", "$1 $x ${y} $ ${"), "'$1 $x ${y} $ ${b'");
    assert_eq!(replaced("abc", "", "-"), "'-a-b-c-'");
    assert_eq!(replaced("a1b2", r"(?=\d)", "_"), "'a_1b_2'");
    assert_eq!(replaced("ab", "(x)?a", "[$1]"), "'[]b'");
    let long = "x".repeat(1 << 20);
    assert!(replaced(&long, "x", &"y".repeat(100)).contains("longer than 64 MiB"));
}

#[test]
fn patterns_are_compiled_once() {
    let mut harness = Harness::default();
    for _ in 0..3 {
        harness.call("RegexTest", vec!["a".into(), "a+".into()]).expect("a boolean");
    }
    assert_eq!(harness.cache.0.lock().expect("not poisoned").len(), 1);
}
