//! A parsed pattern: the result of the parser, from which both engines are built.

use super::sets::CharSet;
use std::sync::Arc;

/// A part of a pattern. Options such as `(?i)` are already applied.
#[derive(Debug)]
pub(super) enum Node {
    /// Matches the empty text.
    Empty,
    Char(char),
    Set(Arc<CharSet>),
    Anchor(Anchor),
    /// A capturing group, and with `pop` the one whose last capture it pops.
    Capture {
        slot: Option<usize>,
        pop: Option<usize>,
        body: Box<Node>,
    },
    Around {
        ahead: bool,
        negated: bool,
        body: Box<Node>,
    },
    Atomic(Box<Node>),
    If {
        condition: Condition,
        yes: Box<Node>,
        no: Box<Node>,
    },
    /// The text that a group has matched; `fold` compares without case.
    Back {
        slot: usize,
        fold: bool,
    },
    Concat(Vec<Node>),
    Alternate(Vec<Node>),
    Repeat {
        body: Box<Node>,
        min: u32,
        /// No limit without it.
        max: Option<u32>,
        lazy: bool,
    },
}

impl Node {
    /// The parts directly inside.
    fn inside(&self) -> Vec<&Node> {
        match self {
            Self::Empty | Self::Char(_) | Self::Set(_) | Self::Anchor(_) | Self::Back { .. } => Vec::new(),
            Self::Capture { body, .. } | Self::Around { body, .. } | Self::Repeat { body, .. } | Self::Atomic(body) => {
                vec![body]
            }
            Self::If { condition: Condition::Match(condition), yes, no } => vec![condition, yes, no],
            Self::If { yes, no, .. } => vec![yes, no],
            Self::Concat(parts) | Self::Alternate(parts) => parts.iter().collect(),
        }
    }

    /// Has it a `\b` or `\B`?
    pub(super) fn has_words(&self) -> bool {
        matches!(self, Self::Anchor(Anchor::Boundary | Anchor::NotBoundary))
            || self.inside().into_iter().any(Self::has_words)
    }

    fn has_captures(&self) -> bool {
        matches!(self, Self::Capture { .. }) || self.inside().into_iter().any(Self::has_captures)
    }

    /// Has it a loop around a group of which a pass may be empty?
    pub(super) fn has_empty_passes(&self) -> bool {
        let is_one = match self {
            Self::Repeat { body, max, .. } => *max != Some(1) && body.may_be_empty() && body.has_captures(),
            _ => false,
        };
        is_one || self.inside().into_iter().any(Self::has_empty_passes)
    }

    /// May it match the empty text?
    fn may_be_empty(&self) -> bool {
        match self {
            Self::Char(_) | Self::Set(_) => false,
            Self::Empty | Self::Anchor(_) | Self::Around { .. } | Self::Back { .. } => true,
            Self::Capture { body, .. } | Self::Atomic(body) => body.may_be_empty(),
            Self::If { yes, no, .. } => yes.may_be_empty() || no.may_be_empty(),
            Self::Concat(parts) => parts.iter().all(Self::may_be_empty),
            Self::Alternate(branches) => branches.iter().any(Self::may_be_empty),
            Self::Repeat { body, min, .. } => *min == 0 || body.may_be_empty(),
        }
    }
}

/// The condition of `(?(…)yes|no)`.
#[derive(Debug)]
pub(super) enum Condition {
    Group(usize),
    Match(Box<Node>),
}

/// A place in the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Anchor {
    Start,
    End,
    /// The end, or before a line feed that is the last character.
    EndOrLastLine,
    LineStart,
    LineEnd,
    Boundary,
    NotBoundary,
    /// Where the search began: the end of the match before.
    SearchStart,
}

/// The groups of a pattern, in the order in which they open. Slot 0 is the whole match.
#[derive(Debug, Default)]
pub(super) struct Groups {
    all: Vec<Group>,
}

#[derive(Debug)]
struct Group {
    number: u32,
    name: Option<String>,
}

/// A group as it opens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Opening {
    Unnamed,
    Number(u32),
    Name(String),
}

impl Groups {
    /// Numbers groups as .NET does: unnamed ones in the order in which they open, then the named ones. Groups of one
    /// name or number are one group.
    pub(super) fn new(openings: &[Opening]) -> Self {
        let mut next = 0u32;
        let mut all = vec![Group { number: 0, name: None }];
        for opening in openings {
            let (number, name) = match opening {
                Opening::Unnamed => {
                    next += 1;
                    (next, None)
                }
                Opening::Number(number) => (*number, None),
                // It gets its number after all others have theirs.
                Opening::Name(name) => (u32::MAX, Some(name.clone())),
            };
            let known = all.iter().any(|group| match &name {
                Some(name) => group.name.as_ref() == Some(name),
                None => group.number == number,
            });
            if !known {
                all.push(Group { number, name });
            }
        }
        for at in 0..all.len() {
            if all[at].name.is_some() {
                next += 1;
                while all.iter().any(|group| group.number == next) {
                    next += 1;
                }
                all[at].number = next;
            }
        }
        Self { all }
    }

    /// How many there are, the whole match counted.
    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    pub(super) fn by_number(&self, number: u32) -> Option<usize> {
        self.all.iter().position(|group| group.number == number)
    }

    pub(super) fn by_name(&self, name: &str) -> Option<usize> {
        self.all.iter().position(|group| group.name.as_deref() == Some(name))
    }

    /// The group with the highest number.
    pub(super) fn last(&self) -> usize {
        self.all.iter().enumerate().max_by_key(|(_, group)| group.number).map_or(0, |(slot, _)| slot)
    }

    /// The groups with names, by their slots.
    pub(super) fn named(&self) -> impl Iterator<Item = (usize, &str)> {
        self.all.iter().enumerate().filter_map(|(slot, group)| Some((slot, group.name.as_deref()?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_numbered_as_in_net() {
        let name = |name: &str| Opening::Name(name.into());
        let groups = Groups::new(&[name("a"), Opening::Unnamed, name("b"), Opening::Unnamed, name("a")]);
        assert_eq!(groups.len(), 5);
        assert_eq!([1, 2, 3, 4].map(|number| groups.by_number(number)), [Some(2), Some(4), Some(1), Some(3)]);
        assert_eq!((groups.by_name("a"), groups.by_name("b"), groups.last()), (Some(1), Some(3), 3));
        let groups = Groups::new(&[Opening::Number(2), Opening::Unnamed, Opening::Unnamed, name("x")]);
        assert_eq!(groups.len(), 4);
        assert_eq!([1, 2, 3, 4].map(|number| groups.by_number(number)), [Some(2), Some(1), Some(3), None]);
    }
}
