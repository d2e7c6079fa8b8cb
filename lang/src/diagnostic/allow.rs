//! Comments that switch warnings off by their names: `// allow(unused-variable)`, in files of YAML `# allow(…)`.

use super::{Code, Diagnostic, codes};
use crate::span::Span;

/// The scope of a comment that switches warnings off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// The whole file.
    File,
    /// This line, counted from 1.
    Line(u32),
}

/// The warnings that a file switches off.
#[derive(Debug, Default)]
pub struct Allowed {
    names: Vec<(&'static str, Reach)>,
    /// The warnings about unknown names.
    pub unknown: Vec<Diagnostic>,
}

impl Allowed {
    /// Reads a comment, without the mark that begins it. `at` is the byte where it begins, `known` are the codes whose
    /// warnings can be switched off there.
    pub fn read(&mut self, comment: &str, at: usize, reach: Reach, known: &[&'static Code]) {
        for (offset, name) in names(comment) {
            match known.iter().filter_map(|code| code.lint()).find(|lint| *lint == name) {
                Some(lint) => self.names.push((lint, reach)),
                None => {
                    let start = at + offset;
                    self.unknown.push(unknown(name, Span::new(start, start + name.len()), known));
                }
            }
        }
    }

    /// Does it switch off nothing?
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// Is a warning of this code switched off in a line?
    pub fn allows(&self, code: &Code, line: u32) -> bool {
        let reaches = |reach: &Reach| *reach == Reach::File || *reach == Reach::Line(line);
        code.lint().is_some_and(|lint| self.names.iter().any(|(name, reach)| *name == lint && reaches(reach)))
    }
}

/// The warning about a name that no warning has.
pub fn unknown(name: &str, span: Span, known: &[&'static Code]) -> Diagnostic {
    let warning = Diagnostic::warning(codes::UNKNOWN_LINT, span, format!("No warning is named `{name}`."));
    let of_code = known.iter().find(|code| code.id.eq_ignore_ascii_case(name)).and_then(|code| code.lint());
    let near = of_code.or_else(|| crate::suggest::nearest(name, known.iter().filter_map(|code| code.lint())));
    let warning = warning.about(name).did_you_mean(near);
    if near.is_some() { warning } else { warning.with_hint("`flowscript explain` says the name of each warning") }
}

/// The names in `allow(a, b)` at the start of a comment; the text after it may be a reason.
fn names(comment: &str) -> impl Iterator<Item = (usize, &str)> {
    let blanks = comment.len() - comment.trim_start().len();
    let list = comment.get(blanks..).and_then(|text| text.strip_prefix("allow(")).and_then(|text| text.split_once(')'));
    let list = list.map_or("", |(list, _)| list);
    let mut at = blanks + "allow(".len();
    list.split(',').filter_map(move |part| {
        let offset = at + part.len() - part.trim_start().len();
        at += part.len() + 1;
        let name = part.trim();
        (!name.is_empty()).then_some((offset, name))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_name_warnings() {
        let all: Vec<&'static Code> = codes::all().collect();
        let mut allowed = Allowed::default();
        allowed.read(" allow( unused-variable,dropped-value ): later", 10, Reach::Line(3), &all);
        allowed.read("allow(unreachable)", 0, Reach::File, &all);
        allowed.read("we allow(this)", 0, Reach::File, &all);
        allowed.read("allow()", 0, Reach::File, &all);
        let allows = |code, line| allowed.allows(code, line);
        assert!(allows(codes::UNUSED_VARIABLE, 3) && allows(codes::DROPPED_VALUE, 3) && allows(codes::UNREACHABLE, 9));
        assert!(!allows(codes::UNUSED_VARIABLE, 4) && !allows(codes::UNEXPECTED, 3) && allowed.unknown.is_empty());
        allowed.read(" allow(w0101, unusd-variable, zzz)", 5, Reach::File, &all);
        let told: Vec<_> = allowed.unknown.iter().map(|found| (found.span, found.fixes.len())).collect();
        assert_eq!(told, [(Span::new(12, 17), 1), (Span::new(19, 33), 1), (Span::new(35, 38), 0)]);
        assert_eq!(allowed.unknown[0].hint.as_deref(), Some("did you mean `unused-variable`?"));
    }
}
