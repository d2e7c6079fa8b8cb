//! Long texts in pages, so that growing never copies all of it, and copies that pay and can be stopped.

use ecow::EcoString;
use flowscript_lang::budget::{Budget, Paid};
use flowscript_lang::error::RunError;

/// Bytes that are copied between two payments.
const PAGE: usize = 1 << 20;

/// A copied byte costs as much as this many bytes looked at, in addition to the payment for making it.
const COPYING: usize = 4;

/// A text that grows.
pub(crate) trait Text: Default {
    fn bytes(&self) -> usize;
    fn with_room(bytes: usize) -> Self;
    fn add(&mut self, piece: &str);
    fn as_text(&self) -> &str;
}

impl Text for String {
    fn bytes(&self) -> usize {
        self.len()
    }

    fn with_room(bytes: usize) -> Self {
        Self::with_capacity(bytes)
    }

    fn add(&mut self, piece: &str) {
        self.push_str(piece);
    }

    fn as_text(&self) -> &str {
        self
    }
}

impl Text for EcoString {
    fn bytes(&self) -> usize {
        self.len()
    }

    fn with_room(bytes: usize) -> Self {
        Self::with_capacity(bytes)
    }

    fn add(&mut self, piece: &str) {
        self.push_str(piece);
    }

    fn as_text(&self) -> &str {
        self
    }
}

/// A text being written, in pages of about a MiB.
#[derive(Default)]
pub(crate) struct Pages<T> {
    full: Vec<T>,
    /// The bytes of the full ones.
    before: usize,
    page: T,
}

impl<T: Text> Pages<T> {
    /// A text whose first page is begun.
    pub(crate) fn beginning(page: T) -> Self {
        Self { full: Vec::new(), before: 0, page }
    }

    /// The bytes so far.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.before + self.page.bytes()
    }

    /// The page that is written on; only a little at once.
    #[inline]
    pub(crate) fn page(&mut self) -> &mut T {
        if self.page.bytes() >= PAGE {
            self.turn();
        }
        &mut self.page
    }

    #[cold]
    fn turn(&mut self) {
        self.before += self.page.bytes();
        self.full.push(std::mem::take(&mut self.page));
    }

    /// The whole text.
    pub(crate) fn finish<W: Text + From<T>>(mut self, budget: &mut dyn Budget) -> Result<W, Box<RunError>> {
        if self.full.is_empty() {
            return Ok(self.page.into());
        }
        let mut whole = W::with_room(self.len());
        self.turn();
        for page in self.full {
            copy(page.as_text(), &mut whole, budget)?;
        }
        Ok(whole)
    }
}

impl Pages<String> {
    /// Takes the last character back.
    pub(crate) fn pop(&mut self) {
        if self.page.pop().is_none()
            && let Some(last) = self.full.last_mut().and_then(String::pop)
        {
            self.before -= last.len_utf8();
        }
    }
}

/// Writes a text after another one, which has room for it.
fn copy(text: &str, to: &mut impl Text, budget: &mut dyn Budget) -> Paid {
    for piece in pieces(text, PAGE) {
        to.add(piece);
        budget.scan(piece.len() / COPYING)?;
    }
    Ok(())
}

/// A text of its own, for which has been paid.
#[inline]
pub(crate) fn copied(text: &str, budget: &mut dyn Budget) -> Result<EcoString, Box<RunError>> {
    if text.len() <= PAGE { Ok(text.into()) } else { copied_in_pieces(text, budget) }
}

fn copied_in_pieces(text: &str, budget: &mut dyn Budget) -> Result<EcoString, Box<RunError>> {
    let mut copy = EcoString::with_capacity(text.len());
    self::copy(text, &mut copy, budget)?;
    Ok(copy)
}

/// A text in pieces of whole characters, each of about `bytes` bytes.
pub(crate) fn pieces(text: &str, bytes: usize) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let end = (rest.len().min(bytes)..=rest.len()).find(|end| rest.is_char_boundary(*end))?;
        let (piece, after) = rest.split_at(end);
        rest = after;
        Some(piece)
    })
}

/// Pieces of a text that are copied at once.
pub(crate) fn long_pieces(text: &str) -> impl Iterator<Item = &str> {
    pieces(text, PAGE)
}

/// The line and the column of the place after a text, from 1. `pay` receives the number of bytes about to be looked at.
pub(crate) fn place<E>(before: &str, mut pay: impl FnMut(usize) -> Result<(), E>) -> Result<(usize, usize), E> {
    let (mut line, mut column) = (1, 1);
    for piece in long_pieces(before) {
        pay(piece.len())?;
        let (lines, last) = match memchr::memrchr(b'\n', piece.as_bytes()) {
            Some(at) => (memchr::memchr_iter(b'\n', piece.as_bytes()).count(), piece.get(at + 1..).unwrap_or_default()),
            None => (0, piece),
        };
        line += lines;
        column = if lines == 0 { column } else { 1 } + last.chars().count();
    }
    Ok((line, column))
}

#[cfg(test)]
mod tests {
    use super::*;
    use flowscript_lang::budget::{Allowance, Unlimited};
    use flowscript_lang::host::Interrupt;
    use flowscript_lang::program::Limits;
    use std::cell::Cell;

    #[test]
    fn places_are_found_across_pieces() {
        for (text, wanted) in [
            (String::new(), (1, 1)),
            ("é\nab".into(), (2, 3)),
            ("\n".repeat(PAGE + 3), (PAGE + 4, 1)),
            ("é".repeat(PAGE), (1, PAGE + 1)),
            ("a\n".repeat(PAGE) + "é", (PAGE + 1, 2)),
            ("x".repeat(PAGE - 1) + "\n" + &"y".repeat(PAGE), (2, PAGE + 1)),
        ] {
            let mut looked = 0;
            let found = place(&text, |bytes| {
                looked += bytes;
                Ok::<(), ()>(())
            });
            assert_eq!((found, looked), (Ok(wanted), text.len()));
        }
    }

    fn written(times: usize) -> (Pages<String>, String) {
        let mut pages = Pages::<String>::default();
        let mut whole = String::new();
        for number in 0..times {
            let piece = format!("{number}é");
            pages.page().push_str(&piece);
            whole.push_str(&piece);
            assert_eq!(pages.len(), whole.len());
        }
        (pages, whole)
    }

    #[test]
    fn pages_are_the_whole_text() {
        for times in [0, 1, 1_000, 800_000] {
            let (pages, whole) = written(times);
            let mut allowance = Allowance::new("The text", Limits::default(), &|| None);
            let finished: EcoString = pages.finish(&mut allowance).expect("no limit");
            assert!(finished == whole && copied(&whole, &mut allowance).is_ok_and(|copy| copy == whole), "{times}");
        }
    }

    #[test]
    fn characters_are_taken_back_from_full_pages_too() {
        let mut pages = Pages::<String>::default();
        pages.page().push_str(&"é".repeat(PAGE / 2));
        assert!(pages.page().is_empty());
        pages.pop();
        assert_eq!(pages.len(), PAGE - 2);
        pages.page().push('x');
        pages.pop();
        let whole: String = pages.finish(&mut Unlimited).expect("no limit");
        assert_eq!(whole, "é".repeat(PAGE / 2 - 1));
    }

    #[test]
    fn a_long_text_is_not_finished_when_it_is_told_to_stop() {
        let (pages, whole) = written(800_000);
        let asked = Cell::new(0);
        let stop = || {
            asked.set(asked.get() + 1);
            Some(Interrupt::Cancelled)
        };
        let mut allowance = Allowance::new("The text", Limits::default(), &stop);
        assert!(pages.finish::<String>(&mut allowance).is_err());
        assert!(copied(&whole, &mut allowance).is_err());
        assert_eq!(asked.get(), 2);
    }
}
