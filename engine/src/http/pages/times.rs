//! Times and lengths of time as pages show them.

use crate::engine::Timestamp;
use chrono::{DateTime, Datelike, FixedOffset};
use flowscript_lang::value::{Zone, offset_at};
use maud::{Markup, html};

/// The time of a page, in the zone of the engine.
#[derive(Clone, Copy)]
pub struct Clock {
    /// Now.
    pub now: Timestamp,
    /// The zone.
    pub zone: Zone,
}

impl Clock {
    /// An instant of the API: the time if it is today, with its date otherwise. Its title is the time in UTC.
    pub fn at(&self, instant: &str) -> Markup {
        html! { time datetime=(instant) title={ (instant) } { (self.text(instant, "%H:%M:%S")) } }
    }

    /// The same to the minute.
    pub fn minute(&self, instant: &str) -> Markup {
        html! { time datetime=(instant) title=(instant) { (self.text(instant, "%H:%M")) } }
    }

    /// The same to the millisecond, for lines of a log.
    pub fn exact(&self, instant: &str) -> Markup {
        html! { time datetime=(instant) title=(instant) { (self.text(instant, "%H:%M:%S%.3f")) } }
    }

    /// How long ago an instant is.
    pub fn since(&self, instant: &str) -> String {
        millis(instant).map_or_else(String::new, |at| long(self.now.0 - at))
    }

    /// How long it is until an instant.
    pub fn until(&self, instant: &str) -> String {
        millis(instant).map_or_else(String::new, |at| long(at - self.now.0))
    }

    /// The time from one instant to another, or until now.
    pub fn took(&self, from: Option<&str>, to: Option<&str>) -> Option<String> {
        let from = millis(from?)?;
        let to = to.map_or(Some(self.now.0), millis)?;
        Some(short(to - from))
    }

    fn text(&self, instant: &str, time: &str) -> String {
        let (Some(at), Some(now)) = (millis(instant).and_then(|at| self.local(at)), self.local(self.now.0)) else {
            return instant.to_owned();
        };
        let date = match () {
            () if at.date_naive() == now.date_naive() => "",
            () if at.year() == now.year() => "%a %-d %b ",
            () => "%-d %b %Y ",
        };
        at.format(&format!("{date}{time}")).to_string()
    }

    fn local(&self, millis: i64) -> Option<DateTime<FixedOffset>> {
        let offset = FixedOffset::east_opt(offset_at(self.zone, millis.div_euclid(1000)))?;
        Some(DateTime::from_timestamp_millis(millis)?.with_timezone(&offset))
    }
}

/// An instant of the API in milliseconds.
pub fn millis(instant: &str) -> Option<i64> {
    DateTime::parse_from_rfc3339(instant).ok().map(|at| at.timestamp_millis())
}

/// A length of time with its unit, to two digits or more.
pub fn short(millis: i64) -> String {
    match millis.max(0) {
        millis @ 0..1_000 => format!("{millis} ms"),
        millis @ 1_000..10_000 => format!("{}.{:02} s", millis / 1_000, millis % 1_000 / 10),
        millis @ 10_000..60_000 => format!("{} s", millis / 1_000),
        millis => long(millis),
    }
}

/// A length of time in its two largest units.
fn long(millis: i64) -> String {
    let seconds = millis.max(0) / 1_000;
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min {} s", seconds / 60, seconds % 60),
        3_600..86_400 => format!("{} h {} min", seconds / 3_600, seconds % 3_600 / 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds % 86_400 / 3_600),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_local_and_dates_are_for_other_days() {
        let now = Timestamp(millis("2026-10-22T12:32:00Z").unwrap());
        let clock = Clock { now, zone: Zone::Europe__Stockholm };
        assert_eq!(clock.text("2026-10-22T12:15:00.412Z", "%H:%M:%S"), "14:15:00");
        assert_eq!(clock.text("2026-10-21T12:15:00Z", "%H:%M:%S"), "Wed 21 Oct 14:15:00");
        assert_eq!(clock.text("2026-10-21T23:15:00Z", "%H:%M"), "01:15");
        assert_eq!(clock.text("2025-12-31T12:15:00Z", "%H:%M"), "31 Dec 2025 13:15");
        assert_eq!(clock.text("<b>", "%H:%M"), "<b>");
        assert_eq!(clock.since("2026-10-22T10:26:00Z"), "2 h 6 min");
        assert_eq!(clock.until("2026-10-25T12:33:00Z"), "3 d 0 h");
        assert_eq!(clock.took(Some("2026-10-22T12:31:59Z"), None).as_deref(), Some("1.00 s"));
    }

    #[test]
    fn lengths() {
        let shown = [0, 999, 3_940, 12_340, 64_000, 7_560_000, -5].map(short);
        assert_eq!(shown, ["0 ms", "999 ms", "3.94 s", "12 s", "1 min 4 s", "2 h 6 min", "0 ms"]);
    }
}
