//! The codes of the language, one table for the parser, one for the checker and one for the silent traps.

mod checker;
mod lints;
mod syntax;

use super::Code;
pub use checker::*;
pub use lints::*;
pub use syntax::*;

/// All codes in order: syntax first, then the errors of the checker, then its warnings.
pub fn all() -> impl Iterator<Item = &'static Code> {
    SYNTAX.iter().chain(CHECKER).chain(LINTS).copied()
}

/// A code by its id, in any case.
pub fn find(id: &str) -> Option<&'static Code> {
    all().find(|code| code.id.eq_ignore_ascii_case(id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn rows_are_whole() {
        let mut ids = BTreeSet::new();
        let mut lints = BTreeSet::new();
        for code in all() {
            let digits = code.id.strip_prefix(['E', 'W']).unwrap_or_default();
            assert!(digits.len() == 4 && digits.bytes().all(|byte| byte.is_ascii_digit()), "{code}");
            assert!(!code.title.is_empty() && code.text.ends_with('.'), "{code}");
            assert!(ids.insert(code.id), "{code} stands twice");
            assert_eq!(code.is_syntax(), code.id.starts_with("E00"), "{code}");
            assert_eq!(code.is_warning(), code.id.starts_with('W'), "{code}");
            assert!(code.lint().is_none_or(|name| lints.insert(name)), "{code}");
        }
        assert_eq!(find("e0102"), Some(UNKNOWN_FUNCTION));
        assert_eq!(find("E9999"), None);
    }
}
