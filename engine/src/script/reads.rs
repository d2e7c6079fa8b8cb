//! The expression that a script was reading when it failed: `body.order.lines[0]`, as it is written there.

use ecow::EcoString;
use flowscript_lang::error::{Place, RunError};
use flowscript_lang::highlight::{Kind, Part, highlight};
use std::fmt;

/// A name and the steps taken from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Read {
    /// The variable, or the column of a query; empty if the steps start at the result of a call.
    pub root: EcoString,
    /// Fields and positions, in order.
    pub steps: Vec<Step>,
}

/// One step of a [`Read`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// `.name` or `['name']`
    Field(EcoString),
    /// `[0]`
    Position(usize),
}

impl Read {
    /// The read up to its first `count` steps.
    #[must_use]
    pub fn up_to(&self, count: usize) -> Self {
        Self { root: self.root.clone(), steps: self.steps.iter().take(count).cloned().collect() }
    }
}

impl fmt::Display for Read {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.root)?;
        self.steps.iter().try_for_each(|step| match step {
            Step::Field(name) if is_word(name) => write!(f, ".{name}"),
            Step::Field(name) => write!(f, "['{name}']"),
            Step::Position(position) => write!(f, "[{position}]"),
        })
    }
}

/// What was read at the place of an error, then at the call that led there, and so on outwards.
pub type Reads = Vec<Vec<Read>>;

/// What a source was reading at each place of an error, innermost first. `source_of` gives the text of a module, or of
/// the source itself. Variables that alias another read (`let order = body.order;`) are resolved.
pub(super) fn reads_at<'s>(error: &RunError, source_of: impl Fn(Option<&String>) -> &'s str) -> Reads {
    let calls = error.stack.iter().filter_map(|call| call.place.as_ref());
    error.place.iter().chain(calls).map(|place| reads_in(place, source_of(place.module.as_ref()))).collect()
}

fn reads_in(place: &Place, text: &str) -> Vec<Read> {
    let there = text.get(place.span.start as usize..place.span.end as usize).unwrap_or_default();
    let mut reads = reads(there);
    // The place of a missing field ends with the field; the read continues.
    if let ([read], Some(whole)) = (reads.as_mut_slice(), read_from(text, place.span.start))
        && read.to_string() == there
    {
        *read = whole;
    }
    if place.module.is_none() {
        let aliases = aliases(text);
        reads.iter_mut().for_each(|read| resolve(read, &aliases));
    }
    reads
}

/// The read that makes up the whole source, if it is one.
pub(super) fn whole(source: &str) -> Option<Read> {
    let parts = highlight(source);
    let (read, end) = read_at(source, &parts, 0)?;
    (end == parts.len()).then_some(read)
}

/// The read that begins at a byte of a source.
fn read_from(source: &str, start: u32) -> Option<Read> {
    let parts = highlight(source);
    let at = parts.iter().position(|part| part.span.start == start)?;
    read_at(source, &parts, at).map(|(read, _)| read)
}

/// Words that end an operand and are not names.
const VALUES: [&str; 5] = ["null", "true", "false", "end", "desc"];

/// All reads in a source, as they are written.
fn reads(source: &str) -> Vec<Read> {
    let parts = highlight(source);
    let mut found = Vec::new();
    let mut at = 0;
    while at < parts.len() {
        match read_at(source, &parts, at) {
            Some((read, end)) => {
                found.push(read);
                at = end;
            }
            None => {
                let text = |at: usize| parts.get(at).map_or("", |part| part.span.text(source));
                if text(at.wrapping_sub(1)) == ")" && matches!(text(at), "." | "?.") && is_word(text(at + 1)) {
                    found.push(Read { root: EcoString::new(), steps: vec![Step::Field(text(at + 1).into())] });
                }
                at += 1;
            }
        }
    }
    found
}

/// The read that begins at a part, and the part after it.
fn read_at(source: &str, parts: &[Part], at: usize) -> Option<(Read, usize)> {
    let text = |at: usize| parts.get(at).map_or("", |part| part.span.text(source));
    let root = parts.get(at)?;
    let touches = parts.get(at + 1).is_some_and(|next| next.span.start == root.span.end);
    let is_name = match root.kind {
        // A label of a record or a parameter of a lambda does not read a variable.
        Kind::Name => !matches!(text(at + 1), ":" | "=>"),
        // Some words, such as `order`, can also be names.
        Kind::Keyword => match text(at + 1) {
            "." | "?." => true,
            "[" => touches,
            ")" | "," | "]" | "}" | ";" | "" => !VALUES.contains(&root.span.text(source)),
            _ => false,
        },
        _ => false,
    };
    if !is_name || matches!(text(at.wrapping_sub(1)), "." | "?.") {
        return None;
    }
    let mut read = Read { root: root.span.text(source).into(), steps: Vec::new() };
    let mut next = at + 1;
    loop {
        match text(next) {
            // A name with parentheses is a call.
            "." | "?." if is_word(text(next + 1)) && text(next + 2) != "(" => {
                read.steps.push(Step::Field(text(next + 1).into()));
                next += 2;
            }
            "[" if text(next + 2) == "]" => {
                let inside = text(next + 1);
                let quoted = inside.strip_prefix(['\'', '"']).and_then(|rest| rest.strip_suffix(['\'', '"']));
                let step = quoted.map(|name| Step::Field(name.into()));
                let Some(step) = step.or_else(|| inside.parse().ok().map(Step::Position)) else { break };
                read.steps.push(step);
                next += 3;
            }
            _ => break,
        }
    }
    Some((read, next))
}

/// Variables that alias a read: `let name = read;`.
fn aliases(source: &str) -> Vec<(EcoString, Read)> {
    let parts = highlight(source);
    let text = |at: usize| parts.get(at).map_or("", |part| part.span.text(source));
    let alias = |at: usize| {
        if !text(at).eq_ignore_ascii_case("let") || text(at + 2) != "=" {
            return None;
        }
        let (read, end) = read_at(source, &parts, at + 3)?;
        (text(end) == ";").then(|| (text(at + 1).into(), read))
    };
    (0..parts.len()).filter_map(alias).collect()
}

/// Replaces variables by what they alias. Each alias is used once, so that this ends.
fn resolve(read: &mut Read, aliases: &[(EcoString, Read)]) {
    for (name, stands_for) in aliases.iter().rev() {
        if read.root == *name {
            read.root = stands_for.root.clone();
            read.steps.splice(0..0, stands_for.steps.iter().cloned());
        }
    }
}

fn is_word(text: &str) -> bool {
    let mut chars = text.chars();
    chars.next().is_some_and(|c| c.is_alphabetic() || c == '_') && chars.all(|c| c.is_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(source: &str) -> Vec<String> {
        reads(source).iter().map(Read::to_string).collect()
    }

    #[test]
    fn reads_as_they_are_written() {
        assert_eq!(shown("body.a.b"), ["body.a.b"]);
        assert_eq!(shown("upper(body.a) & query?.q"), ["body.a", "query.q"]);
        assert_eq!(shown("headers['x-one'].a[12]"), ["headers['x-one'].a[12]"]);
        assert_eq!(shown("[sku: body.sku, 'body.x': 1]"), ["body.sku"]);
        assert_eq!(shown("body.name.upper()"), ["body.name"]);
        assert_eq!(shown("Map(body.lines, l => l.qty)"), ["body.lines", "l.qty"]);
        assert_eq!(shown("body.lines[i].a"), ["body.lines", "i"]);
        assert_eq!(shown("'body.x' // body.y"), [""; 0]);
        assert_eq!(shown("f(order) & order.id & order['due day']"), ["order", "order.id", "order['due day']"]);
        assert_eq!(shown("[a: null, b: x in ['a']]"), ["x"]);
        assert_eq!(shown("First(body.lines).sku"), ["body.lines", ".sku"]);
    }

    #[test]
    fn variables_stand_for_what_they_were_given() {
        let aliases = aliases("let order = body.order; let first = order.lines[0]; let n = order.n + 1;");
        let resolved = |source: &str| {
            let mut found = reads(source);
            found.iter_mut().for_each(|read| resolve(read, &aliases));
            found.first().map(Read::to_string).unwrap_or_default()
        };
        assert_eq!(resolved("first.sku"), "body.order.lines[0].sku");
        assert_eq!(resolved("order.n"), "body.order.n");
        assert_eq!(resolved("n"), "n");
    }
}
