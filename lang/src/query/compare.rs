//! Comparisons of vectors.

use super::vector::{Side, Vector, chosen};
use crate::ast::BinaryOp;

/// The rows, of `len`, for which `a op b` holds; `None` if the two differ in type.
pub(super) fn compared(op: BinaryOp, a: &Vector<'_>, b: &Vector<'_>, len: usize) -> Option<Vec<u32>> {
    if let (Some(a), Some(b)) = (a.numbers(), b.numbers()) {
        return typed(op, a, b, len);
    }
    if let (Some(a), Some(b)) = (a.texts(), b.texts()) {
        return typed(op, a, b, len);
    }
    if let (Some(a), Some(b)) = (a.bools(), b.bools()) {
        return typed(op, a, b, len);
    }
    typed(op, a.datetimes()?, b.datetimes()?, len)
}

/// Nothing is below or above null, and only null equals it.
fn typed<T: Copy + Ord>(op: BinaryOp, a: Side<'_, T>, b: Side<'_, T>, len: usize) -> Option<Vec<u32>> {
    Some(match op {
        BinaryOp::Equal => match b {
            Side::One(Some(b)) => chosen(len, |row| a.get(row).is_some_and(|a| a == b)),
            b => chosen(len, |row| a.get(row) == b.get(row)),
        },
        BinaryOp::NotEqual => chosen(len, |row| a.get(row) != b.get(row)),
        BinaryOp::Less => chosen(len, |row| both(a, b, row).is_some_and(|(a, b)| a < b)),
        BinaryOp::LessEqual => chosen(len, |row| both(a, b, row).is_some_and(|(a, b)| a <= b)),
        BinaryOp::Greater => chosen(len, |row| both(a, b, row).is_some_and(|(a, b)| a > b)),
        BinaryOp::GreaterEqual => chosen(len, |row| both(a, b, row).is_some_and(|(a, b)| a >= b)),
        _ => return None,
    })
}

#[inline]
fn both<T: Copy>(a: Side<'_, T>, b: Side<'_, T>, row: usize) -> Option<(T, T)> {
    Some((a.get(row)?, b.get(row)?))
}
