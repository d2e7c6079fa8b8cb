//! Groups: captures, named and balancing ones, look-around, conditions, options.

use super::{MAX_NESTING, Options, Parser, Problem, either};
use crate::regex::sets;
use crate::regex::tree::{Condition, Node, Opening};

impl Parser<'_> {
    /// The group after its `(`; `None` if it only sets options. The parentheses of a condition capture nothing.
    pub(super) fn group(&mut self, condition: bool) -> Result<Option<Node>, Problem> {
        let start = self.at - 1;
        self.depth += 1;
        if self.depth > MAX_NESTING {
            return Err(self.problem(format_args!("groups are nested more than {MAX_NESTING} deep")));
        }
        let outer = self.options;
        let node = self.after_open(condition, start)?;
        self.depth -= 1;
        // Options without a group of their own are valid up to the end of the group around them.
        if node.is_some() {
            self.options = outer;
        }
        Ok(node)
    }

    fn after_open(&mut self, condition: bool, start: usize) -> Result<Option<Node>, Problem> {
        if self.take('?') {
            match self.peek() {
                Some('(') => self.conditional(start).map(Some),
                Some('<' | '\'') if !self.is_look_behind() => self.named(start).map(Some),
                _ => self.special(condition, start),
            }
        } else {
            self.plain(condition, start).map(Some)
        }
    }

    /// The branches of a group and its `)`.
    fn inside(&mut self, start: usize) -> Result<Vec<Node>, Problem> {
        let branches = self.branches()?;
        if !self.take(')') {
            self.at = start;
            return Err(self.problem("unclosed group: a ( has no )"));
        }
        Ok(branches)
    }

    fn body(&mut self, start: usize) -> Result<Box<Node>, Problem> {
        let mut branches = self.inside(start)?;
        Ok(Box::new(either(&mut branches)))
    }

    fn plain(&mut self, condition: bool, start: usize) -> Result<Node, Problem> {
        if condition || self.options.explicit {
            return Ok(*self.body(start)?);
        }
        self.openings.push(Opening::Unnamed);
        self.unnamed += 1;
        let slot = self.groups.and_then(|groups| groups.by_number(self.unnamed));
        Ok(Node::Capture { slot, pop: None, body: self.body(start)? })
    }

    fn is_look_behind(&self) -> bool {
        self.peek() == Some('<') && matches!(self.peek_after(1), Some('=' | '!'))
    }

    /// The rest after `(?` other than a name or a condition: look-around, options, `(?:…)`.
    fn special(&mut self, condition: bool, start: usize) -> Result<Option<Node>, Problem> {
        let around = |ahead, negated, body| Ok(Some(Node::Around { ahead, negated, body }));
        for (opening, ahead, negated) in
            [("=", true, false), ("!", true, true), ("<=", false, false), ("<!", false, true)]
        {
            if self.looks_at(opening) {
                self.at += opening.len();
                return around(ahead, negated, self.body(start)?);
            }
        }
        if self.take('>') {
            return Ok(Some(Node::Atomic(self.body(start)?)));
        }
        if !condition {
            self.options = self.read_options();
        }
        match self.next() {
            Some(':') => Ok(Some(*self.body(start)?)),
            Some(')') if !condition => Ok(None),
            _ => Err(self.unknown(start)),
        }
    }

    fn unknown(&mut self, start: usize) -> Problem {
        let shown: String = self.chars[start..(start + 4).min(self.chars.len())].iter().collect();
        self.at = start;
        self.problem(format_args!("{shown} begins no group of .NET"))
    }

    /// The options up to the first other character.
    fn read_options(&mut self) -> Options {
        let mut options = self.options;
        let mut on = true;
        while let Some(c) = self.peek() {
            let option = match c.to_ascii_lowercase() {
                '+' | '-' => {
                    on = c == '+';
                    self.at += 1;
                    continue;
                }
                'i' => &mut options.fold,
                'm' => &mut options.lines,
                's' => &mut options.dot_all,
                'n' => &mut options.explicit,
                'x' => &mut options.free,
                _ => break,
            };
            *option = on;
            self.at += 1;
        }
        options
    }

    /// `(?<name>…)`, `(?'name'…)`, `(?<2>…)`, and the balancing `(?<name-other>…)`.
    fn named(&mut self, start: usize) -> Result<Node, Problem> {
        let close = if self.next() == Some('\'') { '\'' } else { '>' };
        let slot = if self.peek() == Some('-') { None } else { Some(self.opened(start)?) };
        let pop = if self.take('-') { Some(self.popped(start)?) } else { None };
        if !self.take(close) {
            return Err(self.problem("the name of a group has letters, digits and _ only, and ends with > or '"));
        }
        let (slot, pop) = (slot.flatten(), pop.flatten());
        Ok(Node::Capture { slot, pop, body: self.body(start)? })
    }

    /// The group that a name or number opens.
    fn opened(&mut self, start: usize) -> Result<Option<usize>, Problem> {
        let opening = self.name_or_number()?;
        let slot = match &opening {
            Opening::Number(0) => {
                self.at = start;
                return Err(self.problem("the group 0 is the whole match"));
            }
            opening => self.groups.and_then(|groups| slot(groups, opening)),
        };
        self.openings.push(opening);
        Ok(slot)
    }

    /// The group whose last capture is popped.
    fn popped(&mut self, start: usize) -> Result<Option<usize>, Problem> {
        let opening = self.name_or_number()?;
        let Some(groups) = self.groups else { return Ok(None) };
        slot(groups, &opening).map(Some).ok_or_else(|| {
            let name = match opening {
                Opening::Name(name) => name,
                Opening::Number(number) => number.to_string(),
                Opening::Unnamed => String::new(),
            };
            self.at = start;
            self.problem(format_args!("it refers to the group {name}, which it does not have"))
        })
    }

    fn name_or_number(&mut self) -> Result<Opening, Problem> {
        match self.peek() {
            Some(c) if c.is_ascii_digit() => Ok(Opening::Number(self.decimal()?)),
            Some(c) if sets::is_word(c) => Ok(Opening::Name(self.word())),
            _ => Err(self.problem("the name of a group has letters, digits and _ only, and ends with > or '")),
        }
    }

    /// `(?(1)yes|no)`, `(?(name)yes|no)`, `(?(pattern)yes|no)` from its second `(`.
    fn conditional(&mut self, start: usize) -> Result<Node, Problem> {
        let condition = match self.group_condition(start)? {
            Some(slot) => Condition::Group(slot),
            None => {
                if self.looks_at("(?#") || self.looks_at("(?'") || (self.looks_at("(?<") && !self.is_behind_condition())
                {
                    return Err(self.problem("a condition cannot be a comment or a named group"));
                }
                self.at += 1;
                match self.group(true)? {
                    Some(node) => Condition::Match(Box::new(node)),
                    None => return Err(self.unknown(start)),
                }
            }
        };
        let mut branches = self.inside(start)?;
        if branches.len() > 2 {
            self.at = start;
            return Err(self.problem("a condition has more than two branches"));
        }
        let no = if branches.len() == 2 { branches.pop() } else { None };
        let yes = branches.pop();
        let part = |node: Option<Node>| Box::new(node.unwrap_or(Node::Empty));
        Ok(Node::If { condition, yes: part(yes), no: part(no) })
    }

    fn is_behind_condition(&self) -> bool {
        matches!(self.peek_after(3), Some('=' | '!'))
    }

    /// The group of a condition, if it names one.
    fn group_condition(&mut self, start: usize) -> Result<Option<usize>, Problem> {
        let back = self.at;
        self.at += 1;
        if self.peek().is_some_and(|c| c.is_ascii_digit()) {
            let number = self.decimal()?;
            if !self.take(')') {
                return Err(self.problem("a condition that is a number has other characters too"));
            }
            let slot = self.groups.map_or(Some(0), |groups| groups.by_number(number));
            return slot.map(Some).ok_or_else(|| {
                self.at = start;
                self.problem(format_args!("it refers to the group {number}, which it does not have"))
            });
        }
        let name = self.word();
        if let Some(slot) = self.groups.and_then(|groups| groups.by_name(&name))
            && self.take(')')
        {
            return Ok(Some(slot));
        }
        self.at = back;
        Ok(None)
    }
}

fn slot(groups: &crate::regex::tree::Groups, opening: &Opening) -> Option<usize> {
    match opening {
        Opening::Unnamed => None,
        Opening::Number(number) => groups.by_number(*number),
        Opening::Name(name) => groups.by_name(name),
    }
}
