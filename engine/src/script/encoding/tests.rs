use super::*;
use flowscript_lang::budget::Unlimited;
use flowscript_lang::value::{Conversion, Zone, equal};

fn identical(a: &Value, b: &Value) -> bool {
    equal(a, b, Conversion::None, &mut Unlimited).expect("no limit")
}

fn record(fields: &[(&str, Value)]) -> Value {
    Value::record(fields.iter().map(|(name, value)| (*name, value.clone())).collect::<Vec<_>>())
}

fn check(value: &Value) {
    let back = decode(&encode(value)).unwrap();
    assert!(identical(&back, value), "{back:?} instead of {value:?}");
    for length in 0..encode(value).len() {
        assert!(decode(&encode(value)[..length]).is_err());
    }
}

#[test]
fn every_kind_comes_back_as_it_was() {
    let number = |text| Value::Number(Number::parse(text).unwrap());
    check(&Value::Null);
    check(&Value::Bool(true));
    for text in ["0", "-1.5", "79228162514264337593543950335", "0.0000000000000000000000000001"] {
        check(&number(text));
    }
    check(&Value::text("é"));
    check(&Value::text("x".repeat(300)));
    check(&Value::DateTime(DateTime::from_unix(1_530_000_000, 123_456_789, 7_200).unwrap()));
    check(&Value::DateTime(DateTime::minimum()));
    check(&Value::DateTime(DateTime::minimum().in_zone(Zone::America__New_York)));
    check(&Value::DateTime(DateTime::from_unix_in(-6_000_000_000, 1, Zone::Europe__Amsterdam).unwrap()));
    check(&Value::binary(vec![0, 255]));
    check(&Value::empty_list());
    check(&Value::list(vec![number("1"), Value::Null, Value::text("a")]));
    check(&record(&[("a", number("1")), ("b", record(&[]))]));
    check(&Value::list(vec![record(&[("a", number("1"))]), record(&[("a", number("2"))])]));
    check(&Value::list(vec![record(&[("a", number("1"))]), record(&[("b", number("2"))])]));
}

#[test]
fn every_odd_value_comes_back_as_it_was() {
    let without_functions = |shown: &str| shown.replace("a function", "null").replace("function Upper", "null");
    for (shown, value) in crate::odd::values(&flowscript_stdlib::registry()) {
        let bytes = encode(&value);
        let back = decode(&bytes).unwrap_or_else(|reason| panic!("{shown}: {reason}"));
        let literal = |value: &Value| value.to_literal(9_999);
        let same = identical(&back, &value) || literal(&back) == without_functions(&literal(&value));
        assert!(same, "{shown} came back as {}", back.to_literal(200));
        assert_eq!(encode(&back), bytes, "{shown}");
        for length in (0..bytes.len()).step_by((bytes.len() / 50).max(1)) {
            assert!(decode(&bytes[..length]).is_err(), "{shown} cut to {length}");
            let _ = decode_start(&bytes[..length]);
        }
    }
}

#[test]
fn no_more_is_written_than_is_wanted() {
    for (shown, value) in crate::odd::values(&flowscript_stdlib::registry()) {
        let bytes = encode(&value);
        assert_eq!(encode_up_to(&value, bytes.len()).as_ref(), Some(&bytes), "{shown}");
        assert_eq!(encode_up_to(&value, bytes.len() - 1), None, "{shown}");
    }
    let doubled = |value: Value, times: usize| (0..times).fold(value, |v, _| Value::list(vec![v.clone(), v]));
    let row = |value: Value| Value::list(vec![record(&[("a", value.clone())]), record(&[("a", value)])]);
    for value in [Value::from(1), Value::text("x".repeat(1 << 20)), Value::binary(vec![7; 1 << 20])] {
        assert_eq!(encode_up_to(&doubled(value.clone(), 60), 1 << 16), None);
        assert_eq!(encode_up_to(&(0..60).fold(value, |value, _| row(value)), 1 << 16), None);
    }
}

#[test]
fn a_stored_offset_of_seconds_is_rounded_to_minutes() {
    let bytes = |seconds: i64, offset: i32| {
        let parts = [&seconds.to_le_bytes()[..], &0u32.to_le_bytes()[..], &offset.to_le_bytes()[..]];
        [&[VERSION, tag::DATETIME][..], &parts.concat()[..]].concat()
    };
    let shown = |bytes: Vec<u8>| decode(&bytes).map(|value| value.to_literal(99));
    assert_eq!(shown(bytes(0, 4332)), Ok("1970-01-01T01:12:00+01:12".into()));
    // 0001-01-01T00:00:00 at +01:12:12
    assert_eq!(shown(bytes(-62_135_601_132, 4332)), Ok("0001-01-01T00:00:00+01:12".into()));
    assert!(shown(bytes(-62_135_601_133, 4332)).is_err());
}

#[test]
fn a_table_without_rows_keeps_its_columns() {
    let table = Table::empty(Shape::new(["a".into(), "b".into()]), None);
    let Ok(Value::Table(back)) = decode(&encode(&Value::table(table))) else { panic!("no table") };
    assert_eq!(back.shape().names(), ["a", "b"]);
}

#[test]
fn the_start_of_a_value_is_as_much_as_is_there() {
    let start = |value: &Value, length: usize| {
        decode_start(&encode(value)[..length]).map(|start| start.to_literal(200)).unwrap_or_default()
    };
    let number = |n: i64| Value::from(n);
    // The version, the tag and the length take four bytes here.
    assert_eq!(start(&Value::text("ü".repeat(500)), 4 + 5), "'üü'");
    let list = Value::list((100..600).map(number).collect());
    assert_eq!(start(&list, 4 + 2 * 5 + 3), "[100, 101]", "a number is whole or not there");
    let fields = record(&[("a", number(1)), ("b", Value::text("y".repeat(500))), ("c", number(2))]);
    let whole = encode(&fields).len();
    assert_eq!(start(&fields, whole - 500), "{a: 1, b: 'yyy'}");
    let rows = Value::list((10..90).map(|n| record(&[("n", number(n)), ("m", number(n))])).collect());
    assert_eq!(start(&rows, 9 + 2 * 4), "[{n: 10}, {n: 11}]");
    assert_eq!(start(&rows, 0), "");
    for length in 0..whole {
        start(&fields, length);
    }
}

#[test]
fn damaged_bytes_are_told() {
    let check = |bytes: &[u8], part: &str| {
        let error = decode(bytes).unwrap_err();
        assert!(error.contains(part), "{error}");
    };
    check(&[], "empty");
    check(&[9, 0], "encoding 9");
    check(&[2, tag::RECORD, 2], "unknown names");
    check(&[1, 77], "unknown tag 77");
    check(&[1, 0, 0], "after its end");
    check(&[1, tag::LIST, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], "damaged");
    check(&[1, tag::TEXT, 1, 0xff], "damaged");
    check(&[[1].as_slice(), &[tag::LIST, 1].repeat(2000)].concat(), "too deep");
}

#[test]
fn rows_of_different_fields_keep_their_columns_and_take_what_they_hold() {
    let rows = |count: usize| Value::list((0..count).map(|n| record(&[(&format!("k{n}"), n.into())])).collect());
    let bytes = |count| encode(&rows(count)).len();
    assert!(bytes(2_000) < 2_000 * 24, "{}", bytes(2_000));
    let Value::Table(table) = rows(3) else { panic!("a table") };
    // Taken out of the table, rows know the fields of the others, alone or in a list, and names are written once.
    let row = |at: usize| Value::Record(table.row(at).unwrap());
    let Ok(Value::List(back)) = decode(&encode(&Value::list(vec![row(0), row(2), Value::Null]))) else {
        panic!("a list")
    };
    let [Value::Record(first), Value::Record(last), Value::Null] = back.items() else { panic!("rows") };
    assert!(first.is_absent("k1") && !first.is_absent("k0") && !first.is_absent("k3"));
    assert!(std::sync::Arc::ptr_eq(first.others().unwrap(), last.others().unwrap()));
    // Some rows of a table have all of its columns.
    let Ok(Value::Table(back)) = decode(&encode(&Value::table(table.gather(&[1, 1])))) else { panic!("a table") };
    assert_eq!(back.shape().names(), ["k0", "k1", "k2"]);
}

#[test]
fn the_encoding_before_is_read() {
    let one = |n| [tag::NUMBER, 1, n];
    let record = |own: u8, other: u8| [1, 1, own, 1, 1, other];
    let bytes = [&[FULL_NAMES, tag::RAGGED, 2][..], &record(b'a', b'b'), &one(b'1'), &record(b'b', b'a'), &one(b'2')];
    let Ok(Value::Table(table)) = decode(&bytes.concat()) else { panic!("a table") };
    assert_eq!(Value::Table(table.clone()).to_literal(99), "[{a: 1}, {b: 2}]");
    assert_eq!(table.shape().names(), ["a", "b"]);
    let bytes = [&[FULL_NAMES, tag::RECORD][..], &record(b'a', b'b'), &one(b'1')].concat();
    let Ok(Value::Record(row)) = decode(&bytes) else { panic!("a record") };
    assert!(row.is_absent("b") && !row.is_absent("a"));
    assert_eq!(decode_start(&bytes).unwrap().to_literal(99), "{a: 1}");
}
