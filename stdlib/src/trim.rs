//! `Trim` and its kin: in the sum of the lengths of the text and of the characters to leave out.

use crate::arguments::part;
use flowscript_lang::budget::{Budget, Toll};
use flowscript_lang::function::{Call, NativeResult};
use std::collections::HashSet;

/// What going back over a byte costs, in bytes that are merely looked at.
const BACKWARDS: usize = 4;

/// The ends of a text at which characters are left out.
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
    let (text, chars) = (call.eco_text(0), if call.is_given(1) { Some(call.eco_text(1)) } else { None });
    let mut toll = Toll::new(call.budget());
    let chars = match &chars {
        Some(chars) => {
            let mut set = HashSet::new();
            for c in chars.chars() {
                toll.scan(c.len_utf8() * LOOKED_UP)?;
                if set.insert(c) {
                    toll.take(size_of::<char>() * 4)?;
                }
            }
            Some(set)
        }
        None => None,
    };
    let cut = |c: char| chars.as_ref().map_or(c.is_whitespace(), |chars| chars.contains(&c));
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

/// What looking a character up in a set costs, in bytes that are merely looked at.
const LOOKED_UP: usize = 16;
