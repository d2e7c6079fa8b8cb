//! Texts of the user in messages: in quotes, and never longer than a line.

use flowscript_lang::value::Value;

/// The most characters of a text that a message shows.
const SHOWN: usize = 60;

/// A text as a literal of the language, shortened.
pub(crate) fn quoted(text: &str) -> String {
    // One character more than is shown reveals a longer text.
    let end = text.char_indices().nth(SHOWN + 1).map_or(text.len(), |(at, _)| at);
    Value::from(&text[..end]).to_literal(SHOWN)
}

/// A name as it is, shortened.
pub(crate) fn short(name: &str) -> String {
    match name.char_indices().nth(SHOWN) {
        Some((at, _)) => format!("{}…", &name[..at]),
        None => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_cut() {
        assert_eq!(quoted("it's"), "'it\\'s'");
        assert_eq!(quoted(&"é".repeat(100)).chars().count(), SHOWN);
        assert_eq!(short(&"é".repeat(61)), "é".repeat(60) + "…");
        assert_eq!(short("abc"), "abc");
    }
}
