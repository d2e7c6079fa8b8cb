//! Texts in URLs, as forms write them.

use crate::arguments::text_fits;
use crate::row::{Row, gives, row};
use flowscript_lang::function::{Call, NativeResult};

pub(crate) const ROWS: &[Row] = &[
    row("URLEncode(text: text) -> text", "A text for use in a URL.", url_encode)
        .rules("Blanks become `+`; `A-Z a-z 0-9 - _ . ! * ( )` stay; everything else is written as UTF-8 in `%` and lower-case hexadecimal digits.")
        .examples(&[gives("URLEncode('https://x.se/å b~(1)')", "'https%3a%2f%2fx.se%2f%c3%a5+b%7e(1)'")]),
    row("URLDecode(text: text) -> text", "A text from a URL.", url_decode)
        .rules("`+` is a blank; a malformed escape stays as it is; bytes that are no UTF-8 become U+FFFD.")
        .examples(&[gives("URLDecode('a+b%2fc%zz')", "'a b/c%zz'")]),
];

fn url_encode(call: &mut Call<'_>) -> NativeResult {
    let encoded = encode(call.text(0));
    text_fits(call, encoded.len())?;
    Ok(encoded.into())
}

fn url_decode(call: &mut Call<'_>) -> NativeResult {
    let blanks = call.text(0).replace('+', " ");
    let bytes: Vec<u8> = percent_encoding::percent_decode_str(&blanks).collect();
    Ok(String::from_utf8_lossy(&bytes).as_ref().into())
}

/// A text as forms write it.
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
