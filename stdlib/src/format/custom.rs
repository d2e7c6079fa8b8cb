//! Numbers by pictures: `#,##0.00;(#,##0.00);'none'`.

use super::FormatError;
use super::culture::Culture;
use super::digits::Digits;
use crate::show::quoted;
use flowscript_lang::value::Number;
use std::fmt::Write;

/// A piece of a section.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    /// `0` or `#`
    Place,
    /// `.`
    Point,
    /// `%`
    Percent,
    /// `‰`
    PerMille,
    /// `E+0`: as written, whether a plus is shown, the least number of digits.
    Exponent { source: String, plus: bool, digits: usize },
    /// Anything else.
    Literal(String),
}

/// One of up to three sections, and the totals of its places.
#[derive(Debug, Default)]
struct Section {
    pieces: Vec<Piece>,
    places: i64,
    /// The places before the point.
    whole: i64,
    /// How many digits are always shown before the point, and after it.
    least_whole: i64,
    least_decimals: i64,
    /// Powers of ten to multiply by: `%`, `‰` and scaling commas.
    scale: i64,
    grouped: bool,
    scientific: bool,
}

pub(super) fn format_custom(number: Number, pattern: &str, culture: &Culture) -> Result<String, FormatError> {
    let sections = sections(pattern)?;
    let section = |wanted: usize| sections.get(wanted).filter(|section| !section.is_empty());
    let digits = Digits::new(number);
    let first = if digits.is_zero() { 2 } else { usize::from(digits.negative) };
    let (mut chosen, mut at) = match section(first) {
        Some(section) => (parse(section), first),
        None => (parse(sections.first().map_or(&[], |section| section)), 0),
    };
    let mut rounded = digits.clone();
    chosen.prepare(&mut rounded);
    if rounded.is_zero() && !digits.is_zero() {
        // A value that rounds to zero is written as zero.
        let zero = match section(2) {
            Some(section) => parse(section),
            None => parse(sections.first().map_or(&[], |section| section)),
        };
        chosen = zero;
        at = 2;
    }
    let sign = if rounded.negative && at == 0 { "-" } else { "" };
    let text = chosen.write(&rounded, culture);
    Ok(if text.is_empty() { text } else { format!("{sign}{text}") })
}

/// A character of a pattern, or a literal in quotes or after a backslash.
#[derive(Clone, Debug)]
enum Token {
    Char(char),
    Literal(String),
}

/// The sections between semicolons, literals taken out.
fn sections(pattern: &str) -> Result<Vec<Vec<Token>>, FormatError> {
    let mut sections = vec![Vec::new()];
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        let token = match c {
            ';' => {
                sections.push(Vec::new());
                continue;
            }
            '\'' | '"' => {
                let (literal, rest) = chars.as_str().split_once(c).ok_or_else(|| {
                    FormatError::Pattern(format!(
                        "the pattern {} has a quote without its end. Write \\{c} for the character itself.",
                        quoted(pattern)
                    ))
                })?;
                chars = rest.chars();
                Token::Literal(literal.into())
            }
            '\\' => Token::Literal(chars.next().map(String::from).unwrap_or_default()),
            c => Token::Char(c),
        };
        if let Some(section) = sections.last_mut() {
            section.push(token);
        }
    }
    Ok(sections)
}

fn parse(tokens: &[Token]) -> Section {
    let char_at = |at: usize| match tokens.get(at) {
        Some(Token::Char(c)) => Some(*c),
        _ => None,
    };
    let mut section = Section { whole: -1, ..Section::default() };
    let (mut first_zero, mut last_zero) = (None, 0);
    // The position and number of the commas since the last place.
    let (mut comma_place, mut commas) = (None, 0);
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        at += 1;
        let c = match token {
            Token::Literal(literal) => {
                section.pieces.push(Piece::Literal(literal.clone()));
                continue;
            }
            Token::Char(c) => *c,
        };
        section.pieces.push(match c {
            '0' | '#' => {
                if c == '0' {
                    first_zero.get_or_insert(section.places);
                    last_zero = section.places + 1;
                }
                section.places += 1;
                Piece::Place
            }
            '.' => {
                if section.whole < 0 {
                    section.whole = section.places;
                }
                Piece::Point
            }
            ',' => {
                if section.places > 0 && section.whole < 0 {
                    if comma_place == Some(section.places) {
                        commas += 1;
                    } else {
                        section.grouped |= comma_place.is_some();
                        comma_place = Some(section.places);
                        commas = 1;
                    }
                }
                continue;
            }
            '%' => {
                section.scale += 2;
                Piece::Percent
            }
            '‰' => {
                section.scale += 3;
                Piece::PerMille
            }
            'E' | 'e' => {
                let sign = char_at(at).filter(|sign| matches!(sign, '+' | '-'));
                let start = at + usize::from(sign.is_some());
                let zeros = (start..tokens.len()).take_while(|at| char_at(*at) == Some('0')).count();
                if zeros == 0 {
                    Piece::Literal(c.into())
                } else {
                    at = start + zeros;
                    section.scientific = true;
                    let source = [c].into_iter().chain(sign).chain(std::iter::repeat_n('0', zeros)).collect();
                    Piece::Exponent { source, plus: sign == Some('+'), digits: zeros.min(10) }
                }
            }
            c => Piece::Literal(c.into()),
        });
    }
    if section.whole < 0 {
        section.whole = section.places;
    }
    match comma_place {
        // Right before the point they divide, elsewhere they group.
        Some(place) if place == section.whole => section.scale -= 3 * commas,
        Some(_) => section.grouped = true,
        None => {}
    }
    section.least_whole = first_zero.map_or(0, |first| (section.whole - first).max(0));
    section.least_decimals = (last_zero - section.whole).max(0);
    section
}

impl Section {
    /// Scales and rounds the digits to what the section shows.
    fn prepare(&self, digits: &mut Digits) {
        digits.shift(self.scale);
        if self.scientific {
            digits.round_significant(self.places);
        } else {
            digits.round(self.places - self.whole);
        }
    }

    fn write(&self, digits: &Digits, culture: &Culture) -> String {
        let mut out = String::new();
        // With an exponent the digits fill the places from the left.
        let point = if self.scientific { self.whole } else { digits.point };
        // Whole digits are counted down to the point: those still to show, and those not looked at yet.
        let shown = if self.scientific { self.whole } else { point.max(self.least_whole) };
        let mut left = self.whole.max(point);
        let (mut place, mut point_seen, mut exponent_seen) = (0, false, false);
        for piece in &self.pieces {
            match piece {
                Piece::Place if place < self.whole => {
                    place += 1;
                    // The first place takes all digits that have no place of their own.
                    self.write_whole(&mut out, digits, point, shown, left, self.whole - place, culture);
                    left = self.whole - place;
                }
                Piece::Place => {
                    let at = place - self.whole;
                    place += 1;
                    if at < self.least_decimals || at + point < digits.len() as i64 {
                        out.push(char::from(b'0' + digits.digit(point + at)));
                    }
                }
                Piece::Point if !point_seen => {
                    point_seen = true;
                    self.write_whole(&mut out, digits, point, shown, left, 0, culture);
                    left = 0;
                    let more = self.places > self.whole && digits.len() as i64 > point;
                    if self.least_decimals > 0 || more {
                        out.push_str(culture.decimal);
                    }
                }
                Piece::Point => {}
                Piece::Percent => out.push('%'),
                Piece::PerMille => out.push('‰'),
                Piece::Exponent { source, .. } if exponent_seen => out.push_str(source),
                Piece::Exponent { source, plus, digits: least } => {
                    exponent_seen = true;
                    let exponent = if digits.is_zero() { 0 } else { digits.point - self.whole };
                    let sign = match exponent {
                        ..0 => "-",
                        _ if *plus => "+",
                        _ => "",
                    };
                    let letter = source.get(..1).unwrap_or("E");
                    // Writing to a String cannot fail.
                    let _ = write!(out, "{letter}{sign}{:0least$}", exponent.abs());
                }
                Piece::Literal(literal) => out.push_str(literal),
            }
        }
        out
    }

    /// The whole digits from `left` down to `last`, as far as they are shown.
    #[expect(clippy::too_many_arguments, reason = "the state of one loop")]
    fn write_whole(
        &self,
        out: &mut String,
        digits: &Digits,
        point: i64,
        shown: i64,
        left: i64,
        last: i64,
        culture: &Culture,
    ) {
        for at in (last..left.min(shown)).rev() {
            out.push(char::from(b'0' + digits.digit(point - 1 - at)));
            if self.grouped && at > 0 && at % 3 == 0 {
                out.push_str(culture.group);
            }
        }
    }
}
