//! Texts: what their escapes mean (lang/README.md, Words).

use crate::span::Span;
use ecow::EcoString;

/// The value of a text literal, quotes and all: `'…'`, `"…"`, `@'…'`, `@"…"`.
pub(crate) fn text_value(literal: &str) -> EcoString {
    if let Some(verbatim) = literal.strip_prefix('@') {
        let quote = &verbatim[..1];
        return inside(verbatim).replace(&quote.repeat(2), quote).into();
    }
    resolve(inside(literal), "")
}

/// The value of a piece of a template literal.
pub(super) fn template_value(piece: &str) -> EcoString {
    resolve(piece, "{}`")
}

/// The value of a piece of a workflow's template, where only `\{` is an escape.
pub(super) fn plain_value(piece: &str) -> EcoString {
    if piece.contains("\\{") { piece.replace("\\{", "{").into() } else { piece.into() }
}

/// The escapes of a text or template literal that have no meaning and stay as they are, as places in `literal` (its
/// source with the quotes). The expressions in a template are passed over.
pub(crate) fn unknown_escapes(literal: &str) -> Vec<Span> {
    let mut found = Vec::new();
    if literal.starts_with('@') {
        return found;
    }
    let template = literal.starts_with('`');
    let extra = if template { "{}`" } else { "" };
    let mut at = 0;
    while let Some(next) = literal[at..].find(['\\', '{']) {
        at += next;
        if literal[at..].starts_with('{') {
            at = if template { super::super::token::end_of_template_part(literal, at) } else { at + 1 };
            continue;
        }
        let (_, length) = escape(&literal[at..], extra).unwrap_or_else(|| {
            let length = 1 + literal[at + 1..].chars().next().map_or(0, char::len_utf8);
            found.push(Span::new(at, at + length));
            ('\\', length)
        });
        at += length;
    }
    found
}

/// A literal without its quotes.
fn inside(literal: &str) -> &str {
    literal.get(1..literal.len().saturating_sub(1)).unwrap_or("")
}

/// Replaces the escapes; `extra` are characters that may be escaped in addition to the usual ones.
fn resolve(text: &str, extra: &str) -> EcoString {
    let mut out = EcoString::with_capacity(if text.contains('\\') { text.len() } else { 0 });
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        if let Some((character, length)) = escape(rest, extra) {
            out.push(character);
            rest = &rest[length..];
        } else {
            // The backslash stays, and so does what follows it, since this is not an escape.
            let length = 1 + rest[1..].chars().next().map_or(0, char::len_utf8);
            out.push_str(&rest[..length]);
            rest = &rest[length..];
        }
    }
    if out.is_empty() {
        return rest.into();
    }
    out.push_str(rest);
    out
}

/// The character that the escape at the start of `text` denotes, and its length in bytes.
fn escape(text: &str, extra: &str) -> Option<(char, usize)> {
    let next = text[1..].chars().next()?;
    let character = match next {
        'n' => '\n',
        't' => '\t',
        'r' => '\r',
        '0' => '\0',
        '\\' | '\'' | '"' => next,
        'u' => return unicode(text),
        _ if extra.contains(next) => next,
        _ => return None,
    };
    Some((character, 1 + next.len_utf8()))
}

/// `\u00e9`, `\u{1F600}` or a surrogate pair `\ud83d\ude00`. A lone surrogate is not a character, so it is not an
/// escape.
fn unicode(text: &str) -> Option<(char, usize)> {
    if let Some(braced) = text.get(3..).filter(|_| text[2..].starts_with('{')) {
        let length = braced.find('}').filter(|length| (1..=6).contains(length))?;
        let code = hexadecimal(&braced[..length])?;
        return Some((char::from_u32(code)?, 3 + length + 1));
    }
    let first = hexadecimal(text.get(2..6)?)?;
    if let Some(character) = char::from_u32(first) {
        return Some((character, 6));
    }
    let second = text.get(6..12).and_then(|tail| tail.strip_prefix("\\u")).and_then(hexadecimal)?;
    let pair = [u16::try_from(first).ok()?, u16::try_from(second).ok()?];
    let character = char::decode_utf16(pair).next()?.ok()?;
    Some((character, 12))
}

fn hexadecimal(digits: &str) -> Option<u32> {
    digits.bytes().all(|digit| digit.is_ascii_hexdigit()).then(|| u32::from_str_radix(digits, 16).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes() {
        for (literal, value) in [
            (r"'a\tb\n\r\0'", "a\tb\n\r\0"),
            (r"'\\ \' \x'", r"\ ' \x"),
            (r#""\"'""#, "\"'"),
            (r"'\u00e9\u{1F600}\u{e9}'", "é😀é"),
            (r"'\ud83d\ude00!'", "😀!"),
            (r"'\ud83d'", r"\ud83d"),
            (r"'\ud83d\n'", "\\ud83d\n"),
            (r"'\ude00\ud83d'", r"\ude00\ud83d"),
            (
                r"'\u12 \u{} \u{1234567} \u{d800} \u{110000} \u{+1} \u+123'",
                r"\u12 \u{} \u{1234567} \u{d800} \u{110000} \u{+1} \u+123",
            ),
            (r"'\d+\`\{'", r"\d+\`\{"),
            (r"'\é'", r"\é"),
            (r"@'C:\temp''s'", r"C:\temp's"),
            (r#"@"a""b'""#, r#"a"b'"#),
            ("''", ""),
            ("'\\0'", "\0"),
        ] {
            assert_eq!(text_value(literal), value, "{literal}");
        }
        assert_eq!(template_value(r"a\{b\}\`\n\d"), "a{b}`\n\\d");
        assert_eq!(plain_value(r"a\{b\}\n"), r"a{b\}\n");
    }

    #[test]
    fn unknown_escapes_are_found() {
        let found = |literal| -> Vec<(u32, u32)> {
            unknown_escapes(literal).into_iter().map(|span| (span.start, span.end)).collect()
        };
        assert_eq!(found(r"'\n\d\é\u12'"), [(3, 5), (5, 8), (8, 10)]);
        assert_eq!(found(r"@'\d'"), []);
        assert_eq!(found(r"'{\d'"), [(2, 4)]);
        assert_eq!(found(r"`\{\d{ f('\w', `{1}\s`) }\}\s`"), [(3, 5), (27, 29)]);
        assert_eq!(found(r"'\'"), []);
    }
}
