//! Large and hostile arguments, made once and shared by all calls.

use crate::PEAK;
use flowscript_lang::value::{DateTime, Number, Value};
use std::sync::OnceLock;

/// `count` pieces of text, one after the other.
fn pieces(count: usize, piece: impl Fn(usize) -> String) -> String {
    (0..count).fold(String::new(), |text, number| text + &piece(number))
}

/// An argument.
pub struct Argument {
    /// What it is, for findings.
    pub name: String,
    /// How it comes to the call.
    pub form: Form,
    pub kind: Kind,
}

pub enum Form {
    /// In a variable of the host; made when it is first wanted.
    Value { make: Box<dyn Fn() -> Value + Send + Sync>, made: OnceLock<(Value, usize)> },
    /// As it is written: functions and expressions of rows.
    Source(&'static str),
}

impl Argument {
    /// The value, and the bytes it takes; `null` for what is written.
    pub fn value(&self) -> (Value, usize) {
        match &self.form {
            Form::Source(_) => (Value::Null, 0),
            Form::Value { make, made } => made
                .get_or_init(|| {
                    let before = PEAK.current_usage();
                    let value = make();
                    (value, PEAK.current_usage().saturating_sub(before))
                })
                .clone(),
        }
    }
}

/// What an argument is plausible for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    Text,
    Pattern,
    Picture,
    Number,
    Rows,
    Record,
    Binary,
    Function,
    Date,
}

const MIB: usize = 1 << 20;

/// Characters of which long texts are made: `0` is what they repeat, `1` how many MiB there are of it.
const REPEATED: &[(&str, usize)] = &[
    ("a", 64),
    ("é", 16),
    ("Σ", 10),
    ("Σ'", 10),
    ("😀", 16),
    (" ", 64),
    ("\u{2003}", 16),
    ("1", 16),
    ("(", 10),
    ("[", 16),
    ("{\"a\":", 10),
    ("\\", 10),
    ("%41", 16),
    ("%", 64),
    ("+", 16),
    ("&lt;", 10),
    ("$1", 16),
    ("${x}", 10),
    ("$_", 10),
    ("ab", 16),
    (",", 16),
    ("\"", 16),
    ("'", 10),
    (";", 10),
    ("\n", 64),
    ("a,b\r\n", 16),
    ("\"a\"\"b\",2\n", 10),
    ("QUFB", 64),
    ("6162", 64),
    ("//a[1]", 10),
    ("/a", 10),
    ("y", 10),
    ("#,##0.00;", 10),
    ("\u{1}", 16),
    ("<", 16),
    ("<a>", 10),
    ("word ", 16),
    ("न्", 10),
];

/// Texts around a part that is repeated: before, part, after, MiB.
const AROUND: &[(&str, &str, &str, usize)] = &[
    ("", "a", "b", 16),
    ("b", "a", "", 16),
    ("<r>", "<a/>", "</r>", 16),
    ("<r>", "<a b='1'>x&amp;</a>\n", "</r>", 10),
    ("<r>", "a", "</r>", 60),
    ("<r>", "a\r\n", "</r>", 60),
    ("<r>", " ", "</r>", 60),
    ("<r>", "&lt;", "</r>", 10),
    ("<r><![CDATA[", "a]", "]]></r>", 10),
    ("<r><!--", "a", "--></r>", 16),
    ("<r a='", "&#10;", "'/>", 10),
    ("<r a='", "x", "'/>", 16),
    ("<", "r", "/>", 16),
    ("<r>&", "a", ";</r>", 10),
    ("<!DOCTYPE ", "r", "><r/>", 10),
    ("\"", "\\u00e9", "\"", 10),
    ("\"", "\\n", "\"", 16),
    ("\"", "a", "\"", 64),
    ("[1", ",1", "]", 16),
    ("[[]", ",[]", "]", 10),
    ("[{}", ",{}", "]", 10),
    ("[\"\"", ",\"abcdefghijklmnop\"", "]", 16),
    ("[{\"a\":1}", ",{\"a\":[{\"b\":\"x\"}]}", "]", 10),
    ("{\"a\":1", ",\"a\":1", "}", 10),
    ("[0.", "3", "]", 10),
    ("[1e", "9", "]", 10),
    ("", "7", "", 16),
    ("0.", "7", "", 16),
    ("1e", "0", "1", 16),
    ("a,b\n1,", "x", "", 16),
    ("a\n\"", "x", "\"", 60),
    ("a\n\"", "x\"\"", "\"", 60),
    ("a\n", "\r\n", "\"", 60),
    ("\"", "x\"\"", "\"", 10),
    ("2024-01-01T00:00:00", " ", "Z", 16),
    ("1", " ", "", 64),
];

/// Patterns of regular expressions.
const PATTERNS: &[&str] = &[
    "",
    "a",
    "ab",
    "[^b]*b",
    "a*b",
    "a*?b",
    "(a*)*b",
    "(a|b|ab)*c",
    "(a)|b",
    "(?:a|(b))*$",
    ".*.*.*b",
    "(?s).*",
    "(?=a)(a+)+$",
    "^(?=a)(a+)+$",
    "(?=(a*))\\1b",
    "(a*)\\1b",
    "(?<=a*)b",
    "(?<!a.*)b",
    "(?>a*)b",
    "(?=)(a)*b",
    "(?=)(?:(a)|(b))*?c",
    "\\w+",
    "\\b\\w+\\b",
    "(?i)\\bÉ+",
    "(?m)^.*$",
    "\\s+$",
    "$",
    "((a{1,1000}){1,1000}){1,1000}",
    "(?:a?){1000}a{1000}",
    "\\w{1,1000}",
    "\\w{60}",
    "(?:.{150}|b){150}",
    "(?:a{0,10000}){9}",
    "[\\w-[aeiou]]{1,400}é",
    "(?i)(\\p{L}{1,100}){1,100}",
    "(.)(.)(.)(.)(.)(.)(.)(.)(.)",
    "(?<o>\\()+(?<-o>\\))+",
    "(?(?=a)b|c)*d",
    "[a-z]+@[a-z]+\\.com",
    "(x+x+)+y",
    "(a?){30}(?=b)",
];

/// Patterns that are a part many times over: part and times.
const LONG_PATTERNS: &[(&str, usize)] = &[
    ("()", 5_000),
    ("(a)", 3_300),
    ("(a)|", 2_500),
    ("(", 5_000),
    ("(?i)[\\u0000-\\uFFFF]", 500),
    ("(?i)[^\\u0000-\\u2FFF]", 400),
    ("[\\p{L}\\p{N}]", 750),
    ("[\\p{L}-[\\p{L}", 150),
    ("\\w", 5_000),
    ("\\d", 2_000),
    ("\\p{Lu}|", 1_400),
    (".", 10_000),
    ("a?", 5_000),
    ("a*", 5_000),
    ("(?:a|b)*", 1_200),
    ("(?=a*)", 1_600),
    ("\\p{L}", 2_000),
    ("\\P{Lu}{1,9}", 800),
    ("(?<n1>a)", 1_200),
    ("é", 5_000),
    ("a{1,1000}", 1_000),
    ("|", 10_000),
    ("a", 10_001),
    ("(?<x>a)\\k<x>", 800),
    ("(?x) # ", 1_400),
];

/// Patterns of `Format` and `DateTime.Parse`, and names of other things.
const PICTURES: &[&str] = &[
    "yyyy-MM-dd HH:mm:ss.fffffffff zzz",
    "N1000",
    "C999999999",
    "X65536",
    "D2147483647",
    "E99999999999999999999",
    "#,##0.00;(#)",
    "0E+0000000000",
    "ffffffffff",
    "%",
    "\\",
    "'",
    "sv-SE",
    "utf-16le",
    "windows-1252",
    "gb18030",
    "Europe/Stockholm",
    "debug",
    "/r/a",
    "//*",
    "//@*",
    "//*//*//*",
    "//a[@b='1'][2]/#text",
    ",",
    "a",
    "k0",
    "$1$&$_$`$'",
];

const LONG_PICTURES: &[(&str, usize)] =
    &[("y", 65_536), ("y", 1_000), ("0", 1_000), ("#,", 500), ("%", 1_000), ("d ", 500), ("//*", 300), ("//a[1]", 300)];

const NUMBERS: &[&str] = &[
    "0",
    "1",
    "-1",
    "3",
    "0.5",
    "28",
    "1000",
    "65536",
    "999999",
    "10000000",
    "10000001",
    "999999999",
    "9223372036854775807",
    "-9223372036854775808",
    "79228162514264337593543950335",
    "-79228162514264337593543950335",
    "0.0000000000000000000000000001",
];

const FUNCTIONS: &[&str] = &[
    "x => x",
    "(a, b) => b",
    "(a, b) => [a, a]",
    "x => true",
    "x => false",
    "row",
    "row = row",
    "true",
    "x => Repeat('a', 1000000)",
    "x => Range(0, 100000)",
    "x => RegexTest(Repeat('a', 10000), '(?=a)(a+)+$')",
];

/// All of them.
pub fn all() -> Vec<Argument> {
    let mut made = Made(Vec::new());
    for (part, mib) in REPEATED {
        made.add(Kind::Text, format!("{mib} MiB of {part:?}"), move || part.repeat(mib * MIB / part.len()).into());
    }
    for (before, part, after, mib) in AROUND {
        let name = format!("{before:?}, {mib} MiB of {part:?}, {after:?}");
        made.add(Kind::Text, name, move || format!("{before}{}{after}", part.repeat(mib * MIB / part.len())).into());
    }
    made.add(Kind::Text, "attributes".into(), move || {
        format!("<r{}/>", pieces(500_000, |n| format!(" a{n}='1'"))).into()
    });
    made.add(Kind::Text, "elements of different names".into(), move || {
        format!("<r>{}</r>", pieces(500_000, |n| format!("<a{n}/>"))).into()
    });
    made.add(Kind::Text, "deep elements".into(), move || {
        let deep = "<a>".repeat(190) + &"</a>".repeat(190);
        format!("<r>{}</r>", deep.repeat(8_000)).into()
    });
    made.add(Kind::Text, "an object of many keys".into(), move || {
        format!("{{{}\"a\":1}}", pieces(500_000, |n| format!("\"k{n}\":1,"))).into()
    });
    made.add(Kind::Text, "ragged objects".into(), move || {
        format!("[{}{{}}]", pieces(500_000, |n| format!("{{\"k{n}\":1}},"))).into()
    });
    made.add(Kind::Text, "deep arrays".into(), move || {
        let deep = "[".repeat(150) + &"]".repeat(150);
        format!("[{}0]", (deep + ",").repeat(30_000)).into()
    });
    made.add(Kind::Text, "a header of many names".into(), move || pieces(1_000_000, |n| format!("c{n},")).into());
    made.add(Kind::Text, "lines of CSV".into(), move || {
        format!("a,b,c\n{}", pieces(500_000, |n| format!("{n},x y,2024-01-01\n"))).into()
    });
    for pattern in PATTERNS {
        made.add(Kind::Pattern, format!("{pattern:?}"), move || (*pattern).into());
    }
    for (part, times) in LONG_PATTERNS {
        made.add(Kind::Pattern, format!("{times} of {part:?}"), move || part.repeat(*times).into());
    }
    for picture in PICTURES {
        made.add(Kind::Picture, format!("{picture:?}"), move || (*picture).into());
    }
    for (part, times) in LONG_PICTURES {
        made.add(Kind::Picture, format!("{times} of {part:?}"), move || part.repeat(*times).into());
    }
    for number in NUMBERS {
        made.add(Kind::Number, (*number).into(), move || Number::parse(number).map_or(Value::Null, Value::Number));
    }
    for source in FUNCTIONS {
        made.0.push(Argument { name: (*source).into(), form: Form::Source(source), kind: Kind::Function });
    }
    made.add(Kind::Binary, "64 MiB of zeros".into(), move || Value::binary(vec![0; 64 * MIB]));
    made.add(Kind::Binary, "16 MiB of 0xff".into(), move || Value::binary(vec![0xff; 16 * MIB]));
    made.add(Kind::Binary, "16 MiB of letters".into(), move || Value::binary(vec![b'a'; 16 * MIB]));
    made.add(Kind::Date, "a datetime".into(), move || {
        DateTime::from_unix(1_719_837_296, 1, 0).map_or(Value::Null, Value::DateTime)
    });
    made.add(Kind::Date, "the first datetime".into(), move || Value::DateTime(DateTime::minimum()));
    made.add(Kind::Number, "null".into(), move || Value::Null);
    rows(&mut made);
    made.0
}

fn rows(made: &mut Made) {
    const MANY: i64 = 1_000_000;
    const RAGGED: i64 = 100_000;
    let row = |n: i64| Value::record([("k", (n % 1_000).into()), ("a", n.into()), ("b", "some text of a row".into())]);
    made.add(Kind::Rows, "numbers".into(), move || Value::list((0..MANY).map(Value::from).collect()));
    made.add(Kind::Rows, "equal numbers".into(), move || Value::list(vec![1.into(); MANY as usize]));
    made.add(Kind::Rows, "texts".into(), move || Value::list((0..MANY).map(|n| format!("k{n}").into()).collect()));
    made.add(Kind::Rows, "one long text, many times".into(), move || {
        Value::list(vec!["a".repeat(16 * MIB).into(); MANY as usize])
    });
    made.add(Kind::Rows, "long blank texts".into(), move || Value::list(vec![" ".repeat(MIB).into(); MANY as usize]));
    made.add(Kind::Rows, "empty lists".into(), move || Value::list(vec![Value::empty_list(); MANY as usize]));
    made.add(Kind::Rows, "pairs".into(), move || {
        Value::list((0..MANY / 2).map(|n| Value::list(vec![n.into(), "x".into()])).collect())
    });
    made.add(Kind::Rows, "lists".into(), move || {
        Value::list(vec![Value::list((0..1_000).map(Value::from).collect()); 5_000])
    });
    made.add(Kind::Rows, "a deep list".into(), move || (0..990).fold(1.into(), |inner, _| Value::list(vec![inner])));
    made.add(Kind::Rows, "a table".into(), move || table((0..100_000).map(row)));
    made.add(Kind::Rows, "a ragged table".into(), move || {
        table((0..RAGGED).map(|n| Value::record([(&*format!("k{n}"), n.into()), ("a", n.into())])))
    });
    made.add(Kind::Rows, "a wide table".into(), move || {
        let wide = move || {
            Value::record((0..20_000).map(|n| (format!("k{n}"), n.into())).collect::<Vec<_>>().iter().map(by_name))
        };
        table((0..3).map(|_| wide()))
    });
    made.add(Kind::Rows, "a square table".into(), move || {
        let fields: Vec<(String, Value)> = (0..1_000).map(|n| (format!("k{n}"), n.into())).collect();
        table((0..1_000).map(|_| Value::record(fields.iter().map(by_name))))
    });
    made.add(Kind::Rows, "keys to pivot".into(), move || {
        table((0..100_000i64).map(|n| {
            let column = Value::from(format!("c{n}"));
            Value::record([("k", n.into()), ("a", column), ("b", n.into())])
        }))
    });
    for levels in [24, 60] {
        made.add(Kind::Rows, format!("a list that shares its parts, {levels} levels"), move || {
            (0..levels).fold(Value::list(vec![1.into()]), |inner, _| Value::list(vec![inner.clone(), inner]))
        });
        made.add(Kind::Record, format!("a record that shares its parts, {levels} levels"), move || {
            (0..levels).fold("x".into(), |inner: Value, _| Value::record([("a", inner.clone()), ("b", inner)]))
        });
        made.add(Kind::Rows, format!("a table that shares its parts, {levels} levels"), move || {
            (0..levels).fold(Value::from(1), |inner, _| {
                table([Value::record([("a", inner.clone())]), Value::record([("a", inner)])])
            })
        });
    }
    made.add(Kind::Record, "a record of many fields".into(), move || {
        let fields: Vec<(String, Value)> = (0..200_000).map(|n| (format!("k{n}"), n.into())).collect();
        Value::record(fields.iter().map(by_name))
    });
    made.add(Kind::Record, "a record of attributes".into(), move || {
        let fields: Vec<(String, Value)> = (0..200_000).map(|n| (format!("@k{n}"), "&&&&&&&&".into())).collect();
        Value::record(fields.iter().map(by_name))
    });
    made.add(Kind::Record, "a record with long names".into(), move || {
        let name = "n".repeat(8 * MIB);
        Value::record([(&*name, 1.into()), ("#text", "\u{8}".repeat(8 * MIB).into())])
    });
    made.add(Kind::Record, "a record with a long text".into(), move || {
        Value::record([("a", "<&\"".repeat(8 * MIB).into()), ("@b", "\n".repeat(16 * MIB).into())])
    });
}

fn by_name(field: &(String, Value)) -> (&str, Value) {
    (field.0.as_str(), field.1.clone())
}

fn table(rows: impl IntoIterator<Item = Value>) -> Value {
    let mut builder = flowscript_lang::value::RowsBuilder::default();
    rows.into_iter().for_each(|row| builder.push(row));
    builder.finish()
}

struct Made(Vec<Argument>);

impl Made {
    fn add(&mut self, kind: Kind, name: String, make: impl Fn() -> Value + Send + Sync + 'static) {
        let form = Form::Value { make: Box::new(make), made: OnceLock::new() };
        self.0.push(Argument { name, form, kind });
    }
}
