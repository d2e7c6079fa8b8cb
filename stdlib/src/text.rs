//! Text: characters, parts, case, searching, padding. Lengths and positions count characters.

use crate::arguments::{Out, chosen, clamped, count, looked, part, too_long, too_many};
use crate::letters;
use crate::pages::copied;
use crate::row::{Row, fails, gives, row};
use crate::search::Needle;
use crate::trim::{trim, trim_end, trim_start};
use ecow::EcoString;
use flowscript_lang::budget::{Budget, Toll};
use flowscript_lang::error::RunError;
use flowscript_lang::function::{Call, NativeResult, Role};
use flowscript_lang::value::{Rows, Value, is_in, to_text};

pub(crate) const ROWS: &[Row] = &[
    row("Chr(code: number) -> text", "The character of a Unicode code point.", chr).fixed_cost()
        .rules("An error outside the scalar values: negative, above 1114111, or a surrogate (55296 to 57343).")
        .examples(&[gives("Chr(65)", "'A'"), gives("Chr(128512)", "'😀'"), fails("Chr(55296)", "code point")]),
    row("Asc(text: text) -> number?", "The code point of the first character.", asc).fixed_cost()
        .rules("`null` for the empty text.")
        .examples(&[gives("Asc('é')", "233"), gives("Asc('')", "null")]),
    row(
        "InStr(text: text, search: text, start: number = 0) -> number",
        "The position of the first match at or after `start`.",
        in_str,
    )
    .pays_itself()
    .rules("-1 if there is none. Upper and lower case differ. An empty `search` is found at `start`. A negative `start` is 0.")
    .examples(&[gives("InStr('banana', 'an')", "1"), gives("InStr('banana', 'an', 2)", "3"), gives("InStr('banana', 'x')", "-1")]),
    row("LastInStr(text: text, search: text) -> number", "The position of the last match.", last_in_str)
        .pays_itself()
        .rules("-1 if there is none. Upper and lower case differ. An empty `search` is found at the end.")
        .examples(&[gives("LastInStr('banana', 'an')", "3"), gives("LastInStr('banana', 'x')", "-1")]),
    row("Left(text: text, length: number) -> text", "The first characters.", left)
        .pays_itself()
        .rules("All of them if the text is shorter; `''` if `length` is 0 or less.")
        .examples(&[gives("Left('Richard', 1)", "'R'"), gives("Left('ab', 9)", "'ab'"), fails("Left('abc', 'x')", "length")]),
    row("Right(text: text, length: number) -> text", "The last characters.", right)
        .pays_itself()
        .rules("All of them if the text is shorter; `''` if `length` is 0 or less.")
        .examples(&[gives("Right('Richard', 3)", "'ard'"), gives("Right('ab', 0)", "''")]),
    row("Mid(text: text, start: number, length?: number) -> text", "The characters from a position on.", mid)
        .pays_itself()
        .rules("Without `length` all of them. Past the end the result is empty; a negative `start` is an error; `''` if `length` is 0 or less.")
        .examples(&[gives("Mid('abcdef', 1, 2)", "'bc'"), gives("Mid('abcdef', 3)", "'def'"), gives("Mid('abc', 9)", "''"), fails("Mid('abc', -1)", "start")]),
    row("Len(value: any) -> number", "How long a value is.", len)
        .pays_itself()
        .rules("The characters of a text, the elements of a list, the rows of a table, the bytes of binary; of a number, boolean or datetime those of its text form; 0 for `null`.")
        .examples(&[gives("Len('é😀x')", "3"), gives("Len([1, 2])", "2"), gives("Len(12345)", "5"), gives("Len(null)", "0")]),
    row("Lower(text: text) -> text", "In lower case.", lower)
        .pays_itself()
        .examples(&[gives("Lower('ÅÄÖ')", "'åäö'")]),
    row("Upper(text: text) -> text", "In upper case.", upper)
        .pays_itself()
        .examples(&[gives("Upper('straße')", "'STRASSE'"), gives("Upper(null)", "''")]),
    row("Capitalize(text: text) -> text", "The first letter in upper case, the rest in lower case.", capitalize)
        .pays_itself()
        .examples(&[gives("Capitalize('hELLO')", "'Hello'")]),
    row("Split(text: text, separator: text) -> text*", "The parts between separators.", split)
        .pays_itself()
        .rules("The separator is taken as it is; empty parts are kept. With the empty separator: the characters.")
        .examples(&[gives("Split('a,b,,c', ',')", "['a', 'b', '', 'c']"), gives("Split('abc', '')", "['a', 'b', 'c']"), gives("Split('', ',')", "['']")]),
    row("Join(rows: rows, separator: text = ', ') -> text", "The values as text, with a separator between them.", join)
        .role(Role::WritesList)
        .pays_itself()
        .rules("In a `group by`, `join(expr, separator)` joins the values of the group. `null` is `''`.")
        .examples(&[gives("Join(['x', 'y'], '')", "'xy'"), gives("Join([1, 2.50])", "'1, 2.5'"), gives("Join([])", "''")]),
    row("Replace(text: text, search: text, replacement: text) -> text", "Every match replaced.", replace)
        .pays_itself()
        .rules("Upper and lower case differ. An empty `search` changes nothing.")
        .examples(&[gives("Replace('aXbX', 'X', '--')", "'a--b--'"), gives("Replace('abc', '', 'z')", "'abc'")]),
    row("Trim(text: text, chars?: text) -> text", "Without white space at both ends.", trim)
        .pays_itself()
        .rules("With `chars`: without any of these characters.")
        .examples(&[gives("Trim('  a b\\t\\n')", "'a b'"), gives("Trim('--a-b-', '-')", "'a-b'")]),
    row("TrimStart(text: text, chars?: text) -> text", "Without white space, or any of `chars`, at the start.", trim_start)
        .pays_itself()
        .examples(&[gives("TrimStart('xxaxx', 'x')", "'axx'")]),
    row("TrimEnd(text: text, chars?: text) -> text", "Without white space, or any of `chars`, at the end.", trim_end)
        .pays_itself()
        .examples(&[gives("TrimEnd('xxaxx', 'x')", "'xxa'")]),
    row("StartsWith(text: text, part: text) -> boolean", "Does the text start with this part?", starts_with)
        .pays_itself()
        .rules("Upper and lower case differ.")
        .examples(&[gives("StartsWith('abc', 'ab')", "true")]),
    row("EndsWith(text: text, part: text) -> boolean", "Does the text end with this part?", ends_with)
        .pays_itself()
        .rules("Upper and lower case differ.")
        .examples(&[gives("EndsWith('abc', 'x')", "false")]),
    row("Contains(value: any, part: any) -> boolean", "Is the part in the text, or the element in the list?", contains)
        .pays_itself()
        .rules("Upper and lower case differ. Elements are compared by `=`; a table of one column counts as that column. \
                `null` is in no text.")
        .examples(&[gives("Contains('abc', 'b')", "true"), gives("Contains([1, 2], '2')", "true"), gives("Contains(null, 'a')", "false")]),
    row("PadLeft(text: text, width: number, fill: text = ' ') -> text", "Filled at the left up to a width.", pad_left)
        .pays_itself()
        .rules("A longer text is unchanged. Of a `fill` of several characters the pattern is cut at the width.")
        .examples(&[gives("PadLeft('7', 3, '0')", "'007'"), gives("PadLeft('abcd', 3)", "'abcd'")]),
    row("PadRight(text: text, width: number, fill: text = ' ') -> text", "Filled at the right up to a width.", pad_right)
        .pays_itself()
        .rules("A longer text is unchanged. Of a `fill` of several characters the pattern is cut at the width.")
        .examples(&[gives("PadRight('a', 3)", "'a  '")]),
    row("Repeat(text: text, times: number) -> text", "The text several times over.", repeat)
        .pays_itself()
        .rules("`''` where `times` is 0 or less. A text of more than 64 MiB is a limit error.")
        .examples(&[gives("Repeat('ab', 3)", "'ababab'"), gives("Repeat('ab', -1)", "''")]),
    row("Reverse(value: any) -> same(value)", "The characters, elements or rows from last to first.", reverse)
        .pays_itself()
        .rules("`null` is the empty text.")
        .examples(&[gives("Reverse('abc')", "'cba'"), gives("Reverse([1, 2, 3])", "[3, 2, 1]")]),
    row("IsNull(value: any) -> boolean", "Is it `null`?", is_null).fixed_cost()
        .examples(&[gives("IsNull(null)", "true"), gives("IsNull('')", "false")]),
];

fn chr(call: &mut Call<'_>) -> NativeResult {
    let c = call.integer(0).ok().and_then(|code| u32::try_from(code).ok()).and_then(char::from_u32);
    match c {
        Some(c) => Ok(Value::text(EcoString::from(c))),
        None => Err(call.refuse(0, "a Unicode code point, 0 to 1114111 without 55296 to 57343")),
    }
}

fn asc(call: &mut Call<'_>) -> NativeResult {
    Ok(call.text(0).chars().next().map_or(Value::Null, |c| Value::Number((c as u32).into())))
}

fn in_str(call: &mut Call<'_>) -> NativeResult {
    let (text, search, start) = (call.eco_text(0), call.eco_text(1), count(call, 2)?);
    if search.is_empty() {
        return Ok(start.into());
    }
    let Some((before, rest)) = split_at(&text, start) else {
        looked(call, text.len())?;
        return Ok((-1).into());
    };
    let mut toll = Toll::new(call.budget());
    toll.scan(before.len())?;
    let found = Needle::new(&search, &mut toll)?.find(rest, &mut toll)?;
    toll.settle()?;
    Ok(match found {
        Some(at) => (start + rest[..at].chars().count()).into(),
        None => (-1).into(),
    })
}

fn last_in_str(call: &mut Call<'_>) -> NativeResult {
    let (text, search) = (call.eco_text(0), call.eco_text(1));
    let mut toll = Toll::new(call.budget());
    let found = if search.is_empty() {
        Some(text.len())
    } else {
        Needle::from_end(&search, &mut toll)?.find(&text, &mut toll)?
    };
    toll.scan(found.unwrap_or(0))?;
    toll.settle()?;
    Ok(found.map_or(Value::from(-1), |at| text[..at].chars().count().into()))
}

fn left(call: &mut Call<'_>) -> NativeResult {
    let (text, length) = (call.eco_text(0), count(call, 1)?);
    looked(call, text.len().min(length.saturating_mul(4)))?;
    match split_at(&text, length) {
        Some((start, rest)) if !rest.is_empty() => part(call, start),
        _ => Ok(call.take(0)),
    }
}

fn right(call: &mut Call<'_>) -> NativeResult {
    let (text, length) = (call.eco_text(0), count(call, 1)?);
    if length == 0 {
        return Ok("".into());
    }
    if text.len() <= SHORT {
        looked(call, text.len().min(length.saturating_mul(4)) * BACKWARDS)?;
        return match text.char_indices().rev().nth(length - 1) {
            Some((at, _)) if at > 0 => part(call, &text[at..]),
            _ => Ok(call.take(0)),
        };
    }
    let mut toll = Toll::new(call.budget());
    let (mut start, mut left) = (text.len(), length);
    // From the end, piece by piece: a character begins at each byte that is not a continuation byte.
    for piece in text.as_bytes().rchunks(PIECE) {
        toll.scan(piece.len().min(left.saturating_mul(4)) * BACKWARDS)?;
        let begins = piece.iter().enumerate().rev().filter(|(_, byte)| **byte & 0xc0 != 0x80);
        let mut begins = begins.map(|(at, _)| at);
        let counted = piece.iter().filter(|byte| **byte & 0xc0 != 0x80).count();
        if counted >= left {
            start -= piece.len() - begins.nth(left - 1).unwrap_or(0);
            left = 0;
            break;
        }
        start -= piece.len();
        left -= counted;
    }
    toll.settle()?;
    if left > 0 || start == 0 { Ok(call.take(0)) } else { part(call, &text[start..]) }
}

/// Bytes that are looked at before they are paid for.
const PIECE: usize = 64 << 10;

/// Texts up to this many bytes are processed at once, with one payment.
const SHORT: usize = 1 << 10;

/// Replacements up to this many bytes keep a short text within 64 KiB.
const SHORT_PART: usize = 64;

/// The cost of going back over a byte, in bytes looked at.
const BACKWARDS: usize = 4;

fn mid(call: &mut Call<'_>) -> NativeResult {
    let start = clamped(call, 1)?;
    let length = if call.is_given(2) { count(call, 2)? } else { usize::MAX };
    let Ok(start) = usize::try_from(start) else { return Err(call.refuse(1, "a position from 0 on")) };
    let text = call.eco_text(0);
    let Some((before, rest)) = split_at(&text, start) else {
        looked(call, text.len())?;
        return Ok("".into());
    };
    looked(call, before.len().saturating_add(rest.len().min(length.saturating_mul(4))))?;
    if before.is_empty() && length >= rest.len() {
        return Ok(call.take(0));
    }
    part(call, split_at(rest, length).map_or(rest, |(part, _)| part))
}

fn len(call: &mut Call<'_>) -> NativeResult {
    Ok(match call.value(0) {
        Value::Text(text) => {
            let bytes = text.len();
            looked(call, bytes)?;
            call.text(0).chars().count().into()
        }
        Value::Binary(bytes) => bytes.len().into(),
        rows @ (Value::List(_) | Value::Table(_) | Value::Null) => Rows::of(rows).map_or(0, |rows| rows.len()).into(),
        other => match to_text(other) {
            Ok(text) => text.chars().count().into(),
            Err(_) => return Err(call.refuse(0, "a text, list, table or binary, or a value with a text form")),
        },
    })
}

fn lower(call: &mut Call<'_>) -> NativeResult {
    let text = call.eco_text(0);
    if text.len() <= SHORT {
        looked(call, text.len() * 2)?;
        return Ok(Value::Text(if text.is_ascii() {
            text.to_ascii_lowercase()
        } else {
            text.as_str().to_lowercase().into()
        }));
    }
    let mut out = Out::new(call);
    letters::lower(&text, &mut out)?;
    out.finish().map(Value::Text)
}

fn upper(call: &mut Call<'_>) -> NativeResult {
    let text = call.eco_text(0);
    if text.len() <= SHORT {
        looked(call, text.len() * 2)?;
        return Ok(Value::Text(if text.is_ascii() {
            text.to_ascii_uppercase()
        } else {
            text.as_str().to_uppercase().into()
        }));
    }
    let mut out = Out::new(call);
    letters::upper(&text, &mut out)?;
    out.finish().map(Value::Text)
}

fn capitalize(call: &mut Call<'_>) -> NativeResult {
    let text = call.eco_text(0);
    let mut chars = text.chars();
    let Some(first) = chars.next() else { return Ok("".into()) };
    if text.len() <= SHORT {
        looked(call, text.len() * 2)?;
        let mut out: EcoString = first.to_uppercase().collect();
        out.push_str(&chars.as_str().to_lowercase());
        return Ok(Value::Text(out));
    }
    let mut out = Out::new(call);
    out.push(&first.to_uppercase().to_string())?;
    letters::lower(chars.as_str(), &mut out)?;
    out.finish().map(Value::Text)
}

/// The cost of a part of a text in addition to its bytes, counted in bytes looked at.
const PART: usize = 32;

/// Parts that are joined before they are paid for.
const PARTS: usize = 16;

/// The memory of a text in addition to its bytes, if it is too long to be inline.
const TEXT: usize = 32;

fn split(call: &mut Call<'_>) -> NativeResult {
    let (text, separator) = (call.eco_text(0), call.eco_text(1));
    let most = call.budget().most_cells();
    let mut toll = Toll::new(call.budget());
    let mut parts = Vec::new();
    let mut push = |part: &str, toll: &mut Toll<'_>| -> Result<bool, Box<RunError>> {
        if parts.len() >= most {
            return Ok(false);
        }
        let beside = if part.len() > EcoString::INLINE_LIMIT { TEXT + part.len() } else { 0 };
        toll.take(2 * size_of::<Value>() + beside)?;
        toll.scan(PART + part.len())?;
        parts.push(Value::Text(copied(part, toll)?));
        Ok(true)
    };
    let mut fits = true;
    if separator.is_empty() {
        for c in text.chars() {
            fits = fits && push(c.encode_utf8(&mut [0; 4]), &mut toll)?;
            if !fits {
                break;
            }
        }
    } else {
        let mut needle = Needle::new(&separator, &mut toll)?;
        let mut rest = text.as_str();
        while let Some(at) = needle.find(rest, &mut toll)? {
            fits = push(&rest[..at], &mut toll)?;
            if !fits {
                break;
            }
            rest = &rest[at + separator.len()..];
        }
        fits = fits && push(rest, &mut toll)?;
    }
    toll.settle()?;
    if fits { Ok(Value::list(parts)) } else { Err(too_many(call, most)) }
}

fn join(call: &mut Call<'_>) -> NativeResult {
    let (rows, separator) = (call.rows(0), call.eco_text(1));
    let mut out = Out::new(call);
    for (position, value) in rows.iter().enumerate() {
        if position % PARTS == PARTS - 1 {
            out.look(PARTS * PART)?;
        }
        let Ok(part) = to_text(&value) else {
            let shown = value.to_literal(60);
            return Err(call.value_error(format_args!(
                "element {position} is {shown} of type {}, which has no text form. Join a column: t.name.",
                value.type_name()
            )));
        };
        if position > 0 {
            out.push(&separator)?;
        }
        out.push(&part)?;
    }
    out.finish().map(Value::Text)
}

fn replace(call: &mut Call<'_>) -> NativeResult {
    let (text, search, replacement) = (call.eco_text(0), call.eco_text(1), call.eco_text(2));
    if search.is_empty() {
        return Ok(call.take(0));
    }
    if text.len() <= SHORT && replacement.len() <= SHORT_PART {
        if search.len() > text.len() {
            return Ok(call.take(0));
        }
        let replaced = text.as_str().replace(search.as_str(), &replacement);
        looked(call, text.len() + 2 * replaced.len())?;
        return Ok(replaced.into());
    }
    let mut out = Out::about(call, text.len());
    let mut needle = Needle::new(&search, out.toll())?;
    let mut rest = text.as_str();
    while let Some(at) = needle.find(rest, out.toll())? {
        out.push(&rest[..at])?;
        out.push(&replacement)?;
        rest = &rest[at + search.len()..];
    }
    out.push(rest)?;
    out.finish().map(Value::Text)
}

fn starts_with(call: &mut Call<'_>) -> NativeResult {
    let part = call.text(1);
    let (found, bytes) = (call.text(0).starts_with(part), part.len());
    looked(call, bytes.min(call.text(0).len()))?;
    Ok(found.into())
}

fn ends_with(call: &mut Call<'_>) -> NativeResult {
    let part = call.text(1);
    let (found, bytes) = (call.text(0).ends_with(part), part.len());
    looked(call, bytes.min(call.text(0).len()))?;
    Ok(found.into())
}

fn contains(call: &mut Call<'_>) -> NativeResult {
    let (value, part) = (&call.take(0), &call.take(1));
    if matches!(value, Value::List(_) | Value::Table(_)) {
        let zone = call.context.zone();
        return is_in(part, value, zone, call.budget()).map(Into::into);
    }
    let text = to_text(value).map_err(|_| call.refuse(0, "a text, list or table"))?;
    if part.is_null() {
        return Ok(false.into());
    }
    let part = to_text(part).map_err(|_| call.refuse(1, "text"))?;
    let mut toll = Toll::new(call.budget());
    let found = part.is_empty() || Needle::new(&part, &mut toll)?.find(&text, &mut toll)?.is_some();
    toll.settle()?;
    Ok(found.into())
}

fn pad_left(call: &mut Call<'_>) -> NativeResult {
    padded(call, true)
}

fn pad_right(call: &mut Call<'_>) -> NativeResult {
    padded(call, false)
}

fn padded(call: &mut Call<'_>, left: bool) -> NativeResult {
    let (text, width, fill) = (call.eco_text(0), count(call, 1)?, call.eco_text(2));
    looked(call, text.len())?;
    let missing = width.saturating_sub(text.chars().count());
    if missing == 0 {
        return Ok(call.take(0));
    }
    if fill.is_empty() {
        return Err(call.refuse(2, "at least one character"));
    }
    looked(call, fill.len())?;
    let cycle = fill.chars().count();
    let (whole, rest) = (missing / cycle, missing % cycle);
    let rest = split_at(&fill, rest).map_or("", |(start, _)| start);
    let most = call.budget().most_text();
    if whole.saturating_mul(fill.len()).saturating_add(rest.len()).saturating_add(text.len()) > most {
        return Err(too_long(call, most));
    }
    let mut out = Out::new(call);
    if !left {
        out.push(&text)?;
    }
    letters::again_and_again(&fill, whole, &mut out)?;
    out.push(rest)?;
    if left {
        out.push(&text)?;
    }
    out.finish().map(Value::Text)
}

fn repeat(call: &mut Call<'_>) -> NativeResult {
    let (text, times) = (call.eco_text(0), count(call, 1)?);
    if text.is_empty() || times == 0 {
        return Ok("".into());
    }
    let most = call.budget().most_text();
    if text.len().saturating_mul(times) > most {
        return Err(too_long(call, most));
    }
    let mut out = Out::new(call);
    letters::again_and_again(&text, times, &mut out)?;
    out.finish().map(Value::Text)
}

fn reverse(call: &mut Call<'_>) -> NativeResult {
    let value = call.value(0);
    if let (false, Some(rows)) = (value.is_null(), Rows::of(value)) {
        let last = (rows.len() as u32).checked_sub(1);
        return chosen(call, &rows, rows.len(), |at| last.unwrap_or(0) - at as u32);
    }
    let text = to_text(value).map_err(|_| call.refuse(0, "a text, list or table"))?;
    let mut out = Out::new(call);
    let (mut rest, mut piece) = (text.as_str(), String::new());
    while !rest.is_empty() {
        let mut start = rest.len().saturating_sub(PIECE);
        while !rest.is_char_boundary(start) {
            start -= 1;
        }
        piece.clear();
        piece.extend(rest[start..].chars().rev());
        out.look(piece.len() * BACKWARDS)?;
        out.push(&piece)?;
        rest = &rest[..start];
    }
    out.finish().map(Value::Text)
}

fn is_null(call: &mut Call<'_>) -> NativeResult {
    Ok(call.value(0).is_null().into())
}

/// The first `count` characters and the rest; `None` if there are fewer.
fn split_at(text: &str, count: usize) -> Option<(&str, &str)> {
    if count > text.len() {
        return None;
    }
    let mut chars = text.chars();
    if count > 0 {
        chars.nth(count - 1)?;
    }
    let rest = chars.as_str();
    Some((&text[..text.len() - rest.len()], rest))
}

#[cfg(test)]
mod tests {
    use crate::testing::{call, shown};
    use flowscript_lang::value::Value;

    #[test]
    fn positions_count_characters() {
        assert_eq!(shown("InStr", vec!["é😀é".into(), "é".into(), 1.into()]), "2");
        assert_eq!(shown("InStr", vec!["banana".into(), "".into(), 4.into()]), "4");
        assert_eq!(shown("InStr", vec!["ab".into(), "a".into(), 9.into()]), "-1");
        assert_eq!(shown("LastInStr", vec!["é😀é".into(), "é".into()]), "2");
        assert_eq!(shown("Mid", vec!["a😀b".into(), 1.into(), 1.into()]), "'😀'");
        assert_eq!(shown("Right", vec!["a😀b".into(), 2.into()]), "'😀b'");
        assert_eq!(shown("PadLeft", vec!["é".into(), 4.into(), "12".into()]), "'121é'");
    }

    #[test]
    fn wide_counts_clamp() {
        let huge = || Value::Number(flowscript_lang::value::Number::parse("1e20").expect("number"));
        assert_eq!(shown("Left", vec!["ab".into(), huge()]), "'ab'");
        assert_eq!(shown("Mid", vec!["ab".into(), huge()]), "''");
        assert!(
            shown("Left", vec!["ab".into(), Value::from("0.5")])
                .contains("length takes a whole number, not the value 0.5")
        );
    }

    #[test]
    fn texts_that_would_be_too_long_are_refused_at_once() {
        let long = || Value::from("x".repeat(1 << 20));
        for (name, arguments) in [
            ("Repeat", vec![long(), 65.into()]),
            ("PadLeft", vec!["".into(), i64::MAX.into()]),
            ("PadRight", vec!["".into(), 70_000_000.into(), "é".into()]),
            ("Replace", vec![long(), "x".into(), "y".repeat(100).into()]),
            ("Join", vec![Value::list(vec![long(); 65])]),
        ] {
            assert_eq!(shown(name, arguments), format!("{name}: the text would be longer than 64 MiB, the limit."));
        }
        assert!(
            call("Split", vec!["x".repeat(10_000_001).into(), "".into()])
                .expect_err("limit")
                .contains("10000000 cells")
        );
    }
}
