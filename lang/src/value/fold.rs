//! Texts compared without case: simple case folding, one character for one, the same in every language.

use ecow::EcoString;

/// The character that represents `c` in both cases: `a` for `A`, `σ` for `Σ` and `ς`, `ß` for `ẞ`.
///
/// The Turkish `İ` and `ı` represent themselves.
pub fn fold_char(c: char) -> char {
    match c {
        c if c.is_ascii() => c.to_ascii_lowercase(),
        // Its upper case is the common `I`, which is not its counterpart.
        'ı' => c,
        // Ligatures and accented letters with two encodings; they have no single upper case.
        '\u{1fd3}' => '\u{390}',
        '\u{1fe3}' => '\u{3b0}',
        '\u{fb05}' => '\u{fb06}',
        c => {
            let upper = single(c.to_uppercase()).unwrap_or(c);
            // Letters that have two lower cases, such as sigma, share the upper one.
            single(upper.to_lowercase()).unwrap_or(upper)
        }
    }
}

/// The text with each character folded.
pub fn fold_text(text: &str) -> EcoString {
    text.chars().map(fold_char).collect()
}

fn single(mut chars: impl Iterator<Item = char>) -> Option<char> {
    let first = chars.next();
    if chars.next().is_some() { None } else { first }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_of_one_kind_fold_alike() {
        for (x, y) in [
            ('a', 'A'),
            ('Σ', 'ς'),
            ('σ', 'ς'),
            ('ß', 'ẞ'),
            ('k', '\u{212a}'),
            ('å', '\u{212b}'),
            ('Θ', 'ϑ'),
            ('µ', 'μ'),
        ] {
            assert_eq!(fold_char(x), fold_char(y), "{x} {y}");
        }
        for (x, y) in [('i', 'İ'), ('i', 'ı'), ('I', 'ı'), ('s', 'ß'), ('a', 'ä')] {
            assert_ne!(fold_char(x), fold_char(y), "{x} {y}");
        }
        assert_eq!(fold_text("ΟΔΟΣ"), fold_text("οδος"));
        assert!(('\0'..=char::MAX).all(|c| fold_char(fold_char(c)) == fold_char(c)));
    }
}
