//! The attributes of a tag, and references such as `&lt;`.

use super::chars::{is_blank, is_char, is_name};
use super::sink::{Refusal, Sink};
use crate::show::short;
use std::borrow::Cow;
use std::collections::HashSet;

/// The attributes in the text after the name of a tag. `at` is its place in the whole text.
pub(super) fn attributes<'a>(
    raw: &'a str,
    at: usize,
    sink: &mut dyn Sink,
) -> Result<Vec<(&'a str, Cow<'a, str>)>, Refusal> {
    let mut found = Vec::new();
    let mut seen = HashSet::new();
    let mut rest = raw;
    let place = |rest: &str| at + raw.len() - rest.len();
    loop {
        let start = rest.trim_start_matches(is_blank);
        if start.is_empty() {
            return Ok(found);
        }
        sink.pay(ATTRIBUTE)?;
        sink.take(ATTRIBUTE)?;
        let end = start.find(|c| is_blank(c) || matches!(c, '=' | '"' | '\'' | '<')).unwrap_or(start.len());
        let name = &start[..end];
        if !is_name(name) {
            let shown = short(start);
            return Err(Refusal::at(place(start), format!("an attribute is expected here instead of {shown}")));
        }
        if start.len() == rest.len() {
            return Err(Refusal::at(place(start), format!("a blank is missing before the attribute {}", short(name))));
        }
        if !seen.insert(name) {
            return Err(Refusal::at(place(start), format!("the attribute {} is given twice", short(name))));
        }
        let refused =
            |rest: &str, what: &str| Refusal::at(place(rest), format!("the attribute {} {what}", short(name)));
        let after = start[end..].trim_start_matches(is_blank);
        let after = after.strip_prefix('=').ok_or_else(|| refused(start, "has no value"))?.trim_start_matches(is_blank);
        let quote = after.chars().next().filter(|c| matches!(c, '"' | '\''));
        let quote = quote.ok_or_else(|| refused(after, "has a value without quotes"))?;
        let inside = &after[1..];
        let length = inside.find(quote).ok_or_else(|| refused(after, "has a value without its last quote"))?;
        let value = &inside[..length];
        if let Some(less) = value.find('<') {
            return Err(refused(&inside[less..], "has a < in its value; it is written as &lt;"));
        }
        found.push((name, resolved(value, place(inside), sink)?));
        rest = &inside[length + 1..];
    }
}

/// The cost of an attribute in addition to reading it, in bytes read, and its memory.
const ATTRIBUTE: usize = 96;

/// A value with its blanks made spaces and its references resolved.
fn resolved<'a>(value: &'a str, at: usize, sink: &mut dyn Sink) -> Result<Cow<'a, str>, Refusal> {
    if !value.contains(['&', '\t', '\n', '\r']) {
        return Ok(value.into());
    }
    sink.take(value.len())?;
    let mut out = String::with_capacity(value.len());
    let mut rest = value;
    while let Some(next) = rest.find(['&', '\t', '\n', '\r']) {
        sink.pay(1)?;
        out.push_str(&rest[..next]);
        let found = &rest[next..];
        if let Some(inside) = found.strip_prefix('&') {
            let place = at + value.len() - found.len();
            let length = inside.find(';').ok_or_else(|| Refusal::at(place, LONE.to_owned()))?;
            out.push(reference(&inside[..length]).map_err(|problem| Refusal::at(place, problem))?);
            rest = &inside[length + 1..];
        } else {
            out.push(' ');
            rest = found.strip_prefix("\r\n").unwrap_or(&found[1..]);
        }
    }
    out.push_str(rest);
    Ok(out.into())
}

/// The message for a `&` without a reference.
pub(super) const LONE: &str = "a & begins no reference such as &lt;; the character itself is written as &amp;";

/// The character whose name is between `&` and `;`. The error says what is wrong.
pub(super) fn reference(name: &str) -> Result<char, String> {
    if let Some(code) = name.strip_prefix('#') {
        let (digits, radix) = match code.strip_prefix('x') {
            Some(digits) => (digits, 16),
            None => (code, 10),
        };
        let code =
            if digits.chars().all(|c| c.is_digit(radix)) { u32::from_str_radix(digits, radix).ok() } else { None };
        let c = code.and_then(char::from_u32).filter(|c| is_char(*c));
        return c.ok_or_else(|| format!("&{}; is not a character that XML allows", short(name)));
    }
    match name {
        "lt" => Ok('<'),
        "gt" => Ok('>'),
        "amp" => Ok('&'),
        "quot" => Ok('"'),
        "apos" => Ok('\''),
        name if is_name(name) => Err(format!("the entity &{}; is unknown", short(name))),
        _ => Err(LONE.to_owned()),
    }
}
