use crate::testing::{Harness, questions, shown};
use flowscript_lang::value::Value;

fn first(text: &str, pattern: &str) -> String {
    shown("RegexMatch", vec![text.into(), pattern.into()])
}

fn replaced(text: &str, pattern: &str, replacement: &str) -> String {
    shown("RegexReplace", vec![text.into(), pattern.into(), replacement.into()])
}

/// The values of all matches.
fn values(text: &str, pattern: &str) -> Vec<String> {
    column(text, pattern, "value")
}

fn column(text: &str, pattern: &str, name: &str) -> Vec<String> {
    let found = crate::testing::call("RegexMatches", vec![text.into(), pattern.into()]);
    let Ok(Value::Table(table)) = found else { panic!("{pattern}: {found:?}") };
    let at = table.shape().names().iter().position(|known| known == name).expect("a column");
    (0..table.len()).map(|row| table.cell(row, at).to_literal(200)).collect()
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
        ("hello", r"(?'x'l)\k'x'", "'ll'"),
        ("hello", r"(?<x>l)\<x>", "'ll'"),
        ("a{b}", "a{b}", "'a{b}'"),
        ("a{,2}", "a{,2}", "'a{,2}'"),
        ("a{1", "a{1", "'a{1'"),
        ("aaa", "a{2}", "'aa'"),
        ("aaa", "a{1,}?", "'a'"),
        ("<b>", r"\<b\>", "'<b>'"),
        ("a b", r"a\ b", "'a b'"),
        ("x/y", r"x\/y", "'x/y'"),
        ("(?x", r"\(\?x", "'(?x'"),
        ("😀é", ".é", "'😀é'"),
        ("ab", "a(?#comment)b", "'ab'"),
        ("aab", "a(?#comment)+b", "'aab'"),
        ("]}", "]}", "']}'"),
    ] {
        assert_eq!(first(text, pattern), wanted, "{pattern} in {text}");
    }
}

#[test]
fn classes_are_those_of_net() {
    for (text, pattern, wanted) in [
        ("a[b", "[[]", "'['"),
        ("a]b", "[]]", "']'"),
        ("]a", "[]a]+", "']a'"),
        ("x]", "[^]a]", "'x'"),
        ("a&b", "[a&&b]+", "'a&b'"),
        ("a&b", "[&&]", "'&'"),
        ("a~b", "[a~~b]+", "'a~b'"),
        ("xb]", "[a[b]]", "'b]'"),
        ("[]", "[a[b]]", "'[]'"),
        ("[", "[a[b]", "'['"),
        ("bad", "[a-z-[aeiou]]+", "'b'"),
        ("bad", "[b-df-hj-[c]]+", "'b'"),
        ("x1y", "[^a-z-[x1]]", "null"),
        ("x1y2", "[^a-z-[1]]", "'2'"),
        ("é7", r"[\w-[\d]]+", "'é'"),
        ("ceg", "[a-z-[a-f-[c-e]]]+", "'ceg'"),
        ("a-b", "[a-]+", "'a-'"),
        ("-a", "[-a]+", "'-a'"),
        ("a-", r"[\w-]+", "'a-'"),
        ("+-,", "[+--]+", "'+-,'"),
        ("\u{8}", r"[\b]", "'\\u{8}'"),
        ("^", "[a^]", "'^'"),
        (".$*", "[.$*]+", "'.$*'"),
        ("é", r"[\xe9]", "'é'"),
        ("é", r"[\u00e0-\u00ff]", "'é'"),
        ("a b", "(?x)[a b]+", "'a b'"),
        ("b#", "(?x)[a-z-[aeiou]] [#] # a comment", "'b#'"),
        ("٣", r"\d", "'٣'"),
        ("½", r"\d", "null"),
        ("Ⅷ", r"\w", "null"),
        ("e\u{301}", r"\w+", "'e\u{301}'"),
        ("a\u{a0}b", r"a\sb", "'a\u{a0}b'"),
        ("a\u{200b}b", r"a\sb", "null"),
        ("\n", r"\S", "null"),
        ("a\r", "a.", "'a\\r'"),
        ("a\n", "a.", "null"),
        ("a\n", "(?s)a.", "'a\\n'"),
    ] {
        assert_eq!(first(text, pattern), wanted, "{pattern} in {text}");
    }
}

#[test]
fn categories_and_blocks_stand_anywhere() {
    for (text, pattern, wanted) in [
        ("1Åsa-1", r"\p{L}+", "'Åsa'"),
        ("Åsa1", r"\P{L}", "'1'"),
        ("Åsa1-", r"[\p{L}\p{Nd}]+", "'Åsa1'"),
        ("Åsa1", r"[^\p{L}]", "'1'"),
        ("Åsa1", r"[\P{L}]", "'1'"),
        ("Åsa1", r"[^\P{L}]+", "'Åsa'"),
        ("ab AB", r"\p{Lu}{2}", "'AB'"),
        ("ab€", r"\p{Sc}", "'€'"),
        ("a-b", r"\p{Pd}", "'-'"),
        ("a b", r"\p{Zs}", "' '"),
        ("aλ", r"\p{IsGreek}", "'λ'"),
        ("aλ", r"\p{IsGreekandCoptic}", "'λ'"),
        ("λж", r"\p{IsCyrillic}+", "'ж'"),
        ("λaж", r"\p{IsBasicLatin}", "'a'"),
        ("aλж", r"\P{IsBasicLatin}+", "'λж'"),
        ("añ", r"[\p{IsLatin-1Supplement}]", "'ñ'"),
        ("Åsa Öl", r"\b\p{Lu}\p{Ll}+(?= )", "'Åsa'"),
        ("xÅ", r"(?<!\p{Lu})\p{Lu}", "'Å'"),
        ("aB", r"(?i)\p{Lu}+", "'aB'"),
        ("aB", r"(?i)[\p{Ll}]+", "'aB'"),
        ("b", r"[\p{L}-[a]]", "'b'"),
    ] {
        assert_eq!(first(text, pattern), wanted, "{pattern} in {text}");
    }
}

#[test]
fn codes_and_escapes() {
    for (text, pattern, wanted) in [
        ("\t", r"\011", "'\\t'"),
        ("\0a", r"\0a", "'\\u{0}a'"),
        ("\u{8}", r"\10", "'\\u{8}'"),
        ("A", r"\101", "'A'"),
        ("S8", r"\1238", "'S8'"),
        ("\u{7f}", r"\577", "'\\u{7f}'"),
        ("abcdefghijj", r"(a)(b)(c)(d)(e)(f)(g)(h)(i)(j)\10", "'abcdefghijj'"),
        ("aa0", r"(a)\1(?:)0", "'aa0'"),
        ("aé", r"\u00e9", "'é'"),
        ("A", r"\x41", "'A'"),
        ("\u{1b}", r"\e", "'\\u{1b}'"),
        ("\u{7}\u{c}\u{b}", r"\a\f\v", "'\\u{7}\\u{c}\\u{b}'"),
        ("\u{3}", r"\cC", "'\\u{3}'"),
        ("\u{3}", r"\cc", "'\\u{3}'"),
        ("a😀", r"\uD83D\uDE00", "'😀'"),
    ] {
        let found = first(text, pattern);
        assert_eq!(found.to_lowercase(), wanted.to_lowercase(), "{pattern} in {text}");
    }
}

#[test]
fn anchors() {
    for (text, pattern, wanted) in [
        ("ab\n", "b$", "'b'"),
        ("ab\n", r"b\Z", "'b'"),
        ("ab\n", r"b\z", "null"),
        ("ab\n\n", "b$", "null"),
        ("ab\r\n", "b$", "null"),
        ("ab\n", "(b$)", "'b'"),
        ("ab\n", "(?:a|b$)", "'a'"),
        ("b\n", "(?:a|b$)", "'b'"),
        ("b\n", r"b$\n", "'b\\n'"),
        ("b\n", r"b(?:$)?", "'b'"),
        ("b\n", "(?=b$).", "'b'"),
        ("a\nb\n", "(?m)^b$", "'b'"),
        ("a\nb", "(?m)a$", "'a'"),
        ("a\nb", "a$", "null"),
        ("a\nb", "(?m)\\Ab", "null"),
        ("ab", r"\Ba|b", "'b'"),
        ("ab", "^*a", "'a'"),
    ] {
        assert_eq!(first(text, pattern), wanted, "{pattern} in {text:?}");
    }
    assert_eq!(replaced("12\n", r"^\d+$", "x"), "'x\\n'");
    assert_eq!(replaced("a\n", "$", "!"), "'a!\\n!'");
    assert_eq!(values("a\n", "a*$"), ["'a'", "''", "''"]);
    assert_eq!(column("x ab\n", "(b)$", "groups"), ["['b', 'b']"]);
    assert_eq!(values("aab a", r"\Ga"), ["'a'", "'a'"]);
    // The automaton counts more letters as part of words than .NET.
    assert_eq!(values("aⅧ", r"a\b"), ["'a'"]);
    assert_eq!(values("a\u{200d}", r"a\b"), [""; 0]);
}

#[test]
fn options() {
    for (text, pattern, wanted) in [
        ("ÅSA", "(?i)åsa", "'ÅSA'"),
        ("ΟΔΟΣ", "(?i)οδος", "'ΟΔΟΣ'"),
        ("οδος", "(?i)ΟΔΟΣ", "'οδος'"),
        ("ς", "(?i)[Σ]", "'ς'"),
        ("\u{212a}", "(?i)k", "'\u{212a}'"),
        ("ı", "(?i)i", "null"),
        ("İ", "(?i)i", "null"),
        ("ẞ", "(?i)ß", "'ẞ'"),
        ("SS", "(?i)ß", "null"),
        ("aB", "a(?i)b", "'aB'"),
        ("AB", "a(?i)b", "null"),
        ("aBc", "a(?i:b)c", "'aBc'"),
        ("aBC", "a(?i:b)c", "null"),
        ("AC", "(?i)a(?-i)c|(?i)ac", "'AC'"),
        ("A\nb", "(?is-m:a.B)", "'A\\nb'"),
        ("B", "(?:(?i)a)|b", "null"),
        ("B", "(?:(?i)a|b)", "'B'"),
        ("a1", "(?x) a # [ letter\n 1", "'a1'"),
        ("aaa", "(?x)a {2}", "'aa'"),
        ("aaa", "(?x)a + ?", "'a'"),
        ("a b", r"(?x)a\ b", "'a b'"),
        ("ABab", r"(?i)(ab)\1", "'ABab'"),
        ("ΣΑςα", r"(?i)(σα)\1", "'ΣΑςα'"),
        ("ABab", r"(ab)\1", "null"),
    ] {
        assert_eq!(first(text, pattern), wanted, "{pattern} in {text}");
    }
    assert_eq!(column("ab", "(?n)(a)(?<x>b)", "groups"), ["['ab', 'b']"]);
    assert_eq!(column("ab", "(?n:(a))(b)", "groups"), ["['ab', 'b']"]);
}

#[test]
fn groups_of_net() {
    for (text, pattern, wanted) in [
        ("aab", "(?>a*)b", "'aab'"),
        ("aaa", "(?>a*)a", "null"),
        ("ab", "(a)?(?(1)b|c)", "'ab'"),
        ("c", "^(a)?(?(1)b|c)", "'c'"),
        ("ab", "(?<x>a)?(?(x)b|c)", "'ab'"),
        ("b1", "(?(?=[a-z])[a-z]\\d|\\d)", "'b1'"),
        ("1", "(?(a)ab|1)", "'1'"),
        ("ab", "(?(a)ab|1)", "'ab'"),
        ("(a(b)c)d", r"^\((?>[^()]+|\((?<d>)|\)(?<-d>))*(?(d)(?!))\)", "'(a(b)c)'"),
        ("aabb", "^(?:(?<o>a)|(?<c-o>b))*$", "'aabb'"),
        ("abb", "^(?:(?<o>a)|(?<c-o>b))*$", "null"),
        ("foobarbar", "(?<=foo.*)bar$", "'bar'"),
        ("1a22b", r"(?<=(\d+)[a-z])\d+", "'22'"),
        ("aba", "(?<2>a)(b)\\2", "'aba'"),
    ] {
        assert_eq!(first(text, pattern), wanted, "{pattern} in {text}");
    }
    assert_eq!(shown("RegexTest", vec!["))".into(), r"^(?:(?<o>\()|(?<-o>\)))*$".into()]), "false");
    assert_eq!(shown("RegexTest", vec!["()".into(), r"^(?:(?<o>\()|(?<-o>\)))*$".into()]), "true");
    // A balancing group keeps the text between.
    assert_eq!(column("(ab)", r"(?<o>\()[a-z]+(?<in-o>\))", "in"), ["'ab'"]);
    // Look-behind reads backwards: the last group takes as much as it can.
    assert_eq!(column("1234", r"(?<=(\d+)(\d+))$", "groups"), ["['', '1', '234']"]);
    // The last pass of a loop may keep the empty text.
    assert_eq!(column("aa", "(a*)*", "groups"), ["['aa', '']", "['', '']"]);
    assert_eq!(column("aa", "(a*)+", "groups"), ["['aa', '']", "['', '']"]);
    assert_eq!(column("b", "(a|b?){2}", "groups"), ["['b', '']", "['', '']"]);
    assert_eq!(first(&("a".repeat(30) + "c"), "^(a*)*b"), "null");
    // A reference to an unmatched group matches nothing.
    assert_eq!(first("b", r"(a)?\1b"), "null");
}

#[test]
fn groups_of_one_name_are_one() {
    assert_eq!(replaced("ab", "(?<x>a)|(?<x>b)", "[${x}]"), "'[a][b]'");
    assert_eq!(column("ab", "(?<x>a)(?<x>b)", "x"), ["'b'"]);
    assert_eq!(column("ab", "(?<x>a)(?<x>c)?", "x"), ["'a'"]);
    assert_eq!(column("aba", "(?:(?<x>a)|(?<x>b))+", "groups"), ["['aba', 'a']"]);
    assert_eq!(first("abb", r"(?:(?<x>a)|(?<x>b))+\k<x>"), "'abb'");
    assert_eq!(column("ab", "(?<1>a)(b)", "groups"), ["['ab', 'b']"]);
}

#[test]
fn numbers_count_unnamed_groups_first() {
    assert_eq!(replaced("ab", "(?<x>a)(b)", "$1-$2-${x}"), "'b-a-a'");
    assert_eq!(replaced("abc", "(?<x>a)(b)(?<y>c)", "$1$2$3"), "'bac'");
    assert_eq!(first("abb", r"(?<x>a)(b)\1"), "'abb'");
    assert_eq!(replaced("ab", "(?<5>a)(b)", "$5$1"), "'ab'");
}

#[test]
fn empty_matches_may_follow_matches() {
    assert_eq!(values("a1b", "[a-z]*"), ["'a'", "''", "'b'", "''"]);
    assert_eq!(values("a1b", "(?=)[a-z]*"), ["'a'", "''", "'b'", "''"]);
    assert_eq!(replaced("baac", "a*", "x"), "'xbxxcx'");
    assert_eq!(replaced("baac", "(?=)a*", "x"), "'xbxxcx'");
    assert_eq!(replaced("baac", "(a)*", "[$1]"), "'[]b[a][]c[]'");
    assert_eq!(column("😀a😀", "a*", "index"), ["0", "1", "2", "3"]);
    assert_eq!(column("😀a😀", "(?!x)a*", "index"), ["0", "1", "2", "3"]);
    assert_eq!(values("ab", r"\b"), ["''", "''"]);
    assert_eq!(values("", "x*"), ["''"]);
    assert_eq!(replaced("abc", "", "-"), "'-a-b-c-'");
    assert_eq!(replaced("a1b2", r"(?=\d)", "_"), "'a_1b_2'");
}

#[test]
fn bad_patterns_say_why() {
    for (pattern, part) in [
        ("(", "'(' is not a regular expression: unclosed group"),
        ("a)", "a ) has no (, at character 2"),
        ("a**", "the quantifier * follows another one"),
        ("a++", "the quantifier + follows another one, at character 3"),
        ("a{2}{3}", "the quantifier { follows another one"),
        ("a{3,1}", "the quantifier {3,1} has its lower limit above its upper one"),
        ("[a", "a class in [ ] has no end"),
        ("*a", "the quantifier * has nothing before it"),
        ("(?:*a)", "the quantifier * has nothing before it"),
        ("a|{2}", "the quantifier { has nothing before it"),
        ("(?i)*", "the quantifier * has nothing before it"),
        ("a{99999999999}", "a number is above"),
        (r"(?<=a)(", "unclosed group"),
        (r"\8", "it refers to the group 8, which it does not have"),
        (r"\k<x>", "it refers to the group x"),
        (r"\k", r"\k requires the name of a group"),
        (r"(?<o>a)(?<-p>b)", "it refers to the group p"),
        (r"(?(2)a|b)", "it refers to the group 2"),
        (r"(?(a)b|c|d)", "a condition has more than two branches"),
        (r"(?<a", "the name of a group"),
        (r"(?<a b>c)", "the name of a group"),
        (r"(?<0>a)", "the group 0 is the whole match"),
        ("(?P<a>b)", "(?P< begins no group of .NET"),
        ("(?r)a", "(?r) begins no group of .NET"),
        ("(?|a)", "begins no group"),
        (r"\p{Foo}", r"\p{Foo} is not a category or block of .NET"),
        (r"\p{Greek}", r"\p{Greek} is not a category or block of .NET"),
        (r"\p{IsNowhere}", r"\p{IsNowhere} is not a category or block"),
        (r"\p{lu}", r"\p{lu} is not a category"),
        (r"[\p{Foo}]", r"\p{Foo} is not a category"),
        (r"\pL", r"\p requires a name in { }"),
        (r"\p{L", r"\p{ requires a name and a }"),
        (r"\p{Cs}", "half of a character"),
        (r"\x{41}", r"\x requires two hexadecimal digits"),
        (r"\x4", "an escape requires 2 hexadecimal digits"),
        (r"\u12", "an escape requires 4 hexadecimal digits"),
        (r"\uD83D", "half of a character"),
        (r"[\uD800-\uDFFF]", "half of a character"),
        (r"\c1", r"\c requires a letter"),
        (r"\y", r"\y is not an escape of .NET"),
        (r"\_", r"\_ is not an escape of .NET"),
        (r"\Q", r"\Q is not an escape of .NET"),
        (r"a\", r"it ends with a \"),
        ("[[:alpha:]]", "[:alpha:] is not a class of .NET"),
        ("[z-a]", "the range z-a is in reverse order"),
        (r"[a-\d]", "a range in [ ] ends with a class"),
        ("[a-[b]c]", "must be the last in its [ ]"),
        ("a(?#b", "a comment (?#…) has no end"),
    ] {
        let message = first("x", pattern);
        assert!(message.starts_with("RegexMatch: ") && message.contains(part), "{pattern}: {message}");
    }
    for pattern in ["(".repeat(10_000), "a".to_owned() + &"*".repeat(9_999), "[".repeat(10_000), "[a-[".repeat(2_500)] {
        assert!(first("x", &pattern).contains("is not a regular expression"));
    }
    assert!(first("x", &"a".repeat(10_001)).contains("it is longer than 10000 bytes"));
    // A pattern too large for an automaton is run by the other engine.
    assert_eq!(first("x", &"\\w{1000}".repeat(100)), "null");
    assert_eq!(first(&"é".repeat(1_001), r"^\w{1,1000}"), format!("'{}'", "é".repeat(1_000)));
    assert_eq!(first("aab", r"((a{1,1000}){1,1000}){1,1000}b"), "'aab'");
}

#[test]
fn catastrophic_patterns_end() {
    let text = "a".repeat(40) + "b";
    assert_eq!(first(&text, "^(a+)+$"), "null");
    assert_eq!(first(&(text.clone() + "\n"), "^(a+)+$"), "null");
    assert!(first(&text, r"^(?=a)(a+)+$").contains("too many steps"));
    let mut harness = Harness::default();
    for name in ["RegexTest", "RegexMatches"] {
        let result = harness.call(name, vec![text.as_str().into(), r"(a*)*\1c".into()]);
        assert!(result.is_err_and(|message| message.contains("too many steps")), "{name}");
    }
    // A step limit that grows with the text allows a plain search through a long one.
    let long = "a".repeat(1 << 20) + "40kr";
    assert_eq!(first(&long, r"\d+(?=kr)"), "'40'");
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
    assert_eq!(replaced("ab", "(x)?a", "[$1]"), "'[]b'");
    assert_eq!(replaced("abc", "b", "[$`|$&|$'|$_]"), "'a[a|b|c|abc]c'");
    assert_eq!(replaced("abc", "(a)(?<x>b)", "[$+]"), "'[b]c'");
    assert_eq!(replaced("abc", "b", "[$+]"), "'a[b]c'");
    assert_eq!(replaced("a", "(a)", "$10 ${1}0 $01"), "'$10 a0 a'");
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

#[test]
fn making_an_automaton_is_paid_for_in_parts() {
    for (pattern, at_least) in [(r"\w{60}", 2), (r"\w{1000}", 1), (r"(?i)\p{L}{40}", 2)] {
        let (made, asked) = questions(|budget| super::pattern::Pattern::new(pattern, budget).is_ok());
        assert!(made && asked >= at_least, "{pattern}: {asked}");
    }
}
