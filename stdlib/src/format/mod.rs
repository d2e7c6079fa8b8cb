//! `Format` and its inverse for dates: the format strings of .NET in 18 cultures.
//!
//! A number pattern is a letter with a precision (`number.rs`) or a picture (`custom.rs`), a date pattern a letter
//! that names a picture of the culture, or a picture itself (`date.rs`; `parse.rs` reads the same pictures).
//! The differences between cultures are one table (`cultures.rs`).

mod culture;
mod cultures;
mod custom;
mod date;
mod digits;
mod find;
mod names;
mod number;
mod parse;
mod parts;
mod picture;
#[cfg(test)]
mod round_trips;
#[cfg(test)]
mod tests;

pub use culture::Culture;
pub use date::format_datetime;
pub use find::UnknownCulture;
pub use number::format_number;
pub use parse::parse_datetime;
pub use parts::Defaults;

use crate::arguments::text_fits;
use crate::row::{Row, fails, gives, row};
use crate::show::quoted;
use flowscript_lang::error::RunError;
use flowscript_lang::function::{Call, NativeResult};
use flowscript_lang::value::{Value, to_datetime, to_number};

pub(crate) const ROWS: &[Row] = &[row("Format(x: any, pattern: text, culture?: text) -> text?", "A number or datetime as text, by a pattern.", format)
    .date_pattern(1)
    .also(&["Maths.Format", "DateTime.Format"])
    .rules(
        "The standard and custom format strings of .NET. Numbers: `C D E F G N P R X` in either case, with a precision, or pictures of \
         `0 # . , % ‰ E+0 ; 'text' \\x`; rounded half away from zero; `D` and `X` take whole numbers only, `X` shows a negative one in 32 \
         bits, else 64. Datetimes: `d D f F g G m o r s t T u U y`, or pictures of `yyyy yy MMMM MMM MM M dddd ddd dd d HH H hh h mm m \
         ss s f F tt t K zzz zz z : / 'text' \\x %x`, with up to nine `f`; `r u U` show UTC, all others the value's own wall clock. \
         A text is taken as the number or datetime it holds; `null` gives `null`. A pattern has 1,000 characters at most, a precision is 1,000 at most. Without a culture it is the engine's. Cultures: \
         invariant, en-US, en-GB, sv-SE, nb-NO, da-DK, fi-FI, de-DE, de-CH, fr-FR, es-ES, it-IT, nl-NL, pl-PL, pt-BR, ru-RU, ja-JP, zh-CN.",
    )
    .examples(&[
        gives("Format(1234.567, 'C', 'en-US')", "'$1,234.57'"),
        gives("Format(1234.567, 'C', 'sv-SE')", "'1.234,57 kr'"),
        gives("Format(1234.567, 'F', 'de-DE')", "'1234,57'"),
        gives("Format(1234.567, 'N3', 'ru-RU')", "'1\\u00a0234,567'"),
        gives("Format(0.256, 'P1', 'en-US')", "'25.6%'"),
        gives("Format(255, 'x4')", "'00ff'"),
        gives("Format(1234.5, '#,##0.00', 'en-US')", "'1,234.50'"),
        gives("Format(-3, '0;(0);zero')", "'(3)'"),
        gives("Format(Date('2009-06-15T13:45:30'), 'yyyy-MM-dd HH:mm')", "'2009-06-15 13:45'"),
        gives("Format(Date('2009-06-15T13:45:30'), 'D', 'en-US')", "'Monday, June 15, 2009'"),
        gives("Format(Date('2009-06-05T13:45:30'), 'dddd d MMMM', 'sv-SE')", "'fredag 5 juni'"),
        fails("Format(1, 'N', 'xx-YY')", "xx-YY"),
        fails("Format(1.5, 'D')", "whole number"),
    ])];

/// The error of a pattern, or of a value for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FormatError {
    /// The message.
    Pattern(String),
}

impl FormatError {
    pub(crate) fn run_error(self, call: &Call<'_>) -> Box<RunError> {
        let Self::Pattern(message) = self;
        call.value_error(message)
    }
}

/// The most characters of a pattern: each call reads all of it.
const LONGEST_PATTERN: usize = 1_000;

/// The most digits that a precision can ask for. Numbers have 29.
const MOST_DIGITS: i64 = 1_000;

/// Refuses a pattern that is too long.
fn check_length(pattern: &str) -> Result<(), FormatError> {
    if pattern.len() <= LONGEST_PATTERN || pattern.chars().take(LONGEST_PATTERN + 1).count() <= LONGEST_PATTERN {
        return Ok(());
    }
    Err(FormatError::Pattern(format!(
        "the pattern {} is longer than {LONGEST_PATTERN} characters, the limit.",
        quoted(pattern)
    )))
}

fn format(call: &mut Call<'_>) -> NativeResult {
    let culture = culture(call, 2)?;
    let pattern = call.text(1);
    let formatted = match call.value(0) {
        Value::Null => return Ok(Value::Null),
        Value::Number(number) => format_number(*number, pattern, culture),
        Value::DateTime(datetime) => format_datetime(*datetime, pattern, culture),
        other => match (to_number(other), to_datetime(other, call.context.zone())) {
            (Ok(number), _) => format_number(number, pattern, culture),
            (_, Ok(datetime)) => format_datetime(datetime, pattern, culture),
            _ => return Err(call.refuse(0, "a number or datetime")),
        },
    };
    match formatted {
        Ok(text) => text_fits(call, text.len()).map(|()| text.into()),
        Err(error) => Err(error.run_error(call)),
    }
}

/// The culture named by the argument at `position`, else the engine's.
pub(crate) fn culture(call: &Call<'_>, position: usize) -> Result<&'static Culture, Box<RunError>> {
    let name = match call.text(position) {
        "" => call.context.culture(),
        name => name,
    };
    Culture::find(name).map_err(|unknown| call.value_error(unknown))
}
