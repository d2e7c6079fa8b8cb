//! `Trim` and related functions: in time linear in the sum of the lengths of the text and of the characters to remove.

use crate::arguments::{looked, part};
use flowscript_lang::budget::{Budget, Toll};
use flowscript_lang::function::{Call, NativeResult};
use std::collections::HashSet;

/// Texts up to this many bytes are processed at once, with one payment.
const SHORT: usize = 1 << 10;

/// The cost of going back over a byte, in bytes looked at.
const BACKWARDS: usize = 4;

/// The ends of a text at which characters are removed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ends {
    Both,
    Start,
    End,
}

pub(crate) fn trim(call: &mut Call<'_>) -> NativeResult {
    trimmed(call, Ends::Both)
}

pub(crate) fn trim_start(call: &mut Call<'_>) -> NativeResult {
    trimmed(call, Ends::Start)
}

pub(crate) fn trim_end(call: &mut Call<'_>) -> NativeResult {
    trimmed(call, Ends::End)
}

fn trimmed(call: &mut Call<'_>, ends: Ends) -> NativeResult {
    let given = call.text(0);
    if given.len() <= SHORT && !call.is_given(1) {
        let rest = match ends {
            Ends::Both => given.trim(),
            Ends::Start => given.trim_start(),
            Ends::End => given.trim_end(),
        };
        let cut = given.len() - rest.len();
        let rest = if cut > 0 { rest.into() } else { call.take(0) };
        looked(call, cut * BACKWARDS)?;
        return Ok(rest);
    }
    let (text, chars) = (call.eco_text(0), if call.is_given(1) { Some(call.eco_text(1)) } else { None });
    let mut toll = Toll::new(call.budget());
    let mut many = HashSet::new();
    if let Some(chars) = chars.as_ref().filter(|chars| chars.len() > FEW) {
        for c in chars.chars() {
            toll.scan(c.len_utf8() * LOOKED_UP)?;
            if many.insert(c) {
                toll.take(size_of::<char>() * 4)?;
            }
        }
    }
    let cut = |c: char| match &chars {
        None => c.is_whitespace(),
        Some(chars) if chars.len() <= FEW => chars.contains(c),
        Some(_) => many.contains(&c),
    };
    let cost = if chars.is_some() { LOOKED_UP } else { BACKWARDS };
    let mut rest = text.as_str();
    if ends != Ends::End {
        let mut all = rest.chars();
        while let Some(c) = all.next().filter(|c| cut(*c)) {
            toll.scan(c.len_utf8() * cost)?;
            rest = all.as_str();
        }
    }
    if ends != Ends::Start {
        let mut all = rest.chars();
        while let Some(c) = all.next_back().filter(|c| cut(*c)) {
            toll.scan(c.len_utf8() * cost)?;
            rest = all.as_str();
        }
    }
    toll.settle()?;
    if rest.len() == text.len() { Ok(call.take(0)) } else { part(call, rest) }
}

/// Up to this many bytes of characters, a linear search is faster than building a set.
const FEW: usize = 16;

/// The cost of looking up a character in a set, in bytes looked at.
const LOOKED_UP: usize = 16;
