//! Joins: by a hash of the equal parts, else row by row.

use super::super::Failure;
use super::super::machine::{Frame, Machine};
use super::super::scope::MISSING;
use super::{Joined, Positions};
use crate::ast::BinaryOp;
use crate::tree::{Expr, ExprKind, Select, Source};
use crate::value::{Conversion, Value, hash_of, truth};
use hashbrown::HashMap;

/// The rows of a source by the hash of its side of the equalities.
#[derive(Default)]
struct Index {
    /// The rows of each hash, in order.
    rows: HashMap<u64, Vec<u32>, foldhash::fast::FixedState>,
    /// The keys of each row; none if one of them is null.
    keys: Vec<Vec<Value>>,
}

/// A part of an `on`, in the written order.
enum Part<'t> {
    Equality(&'t Expr, &'t Expr),
    Condition(&'t Expr),
}

impl<'t> Machine<'_> {
    /// Joins all sources.
    pub(super) fn join(&mut self, frame: &mut Frame<'t>, select: &'t Select) -> Result<Joined, Failure> {
        let lengths: Vec<u32> = match frame.joined(select.scope.id) {
            Some(scope) => scope.sources.iter().map(|rows| rows.len() as u32).collect(),
            None => Vec::new(),
        };
        let mut joined = Joined::default();
        for (number, (source, length)) in select.sources.iter().zip(&lengths).enumerate() {
            if number == 0 {
                joined.sources.push(Positions::All(*length));
            } else {
                joined = self.join_source(frame, select, &joined, source, *length)?;
            }
        }
        Ok(joined)
    }

    /// Joins one more source to the earlier ones.
    fn join_source(
        &mut self,
        frame: &mut Frame<'t>,
        select: &'t Select,
        before: &Joined,
        source: &'t Source,
        length: u32,
    ) -> Result<Joined, Failure> {
        if !source.equalities.is_empty() && before.len() > 0 {
            if let Some(joined) = self.kernel_join(frame, select, before, source, length)? {
                return Ok(joined);
            }
            // An error here may be one that the written order, row by row, would never reach.
            match self.hash_join(frame, select, before, source, length) {
                Err(error) if error.kind.is_catchable() => {}
                other => return other,
            }
        }
        let parts = parts_of(source);
        self.build(before, source, |machine, row, matches| {
            for other in 0..length {
                machine.spend(1)?;
                enter_pair(frame, select, before, row, other);
                if machine.all_hold(frame, &parts)? {
                    matches.push(other);
                }
            }
            Ok(())
        })
    }

    fn hash_join(
        &mut self,
        frame: &mut Frame<'t>,
        select: &'t Select,
        before: &Joined,
        source: &'t Source,
        length: u32,
    ) -> Result<Joined, Failure> {
        let mut index = Index::default();
        for other in 0..length {
            self.spend(1)?;
            enter_pair(frame, select, before, usize::MAX, other);
            let keys = self.join_keys(frame, source.equalities.iter().map(|(_, right)| right))?;
            if let Some(keys) = &keys {
                for key in keys {
                    self.hold(key)?;
                }
                index.rows.entry(self.hash_of(keys)).or_default().push(other);
            }
            index.keys.push(keys.unwrap_or_default());
        }
        self.build(before, source, |machine, row, matches| {
            machine.spend(1)?;
            enter_pair(frame, select, before, row, MISSING);
            let Some(keys) = machine.join_keys(frame, source.equalities.iter().map(|(left, _)| left))? else {
                return Ok(());
            };
            let Some(candidates) = index.rows.get(&machine.hash_of(&keys)) else { return Ok(()) };
            for other in candidates {
                machine.work(1)?;
                if !machine.keys_equal(&keys, index.keys.get(*other as usize))? {
                    continue;
                }
                if let Some(rest) = &source.rest {
                    machine.spend(1)?;
                    enter_pair(frame, select, before, row, *other);
                    if !truth(&machine.eval(frame, rest)?) {
                        continue;
                    }
                }
                matches.push(*other);
            }
            Ok(())
        })
    }

    /// Collects the matches of each row before; a row without any is padded in a left join.
    fn build(
        &mut self,
        before: &Joined,
        source: &Source,
        mut matches_of: impl FnMut(&mut Self, usize, &mut Vec<u32>) -> Result<(), Failure>,
    ) -> Result<Joined, Failure> {
        let mut sources: Vec<Vec<u32>> = vec![Vec::new(); before.sources.len() + 1];
        let mut matches = Vec::new();
        for row in 0..before.len() {
            matches.clear();
            matches_of(self, row, &mut matches)?;
            if matches.is_empty() && source.left {
                matches.push(MISSING);
            }
            if matches.is_empty() {
                continue;
            }
            if let Some(positions) = sources.last_mut() {
                positions.extend_from_slice(&matches);
            }
            for (positions, before) in sources.iter_mut().zip(&before.sources) {
                positions.extend(std::iter::repeat_n(before.get(row), matches.len()));
            }
            let added = matches.len() * sources.len();
            self.meter.hold(added * size_of::<u32>());
            self.grow(added * size_of::<u32>())?;
            self.check_cells(sources.first().map_or(0, Vec::len))?;
        }
        let joined = Joined { sources: sources.into_iter().map(Positions::Rows).collect() };
        Ok(joined)
    }

    /// The keys of the current row; `None` where one is null, which matches nothing.
    fn join_keys(
        &mut self,
        frame: &mut Frame<'t>,
        exprs: impl Iterator<Item = &'t Expr>,
    ) -> Result<Option<Vec<Value>>, Failure> {
        let mut keys = Vec::with_capacity(1);
        let mut null = false;
        for expr in exprs {
            let key = self.row_eval(frame, expr)?;
            null |= key.is_null();
            keys.push(key);
        }
        Ok((!null).then_some(keys))
    }

    fn keys_equal(&mut self, a: &[Value], b: Option<&Vec<Value>>) -> Result<bool, Failure> {
        let Some(b) = b else { return Ok(false) };
        for (a, b) in a.iter().zip(b) {
            if !self.equals(a, b)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn hash_of(&self, keys: &[Value]) -> u64 {
        hash_of(keys, Conversion::To(self.zone()))
    }

    /// Are all parts of an `on` true? Parts after a false one are not evaluated.
    fn all_hold(&mut self, frame: &mut Frame<'t>, parts: &[Part<'t>]) -> Result<bool, Failure> {
        for part in parts {
            let holds = match part {
                Part::Condition(condition) => self.row_holds(frame, condition)?,
                Part::Equality(left, right) => {
                    let left = self.row_eval(frame, left)?;
                    let right = self.row_eval(frame, right)?;
                    !left.is_null() && !right.is_null() && self.equals(&left, &right)?
                }
            };
            if !holds {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// Makes a row before the join and a row of the source that is being joined the current ones.
fn enter_pair(frame: &mut Frame<'_>, select: &Select, before: &Joined, row: usize, other: u32) {
    if let Some(scope) = frame.joined(select.scope.id) {
        let rows = before.sources.iter().map(|positions| positions.get(row));
        for (at, position) in scope.at.iter_mut().zip(rows.chain([other])) {
            *at = position;
        }
    }
}

/// The parts of an `on` in the written order.
fn parts_of(source: &Source) -> Vec<Part<'_>> {
    let mut parts: Vec<(u32, Part<'_>)> = Vec::new();
    for (left, right) in &source.equalities {
        parts.push((left.span.start.min(right.span.start), Part::Equality(left, right)));
    }
    match source.rest.as_ref().map(|rest| (&rest.kind, rest)) {
        Some((ExprKind::Binary(first, others), _)) if others.iter().all(|(op, _, _)| *op == BinaryOp::And) => {
            let others = others.iter().map(|(_, _, other)| other);
            parts.extend([&**first].into_iter().chain(others).map(|part| (part.span.start, Part::Condition(part))));
        }
        Some((_, rest)) => parts.push((rest.span.start, Part::Condition(rest))),
        None => {}
    }
    parts.sort_by_key(|(start, _)| *start);
    parts.into_iter().map(|(_, part)| part).collect()
}
