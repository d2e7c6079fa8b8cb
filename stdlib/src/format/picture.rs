//! The pictures of dates, as a list of fields: `Format` writes them and `DateTime.Parse` reads them.

use super::FormatError;
use super::culture::Culture;
use super::names::{Form, Width};
use crate::show::quoted;

/// A field of a date picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Field {
    /// `y`, `yy`: the last two digits of the year, padded to this width. `yyyy`: the year.
    Year(usize),
    /// `M`, `MM`
    Month(usize),
    MonthName(Width, Form),
    /// `d`, `dd`
    Day(usize),
    DayName(Width),
    /// `H`, `HH`
    Hour(usize),
    /// `h`, `hh`
    Hour12(usize),
    Minute(usize),
    Second(usize),
    /// `fff`: this many digits of the second.
    Fraction(usize),
    /// `FFF`: the same without zeros at the end.
    ShortFraction(usize),
    /// `t`: its first character, `tt`: all of it.
    HalfDay(Width),
    /// `z`, `zz`: hours; `zzz`: hours and minutes.
    Offset(usize),
    /// `K`: hours and minutes; a text may leave them out.
    OptionalOffset,
    /// `Z`: itself; a text that has it is in UTC.
    Zulu,
    Era,
    /// `/`
    DateSeparator,
    /// `:`
    TimeSeparator,
    Literal(String),
}

impl Form {
    fn of(fields: &[Field]) -> Self {
        if fields.iter().any(|field| matches!(field, Field::Day(_))) { Self::BehindDay } else { Self::Alone }
    }
}

/// A picture, whether it shows UTC, and the culture its names are in.
pub(super) struct Picture<'a> {
    pub fields: Vec<Field>,
    pub utc: bool,
    pub culture: &'a Culture,
}

impl<'a> Picture<'a> {
    /// The picture of a standard or custom date pattern.
    pub(super) fn new(pattern: &str, culture: &'a Culture) -> Result<Self, FormatError> {
        super::check_length(pattern)?;
        let mut chars = pattern.chars();
        match (chars.next(), chars.next()) {
            (None, _) => Self::standard('G', culture),
            (Some(letter), None) => Self::standard(letter, culture),
            _ => Self::custom(pattern, culture, false),
        }
    }

    fn standard(letter: char, culture: &'a Culture) -> Result<Self, FormatError> {
        let pictures = &culture.pictures;
        let joined = |date: &str, time: &str| format!("{date} {time}");
        let utc = matches!(letter, 'r' | 'R' | 'u' | 'U');
        let picture = match letter {
            'd' => pictures.short_date.to_owned(),
            'D' => pictures.long_date.to_owned(),
            't' => pictures.short_time.to_owned(),
            'T' => pictures.long_time.to_owned(),
            'f' => joined(pictures.long_date, pictures.short_time),
            'F' | 'U' => joined(pictures.long_date, pictures.long_time),
            'g' => joined(pictures.short_date, pictures.short_time),
            'G' => joined(pictures.short_date, pictures.long_time),
            'M' | 'm' => pictures.month_day.to_owned(),
            'Y' | 'y' => pictures.year_month.to_owned(),
            // These are the same in every culture.
            'o' | 'O' => "yyyy'-'MM'-'dd'T'HH':'mm':'ss'.'fffffffK".into(),
            's' => "yyyy'-'MM'-'dd'T'HH':'mm':'ss".into(),
            'u' => "yyyy'-'MM'-'dd HH':'mm':'ss'Z'".into(),
            'r' | 'R' => {
                return Self::custom("ddd, dd MMM yyyy HH':'mm':'ss 'GMT'", Culture::invariant(), true);
            }
            other => {
                return Err(FormatError::Pattern(format!(
                    "'{other}' is not one of the date patterns d D f F g G m o r s t T u U y. \
                     For a picture of one letter write %{other}."
                )));
            }
        };
        Self::custom(&picture, culture, utc)
    }

    fn custom(pattern: &str, culture: &'a Culture, utc: bool) -> Result<Self, FormatError> {
        let mut fields = fields(pattern)?;
        let form = Form::of(&fields);
        for field in &mut fields {
            if let Field::MonthName(_, alone) = field {
                *alone = form;
            }
        }
        Ok(Self { fields, utc, culture })
    }
}

fn fields(pattern: &str) -> Result<Vec<Field>, FormatError> {
    let bad = |what: &str| FormatError::Pattern(format!("the date pattern {} {what}.", quoted(pattern)));
    let mut fields = Vec::new();
    let mut rest = pattern;
    while let Some(c) = rest.chars().next() {
        let mut used = c.len_utf8();
        // Counted for letters of fields only: counting at each character of a long text would take quadratic time.
        let mut repeated = || {
            used = rest.chars().take_while(|next| *next == c).count();
            used
        };
        let width = |count: usize, full: usize| if count >= full { Width::Full } else { Width::Short };
        let field = match c {
            'y' => Field::Year(repeated()),
            'M' => match repeated() {
                count @ (1 | 2) => Field::Month(count),
                count => Field::MonthName(width(count, 4), Form::Alone),
            },
            'd' => match repeated() {
                count @ (1 | 2) => Field::Day(count),
                count => Field::DayName(width(count, 4)),
            },
            'H' => Field::Hour(repeated().min(2)),
            'h' => Field::Hour12(repeated().min(2)),
            'm' => Field::Minute(repeated().min(2)),
            's' => Field::Second(repeated().min(2)),
            'f' | 'F' => match repeated() {
                count if count > 9 => return Err(bad("shows more than nine digits of a second")),
                count if c == 'f' => Field::Fraction(count),
                count => Field::ShortFraction(count),
            },
            't' => Field::HalfDay(width(repeated(), 2)),
            'z' => Field::Offset(repeated().min(3)),
            'K' => Field::OptionalOffset,
            'Z' => Field::Zulu,
            'g' => {
                repeated();
                Field::Era
            }
            ':' => Field::TimeSeparator,
            '/' => Field::DateSeparator,
            '\'' | '"' => {
                let literal = up_to_quote(&rest[1..], c).ok_or_else(|| bad("has a quote without its end"))?;
                used = literal.1 + 1;
                Field::Literal(literal.0)
            }
            '%' => {
                let next = rest[1..].chars().next().filter(|next| *next != '%');
                let next = next.ok_or_else(|| bad("has a % without the letter of a field after it"))?;
                used = 1 + next.len_utf8();
                let mut single = self::fields(next.encode_utf8(&mut [0; 4]))?;
                fields.append(&mut single);
                rest = rest.get(used..).unwrap_or("");
                continue;
            }
            '\\' => {
                let next = rest[1..].chars().next().ok_or_else(|| bad("ends with a backslash"))?;
                used = 1 + next.len_utf8();
                Field::Literal(next.into())
            }
            other => Field::Literal(other.into()),
        };
        fields.push(field);
        rest = rest.get(used..).unwrap_or("");
    }
    Ok(fields)
}

/// The text up to the quote, in which a backslash escapes the next character, and its length with the quote.
fn up_to_quote(text: &str, quote: char) -> Option<(String, usize)> {
    let mut out = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            c if c == quote => return Some((out, at + 1)),
            '\\' => out.push(chars.next()?.1),
            c => out.push(c),
        }
    }
    None
}
