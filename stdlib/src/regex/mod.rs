//! Regular expressions.
//!
//! Patterns are those of .NET (`parse/`, `tree.rs`). They run in linear time (`linear.rs`); only look-around,
//! back-references and the like go to an engine that tries one way after the other, under a step limit (`backtrack/`).

mod backtrack;
mod blocks;
mod linear;
mod parse;
mod pattern;
mod replacement;
mod sets;
#[cfg(test)]
mod tests;
mod tree;

use crate::arguments::{cells_fit, text_fits};
use crate::row::{Row, fails, gives, row};
use crate::show::quoted;
use backtrack::Stop;
use ecow::EcoString;
use flowscript_lang::error::{ErrorKind, RunError};
use flowscript_lang::function::{Call, NativeResult};
use flowscript_lang::value::{Column, Shape, Table, Value};
use pattern::{Pattern, Span};
use std::sync::Arc;

const SYNTAX: &str = "Patterns are those of .NET, with its inline options (`(?i)`, `(?m)`, `(?s)`, `(?n)`, `(?x)`), categories and blocks \
                      (`\\p{Lu}`, `\\p{IsGreek}`), class subtraction (`[a-z-[aeiou]]`), octal codes, look-around, back-references, \
                      conditions and atomic and balancing groups. `$` is the end of the text, or before a line feed that ends it; `\\z` is \
                      the end only. Two things differ: a text is a sequence of characters, so that `.` takes an emoji as one and halves of \
                      characters (`\\uD83D`, `\\p{Cs}`) are refused; and `(?i)` compares by simple case folding in every culture. Classes such \
                      as `[:alpha:]` are refused. Patterns run in linear time, except those with look-around, back-references, conditions, \
                      `\\G`, atomic or balancing groups, several groups of one name, or a `$` that something follows: these run under a step limit.";

pub(crate) const ROWS: &[Row] = &[
    row("RegexMatch(text: text, pattern: text) -> text?", "The first match of a regular expression, or `null`.", regex_match)
        .on_text(1, look)
        .rules(SYNTAX)
        .examples(&[
            gives("RegexMatch('order 42 of 77', '\\d+')", "'42'"),
            gives("RegexMatch('none', '\\d+')", "null"),
            gives("RegexMatch('price: 40kr', '\\d+(?=kr)')", "'40'"),
            gives("RegexMatch('Åsa-1', '\\p{L}+')", "'Åsa'"),
            fails("RegexMatch('x', '(')", "unclosed group"),
        ]),
    row("RegexTest(text: text, pattern: text) -> boolean", "Does a regular expression match anywhere?", regex_test)
        .on_text(1, look)
        .rules(SYNTAX)
        .examples(&[gives("RegexTest('order 0', '\\d')", "true"), gives("RegexTest('none', '\\d')", "false")]),
    row("RegexMatches(text: text, pattern: text) -> table", "All matches of a regular expression, a row each.", regex_matches)
        .on_text(1, look)
        .rules(
            "The columns are `value`, `index` and `length` in characters, `groups` (a list: the whole match first, then the groups in the \
             order in which they open; a group that took no part is `null`), and one for each named group, which must not have the name \
             of another column. Groups of one name are one group; its value is the last text that it took. An empty match may follow \
             another match at once.",
        )
        .examples(&[gives(
            "RegexMatches('a1b22', '(?<l>[a-z])(\\d+)')",
            "[{value: 'a1', index: 0, length: 2, groups: ['a1', 'a', '1'], l: 'a'}, \
             {value: 'b22', index: 2, length: 3, groups: ['b22', 'b', '22'], l: 'b'}]",
        )]),
    row("RegexReplace(text: text, pattern: text, replacement: text) -> text", "All matches of a regular expression replaced.", regex_replace)
        .on_text(1, look)
        .rules(
            "In the replacement, `$1` and `${1}` stand for a group, `${name}` for a named one, `$0` or `$&` for the match, `$+` for the \
             last group, `` $` `` and `$'` for the text before and after the match, `$_` for the whole text and `$$` for a dollar; `$1a` is \
             group 1 and an `a`. As in .NET, numbers count the groups without a name first, then the named ones. What names no group \
             stays as it is.",
        )
        .examples(&[
            gives("RegexReplace('2024-03-05', '(\\d+)-(\\d+)-(\\d+)', '$3/$2/$1')", "'05/03/2024'"),
            gives("RegexReplace('ab', '(a)', '$1a')", "'aab'"),
            gives("RegexReplace('x', 'x', '$$')", "'$'"),
        ]),
];

fn regex_match(call: &mut Call<'_>) -> NativeResult {
    let found = first(call)?;
    let text = call.text(0);
    Ok(found.map_or(Value::Null, |(start, end)| text[start..end].into()))
}

fn regex_test(call: &mut Call<'_>) -> NativeResult {
    Ok(first(call)?.is_some().into())
}

/// The first match.
fn first(call: &mut Call<'_>) -> Result<Option<Span>, Box<RunError>> {
    let pattern = pattern(call)?;
    let text = call.eco_text(0);
    let found = pattern.search(&text).next_span(&mut |steps| call.budget().spend(steps));
    found.map_err(|stop| stopped(call, stop))
}

fn regex_matches(call: &mut Call<'_>) -> NativeResult {
    let pattern = pattern(call)?;
    let text = call.eco_text(0);
    let named: Vec<(usize, &str)> = pattern.groups().named().collect();
    let names: Vec<EcoString> = ["value", "index", "length", "groups"]
        .into_iter()
        .chain(named.iter().map(|(_, name)| *name))
        .map(Into::into)
        .collect();
    let shape = Shape::new(names.iter().cloned());
    if shape.len() < names.len() {
        let message = "a group has the name of another column: value, index, length or groups.";
        return Err(call.value_error(message));
    }
    let mut columns = vec![Column::default(); names.len()];
    let (mut rows, mut bytes, mut chars) = (0, 0, 0);
    let mut search = pattern.search(&text);
    loop {
        let found = search.next_groups(&mut |steps| call.budget().spend(steps)).map_err(|stop| stopped(call, stop))?;
        let Some((Some((start, end)), groups)) = found.and_then(|groups| Some((*groups.first()?, groups))) else {
            break;
        };
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
        let of_names = named.iter().map(|(slot, _)| value(groups.get(*slot).copied().flatten()));
        for (column, cell) in columns.iter_mut().zip(own.into_iter().chain(of_names)) {
            column.push(cell);
        }
        bytes = start;
    }
    Ok(Value::table(Table::from_columns(shape, columns.into_iter().map(Arc::new).collect(), rows)))
}

fn regex_replace(call: &mut Call<'_>) -> NativeResult {
    let pattern = pattern(call)?;
    let (text, replacement) = (call.eco_text(0), call.eco_text(2));
    let parts = replacement::parse(&replacement, pattern.groups());
    let mut out = String::new();
    let mut copied = 0;
    let mut search = pattern.search(&text);
    loop {
        let found = search.next_groups(&mut |steps| call.budget().spend(steps)).map_err(|stop| stopped(call, stop))?;
        let Some((Some((start, end)), groups)) = found.and_then(|groups| Some((*groups.first()?, groups))) else {
            break;
        };
        out.push_str(&text[copied..start]);
        for part in &parts {
            out.push_str(part.text(&text, groups));
            text_fits(call, out.len())?;
        }
        copied = end;
    }
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
    call.budget().spend((work / WORK_A_STEP) as u64)?;
    let source = call.text(1);
    let key = format!("regex {source}");
    let cache = call.context.cache();
    if let Some(known) = cache.get(&key).and_then(|known| known.downcast::<Pattern>().ok()) {
        return Ok(known);
    }
    let pattern = Pattern::new(source).map_err(|problem| call.value_error(refused(source, &problem)))?;
    let pattern = Arc::new(pattern);
    cache.put(&key, pattern.clone());
    Ok(pattern)
}

/// What is wrong with a pattern, as far as its text shows.
fn look(source: &str) -> Result<(), String> {
    parse::parse(source).map(drop).map_err(|problem| refused(source, &problem))
}

fn refused(source: &str, problem: &str) -> String {
    format!("{} is not a regular expression: {problem}.", quoted(source))
}

fn stopped(call: &Call<'_>, stop: Stop) -> Box<RunError> {
    match stop {
        Stop::Steps => {
            let message = "the pattern took too many steps on this text. Patterns without look-around, back-references and the like \
                           never do.";
            call.error(ErrorKind::Limit, message)
        }
        Stop::Run(error) => error,
    }
}
