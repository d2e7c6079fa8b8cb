//! Classes in brackets: `[a-z]`, `[^\s\p{L}]`, `[a-z-[aeiou]]`.

use super::{MAX_NESTING, Parser, Problem};
use crate::regex::sets;
use regex_syntax::hir::{ClassUnicode, ClassUnicodeRange};

/// The class read so far.
#[derive(Default)]
struct Members {
    /// Characters and ranges, which `i` folds.
    ranges: Vec<ClassUnicodeRange>,
    /// Shorthands and categories, which are not folded.
    sets: Vec<ClassUnicode>,
    without: Option<ClassUnicode>,
}

/// A member, or the end of the class.
enum Member {
    Char { c: char, escaped: bool },
    Set(ClassUnicode),
    End,
}

impl Parser<'_> {
    /// The class after its `[`.
    pub(super) fn class(&mut self) -> Result<ClassUnicode, Problem> {
        self.depth += 1;
        if self.depth > MAX_NESTING {
            return Err(self.problem(format_args!("classes are nested more than {MAX_NESTING} deep")));
        }
        let negated = self.take('^');
        let members = self.members()?;
        self.depth -= 1;
        let mut class = ClassUnicode::new(members.ranges);
        if self.options.fold {
            self.work(class.iter().map(ClassUnicodeRange::len).sum())?;
            class = sets::folded(class);
        }
        for set in &members.sets {
            self.work(class.ranges().len() + set.ranges().len())?;
            class.union(set);
        }
        if negated {
            class.negate();
        }
        if let Some(without) = &members.without {
            class.difference(without);
        }
        Ok(class)
    }

    fn members(&mut self) -> Result<Members, Problem> {
        let mut members = Members::default();
        let mut first = true;
        loop {
            let start = self.at;
            let (c, escaped) = match self.member(first)? {
                Member::End => return Ok(members),
                Member::Set(set) => {
                    members.sets.push(set);
                    first = false;
                    continue;
                }
                Member::Char { c, escaped } => (c, escaped),
            };
            if c == '-' && !escaped && !first && self.take('[') {
                self.subtract(&mut members)?;
            } else if self.peek() == Some('-') && self.peek_after(1).is_some_and(|after| after != ']') {
                self.at += 1;
                if self.take('[') {
                    members.ranges.push(ClassUnicodeRange::new(c, c));
                    self.subtract(&mut members)?;
                } else {
                    members.ranges.push(self.range(start, c)?);
                }
            } else {
                members.ranges.push(ClassUnicodeRange::new(c, c));
            }
            first = false;
        }
    }

    fn member(&mut self, first: bool) -> Result<Member, Problem> {
        let c = self.next().ok_or_else(|| self.problem("a class in [ ] has no end"))?;
        match c {
            ']' if !first => Ok(Member::End),
            '\\' => match self.peek() {
                Some(letter @ ('d' | 'D' | 's' | 'S' | 'w' | 'W')) => {
                    self.at += 1;
                    Ok(Member::Set(sets::shorthand(letter).unwrap_or_else(ClassUnicode::empty)))
                }
                Some('p' | 'P') => Ok(Member::Set(self.property()?)),
                Some('-') => {
                    self.at += 1;
                    Ok(Member::Char { c: '-', escaped: true })
                }
                _ => Ok(Member::Char { c: self.char_escape()?, escaped: true }),
            },
            '[' if self.peek() == Some(':') => {
                let rest = &self.chars[self.at + 1..];
                let name = rest.iter().take_while(|c| c.is_ascii_alphabetic() || **c == '^').count();
                if name > 0 && rest[name..].starts_with(&[':', ']']) {
                    let name: String = rest[..name].iter().collect();
                    self.at -= 1;
                    return Err(self.problem(format_args!(
                        "[:{name}:] is not a class of .NET; a category such as \\p{{L}} or \\w takes its place"
                    )));
                }
                Ok(Member::Char { c, escaped: false })
            }
            c => Ok(Member::Char { c, escaped: false }),
        }
    }

    /// The range from `first`, which is at `start`, after its `-`.
    fn range(&mut self, start: usize, first: char) -> Result<ClassUnicodeRange, Problem> {
        let last = match self.member(false)? {
            Member::Char { c, .. } => c,
            Member::Set(_) | Member::End => {
                self.at = start;
                return Err(self.problem("a range in [ ] ends with a class instead of a character"));
            }
        };
        if first > last {
            self.at = start;
            return Err(self.problem(format_args!("the range {first}-{last} is in reverse order")));
        }
        Ok(ClassUnicodeRange::new(first, last))
    }

    /// The subtracted class, after its `[`.
    fn subtract(&mut self, members: &mut Members) -> Result<(), Problem> {
        members.without = Some(self.class()?);
        match self.peek() {
            None | Some(']') => Ok(()),
            Some(_) => Err(self.problem("a class that is taken away must be the last in its [ ]")),
        }
    }
}
