//! Whether a script is complete or its author is still typing.

use super::layout::Layout;
use super::token::{self, Kind, Quotes, Start};

/// Is a bracket, a block, a text, a template or a comment still open at the end of `source`? For a prompt that reads
/// several lines.
pub fn is_incomplete(source: &str) -> bool {
    let tokens = token::scan(source, Start::Code, Quotes::AsWritten);
    if tokens.last().is_some_and(|last| matches!(last.kind, Kind::UnclosedText | Kind::UnclosedComment)) {
        return true;
    }
    let end = tokens.len();
    Layout::new(source, tokens).unclosed_before(end).is_some()
}

#[cfg(test)]
mod tests {
    use super::is_incomplete;

    #[test]
    fn open_things_are_incomplete() {
        for source in [
            "f(",
            "[1, 2",
            "{a: 1",
            "if a {",
            "if a do",
            "'abc",
            "`a {b",
            "`a",
            "/* x",
            "@'it''",
            "for a in b {\n let c = 1;\n",
        ] {
            assert!(is_incomplete(source), "{source}");
        }
        for source in
            ["", "1 + 2", "f(1)", "if a { b(); }", "for a in b do c(); done", "'a' & `b{c}`", "// (", "x.do", "}", ")"]
        {
            assert!(!is_incomplete(source), "{source}");
        }
    }
}
