//! W0111: patterns of datetimes in the notation of other languages: `YYYY-MM-DD`, `yyyy-mm-dd`, `HH:MM`, `%Y-%m-%d`.

use super::library::Known;
use super::source::{Source, bare, warning};
use super::walk::{self, Node};
use crate::ast::{Expr, ExprKind, Name, PostfixKind, StatementKind, TemplatePart};
use crate::diagnostic::{Diagnostic, Fix, codes};
use crate::span::Span;
use hashbrown::HashMap;

/// Warns of letters in a pattern that mean another part of a datetime, or nothing.
pub(super) fn foreign(source: &Source<'_>, found: &mut Vec<Diagnostic>) {
    let known = fixed_texts(source);
    let functions = Known::of(source.registry, |function| function.facts.date_pattern.is_some());
    walk::script(source.script, &mut |node| {
        let Node::Expr(expr) = node else { return };
        let Some(pattern) = pattern_of(expr, &functions) else { return };
        // The text of a variable is where the variable is declared.
        let text = match &bare(pattern).kind {
            ExprKind::Name(name) => known.get(name.as_str()).copied().flatten(),
            _ => fixed_text(pattern),
        };
        let Some((text, place)) = text else { return };
        if let Some((message, right)) = corrected(text) {
            let hint =
                format!("write '{right}': `yyyy MM dd` are year, month and day, `HH mm ss` hour, minute and second");
            let written = place.text(source.text);
            let quote = written.chars().next().filter(|c| matches!(c, '\'' | '"' | '`'));
            // The text as written, without escapes or parts.
            let fix = quote.filter(|quote| written == format!("{quote}{text}{quote}"));
            let fix = fix.map(|quote| Fix::replace(place, format!("{quote}{right}{quote}")));
            found.push(warning(codes::FOREIGN_DATE_PATTERN, pattern.span, message, hint).with_fix(fix));
        }
    });
}

/// A text that has no parts, and its place.
fn fixed_text(expr: &Expr) -> Option<(&str, Span)> {
    let expr = bare(expr);
    let text = match &expr.kind {
        ExprKind::Text(text) => text,
        ExprKind::Template(parts) => match parts.as_slice() {
            [TemplatePart::Text(text)] => text,
            _ => return None,
        },
        _ => return None,
    };
    Some((text, expr.span))
}

/// Variables that hold one fixed text; `None` for names with another meaning, too.
fn fixed_texts<'a>(source: &Source<'a>) -> HashMap<&'a str, Option<(&'a str, Span)>> {
    let mut known: HashMap<&str, Option<(&str, Span)>> = HashMap::new();
    let mut note = |name: &'a Name, text: Option<(&'a str, Span)>| {
        known.entry(name.text.as_str()).and_modify(|known| *known = None).or_insert(text);
    };
    walk::script(source.script, &mut |node| match node {
        Node::Statement(statement) => match &statement.kind {
            StatementKind::Let { name, value, .. } | StatementKind::Set { name, value, .. } => {
                note(name, fixed_text(value));
            }
            StatementKind::For { name, .. } => note(name, None),
            StatementKind::Function { function, .. } => {
                function.parameters.iter().for_each(|parameter| note(&parameter.name, None));
            }
            _ => {}
        },
        Node::Expr(Expr { kind: ExprKind::Function(function), .. }) => {
            function.parameters.iter().for_each(|parameter| note(&parameter.name, None));
        }
        Node::Expr(_) => {}
    });
    known
}

/// The pattern in a call of one of the functions.
fn pattern_of<'e>(expr: &'e Expr, functions: &Known<'_>) -> Option<&'e Expr> {
    let ExprKind::Postfix { base, steps } = &expr.kind else { return None };
    let first = match &base.kind {
        ExprKind::Name(name) => name.as_str(),
        _ => "",
    };
    let mut before = first;
    for (at, step) in steps.iter().enumerate() {
        match &step.kind {
            PostfixKind::Field(field) => before = &field.text,
            PostfixKind::Call { arguments, .. } => {
                let member = if at == 1 { functions.find_in(first, before) } else { None };
                let function = match at {
                    0 => functions.find_opened(before),
                    _ => member.or_else(|| functions.find(before)),
                };
                if let Some(position) = function.and_then(|function| function.facts.date_pattern) {
                    // In `d.f(pattern)` the first argument is before the dot.
                    let is_method = at > 0 && member.is_none();
                    return arguments.get(position.checked_sub(usize::from(is_method))?);
                }
                before = "";
            }
            PostfixKind::SafeField(_) | PostfixKind::Index(_) => before = "",
        }
    }
    None
}

/// A run of one letter in a pattern.
struct Run {
    letter: char,
    text: String,
}

/// The fault of a pattern, and the intended pattern.
fn corrected(pattern: &str) -> Option<(String, String)> {
    if let Some(right) = of_percents(pattern) {
        return Some(("A pattern has no `%` before its letters.".to_owned(), right));
    }
    let runs = runs(pattern);
    if runs.iter().filter(|run| is_part(run)).count() < 2 && !matches!(pattern, "YYYY" | "YY") {
        return None;
    }
    let parts: Vec<usize> =
        (0..runs.len()).filter(|at| runs.get(*at).is_some_and(|run| run.letter.is_ascii_alphabetic())).collect();
    let mut wrong: Option<(String, &str)> = None;
    let mut right = String::new();
    for (at, run) in runs.iter().enumerate() {
        let place = parts.iter().position(|part| *part == at);
        let near = |step: isize| {
            let other = place?.checked_add_signed(step)?;
            runs.get(*parts.get(other)?).map(|run| run.letter.to_ascii_lowercase())
        };
        let (before, after) = (near(-1), near(1));
        let of_date = |part: Option<char>| matches!(part, Some('y' | 'd'));
        let is_date = of_date(before) || before.is_none() && of_date(after);
        let meant = match run.letter {
            'Y' if run.text.len() > 1 => Some(('y', "years are `yyyy`")),
            'D' if run.text.len() > 1 => Some(('d', "days are `dd`")),
            'S' if run.text.len() > 1 && before == Some('m') => Some(('s', "seconds are `ss`")),
            'm' if run.text.len() > 1 && is_date && after != Some('s')
                || run.text == "m" && is_between(before, after) =>
            {
                Some(('M', "`m` and `mm` are minutes, months are `M` and `MM`"))
            }
            'M' if run.text.len() > 1 && before == Some('h') => Some(('m', "`MM` is months, minutes are `mm`")),
            _ => None,
        };
        match meant {
            Some((letter, why)) => {
                wrong.get_or_insert_with(|| (run.text.clone(), why));
                right.extend(run.text.chars().map(|_| letter));
            }
            None => right.push_str(&run.text),
        }
    }
    wrong.map(|(text, why)| (format!("`{text}` is not what it seems in this pattern: {why}."), right))
}

/// Is it a part of a datetime, rather than a letter of a word?
fn is_part(run: &Run) -> bool {
    match run.letter {
        'y' | 'Y' | 'm' | 'M' | 'd' | 'D' | 'h' | 'H' | 's' | 'S' => true,
        't' => run.text.len() > 1,
        _ => false,
    }
}

/// Is there a single letter among the parts of a date: between day and year, or after a year?
fn is_between(before: Option<char>, after: Option<char>) -> bool {
    matches!((before, after), (Some('d'), Some('y')) | (Some('y'), Some('d')) | (Some('y'), None))
}

/// The pattern in the letters of `strftime`: `%Y-%m-%d`.
fn of_percents(pattern: &str) -> Option<String> {
    let mut right = String::new();
    let mut letters = pattern.chars();
    let mut count = 0;
    while let Some(c) = letters.next() {
        if c != '%' {
            right.push(c);
            continue;
        }
        right.push_str(match letters.next()? {
            'Y' => "yyyy",
            'y' => "yy",
            'm' => "MM",
            'd' => "dd",
            'H' => "HH",
            'I' => "hh",
            'M' => "mm",
            'S' => "ss",
            'p' => "tt",
            _ => return None,
        });
        count += 1;
    }
    (count > 1).then_some(right)
}

/// The runs of letters of a pattern, and the text between them. Quoted text and text after a backslash is literal.
fn runs(pattern: &str) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    let mut quote = None;
    let mut escaped = false;
    for c in pattern.chars() {
        let plain = quote.is_none() && !escaped && !matches!(c, '\'' | '"' | '\\');
        let letter = if plain && c.is_ascii_alphabetic() { c } else { ' ' };
        match (quote, c) {
            _ if escaped => escaped = false,
            (_, '\\') => escaped = true,
            (None, '\'' | '"') => quote = Some(c),
            (Some(open), c) if c == open => quote = None,
            _ => {}
        }
        match runs.last_mut() {
            Some(run) if run.letter == letter => run.text.push(c),
            _ => runs.push(Run { letter, text: c.to_string() }),
        }
    }
    runs
}
