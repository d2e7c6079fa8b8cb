//! `like`: patterns over whole texts.

use super::fold::fold_char;
use crate::budget::Budget;
use crate::error::RunError;

/// Texts and patterns up to this many bytes cost little compared with the step that looks at them.
const SHORT: usize = 64;

/// `like`: whole text, case-insensitive; `%` any run, `_` one character, `[a-f]`, `[^x]`.
///
/// A `[` without `]` matches itself.
pub fn like(text: &str, pattern: &str, budget: &mut dyn Budget) -> Result<bool, Box<RunError>> {
    if pattern.len() > SHORT {
        budget.take(pattern.len().saturating_mul(size_of::<LikePart>()))?;
        budget.scan(pattern.len().saturating_mul(4))?;
    }
    LikePattern::new(pattern).matches_within(text, budget)
}

/// A pattern for matching many texts.
#[derive(Clone, Debug)]
pub(crate) struct LikePattern {
    parts: Vec<LikePart>,
}

#[derive(Clone, Debug)]
enum LikePart {
    Run,
    One,
    Char(char),
    Set { negated: bool, ranges: Vec<(char, char)> },
}

impl LikePattern {
    pub fn new(pattern: &str) -> Self {
        Self { parts: like_parts(pattern) }
    }

    /// Does it match the whole of a text?
    pub fn matches_within(&self, text: &str, budget: &mut dyn Budget) -> Result<bool, Box<RunError>> {
        if text.len() > SHORT {
            budget.scan(text.len())?;
        }
        if text.is_ascii() {
            let bytes = text.as_bytes();
            let at = |position: usize| bytes.get(position).map(|byte| char::from(byte.to_ascii_lowercase()));
            return self.matches_by(bytes.len(), at, budget);
        }
        budget.take(text.len().saturating_mul(size_of::<char>()))?;
        let characters: Vec<char> = text.chars().map(fold_char).collect();
        self.matches_by(characters.len(), |position| characters.get(position).copied(), budget)
    }

    fn matches_by(
        &self,
        length: usize,
        at: impl Fn(usize) -> Option<char>,
        budget: &mut dyn Budget,
    ) -> Result<bool, Box<RunError>> {
        const SLICE: usize = 1_024;
        // The greedy matcher with one backtracking point is linear in memory and never exponential.
        let (mut t, mut p) = (0, 0);
        let mut retry: Option<(usize, usize)> = None;
        let mut compared = 0;
        while t < length {
            let part = self.parts.get(p);
            compared += part.map_or(1, LikePart::weight);
            if compared >= SLICE {
                budget.spend(compared as u64 / 16)?;
                compared = 0;
            }
            match part {
                Some(LikePart::Run) => {
                    // Nothing can fail after a run that ends the pattern.
                    if p + 1 == self.parts.len() {
                        return Ok(true);
                    }
                    retry = Some((p + 1, t));
                    p += 1;
                }
                Some(part) if at(t).is_some_and(|c| part.takes(c)) => {
                    t += 1;
                    p += 1;
                }
                _ => match retry {
                    Some((after, from)) => {
                        retry = Some((after, from + 1));
                        t = from + 1;
                        p = after;
                    }
                    None => return Ok(false),
                },
            }
        }
        Ok(self.parts.iter().skip(p).all(|part| matches!(part, LikePart::Run)))
    }
}

impl LikePart {
    /// The cost of matching a character against it.
    fn weight(&self) -> usize {
        match self {
            Self::Set { ranges, .. } => 1 + ranges.len() * 8,
            Self::Run | Self::One | Self::Char(_) => 1,
        }
    }

    fn takes(&self, c: char) -> bool {
        match self {
            Self::Run => false,
            Self::One => true,
            Self::Char(wanted) => c == *wanted,
            Self::Set { negated, ranges } => ranges.iter().any(|range| holds(*range, c)) != *negated,
        }
    }
}

/// Is the folded character `c` in the range in one of its cases?
fn holds((low, high): (char, char), c: char) -> bool {
    let range = low..=high;
    range.contains(&c)
        || (fold_char(low)..=fold_char(high)).contains(&c)
        || c.to_uppercase().all(|upper| range.contains(&upper))
}

fn like_parts(pattern: &str) -> Vec<LikePart> {
    let chars: Vec<char> = pattern.chars().collect();
    let mut parts = Vec::new();
    let mut at = 0;
    while let Some(c) = chars.get(at) {
        at += 1;
        parts.push(match c {
            '%' => LikePart::Run,
            '_' => LikePart::One,
            '[' => match like_set(&chars[at..]) {
                Some((set, used)) => {
                    at += used;
                    set
                }
                None => LikePart::Char('['),
            },
            c => LikePart::Char(fold_char(*c)),
        });
    }
    parts
}

/// A set after its `[`, and how many characters it took with its `]`.
fn like_set(chars: &[char]) -> Option<(LikePart, usize)> {
    let negated = chars.first() == Some(&'^');
    let start = usize::from(negated);
    // A `]` right at the start is a member.
    let end = start + 1 + chars.get(start + 1..)?.iter().position(|c| *c == ']')?;
    let members = &chars[start..end];
    let mut ranges = Vec::new();
    let mut at = 0;
    while let Some(low) = members.get(at) {
        match (members.get(at + 1), members.get(at + 2)) {
            (Some('-'), Some(high)) => {
                ranges.push((*low, *high));
                at += 3;
            }
            _ => {
                ranges.push((*low, *low));
                at += 1;
            }
        }
    }
    Some((LikePart::Set { negated, ranges }, end + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn like_patterns() {
        for (text, pattern, wanted) in [
            ("Norway", "nor%", true),
            ("cat", "c_t", true),
            ("cart", "c_t", false),
            ("bat", "[a-c]at", true),
            ("dat", "[^a-c]at", true),
            ("a%b", "a%b", true),
            ("", "", true),
            ("", "%", true),
            ("abc", "%b%", true),
            ("[x", "[x", true),
            ("a]b", "a[]]b", true),
            ("ÅÄÖ", "åä_", true),
            ("aaab", "%a%b", true),
            ("x", "[^", false),
            ("ΟΔΟΣ", "οδος", true),
            ("οδος", "ΟΔΟΣ", true),
            ("ς", "[Σ]", true),
            ("ς", "[α-ω]", true),
            ("B", "[a-c]", true),
            ("b", "[A-C]", true),
            ("b", "[A-_]", true),
            ("ẞ", "ß", true),
            ("\u{212a}", "k", true),
            ("ı", "I", false),
            ("İ", "i", false),
        ] {
            let found = like(text, pattern, &mut crate::budget::Unlimited).expect("no limit");
            assert_eq!(found, wanted, "{text} like {pattern}");
        }
    }
}
