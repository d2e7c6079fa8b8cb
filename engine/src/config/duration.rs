//! Spans of time as people write them: `30s`, `1h`, `250ms`, `1d`.

use std::time::Duration;

/// The longest accepted span, about a hundred years; it keeps sums of times in range.
const MAX: Duration = Duration::from_secs(36_500 * 86_400);

/// A number with a unit (`ms s m h d`), fractions allowed. The error says what is expected.
pub fn parse(text: &str) -> Result<Duration, String> {
    let wanted = || format!("`{text}` is not a duration; write a number and a unit: 250ms, 30s, 5m, 1h or 1d");
    let text_of = text.trim();
    let unit_at = text_of.find(|c: char| c.is_ascii_alphabetic()).ok_or_else(wanted)?;
    let (amount, unit) = text_of.split_at_checked(unit_at).ok_or_else(wanted)?;
    let seconds = match unit {
        "ms" => 0.001,
        "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        "d" => 86_400.0,
        _ => return Err(wanted()),
    };
    let amount = amount.trim();
    if !amount.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
        return Err(wanted());
    }
    let amount: f64 = amount.parse().map_err(|_| wanted())?;
    let span = Duration::try_from_secs_f64(amount * seconds).map_err(|_| wanted())?;
    if span > MAX {
        return Err(format!("`{text}` is longer than a hundred years"));
    }
    Ok(span)
}

/// The shortest way to write it; milliseconds at the finest.
pub fn format(span: Duration) -> String {
    let millis = span.as_millis();
    let units = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1000, "s")];
    units
        .into_iter()
        .find(|(size, _)| millis > 0 && millis.is_multiple_of(*size))
        .map_or_else(|| format!("{millis}ms"), |(size, unit)| format!("{}{unit}", millis / size))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        let check = |text: &str, millis: u64| assert_eq!(parse(text), Ok(Duration::from_millis(millis)), "{text}");
        check("250ms", 250);
        check("30s", 30_000);
        check("1.5 s", 1500);
        check("5m", 300_000);
        check("1h", 3_600_000);
        check("2d", 172_800_000);
        check("0s", 0);
        for text in ["", "5", "s", "5 weeks", "-1s", "1e3s", "1..5s", "99999999d", "5S"] {
            assert!(parse(text).is_err(), "{text}");
        }
        assert!(parse("5").is_err_and(|e| e.contains("`5` is not a duration")));
    }

    #[test]
    fn written_shortly() {
        let check = |millis: u64, text: &str| assert_eq!(format(Duration::from_millis(millis)), text);
        check(0, "0ms");
        check(1500, "1500ms");
        check(30_000, "30s");
        check(90_000, "90s");
        check(3_600_000, "1h");
        check(86_400_000, "1d");
    }
}
