//! When a key or a token stops working.

use chrono::{DateTime, TimeDelta, Utc};
use flowscript_engine::config::duration;

/// The instant of a span from now, such as `90d`, or of an instant, in RFC 3339.
pub fn expiry(text: &str) -> Result<String, String> {
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return Ok(at.to_rfc3339());
    }
    let span = duration::parse(text).map_err(|_| {
        format!("--expires is {text}; write a span such as 90d, or an instant such as 2027-01-31T12:00:00Z")
    })?;
    let span = TimeDelta::from_std(span).ok().and_then(|span| Utc::now().checked_add_signed(span));
    span.map(|at| at.to_rfc3339()).ok_or_else(|| format!("--expires {text} is too far away"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_and_instants() {
        assert!(expiry("90d").is_ok() && expiry("2027-01-31T12:00:00Z").is_ok());
        for wrong in ["", "soon", "12", "2027-01-31", "99999999999d"] {
            assert!(expiry(wrong).is_err(), "{wrong}");
        }
    }
}
