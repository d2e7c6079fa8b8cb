//! `// allow(name)`: which warnings the author has switched off, and where.

use super::super::checker::Checker;
use super::source::Source;
use crate::diagnostic::allow::{Allowed, Reach};
use crate::diagnostic::{Code, Diagnostic, codes};
use crate::span::line_column;

impl Checker<'_> {
    /// Removes the warnings that comments of the unit switch off, and warns of unknown names.
    pub(super) fn switch_off(&mut self, source: &Source<'_>) {
        if !source.text.contains("allow(") {
            return;
        }
        let allowed = comments(source);
        let unit = self.units[self.unit].name.clone();
        let is_wanted = |found: &Diagnostic| !allowed.allows(found.code, line_column(source.text, found.span.start).0);
        if !allowed.is_empty() {
            self.findings.retain_since(0, |found| found.module != unit || found.is_error() || is_wanted(found));
        }
        allowed.unknown.iter().filter(|warning| is_wanted(warning)).for_each(|warning| self.report(warning.clone()));
        let last = line_column(source.text, source.text.trim_end().len() as u32).0;
        if self.unit == 0 && allowed.allows(codes::MORE_WARNINGS, last) {
            self.findings.forget_warnings_left_out();
        }
    }
}

/// Reads the comments between the tokens. One before all of them applies to the whole file, one after a token to its
/// line, any other to the line of the next token.
fn comments(source: &Source<'_>) -> Allowed {
    let known: Vec<&'static Code> = codes::all().collect();
    let mut allowed = Allowed::default();
    let mut from = 0;
    for at in 0..=source.tokens.len() {
        let next = source.tokens.get(at).map(|(_, span)| *span);
        let to = next.map_or(source.text.len(), |span| span.start as usize);
        let gap = source.text.get(from..to).unwrap_or_default();
        if gap.contains("allow(") {
            let mut start = from;
            for (number, line) in gap.split_inclusive('\n').enumerate() {
                let mark = line.find("//");
                if let Some(mark) = mark {
                    let reach = match next {
                        _ if at == 0 => Some(Reach::File),
                        _ if number == 0 => Some(Reach::Line(line_column(source.text, start as u32).0)),
                        Some(next) => Some(Reach::Line(line_column(source.text, next.start).0)),
                        None => None,
                    };
                    if let Some(reach) = reach {
                        allowed.read(line[mark + 2..].trim_end(), start + mark + 2, reach, &known);
                    }
                }
                start += line.len();
            }
        }
        from = next.map_or(to, |span| span.end as usize);
    }
    allowed
}
