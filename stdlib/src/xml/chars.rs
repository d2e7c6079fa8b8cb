//! The characters and names that XML 1.0 allows.

/// May a text of XML have the character, as itself or by its code?
pub(super) fn is_char(c: char) -> bool {
    match c {
        '\t' | '\n' | '\r' => true,
        '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => false,
        _ => true,
    }
}

/// The place of the first character that a text of XML cannot have.
pub(super) fn forbidden(text: &str) -> Option<usize> {
    let control = text.bytes().position(|byte| byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r'));
    let others = ['\u{fffe}', '\u{ffff}'].into_iter().filter_map(|c| text.find(c));
    control.into_iter().chain(others).min()
}

pub(super) fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r')
}

/// The longest name, in bytes.
pub(super) const LONGEST_NAME: usize = 64 << 10;

/// Is the text the name of an element, an attribute or an instruction?
pub(super) fn is_name(text: &str) -> bool {
    text.len() <= LONGEST_NAME
        && text.chars().next().is_some_and(starts_name)
        && text.chars().all(|c| starts_name(c) || continues_name(c))
}

fn starts_name(c: char) -> bool {
    matches!(c,
        'a'..='z' | 'A'..='Z' | '_' | ':' | '\u{c0}'..='\u{d6}' | '\u{d8}'..='\u{f6}' | '\u{f8}'..='\u{2ff}'
        | '\u{370}'..='\u{37d}' | '\u{37f}'..='\u{1fff}' | '\u{200c}' | '\u{200d}' | '\u{2070}'..='\u{218f}'
        | '\u{2c00}'..='\u{2fef}' | '\u{3001}'..='\u{d7ff}' | '\u{f900}'..='\u{fdcf}' | '\u{fdf0}'..='\u{fffd}'
        | '\u{10000}'..='\u{effff}')
}

fn continues_name(c: char) -> bool {
    matches!(c, '-' | '.' | '0'..='9' | '\u{b7}' | '\u{300}'..='\u{36f}' | '\u{203f}' | '\u{2040}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_xml() {
        for name in ["a", "_", "s:a", "d-e.f", "é", "日本", "a1", "a\u{301}"] {
            assert!(is_name(name), "{name}");
        }
        for name in ["", "1a", "-a", ".a", "a b", "a/", "a'", "×", "a!", "\u{2028}"] {
            assert!(!is_name(name), "{name}");
        }
    }

    #[test]
    fn forbidden_characters_are_found() {
        assert_eq!(forbidden("é\u{1}"), Some(2));
        assert_eq!(forbidden("a\u{fffe}\u{2}"), Some(1));
        assert_eq!(forbidden("a\t\r\n\u{7f}\u{85}\u{fffd}"), None);
        assert!(('\0'..=char::MAX).all(|c| is_char(c) == forbidden(c.encode_utf8(&mut [0; 4])).is_none()));
    }
}
