//! Tests of numbers.
use super::*;
use proptest::prelude::*;

fn n(text: &str) -> Number {
    Number::parse(text).expect("test number")
}

#[test]
fn stays_sixteen_bytes() {
    assert_eq!(size_of::<Number>(), 16);
    assert_eq!(size_of::<Option<Number>>(), 16);
}

#[test]
fn prints_the_shortest_form() {
    for (text, shown) in [
        ("1.50", "1.5"),
        ("-3", "-3"),
        ("1000000", "1000000"),
        ("0.0001", "0.0001"),
        ("-0", "0"),
        ("-0.00", "0"),
        ("1e3", "1000"),
        ("1.5e-3", "0.0015"),
        ("79228162514264337593543950335", "79228162514264337593543950335"),
        ("0.00000000000000000000000000005", "0"),
        ("1e-28", "0.0000000000000000000000000001"),
        ("12345678901234567890.12", "12345678901234567890.12"),
    ] {
        assert_eq!(n(text).to_string(), shown, "{text}");
    }
}

#[test]
fn rounds_half_to_even_beyond_its_digits() {
    assert_eq!(n("0.00000000000000000000000000015").to_string(), "0.0000000000000000000000000002");
    assert_eq!(n("0.00000000000000000000000000025").to_string(), "0.0000000000000000000000000002");
}

#[test]
fn refuses_what_is_no_number() {
    for text in ["", "-", ".", "1.2.3", "abc", "1e", "1e99", "79228162514264337593543950336", "1 2", "--1"] {
        assert_eq!(Number::parse(text), None, "{text}");
    }
}

#[test]
fn divides_to_28_digits() {
    assert_eq!(n("1").checked_div(n("3")).expect("small").to_string(), "0.3333333333333333333333333333");
    assert_eq!(n("10").checked_div(n("4")).expect("small").to_string(), "2.5");
    assert_eq!(n("1").checked_div(Number::ZERO), None);
}

#[test]
fn overflow_is_none() {
    let large = n("79228162514264337593543950335");
    assert_eq!(large.checked_add(Number::ONE), None);
    assert_eq!(large.checked_mul(n("2")), None);
}

#[test]
fn rounding_is_away_from_zero() {
    let round = |text: &str, decimals| n(text).round(decimals).map(|v| v.to_string());
    assert_eq!(round("2.5", 0).as_deref(), Some("3"));
    assert_eq!(round("-2.5", 0).as_deref(), Some("-3"));
    assert_eq!(round("1.005", 2).as_deref(), Some("1.01"));
    assert_eq!(round("1250", -2).as_deref(), Some("1300"));
}

fn arbitrary() -> impl Strategy<Value = Number> {
    let scaled = |low: u64, scale: u8, negative| Number::new(low, 0, scale, negative && low != 0);
    prop_oneof![
        (0..100_000u64, 0..4u8, any::<bool>()).prop_map(move |(l, s, g)| scaled(l, s, g)),
        (any::<u64>(), 0..28u8, any::<bool>()).prop_map(move |(l, s, g)| scaled(l, s, g)),
        (any::<u64>(), any::<u32>(), 0..28u8, any::<bool>())
            .prop_map(|(low, high, scale, negative)| Number::new(low, high, scale, negative)),
    ]
}

proptest! {
    #[test]
    fn agrees_with_the_wide_path(a in arbitrary(), b in arbitrary()) {
        let (x, y) = (a.to_decimal(), b.to_decimal());
        prop_assert_eq!(a.checked_add(b).map(Number::to_decimal), x.checked_add(y));
        prop_assert_eq!(a.checked_sub(b).map(Number::to_decimal), x.checked_sub(y));
        prop_assert_eq!(a.checked_mul(b).map(Number::to_decimal), x.checked_mul(y));
        prop_assert_eq!(a.checked_div(b).map(Number::to_decimal), x.checked_div(y));
        prop_assert_eq!(a.checked_rem(b).map(Number::to_decimal), x.checked_rem(y));
        prop_assert_eq!(a.cmp(&b), x.cmp(&y));
        prop_assert_eq!(a == b, x == y);
    }

    #[test]
    fn text_form_reads_back(a in arbitrary()) {
        prop_assert_eq!(Number::parse(&a.to_string()), Some(a));
    }
}

#[test]
fn whole_numbers_of_64_bits_are_integers() {
    for (text, integer) in [
        ("-9223372036854775808", Some(i64::MIN)),
        ("-9223372036854775809", None),
        ("9223372036854775807", Some(i64::MAX)),
        ("9223372036854775808", None),
        ("-0", Some(0)),
    ] {
        assert_eq!(n(text).to_i64(), integer, "{text}");
    }
}
