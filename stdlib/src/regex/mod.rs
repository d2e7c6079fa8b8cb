//! Regular expressions.
//!
//! Patterns are those of .NET (`parse/`, `tree.rs`). They run in linear time (`linear.rs`); only look-around,
//! back-references and the like go to an engine that tries one branch after the other, under a step limit
//! (`backtrack/`).

mod backtrack;
mod blocks;
mod linear;
mod long;
mod parse;
mod pattern;
mod replacement;
mod sets;
mod span;
#[cfg(test)]
mod tests;
mod tree;

use crate::arguments::{Out, looked, too_many};
use crate::row::{Row, fails, gives, row};
use crate::show::quoted;
use backtrack::Stop;
use ecow::EcoString;
use flowscript_lang::budget::{Budget, Toll};
use flowscript_lang::error::{ErrorKind, RunError};
use flowscript_lang::function::{Call, NativeResult};
use flowscript_lang::value::{Column, Shape, Table, Value};
use pattern::{NoPattern, Pattern};
use span::Span;
use std::sync::Arc;

const SYNTAX: &str = "Patterns are those of .NET, with its inline options (`(?i)`, `(?m)`, `(?s)`, `(?n)`, `(?x)`), categories and blocks \
                      (`\\p{Lu}`, `\\p{IsGreek}`), class subtraction (`[a-z-[aeiou]]`), octal codes, look-around, back-references, \
                      conditions and atomic and balancing groups. `$` is the end of the text, or before a line feed that ends it; `\\z` is \
                      the end only. Two things differ: a text is a sequence of characters, so that `.` takes an emoji as one and halves of \
                      characters (`\\uD83D`, `\\p{Cs}`) are refused; and `(?i)` compares by simple case folding in every culture. Classes such \
                      as `[:alpha:]` are refused. Patterns run in linear time, except those with look-around, back-references, conditions, \
                      `\\G`, atomic or balancing groups, several groups of one name, a `$` that something follows, or so many large classes as \
                      `\\w{200}`: these run under a step limit. A pattern has 10,000 bytes at most.";

pub(crate) const ROWS: &[Row] = &[
    row("RegexMatch(text: text, pattern: text) -> text?", "The first match of a regular expression, or `null`.", regex_match)
        .pays_itself()
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
        .pays_itself()
        .on_text(1, look)
        .rules(SYNTAX)
        .examples(&[gives("RegexTest('order 0', '\\d')", "true"), gives("RegexTest('none', '\\d')", "false")]),
    row("RegexMatches(text: text, pattern: text) -> table", "All matches of a regular expression, a row each.", regex_matches)
        .pays_itself()
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
        .pays_itself()
        .on_text(1, look)
        .rules(
            "In the replacement, `$1` and `${1}` insert a group, `${name}` for a named one, `$0` or `$&` for the match, `$+` for the \
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
    let mut toll = Toll::new(call.budget());
    let found = pattern.search(&text, &mut toll).and_then(|mut search| search.next_span(&mut toll));
    toll.settle()?;
    found.map_err(|stop| stopped(call, stop))
}

/// The cost of a group of a match in addition to its text, in bytes read.
const GROUP: usize = 32;

/// The memory of a list of groups besides its values.
const GROUPS: usize = 64;

/// The memory of a text that is too long to be in the value, besides its bytes.
const TEXT: usize = 32;

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
    let found = all_matches(call, &pattern, &text, &named, names.len())?;
    let Some((columns, rows)) = found else {
        let most = call.budget().most_cells();
        return Err(too_many(call, most));
    };
    Ok(Value::table(Table::from_columns(shape, columns.into_iter().map(Arc::new).collect(), rows)))
}

/// The columns of all matches and the number of rows; `None` if they would have too many cells.
fn all_matches(
    call: &mut Call<'_>,
    pattern: &Pattern,
    text: &str,
    named: &[(usize, &str)],
    width: usize,
) -> Result<Option<(Vec<Column>, usize)>, Box<RunError>> {
    let most = call.budget().most_cells();
    let mut toll = Toll::new(call.budget());
    let mut columns = vec![Column::default(); width];
    let (mut rows, mut bytes, mut chars) = (0usize, 0, 0);
    let mut search = match pattern.search(text, &mut toll) {
        Ok(search) => search,
        Err(stop) => return Err(stopped(call, stop)),
    };
    loop {
        let found = match search.next_groups(&mut toll) {
            Ok(found) => found,
            Err(stop) => return Err(stopped(call, stop)),
        };
        let Some((Some((start, end)), groups)) = found.and_then(|groups| Some((*groups.first()?, groups))) else {
            break;
        };
        rows += 1;
        let cells = width + groups.len();
        if rows.saturating_mul(cells) > most {
            return Ok(None);
        }
        let length = |span: Option<Span>| span.map_or(0, |(start, end)| end - start);
        let long = |length: usize| if length > EcoString::INLINE_LIMIT { length + TEXT } else { 0 };
        let texts = groups.iter().map(|group| long(length(*group))).sum::<usize>();
        let texts =
            texts + named.iter().map(|(slot, _)| long(length(groups.get(*slot).copied().flatten()))).sum::<usize>();
        toll.take(GROUPS + cells * size_of::<Value>() + texts + long(end - start))?;
        toll.scan(cells * GROUP + texts + (start - bytes) + 2 * (end - start))?;
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
    toll.settle()?;
    Ok(Some((columns, rows)))
}

fn regex_replace(call: &mut Call<'_>) -> NativeResult {
    let pattern = pattern(call)?;
    let (text, replacement) = (call.eco_text(0), call.eco_text(2));
    let mut out = Out::about(call, text.len());
    let parts = replacement::parse(&replacement, pattern.groups(), out.toll())?;
    let mut copied = 0;
    let mut search = match pattern.search(&text, out.toll()) {
        Ok(search) => search,
        Err(stop) => return Err(stopped(call, stop)),
    };
    loop {
        let found = match search.next_groups(out.toll()) {
            Ok(found) => found,
            Err(stop) => return Err(stopped(call, stop)),
        };
        let Some((Some((start, end)), groups)) = found.and_then(|groups| Some((*groups.first()?, groups))) else {
            break;
        };
        out.push(&text[copied..start])?;
        for part in &parts {
            out.look(GROUP)?;
            out.push(part.text(&text, groups))?;
        }
        copied = end;
    }
    out.push(&text[copied..])?;
    out.finish().map(Value::Text)
}

/// The cost of compiling a byte of a pattern, in bytes looked at.
const COMPILING: usize = 1_024;

/// Patterns of less memory are used without paying for it each time.
const LITTLE: usize = 256 << 10;

/// The compiled pattern of the second argument, from the program's cache if it was used before.
fn pattern(call: &mut Call<'_>) -> Result<Arc<Pattern>, Box<RunError>> {
    let source = call.eco_text(1);
    if source.len() > parse::MAX_LENGTH {
        return Err(call.value_error(refused(&source, &parse::too_long())));
    }
    let key = ["regex ", &source].concat();
    looked(call, key.len())?;
    let cache = call.context.cache();
    let known = cache.get(&key).and_then(|known| known.downcast::<Pattern>().ok());
    let pattern = match known {
        Some(known) => known,
        None => {
            call.budget().scan(source.len().saturating_mul(COMPILING))?;
            let pattern = Pattern::new(&source, call.budget()).map_err(|no| match no {
                NoPattern::Refused(problem) => call.value_error(refused(&source, &problem)),
                NoPattern::Stopped(stopped) => stopped,
            })?;
            let pattern = Arc::new(pattern);
            call.context.cache().put(&key, pattern.clone(), pattern.memory() + key.len());
            pattern
        }
    };
    let memory = pattern.memory();
    if memory > LITTLE {
        call.budget().take(memory)?;
    }
    Ok(pattern)
}

/// The problem of a pattern, as far as its text shows it.
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
