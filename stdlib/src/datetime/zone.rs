//! Time zones.

use crate::row::{Row, fails, gives, row};
use crate::show::quoted;
use crate::suggest::nearest;
use chrono_tz::TZ_VARIANTS;
use flowscript_lang::function::{Call, NativeResult};
use flowscript_lang::value::{Number, Value, Zone};

pub(crate) const ROWS: &[Row] = &[
    row(
        "DateTime.ToTimeZone(date: datetime, zone: text) -> datetime",
        "The same instant on the wall clock of a zone.",
        to_time_zone,
    )
    .rules(
        "Names of the IANA database, in any case: `Europe/Stockholm`, `UTC`. A zone's last rule applies to all later times. Offsets are whole \
         minutes; the local mean times before about 1900 are rounded. A wall clock that would be before year 1 or after year 9999 \
         becomes the first or last second of those years.",
    )
    .examples(&[
        gives("Str(DateTime.ToTimeZone('2024-07-01T12:00:00Z', 'America/New_York'))", "'2024-07-01T08:00:00-04:00'"),
        fails("DateTime.ToTimeZone('2024-07-01', 'Europe/Stokholm')", "Did you mean Europe/Stockholm"),
    ]),
    row("DateTime.ToUtc(date: datetime) -> datetime", "The same instant in UTC.", to_utc)
        .rules("As `DateTime.ToTimeZone` with `UTC`.")
        .examples(&[gives("Str(DateTime.ToUtc('2024-07-01T12:00:00+02:00'))", "'2024-07-01T10:00:00+00:00'")]),
    row(
        "DateTime.GetTimeZoneOffset(date: datetime) -> number",
        "The hours its wall clock is ahead of UTC.",
        time_zone_offset,
    )
    .rules("With decimals where an offset has minutes; negative west of Greenwich.")
    .examples(&[gives("DateTime.GetTimeZoneOffset('2024-07-01T12:00:00+05:30')", "5.5")]),
];

/// The time zone of this name of the IANA database, in any case. The error names the nearest ones.
pub fn find_zone(name: &str) -> Result<Zone, String> {
    let zone = TZ_VARIANTS.iter().find(|zone| zone.name().eq_ignore_ascii_case(name));
    zone.copied().ok_or_else(|| {
        let names = || TZ_VARIANTS.iter().map(|zone| zone.name());
        // People know the city, but perhaps not the part before it.
        let city = |zone: &&str| zone.rsplit('/').next().is_some_and(|city| city.eq_ignore_ascii_case(name));
        let near = names().find(city).map_or_else(|| nearest(name, names()), |zone| vec![zone]).join(", ");
        let hint = if near.is_empty() {
            "Names are those of the IANA database, such as Europe/Stockholm.".into()
        } else {
            format!("Did you mean {near}?")
        };
        format!("unknown time zone {}. {hint}", quoted(name))
    })
}

fn to_time_zone(call: &mut Call<'_>) -> NativeResult {
    let zone = find_zone(call.text(1)).map_err(|unknown| call.value_error(unknown))?;
    Ok(call.datetime(0).in_zone(zone).into())
}

fn to_utc(call: &mut Call<'_>) -> NativeResult {
    Ok(call.datetime(0).in_zone(Zone::UTC).into())
}

fn time_zone_offset(call: &mut Call<'_>) -> NativeResult {
    let hours = Number::from(call.datetime(0).offset()).checked_div(Number::from(3600));
    Ok(hours.map_or(Value::Null, Value::Number))
}
