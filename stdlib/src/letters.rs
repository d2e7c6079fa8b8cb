//! Upper and lower case of texts, piece by piece, with the same result as the standard library for the whole.

use crate::arguments::Out;
use flowscript_lang::budget::Paid;

/// Bytes that are changed before they are paid for.
const PIECE: usize = 16 << 10;

/// Writes `text` in upper case.
pub(crate) fn upper(text: &str, out: &mut Out<'_>) -> Paid {
    // A character's upper case depends on no other.
    pieces(text).try_for_each(|piece| out.push(&piece.to_uppercase()))
}

/// Writes `text` in lower case. The sigma at the end of a word has a form of its own.
pub(crate) fn lower(text: &str, out: &mut Out<'_>) -> Paid {
    let mut rest = text;
    let mut done = 0;
    while let Some(at) = find_sigma(rest, out)? {
        let (before, sigma) = rest.split_at(at);
        pieces(before).try_for_each(|piece| out.push(&piece.to_lowercase()))?;
        let after = sigma.get('Σ'.len_utf8()..).unwrap_or_default();
        done += at;
        let is_final = ends_in_letter(text.get(..done).unwrap_or_default(), out)? && !begins_with_letter(after, out)?;
        out.push(if is_final { "ς" } else { "σ" })?;
        done += 'Σ'.len_utf8();
        rest = after;
    }
    pieces(rest).try_for_each(|piece| out.push(&piece.to_lowercase()))
}

fn find_sigma(text: &str, out: &mut Out<'_>) -> Result<Option<usize>, Box<flowscript_lang::error::RunError>> {
    let mut from = 0;
    for piece in pieces(text) {
        let found = piece.find('Σ');
        out.look(found.unwrap_or(piece.len()))?;
        if let Some(at) = found {
            return Ok(Some(from + at));
        }
        from += piece.len();
    }
    Ok(None)
}

/// The cost of looking up the kind of a character, in bytes looked at.
const KIND: usize = 256;

/// Is the last character, marks aside, a letter with two cases?
fn ends_in_letter(text: &str, out: &mut Out<'_>) -> Result<bool, Box<flowscript_lang::error::RunError>> {
    for c in text.chars().rev() {
        out.look(KIND)?;
        if !is_mark(c) {
            return Ok(is_cased(c));
        }
    }
    Ok(false)
}

/// The same of the first one.
fn begins_with_letter(text: &str, out: &mut Out<'_>) -> Result<bool, Box<flowscript_lang::error::RunError>> {
    for c in text.chars() {
        out.look(KIND)?;
        if !is_mark(c) {
            return Ok(is_cased(c));
        }
    }
    Ok(false)
}

/// Has it two cases? The standard library shows it by the form of the sigma after it.
fn is_cased(c: char) -> bool {
    if c.is_ascii() { c.is_ascii_alphabetic() } else { lowered(&[' ', c, 'Σ']).ends_with('ς') }
}

/// Is it skipped when a word's end is searched? Then a sigma before it is followed by the letter after it.
fn is_mark(c: char) -> bool {
    if c.is_ascii_alphanumeric() {
        return false;
    }
    let letter_behind = lowered(&['A', 'Σ', c, 'A']).contains('σ');
    letter_behind && !is_cased(c)
}

fn lowered(chars: &[char]) -> String {
    chars.iter().collect::<String>().to_lowercase()
}

/// A text in pieces of whole characters.
pub(crate) fn pieces(text: &str) -> impl Iterator<Item = &str> {
    crate::pages::pieces(text, PIECE)
}

/// Writes a text several times over.
pub(crate) fn again_and_again(text: &str, times: usize, out: &mut Out<'_>) -> Paid {
    // Short texts are written in bulk.
    let bulk = (PIECE / text.len().max(1)).max(1);
    if times <= bulk {
        return out.push(&text.repeat(times));
    }
    let many = text.repeat(bulk);
    for _ in 0..times / bulk {
        out.push(&many)?;
    }
    for _ in 0..times % bulk {
        out.push(text)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testing::call;
    use flowscript_lang::value::Value;
    use proptest::prelude::*;

    fn text(name: &str, text: &str) -> String {
        match call(name, vec![text.into()]) {
            Ok(Value::Text(text)) => text.to_string(),
            other => panic!("no text: {other:?}"),
        }
    }

    fn same(given: &str) {
        assert!(text("Lower", given) == given.to_lowercase(), "{given:.100}");
        assert!(text("Upper", given) == given.to_uppercase(), "{given:.100}");
    }

    #[test]
    fn every_character_beside_a_sigma() {
        for c in ('\0'..=char::MAX).filter(|c| !c.is_ascii_graphic() || !c.is_alphanumeric()).step_by(7) {
            same(&format!("AΣ{c}A Σ{c} {c}Σ A{c}Σ"));
        }
    }

    #[test]
    fn long_texts() {
        for part in ["ΑΣ", "Σ'", "ΑΣ ", "é", "ß", "İ", "a\u{301}Σ"] {
            same(&part.repeat(20_000));
        }
    }

    proptest! {
        #[test]
        fn lower_is_that_of_the_standard_library(given in "[ΑΣσa1 '.:\u{301}ʰé-]{0,12}") {
            same(&given);
        }
    }
}
