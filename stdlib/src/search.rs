//! Finding texts in texts, in time linear in the sum of both lengths, paid during the search.

use flowscript_lang::budget::{Budget, Toll};
use flowscript_lang::error::RunError;
use memchr::memmem;

/// Longer texts are searched byte by byte: preparing them takes time of its own, which is paid.
const SHORT: usize = 64 << 10;

/// Bytes that are looked at before they are paid for.
const PIECE: usize = 1 << 20;

/// Steps of the search for a long text between two payments.
const SLICE: usize = 1 << 16;

/// The cost of a step of the search for a long text, in bytes looked at.
const STEP: usize = 4;

/// The cost of finding a match, in the same unit.
const MATCH: usize = 32;

/// Texts shorter than this are searched without preparation.
const TINY: usize = 64;

/// A text to search for.
pub(crate) struct Needle<'n> {
    bytes: &'n [u8],
    back: bool,
    /// Made for the first text that is not tiny.
    by: Option<By<'n>>,
}

/// The kind of search.
enum By<'n> {
    Forward(Box<memmem::Finder<'n>>),
    Back(Box<memmem::FinderRev<'n>>),
    /// For long ones: how much of their start ends before each place, so that no byte of the text is looked at again.
    Starts(Vec<u32>),
}

impl<'n> Needle<'n> {
    /// A text to be found from the start on.
    pub(crate) fn new(text: &'n str, toll: &mut Toll<'_>) -> Result<Self, Box<RunError>> {
        Self::either(text.as_bytes(), false, toll)
    }

    /// A text to be found from the end on.
    pub(crate) fn from_end(text: &'n str, toll: &mut Toll<'_>) -> Result<Self, Box<RunError>> {
        Self::either(text.as_bytes(), true, toll)
    }

    fn either(bytes: &'n [u8], back: bool, toll: &mut Toll<'_>) -> Result<Self, Box<RunError>> {
        let by = if bytes.len() > SHORT {
            Some(By::Starts(starts(bytes, back, toll)?))
        } else {
            toll.scan(bytes.len() * STEP)?;
            None
        };
        Ok(Self { bytes, back, by })
    }

    /// Its first position in `text`, or its last when searching from the end.
    pub(crate) fn find(&mut self, text: &str, toll: &mut Toll<'_>) -> Result<Option<usize>, Box<RunError>> {
        let text = text.as_bytes();
        if text.len() < TINY {
            return self.find_tiny(text, toll);
        }
        let (bytes, back) = (self.bytes, self.back);
        let by = self.by.get_or_insert_with(|| {
            if back {
                By::Back(Box::new(memmem::FinderRev::new(bytes)))
            } else {
                By::Forward(Box::new(memmem::Finder::new(bytes)))
            }
        });
        match by {
            By::Forward(finder) => find_short(finder, text, toll),
            By::Back(finder) => find_short_back(finder, text, toll),
            By::Starts(starts) => find_long((bytes, back), text, starts, toll),
        }
    }

    fn find_tiny(&self, text: &[u8], toll: &mut Toll<'_>) -> Result<Option<usize>, Box<RunError>> {
        if text.len() < self.bytes.len() {
            return Ok(None);
        }
        let find = if self.back { memmem::rfind } else { memmem::find };
        let found = find(text, self.bytes);
        toll.scan(text.len() + MATCH)?;
        Ok(found)
    }
}

fn find_short(finder: &memmem::Finder<'_>, text: &[u8], toll: &mut Toll<'_>) -> Result<Option<usize>, Box<RunError>> {
    let mut from = 0usize;
    loop {
        // Pieces overlap, so that matches across their ends are found.
        let end = from.saturating_add(PIECE).saturating_add(finder.needle().len()).min(text.len());
        let piece = text.get(from..end).unwrap_or_default();
        let found = finder.find(piece);
        toll.scan(found.unwrap_or(piece.len()) + MATCH)?;
        if let Some(at) = found {
            return Ok(Some(from + at));
        }
        if end == text.len() {
            return Ok(None);
        }
        from += PIECE;
    }
}

fn find_short_back(
    finder: &memmem::FinderRev<'_>,
    text: &[u8],
    toll: &mut Toll<'_>,
) -> Result<Option<usize>, Box<RunError>> {
    let mut end = text.len();
    loop {
        let start = end.saturating_sub(PIECE.saturating_add(finder.needle().len()));
        let piece = text.get(start..end).unwrap_or_default();
        let found = finder.rfind(piece);
        toll.scan(found.map_or(piece.len(), |at| piece.len() - at) + MATCH)?;
        if let Some(at) = found {
            return Ok(Some(start + at));
        }
        if start == 0 {
            return Ok(None);
        }
        end -= PIECE;
    }
}

/// Knuth, Morris and Pratt: each byte of the text is looked at once.
fn find_long(
    (bytes, back): (&[u8], bool),
    text: &[u8],
    starts: &[u32],
    toll: &mut Toll<'_>,
) -> Result<Option<usize>, Box<RunError>> {
    let (mut same, mut work) = (0usize, 0);
    for place in 0..text.len() {
        loop {
            pay(&mut work, toll)?;
            if byte(bytes, same, back) == byte(text, place, back) {
                same += 1;
                break;
            }
            if same == 0 {
                break;
            }
            same = starts.get(same - 1).map_or(0, |start| *start as usize);
        }
        if same == bytes.len() {
            return Ok(Some(if back { text.len() - place - 1 } else { place + 1 - same }));
        }
    }
    Ok(None)
}

/// For each place of a text, the length of the start of the text that ends there.
fn starts(bytes: &[u8], back: bool, toll: &mut Toll<'_>) -> Result<Vec<u32>, Box<RunError>> {
    toll.take(bytes.len().saturating_mul(size_of::<u32>()))?;
    let mut starts = vec![0u32; bytes.len()];
    let (mut same, mut work) = (0usize, 0);
    for place in 1..bytes.len() {
        loop {
            pay(&mut work, toll)?;
            if byte(bytes, same, back) == byte(bytes, place, back) {
                same += 1;
                break;
            }
            if same == 0 {
                break;
            }
            same = starts.get(same - 1).map_or(0, |start| *start as usize);
        }
        if let Some(start) = starts.get_mut(place) {
            *start = u32::try_from(same).unwrap_or(u32::MAX);
        }
    }
    Ok(starts)
}

/// The byte at a place, counted from the end if `back`.
fn byte(bytes: &[u8], place: usize, back: bool) -> Option<&u8> {
    if back { bytes.get(bytes.len().checked_sub(place + 1)?) } else { bytes.get(place) }
}

#[inline]
fn pay(work: &mut usize, toll: &mut Toll<'_>) -> Result<(), Box<RunError>> {
    *work += 1;
    if work.is_multiple_of(SLICE) { toll.scan(SLICE * STEP) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flowscript_lang::budget::Unlimited;
    use proptest::prelude::*;

    /// The place by the fast path, and by the general one.
    fn both(text: &str, needle: &str, back: bool) -> [Option<usize>; 2] {
        let mut unlimited = Unlimited;
        let mut toll = Toll::new(&mut unlimited);
        let mut found = Needle::either(needle.as_bytes(), back, &mut toll).expect("no limit");
        let short = found.find(text, &mut toll).expect("no limit");
        let starts = starts(needle.as_bytes(), back, &mut toll).expect("no limit");
        let long = find_long((needle.as_bytes(), back), text.as_bytes(), &starts, &mut toll).expect("no limit");
        [short, long]
    }

    proptest! {
        #[test]
        fn finds_what_the_standard_library_finds(text in "[abé]{0,30}|[abé]{30,90}", needle in "[abé]{1,5}") {
            prop_assert_eq!(both(&text, &needle, false), [text.find(&needle); 2]);
            prop_assert_eq!(both(&text, &needle, true), [text.rfind(&needle); 2]);
        }
    }

    #[test]
    fn finds_across_the_ends_of_pieces() {
        for at in [PIECE - 1, PIECE, PIECE + 1, 2 * PIECE - 2] {
            let text = format!("{}xyz{}", "-".repeat(at), "-".repeat(3 * PIECE));
            assert_eq!(both(&text, "xyz", false), [Some(at); 2]);
            assert_eq!(both(&text, "xyz", true), [Some(at); 2]);
        }
    }
}
