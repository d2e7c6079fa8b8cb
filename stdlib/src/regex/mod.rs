//! Regular expressions.
//!
//! Patterns are those of .NET as far as they mean the same here (`dialect.rs`). They run in linear time; only
//! look-around and back-references go to a backtracking engine, under a step limit (`pattern.rs`).

mod dialect;
mod pattern;
mod replacement;
#[cfg(test)]
mod tests;

use crate::arguments::{cells_fit, text_fits};
use crate::row::{Row, fails, gives, row};
use crate::show::quoted;
use ecow::EcoString;
use flowscript_lang::error::{ErrorKind, RunError};
use flowscript_lang::function::{Call, NativeResult};
use flowscript_lang::value::{Column, Shape, Table, Value};
use pattern::{MatchError, Pattern, Span};
use std::sync::Arc;

const SYNTAX: &str = "Patterns are those of .NET, `$` being the end of the text. They run in linear time, those with look-around or \
                      back-references under a step limit.";

pub(crate) const ROWS: &[Row] = &[
    row("RegexMatch(text: text, pattern: text) -> text?", "The first match of a regular expression, or `null`.", regex_match)
        .rules(SYNTAX)
        .examples(&[
            gives("RegexMatch('order 42 of 77', '\\d+')", "'42'"),
            gives("RegexMatch('none', '\\d+')", "null"),
            gives("RegexMatch('price: 40kr', '\\d+(?=kr)')", "'40'"),
            fails("RegexMatch('x', '(')", "unclosed group"),
        ]),
    row("RegexTest(text: text, pattern: text) -> boolean", "Does a regular expression match anywhere?", regex_test)
        .rules(SYNTAX)
        .examples(&[gives("RegexTest('order 0', '\\d')", "true"), gives("RegexTest('none', '\\d')", "false")]),
    row("RegexMatches(text: text, pattern: text) -> table", "All matches of a regular expression, a row each.", regex_matches)
        .rules(
            "The columns are `value`, `index` and `length` in characters, `groups` (a list: the whole match first; a group that took no \
             part is `null`), and one for each named group, which must not have the name of another column.",
        )
        .examples(&[gives(
            "RegexMatches('a1b22', '(?<l>[a-z])(\\d+)')",
            "[{value: 'a1', index: 0, length: 2, groups: ['a1', 'a', '1'], l: 'a'}, \
             {value: 'b22', index: 2, length: 3, groups: ['b22', 'b', '22'], l: 'b'}]",
        )]),
    row("RegexReplace(text: text, pattern: text, replacement: text) -> text", "All matches of a regular expression replaced.", regex_replace)
        .rules(
            "In the replacement, `$1` and `${1}` stand for a group, `${name}` for a named one, `$0` for the match and `$$` for a dollar; \
             `$1a` is group 1 and an `a`. What names no group stays as it is.",
        )
        .examples(&[
            gives("RegexReplace('2024-03-05', '(\\d+)-(\\d+)-(\\d+)', '$3/$2/$1')", "'05/03/2024'"),
            gives("RegexReplace('ab', '(a)', '$1a')", "'aab'"),
            gives("RegexReplace('x', 'x', '$$')", "'$'"),
        ]),
];

fn regex_match(call: &mut Call<'_>) -> NativeResult {
    let pattern = pattern(call)?;
    let text = call.text(0);
    let found = pattern.first(text).map_err(|error| failed(call, &error))?;
    Ok(found.map_or(Value::Null, |(start, end)| text[start..end].into()))
}

fn regex_test(call: &mut Call<'_>) -> NativeResult {
    let pattern = pattern(call)?;
    let found = pattern.first(call.text(0)).map_err(|error| failed(call, &error))?;
    Ok(found.is_some().into())
}

fn regex_matches(call: &mut Call<'_>) -> NativeResult {
    let pattern = pattern(call)?;
    let text = call.text(0);
    let named: Vec<(usize, &str)> = pattern.named_groups().collect();
    let names: Vec<EcoString> = ["value", "index", "length", "groups"]
        .into_iter()
        .chain(named.iter().map(|(_, name)| *name))
        .map(Into::into)
        .collect();
    let shape = Shape::new(names.iter().cloned());
    if shape.len() < names.len() {
        let message = "a group has the name of another column: value, index, length, groups or that of another group.";
        return Err(call.value_error(message));
    }
    let mut columns = vec![Column::default(); names.len()];
    let (mut rows, mut bytes, mut chars) = (0, 0, 0);
    pattern
        .each(text, |groups| {
            let Some((start, end)) = groups.first().copied().flatten() else { return Ok(()) };
            rows += 1;
            cells_fit(call, rows * (names.len() + groups.len()))?;
            chars += text[bytes..start].chars().count();
            let length = text[start..end].chars().count();
            let value = |group: Option<Span>| group.map_or(Value::Null, |(start, end)| text[start..end].into());
            let own = [
                value(Some((start, end))),
                chars.into(),
                length.into(),
                Value::list(groups.iter().copied().map(value).collect()),
            ];
            let of_names = named.iter().map(|(group, _)| value(groups.get(*group).copied().flatten()));
            for (column, cell) in columns.iter_mut().zip(own.into_iter().chain(of_names)) {
                column.push(cell);
            }
            bytes = start;
            Ok(())
        })
        .map_err(|error| failed(call, &error))?;
    Ok(Value::table(Table::from_columns(shape, columns.into_iter().map(Arc::new).collect(), rows)))
}

fn regex_replace(call: &mut Call<'_>) -> NativeResult {
    let pattern = pattern(call)?;
    let parts = replacement::parse(call.text(2), &pattern);
    let text = call.text(0);
    let mut out = String::new();
    let mut copied = 0;
    pattern
        .each(text, |groups| {
            let Some((start, end)) = groups.first().copied().flatten() else { return Ok(()) };
            out.push_str(&text[copied..start]);
            for part in &parts {
                out.push_str(part.text(text, groups));
                text_fits(call, out.len())?;
            }
            copied = end;
            Ok(())
        })
        .map_err(|error| failed(call, &error))?;
    out.push_str(&text[copied..]);
    text_fits(call, out.len())?;
    Ok(out.into())
}

/// Bytes of pattern times bytes of text that count as a step.
const WORK_A_STEP: usize = 1_000;

/// The compiled pattern of the second argument, from the program's cache where it has been used before.
fn pattern(call: &mut Call<'_>) -> Result<Arc<Pattern>, Box<RunError>> {
    // A match cannot be interrupted, so what it may take is counted before.
    let work = call.text(1).len().saturating_mul(call.text(0).len());
    call.context.charge((work / WORK_A_STEP) as u64)?;
    let source = call.text(1);
    let key = format!("regex {source}");
    let cache = call.context.cache();
    if let Some(known) = cache.get(&key).and_then(|known| known.downcast::<Pattern>().ok()) {
        return Ok(known);
    }
    let pattern = Pattern::new(source)
        .map_err(|problem| call.value_error(format_args!("{} is no regular expression: {problem}.", quoted(source))))?;
    let pattern = Arc::new(pattern);
    cache.put(&key, pattern.clone());
    Ok(pattern)
}

fn failed(call: &Call<'_>, error: &MatchError) -> Box<RunError> {
    match error {
        MatchError::Steps => {
            let message = "the pattern took too many steps on this text. Patterns without look-around and back-references never do.";
            call.error(ErrorKind::Limit, message)
        }
        MatchError::Run(error) => error.clone(),
    }
}
