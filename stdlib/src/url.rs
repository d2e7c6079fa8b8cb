//! Texts in URLs, in the encoding of forms.

use crate::arguments::Out;
use crate::letters::pieces;
use crate::row::{Row, gives, row};
use flowscript_lang::budget::Budget;
use flowscript_lang::function::{Call, NativeResult};
use flowscript_lang::value::Value;

pub(crate) const ROWS: &[Row] = &[
    row("URLEncode(text: text) -> text", "A text for use in a URL.", url_encode)
        .pays_itself()
        .rules("Blanks become `+`; `A-Z a-z 0-9 - _ . ! * ( )` stay; everything else is written as UTF-8 in `%` and lower-case hexadecimal digits.")
        .examples(&[gives("URLEncode('https://x.se/å b~(1)')", "'https%3a%2f%2fx.se%2f%c3%a5+b%7e(1)'")]),
    row("URLDecode(text: text) -> text", "A text from a URL.", url_decode)
        .pays_itself()
        .rules("`+` is a blank; a malformed escape stays as it is; bytes that are not UTF-8 become U+FFFD.")
        .examples(&[gives("URLDecode('a+b%2fc%zz')", "'a b/c%zz'")]),
];

fn url_encode(call: &mut Call<'_>) -> NativeResult {
    let text = call.eco_text(0);
    let mut out = Out::new(call);
    for piece in pieces(&text) {
        out.look(piece.len() * CODING)?;
        out.push(&encode(piece))?;
    }
    out.finish().map(Value::Text)
}

/// The cost of a byte, in bytes looked at.
const CODING: usize = 8;

/// Bytes that are processed before they are paid for.
const PIECE: usize = 16 << 10;

fn url_decode(call: &mut Call<'_>) -> NativeResult {
    let text = call.eco_text(0);
    let mut out = Out::new(call);
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while !rest.is_empty() {
        let mut end = rest.len().min(PIECE);
        // An escape stays whole.
        if let Some(at) = rest[end.saturating_sub(2)..end].iter().position(|byte| *byte == b'%') {
            end = (end.saturating_sub(2) + at + 3).min(rest.len());
        }
        let (piece, after) = rest.split_at(end);
        out.toll().take(2 * piece.len())?;
        out.look(piece.len() * CODING)?;
        let blanks: Vec<u8> = piece.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
        bytes.extend(percent_encoding::percent_decode(&blanks));
        rest = after;
    }
    for chunk in bytes.utf8_chunks() {
        out.look(CODING)?;
        out.push(chunk.valid())?;
        if !chunk.invalid().is_empty() {
            out.push("\u{fffd}")?;
        }
    }
    out.finish().map(Value::Text)
}

/// A text in the encoding of forms.
pub(crate) fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'!' | b'*' | b'(' | b')' => {
                out.push(char::from(byte));
            }
            b' ' => out.push('+'),
            byte => {
                out.push('%');
                out.push_str(&hex::encode([byte]));
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use crate::testing::shown;
    use proptest::prelude::*;

    #[test]
    fn malformed_escapes_stay() {
        for (text, wanted) in
            [("%", "'%'"), ("%4", "'%4'"), ("%zz%41", "'%zzA'"), ("%ff", "'\u{fffd}'"), ("a%2B+", "'a+ '")]
        {
            assert_eq!(shown("URLDecode", vec![text.into()]), wanted, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded(text in ".{0,20}") {
            prop_assert_eq!(shown("URLDecode", vec![super::encode(&text).into()]), flowscript_lang::value::Value::from(text).to_literal(2_000));
        }
    }
}
