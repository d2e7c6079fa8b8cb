//! Edits of a file that change the value of a scalar.

use super::{Place, Scalar};
use std::ops::Range;

impl Scalar {
    /// The edit of the file that replaces these bytes of the scalar by `text`: its places, and what is written there.
    /// `None` if the form of the scalar cannot hold it, or if the file may say it in another form.
    pub fn edit(&self, bytes: Range<usize>, text: &str) -> Option<(Place, Place, String)> {
        let old = self.text.get(bytes.clone())?;
        let (start, end) = (self.places.at(&self.text, bytes.start), self.places.at(&self.text, bytes.end));
        let straight = start.line == end.line && end.column.checked_sub(start.column)? as usize == old.chars().count();
        // Where a quoted text ends, its last character may be written as an escape, which is wider.
        let last = self.text.get(..bytes.end)?.chars().next_back();
        let sure_end = bytes.end < self.text.len()
            || last.is_none_or(|c| match self.quote {
                Some('"') => c.is_ascii_graphic() && c != '"' && c != '\\',
                Some(quote) => c != quote,
                None => true,
            });
        if !straight || !sure_end {
            return None;
        }
        Some((start, end, self.written(text, bytes)?))
    }

    /// A text in the form of this scalar.
    fn written(&self, text: &str, bytes: Range<usize>) -> Option<String> {
        match self.quote {
            _ if text.contains(|c: char| c.is_control()) => None,
            Some('"') => Some(text.replace('\\', "\\\\").replace('"', "\\\"")),
            Some(quote) => Some(text.replace(quote, &format!("{quote}{quote}"))),
            // At its ends a plain scalar may change its meaning, and some characters end it.
            None if self.plain => {
                let inside = bytes.start > 0;
                (inside && !text.contains([':', '#', ',', '[', ']', '{', '}'])).then(|| text.to_owned())
            }
            None => Some(text.to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::yaml::{Place, parse};

    /// The file after writing `new` in place of `old` in its only scalar; `None` if that is not possible.
    fn edited(source: &str, old: &str, new: &str) -> Option<String> {
        let root = parse(source).unwrap();
        let scalar = root.entries().unwrap()[0].value.scalar().unwrap();
        let start = scalar.text.find(old).unwrap();
        let (from, to, text) = scalar.edit(start..start + old.len(), new)?;
        let byte = |place: Place| place.byte_in(source);
        let file = format!("{}{text}{}", &source[..byte(from)], &source[byte(to)..]);
        let after = parse(&file).unwrap();
        let wanted = scalar.text.replacen(old, new, 1);
        assert_eq!(after.entries().unwrap()[0].value.scalar().unwrap().text, wanted, "{file}");
        Some(file)
    }

    #[test]
    fn scalars_of_every_form_are_edited() {
        assert_eq!(edited("a: x == 1", "==", "="), Some("a: x = 1".into()));
        assert_eq!(edited("a: 'x == ''y'''", "==", "is 'z'"), Some("a: 'x is ''z'' ''y'''".into()));
        assert_eq!(edited("a: \"f(\\\"d\\\")\"", "d", "\\\"d"), Some("a: \"f(\\\"\\\\\\\"d\\\")\"".into()));
        assert_eq!(
            edited("a: |\n  let x == 1;\n  é == 2\n", "é ==", "e ="),
            Some("a: |\n  let x == 1;\n  e = 2\n".into())
        );
        assert_eq!(edited("\u{feff}a: x == 1", "==", "="), Some("\u{feff}a: x = 1".into()));
    }

    #[test]
    fn what_a_form_cannot_hold_is_left_alone() {
        assert_eq!(edited("a: x == 1", "==", "# ="), None, "a comment");
        assert_eq!(edited("a: x == 1", "x", "'x'"), None, "the beginning decides what it is");
        assert_eq!(edited("a: \"x\\\"\"", "x\"", "y"), None, "an escape at its end");
        assert_eq!(edited("a: \"x\\ty\"", "\t", " "), None, "an escape is wider than its character");
        assert_eq!(edited("a: x\n  == 1", "x ==", "x ="), None, "folded lines");
        assert_eq!(edited("a: 'x'", "x", "y\nz"), None, "a break");
    }
}
