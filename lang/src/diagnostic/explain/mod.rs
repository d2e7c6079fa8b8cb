//! What each code means, with an example that gives it: `flowscript explain E0102`.

mod checker;
mod lints;
mod syntax;

/// A code explained.
#[derive(Clone, Copy, Debug)]
pub struct Explanation {
    /// The code, such as `E0102`.
    pub code: &'static str,
    /// What it is about, in a few words.
    pub title: &'static str,
    /// A paragraph: what the rule is, and what to do.
    pub text: &'static str,
    /// A script that gives the code; empty where it takes more than one file or a host to get it.
    pub example: &'static str,
}

/// The explanation of a code, in any case.
pub fn explain(code: &str) -> Option<&'static Explanation> {
    all().find(|explanation| explanation.code.eq_ignore_ascii_case(code))
}

/// All codes in order: syntax first, then what the checker finds, then what it warns of.
pub fn all() -> impl Iterator<Item = &'static Explanation> {
    syntax::SYNTAX.iter().chain(checker::CHECKER).chain(lints::LINTS)
}
