//! Randomness, from the host.

use crate::row::{Row, fails, gives, row};
use flowscript_lang::function::{Call, NativeResult};
use flowscript_lang::value::Number;
use std::fmt::Write;

pub(crate) const ROWS: &[Row] = &[
    row(
        "Random(low: number = 0, high: number = 1) -> number",
        "A random number from `low` on and below `high`.",
        random,
    )
    .also(&["Maths.Random"])
    .rules("Fractional. `low` must be below `high`.")
    .examples(&[gives("Random() < 1", "true"), gives("Floor(Random(2, 3))", "2"), fails("Random(2, 2)", "high")])
    .asks_host(),
    row("RandomInt(low: number, high: number) -> number", "A random whole number; both ends are included.", random_int)
        .also(&["Maths.RandomInt"])
        .rules("`low` must not be above `high`.")
        .examples(&[
            gives("RandomInt(7, 7)", "7"),
            gives("RandomInt(1, 6) <= 6", "true"),
            fails("RandomInt(2, 1)", "high"),
        ])
        .asks_host(),
];

/// `Guid` is listed among the text functions.
pub(crate) const TEXT_ROWS: &[Row] = &[row("Guid() -> text", "A new random identifier.", guid)
    .rules("A version 4 UUID in lower case with hyphens.")
    .examples(&[gives("Len(Guid())", "36"), gives("Guid() = Guid()", "false")])
    .asks_host()];

fn random(call: &mut Call<'_>) -> NativeResult {
    let (low, high) = (call.number(0), call.number(1));
    let span = high.checked_sub(low).ok_or_else(|| crate::number::overflow(call))?;
    if span.is_zero() || span.is_negative() {
        return Err(call.refuse(1, "a number above low"));
    }
    // 18 decimals hold almost all of the 64 bits.
    let unit = Number::from(call.context.host().random() % 1_000_000_000_000_000_000);
    let fraction = unit.checked_div(Number::from(1_000_000_000_000_000_000_i64)).unwrap_or(Number::ZERO);
    let result = span.checked_mul(fraction).and_then(|above| low.checked_add(above)).unwrap_or(low);
    // Rounding at the last digit must not reach the end.
    Ok(if result < high { result } else { low }.into())
}

fn random_int(call: &mut Call<'_>) -> NativeResult {
    let (low, high) = (i128::from(call.integer(0)?), i128::from(call.integer(1)?));
    if low > high {
        return Err(call.refuse(1, "a whole number not below low"));
    }
    let count = (high - low + 1).unsigned_abs();
    // The upper half of the product is even to one part in 2^64 / count.
    let chosen = (u128::from(call.context.host().random()) * count) >> 64;
    let result = low + i128::try_from(chosen).unwrap_or(0);
    Ok(i64::try_from(result).unwrap_or(i64::MAX).into())
}

fn guid(call: &mut Call<'_>) -> NativeResult {
    let host = call.context.host();
    let bits = u128::from(host.random()) << 64 | u128::from(host.random());
    // Version 4, variant 1 (RFC 9562).
    let bits = bits & !(0xf000 << 64) & !(0xc << 60) | 0x4000 << 64 | 0x8 << 60;
    let digits = format!("{bits:032x}");
    let mut out = String::with_capacity(36);
    for (at, digit) in digits.chars().enumerate() {
        let hyphen = if matches!(at, 8 | 12 | 16 | 20) { "-" } else { "" };
        // Writing to a String cannot fail.
        let _ = write!(out, "{hyphen}{digit}");
    }
    Ok(out.into())
}

#[cfg(test)]
mod tests {
    use crate::testing::{Harness, shown};
    use flowscript_lang::value::{Number, Value};

    #[test]
    fn stays_within_its_bounds() {
        let mut harness = Harness::default();
        let mut seen = [0; 7];
        for _ in 0..1_000 {
            let Ok(Value::Number(roll)) = harness.call("RandomInt", vec![1.into(), 6.into()]) else {
                panic!("a number")
            };
            seen[roll.to_usize().expect("whole")] += 1;
            let Ok(Value::Number(x)) = harness.call("Random", vec![2.into(), 3.into()]) else { panic!("a number") };
            assert!(x >= Number::from(2) && x < Number::from(3), "{x}");
        }
        assert!(seen[0] == 0 && seen[1..].iter().all(|count| (100..250).contains(count)), "{seen:?}");
        assert!(harness.call("RandomInt", vec![(-i64::MAX).into(), i64::MAX.into()]).is_ok());
    }

    #[test]
    fn guids_are_version_4() {
        let mut harness = Harness::default();
        for _ in 0..100 {
            let Ok(Value::Text(guid)) = harness.call("Guid", vec![]) else { panic!("a text") };
            let parts: Vec<&str> = guid.split('-').collect();
            assert_eq!(parts.iter().map(|part| part.len()).collect::<Vec<_>>(), [8, 4, 4, 4, 12]);
            assert!(parts[2].starts_with('4') && parts[3].starts_with(['8', '9', 'a', 'b']), "{guid}");
        }
    }

    #[test]
    fn empty_ranges_are_refused() {
        assert!(
            shown("Random", vec![2.into(), 2.into()])
                .starts_with("Random: the parameter high takes a number above low")
        );
        assert!(shown("RandomInt", vec![2.into(), 1.into()]).starts_with("RandomInt: the parameter high takes"));
    }
}
