use super::*;
use crate::testing::{Harness, questions};
use flowscript_lang::budget::Unlimited;
use flowscript_lang::types::{Field, RecordType, Stopped, Types};
use flowscript_lang::value::{Number, Zone};
use proptest::prelude::*;
use std::sync::Arc;

fn round_trip(text: &str) -> String {
    match decode(text, &mut Unlimited) {
        Ok(value) => encode(&value, &mut Unlimited).expect("no functions"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn keeps_digits_and_order() {
    for text in [
        "null",
        "true",
        "-0.5",
        "12345678901234567890.12",
        "0.0000000000000000000000000001",
        r#"{"b":1,"a":{"z":[],"y":{}}}"#,
        r#"[1,"x",null,[{"a":1},{"b":2}],{"a":1}]"#,
        r#""a\"\\\n\u0001é😀""#,
        r#"[{"a":1,"b":2},{"a":3,"b":4},{"b":5,"a":6},{"a":7}]"#,
    ] {
        assert_eq!(round_trip(text), text);
    }
    assert_eq!(round_trip(" [ 1.50 , 1e3 , -0 , 1E-2 ] "), "[1.5,1000,0,0.01]");
    assert_eq!(round_trip(r#"{"a":1,"b":2,"a":3}"#), r#"{"a":3,"b":2}"#);
    assert_eq!(round_trip(r#""\ud83d\ude00\/""#), "\"😀/\"");
    assert_eq!(round_trip("\u{feff}[]"), "[]");
    assert_eq!(round_trip(r#"{"$serde_json::private::Number":"1"}"#), r#"{"$serde_json::private::Number":"1"}"#);
}

#[test]
fn errors_say_where() {
    for (text, message) in [
        ("{a", "line 1, column 2: a name in double quotes was expected, not `a`"),
        ("", "line 1, column 1: a value was expected, not an empty text"),
        ("[1,\n 2", "line 2, column 3: `,` or `]` was expected, not the end"),
        ("[1] x", "line 1, column 5: the end of the text was expected, not `x`"),
        (r#"{"a": [1, tru]}"#, "line 1, column 11, at a[1]: a value was expected, not `t`"),
        ("[1e99]", "line 1, column 2, at [0]: the number 1e99 is too large: beyond about ±7.9e28"),
        ("01", "line 1, column 1: a number has digits before its point, and no leading zeros"),
        ("\"a\nb\"", "line 1, column 3: a text has no control characters; write them as \\n, \\t or \\u0000"),
        (r#""\ud800""#, "line 1, column 2: `\\ud800` is half of a surrogate pair"),
        (r#""\x""#, "line 1, column 2: `\\x` is not an escape of JSON; write a backslash as `\\\\`"),
        (r#"{"a b": nul}"#, "line 1, column 9, at [\"a b\"]: a value was expected, not `n`"),
    ] {
        assert_eq!(round_trip(text), message, "{text}");
    }
}

#[test]
fn deep_nesting_is_an_error() {
    let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    assert!(decode(&nested(MAX_NESTING), &mut Unlimited).is_ok());
    assert!(round_trip(&nested(MAX_NESTING + 1)).contains("nested more than 200 deep"));
    assert!(round_trip(&"[".repeat(100_000)).contains("nested more than 200 deep"));
    assert!(round_trip(&"{\"a\":".repeat(100_000)).contains("nested more than 200 deep"));
    let message = round_trip(&"{\"a\":".repeat(100_000));
    assert!(message.contains("at a.a.a.a.a.a.a.a.a.a….a.a.a.a.a.a.a.a.a.a: "), "{message}");
}

#[test]
fn very_small_numbers_are_zero() {
    assert_eq!(round_trip("1e-999999999999999999999"), "0");
    assert_eq!(round_trip("0e999999999999999999999"), "0");
    assert!(round_trip("1e999999999999999999999").contains("too large"));
}

fn order_type() -> Type {
    let field = |name: &str, ty: Type, default: Option<Value>| Field { name: name.into(), ty, default };
    let line = Type::Record(Arc::new(RecordType {
        fields: vec![field("sku", Type::Text, Some("none".into())), field("qty", Type::Number, None)],
        open: false,
    }));
    Type::Record(Arc::new(RecordType {
        fields: vec![
            field("no", Type::Number, Some(7.into())),
            field("note", Type::Text.nullable(), None),
            field("lines", line.many(), None),
            field("extra", Type::Any, None),
        ],
        open: false,
    }))
}

fn filled(text: &str) -> String {
    match decode_as(text, &order_type(), &Types::default(), Zone::UTC, &mut Unlimited) {
        Ok(value) => value.to_literal(500),
        Err(error) => error.to_string(),
    }
}

#[test]
fn fills_types() {
    for (text, wanted) in [
        ("{}", "{no: 7, note: null, lines: [], extra: null}"),
        (r#"{"no": null, "note": null, "zzz": [1]}"#, "{no: 7, note: null, lines: [], extra: null}"),
        (
            r#"{"no": "12,5", "note": 5, "lines": [{"qty": "3"}, {"sku": null, "qty": null, "x": 1}], "extra": {"a": 1}}"#,
            "{no: 12.5, note: '5', lines: [{sku: 'none', qty: 3}, {sku: 'none', qty: 0}], extra: {a: 1}}",
        ),
        (
            r#"{"lines":[{"qty":1},{"qty":"x"}]}"#,
            "The value 'x' of type text at lines[1].qty could not be converted to number.",
        ),
        (
            r#"{"lines":[5]}"#,
            "The value 5 of type number at lines[0] could not be converted to {sku: text, qty: number}.",
        ),
        (
            r#"{"lines":{}}"#,
            "The value {} of type record at lines could not be converted to {sku: text, qty: number}*.",
        ),
        (r#"{"note":[1]}"#, "The value [1] of type list at note could not be converted to text."),
        (
            "5",
            "The value 5 of type number could not be converted to {no: number, note: text?, lines: {sku: text, qty: number}*, extra: any}.",
        ),
        (r#"{"zzz": {"a": [1, x]}}"#, "line 1, column 19, at zzz.a[1]: a value was expected, not `x`"),
    ] {
        assert_eq!(filled(text), wanted, "{text}");
    }
}

#[test]
fn filling_while_reading_agrees_with_filling_afterwards() {
    for text in [
        "{}",
        r#"{"no": true}"#,
        r#"{"no": "x"}"#,
        r#"{"lines": null, "note": 1.50, "extra": [{"a": 1}]}"#,
        r#"{"lines": [{"qty": 1}, null, {"sku": "A"}]}"#,
    ] {
        let value = decode(text, &mut Unlimited).expect("JSON");
        let afterwards = Types::default().fill(value, &order_type(), Zone::UTC, &mut Unlimited);
        let afterwards = match afterwards {
            Ok(value) => value.to_literal(500),
            Err(Stopped::Mismatch(mismatch)) => mismatch.to_string(),
            Err(Stopped::Ended(error)) => panic!("{error}"),
        };
        assert_eq!(filled(text), afterwards, "{text}");
    }
}

#[test]
fn type_arguments_reach_the_natives() {
    let mut harness = Harness { type_argument: Some(Type::Number), ..Harness::default() };
    let value = harness.call("json.decode", vec!["\"1,5\"".into()]);
    assert_eq!(value.map(|value| value.to_literal(9)), Ok("1.5".into()));
    let value = harness.call("JSON.DecodeTable", vec!["[\"1\", 2]".into()]);
    assert_eq!(value.map(|value| value.to_literal(9)), Ok("[1, 2]".into()));
    let error = harness.call("JSON.Decode", vec!["[]".into()]).map(|value| value.to_literal(9));
    assert_eq!(error, Err("JSON.Decode: The value [] of type list could not be converted to number.".into()));
}

/// Any JSON of small depth.
fn any_json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        ".{0,6}".prop_map(Into::into),
    ];
    leaf.prop_recursive(4, 32, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Into::into),
            prop::collection::vec(("[a-c]{1,2}", inner), 0..5)
                .prop_map(|fields| serde_json::Value::Object(fields.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn agrees_with_serde_json(value in any_json()) {
        let text = value.to_string();
        let decoded = decode(&text, &mut Unlimited).expect("JSON");
        let encoded = encode(&decoded, &mut Unlimited).expect("no functions");
        prop_assert_eq!(&encoded, &text);
        let pretty = serde_json::to_string_pretty(&value).expect("JSON");
        let again = decode(&pretty, &mut Unlimited).expect("JSON");
        prop_assert_eq!(encode(&again, &mut Unlimited).expect("no functions"), text);
    }

    /// What was read before is expected, but never taken for the present text.
    #[test]
    fn earlier_texts_change_nothing(values in prop::collection::vec(any_json(), 1..6)) {
        let mut seen = Seen::default();
        for value in &values {
            for text in [value.to_string(), serde_json::to_string_pretty(value).expect("JSON")] {
                let decoded = decode_like(&text, &mut seen, &mut Unlimited).expect("JSON");
                prop_assert_eq!(encode(&decoded, &mut Unlimited).expect("no functions"), value.to_string());
            }
        }
    }

    #[test]
    fn takes_what_serde_json_takes(text in r#"[\[\]{}:,"\\0-9eE+.\-a-z \n]{0,20}"#) {
        let ours = decode(&text, &mut Unlimited).is_ok();
        let theirs = serde_json::from_str::<serde_json::Value>(&text).is_ok();
        // Numbers beyond 28 digits are the one difference.
        prop_assert!(ours == theirs || (theirs && decode(&text, &mut Unlimited).is_err_and(|e| e.to_string().contains("too large"))), "{}", text);
    }

    #[test]
    fn numbers_keep_their_digits(mantissa in 0..10_000_000_000_000_000_000_000_000_000u128, scale in 0..28usize) {
        let digits = format!("{mantissa:0>29}");
        let text = format!("{}.{}1", &digits[..29 - scale], &digits[29 - scale..]);
        let number = Number::parse(&text).expect("number");
        let trimmed = text.trim_start_matches('0');
        let shown = if trimmed.starts_with('.') { format!("0{trimmed}") } else { trimmed.to_owned() };
        let decoded = decode(&shown, &mut Unlimited).expect("JSON");
        prop_assert_eq!(decoded.to_literal(60), number.to_string());
    }
}

#[test]
fn a_long_text_is_read_and_written_in_pieces() {
    for part in ["x", "é", "\\n", "\\u00e9"] {
        for (before, after) in [("\"", "\""), ("[{\"a\":\"", "\"},{\"a\":\"\"}]")] {
            let text = format!("{before}{}{after}", part.repeat((8 << 20) / part.len()));
            let (value, asked) = questions(|budget| decode(&text, budget));
            let value = value.expect("it is JSON");
            // A text without escapes is paid for at once, its copy in pieces.
            assert!(asked >= 8, "{part} {before} {asked}");
            let (again, asked) = questions(|budget| encode(&value, budget));
            let again = again.expect("it has a form");
            let twice = decode(&again, &mut Unlimited).map(|value| encode(&value, &mut Unlimited));
            assert!(twice == Ok(Ok(again)) && asked > 8, "{part} {asked}");
        }
    }
}

#[test]
fn blanks_and_digits_beyond_measure_are_refused() {
    let blanks = " \n".repeat(4 << 20);
    let (error, asked) = questions(|budget| decode(&blanks, budget));
    let error = error.expect_err("nothing is in it").to_string();
    assert!(error.starts_with("line 4194305, column 1: a value was expected") && asked > 8, "{error} {asked}");
    let (list, asked) =
        questions(|budget| decode(&format!("[{blanks}1{blanks},{blanks}{{\"a\"{blanks}:1{blanks}}}]"), budget));
    assert!(list.is_ok() && asked > 30, "{asked}");
    let blanks = " ".repeat(1 << 20);
    assert!(decode(&blanks, &mut Unlimited).is_err_and(|error| error.to_string().ends_with("not an empty text")));
    for text in ["7".repeat(1 << 20), "0.".to_owned() + &"3".repeat(1 << 20), "1e".to_owned() + &"0".repeat(1 << 20)] {
        let error = decode(&text, &mut Unlimited).expect_err("too long");
        assert!(error.to_string().contains("a number has more than 100000 characters"), "{error}");
    }
}
