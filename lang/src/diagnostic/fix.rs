//! Corrections: edits of the source that remove a diagnostic.

use super::Diagnostic;
use crate::span::Span;

/// A stretch of the source and its replacement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// The replaced text; an empty span inserts.
    pub span: Span,
    /// The replacement text.
    pub text: String,
}

/// A correction of a diagnostic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fix {
    /// Its effect, as in "write `total`".
    pub title: String,
    /// The edits, which belong together and do not overlap.
    pub edits: Vec<Edit>,
    /// The intention is unambiguous, and a program that was correct before gives the same result afterwards. Tools may
    /// apply it without asking.
    pub safe: bool,
}

impl Fix {
    /// Writes `text` in place of `span`.
    pub fn replace(span: Span, text: impl Into<String>) -> Self {
        let text = text.into();
        let title = format!("write `{}`", text.trim());
        Self { title, edits: vec![Edit { span, text }], safe: false }
    }

    /// Writes `text` at a byte of the source.
    pub fn insert(at: u32, text: impl Into<String>) -> Self {
        let text = text.into();
        Self { title: format!("add `{}`", text.trim()), ..Self::replace(Span { start: at, end: at }, text) }
    }

    /// Removes the text at `span`; `what` names it.
    pub fn remove(span: Span, what: &str) -> Self {
        Self { title: format!("remove {what}"), ..Self::replace(span, "") }
    }

    /// Writes `before` and `after` around `span`.
    pub fn around(span: Span, before: impl Into<String>, after: impl Into<String>) -> Self {
        let (before, after) = (before.into(), after.into());
        let title = format!("write `{before}…{after}`");
        let place = |at| Span { start: at, end: at };
        let edits = vec![Edit { span: place(span.start), text: before }, Edit { span: place(span.end), text: after }];
        Self { title, edits, safe: false }
    }

    /// The same with a title of its own.
    #[must_use]
    pub fn titled(self, title: impl Into<String>) -> Self {
        Self { title: title.into(), ..self }
    }

    /// The same with one more edit.
    #[must_use]
    pub fn and(mut self, span: Span, text: impl Into<String>) -> Self {
        self.edits.push(Edit { span, text: text.into() });
        self
    }

    /// The same, which tools may apply without asking.
    #[must_use]
    pub fn safe(self) -> Self {
        Self { safe: true, ..self }
    }
}

/// The result of applying fixes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    /// The source afterwards.
    pub text: String,
    /// Fixes that were applied.
    pub applied: usize,
    /// Fixes that were left out, since they overlap with one that was applied or lie outside of the source.
    pub skipped: usize,
}

/// Applies fixes to a source, each as a whole or not at all; of those that overlap, the first one.
pub fn apply<'a>(source: &str, fixes: impl IntoIterator<Item = &'a Fix>) -> Applied {
    let mut taken: Vec<&Edit> = Vec::new();
    let (mut applied, mut skipped) = (0, 0);
    for fix in fixes {
        let fits = |edit: &Edit| source.get(range(edit.span)).is_some() && !taken.iter().any(|other| meet(edit, other));
        if fix.edits.iter().all(fits) {
            taken.extend(&fix.edits);
            applied += 1;
        } else {
            skipped += 1;
        }
    }
    // Of two insertions at one place the first stays first.
    taken.sort_by_key(|edit| (edit.span.start, edit.span.end));
    let mut text = String::with_capacity(source.len());
    let mut at = 0;
    for edit in taken {
        let Some(before) = source.get(at..edit.span.start as usize) else { continue };
        text.push_str(before);
        text.push_str(&edit.text);
        at = edit.span.end as usize;
    }
    text.push_str(source.get(at..).unwrap_or_default());
    Applied { text, applied, skipped }
}

/// The most rounds of fixes: one may reveal what another one corrects.
const MOST_ROUNDS: usize = 10;

/// Applies the safe fixes of what `check` finds, again and again until no fix is left. `check` returns `None` for a
/// text that is not allowed; then the fixes that led to it are left out.
pub fn settle(source: &str, mut check: impl FnMut(&str) -> Option<Vec<Diagnostic>>) -> Applied {
    let mut settled = Applied { text: source.to_owned(), applied: 0, skipped: 0 };
    let Some(mut found) = check(source) else { return settled };
    for _ in 0..MOST_ROUNDS {
        let round = apply(&settled.text, safe(&found));
        if round.applied == 0 {
            break;
        }
        let Some(next) = check(&round.text) else { break };
        settled = Applied { applied: settled.applied + round.applied, ..round };
        found = next;
    }
    settled.skipped = safe(&found).count();
    settled
}

/// The first fix of each finding that may be applied without asking.
pub fn safe(found: &[Diagnostic]) -> impl Iterator<Item = &Fix> {
    found.iter().filter_map(|finding| finding.fixes.iter().find(|fix| fix.safe))
}

fn range(span: Span) -> std::ops::Range<usize> {
    span.start as usize..span.end as usize
}

/// Do two edits touch the same bytes? Two insertions at one place do, since their order would be a guess.
fn meet(a: &Edit, b: &Edit) -> bool {
    let (a, b) = (a.span, b.span);
    a.start < b.end && b.start < a.end || a.start == b.start
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::codes;

    fn fixed(source: &str, fixes: &[Fix]) -> (String, usize, usize) {
        let Applied { text, applied, skipped } = apply(source, fixes);
        (text, applied, skipped)
    }

    #[test]
    fn fixes_are_applied_whole_and_once() {
        let swap = Fix::around(Span::new(2, 3), "(", ")");
        assert_eq!(swap.title, "write `(…)`");
        assert_eq!(fixed("a b c", std::slice::from_ref(&swap)), ("a (b) c".into(), 1, 0));
        let inner = Fix::replace(Span::new(2, 3), "x");
        // The insertion begins where the replacement does.
        assert_eq!(fixed("a b c", &[inner.clone(), swap.clone()]), ("a x c".into(), 1, 1));
        assert_eq!(fixed("a b c", &[swap, inner]), ("a (b) c".into(), 1, 1));
        let ends = [Fix::insert(5, "!"), Fix::insert(0, "»"), Fix::remove(Span::new(1, 2), "the blank")];
        assert_eq!(fixed("a b c", &ends), ("»ab c!".into(), 3, 0));
    }

    /// Finds each `x`, which should be an `y`, and each `y` before a `z`, which should be twice there.
    fn letters(text: &str) -> Vec<Diagnostic> {
        let found = |at: usize, fix| Diagnostic::error(codes::UNEXPECTED, Span::new(at, at + 1), "?").with_fix(fix);
        let x = text.match_indices('x').map(|(at, _)| found(at, Fix::replace(Span::new(at, at + 1), "y").safe()));
        let y = text.match_indices("yz").map(|(at, _)| found(at, Fix::replace(Span::new(at, at + 2), "yyz!").safe()));
        let q = text.match_indices('q').map(|(at, _)| found(at, Fix::remove(Span::new(at, at + 1), "it")));
        x.chain(y.filter(|_| !text.contains('!'))).chain(q).collect()
    }

    #[test]
    fn safe_fixes_are_applied_until_none_is_left() {
        let all = |text: &str| Some(letters(text));
        assert_eq!(settle("axzq", all), Applied { text: "ayyz!q".into(), applied: 2, skipped: 0 });
        assert_eq!(settle("q", all), Applied { text: "q".into(), applied: 0, skipped: 0 });
        let no_y = |text: &str| (!text.contains('y')).then(|| letters(text));
        assert_eq!(settle("x", no_y), Applied { text: "x".into(), applied: 0, skipped: 1 });
        // One that never ends.
        let longer = |text: &str| {
            let fix = Fix::insert(text.len() as u32, "o").safe();
            Some(vec![Diagnostic::error(codes::UNEXPECTED, Span::new(0, 0), "?").with_fix(fix)])
        };
        assert_eq!(settle("", longer), Applied { text: "o".repeat(MOST_ROUNDS), applied: MOST_ROUNDS, skipped: 1 });
    }

    #[test]
    fn what_does_not_fit_is_left_out() {
        let far = Fix::insert(9, "x");
        let half = Fix::replace(Span::new(1, 2), "x");
        let partly = Fix::insert(0, "a").and(Span::new(7, 9), "b");
        assert_eq!(fixed("é", &[far, half, partly]), ("é".into(), 0, 3));
    }
}
