//! Texts of others on a terminal: nothing in them may move its cursor, change its state or the direction of text.
//! Findings in sources are escaped where they are rendered.

use std::borrow::Cow;
use std::fmt::Write;

/// Has this character an effect on a terminal besides its display?
fn acts(c: char) -> bool {
    // Controls (C0, DEL, C1), marks and overrides of direction, separators of lines and paragraphs, annotations.
    c.is_control()
        || matches!(c, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        || matches!(c, '\u{fff9}'..='\u{fffb}')
}

/// The text with control characters as `\u001b`; line ends and tabs as `\n`, `\r` and `\t`. In JSON it keeps its value.
pub fn safe(text: &str) -> Cow<'_, str> {
    escaped(text, |_| false)
}

/// The same with its line ends and tabs.
pub fn safe_lines(text: &str) -> Cow<'_, str> {
    escaped(text, |c| matches!(c, '\n' | '\t'))
}

/// A line of a log, which may contain the colours of the log itself.
pub fn safe_log(line: &str, has_colours: bool) -> Cow<'_, str> {
    let end = if line.ends_with('\n') { "\n" } else { "" };
    let inner = line.strip_suffix('\n').unwrap_or(line);
    let mut shown = escaped(inner, |c| has_colours && c == '\u{1b}');
    if let Cow::Borrowed(_) = shown {
        return Cow::Borrowed(line);
    }
    shown.to_mut().push_str(end);
    shown
}

fn escaped(text: &str, keeps: impl Fn(char) -> bool) -> Cow<'_, str> {
    let is_shown = |c: char| keeps(c) || !acts(c);
    if text.chars().all(is_shown) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            c if is_shown(c) => out.push(c),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            // Writing to a String cannot fail; none of these is above U+FFFF.
            c => drop(write!(out, "\\u{:04x}", u32::from(c))),
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_acts_on_a_terminal() {
        assert_eq!(
            safe("a\u{1b}[2Jb\n\u{9b}31m\u{202e}c\u{2066}\u{200f}"),
            "a\\u001b[2Jb\\n\\u009b31m\\u202ec\\u2066\\u200f"
        );
        assert_eq!(safe_lines("a\n\tb\rc"), "a\n\tb\\rc");
        assert!(matches!(safe("Smörgås — 価格 👍🏽"), Cow::Borrowed(_)));
        for c in (0..0x20).chain(0x7f..0xa0).chain(0x202a..0x202f).chain(0x2066..0x206a).filter_map(char::from_u32) {
            assert!(!safe(&c.to_string()).contains(c), "{c:?}");
        }
    }

    #[test]
    fn it_is_still_json() {
        let json = "{\"a\":\"\u{202e}\u{9b}\"}";
        let parsed: serde_json::Value = serde_json::from_str(&safe(json)).unwrap();
        assert_eq!(parsed["a"], "\u{202e}\u{9b}");
    }

    #[test]
    fn a_line_of_the_log_is_one_line() {
        assert_eq!(safe_log("one\ntwo \u{1b}[31m\n", false), "one\\ntwo \\u001b[31m\n");
        assert_eq!(safe_log("\u{1b}[31mone\u{202e}\n", true), "\u{1b}[31mone\\u202e\n");
    }
}
