//! From the patterns of .NET to those of the engines: what both write the same way passes through, what means
//! something else there is rewritten, what would make an engine recurse without end is refused.

/// The longest pattern, in bytes: the time for a text grows with both lengths.
const MAX_LENGTH: usize = 10_000;

/// How deep groups may be nested.
const MAX_NESTING: usize = 200;

/// The pattern in the engines' syntax. The error says what is wrong with it.
pub(super) fn translate(pattern: &str) -> Result<String, String> {
    if pattern.len() > MAX_LENGTH {
        return Err(format!("it is longer than {MAX_LENGTH} bytes"));
    }
    // With free spacing a `#` begins a comment, in which nothing may be rewritten.
    let free = pattern.contains("(?x");
    let mut out = String::with_capacity(pattern.len() + 8);
    let mut chars = pattern.chars();
    let mut depth = 0usize;
    let mut quantified = Quantified::No;
    while let Some(c) = chars.next() {
        let rest = chars.as_str();
        let before = std::mem::replace(&mut quantified, Quantified::No);
        match c {
            '\\' => escape(&mut out, &mut chars),
            '[' if !free => chars = class(&mut out, rest)?.chars(),
            '(' => {
                if let Some(comment) = rest.strip_prefix("?#") {
                    let end = comment.find(')').ok_or("a comment has no end")?;
                    chars = comment[end + 1..].chars();
                    quantified = before;
                    continue;
                }
                depth += 1;
                if depth > MAX_NESTING {
                    return Err(format!("groups are nested more than {MAX_NESTING} deep"));
                }
                out.push('(');
                if let Some((name, after)) = rest.strip_prefix("?'").and_then(|name| name.split_once('\'')) {
                    out.push_str("?<");
                    out.push_str(name);
                    out.push('>');
                    chars = after.chars();
                } else if let Some(after) = rest.strip_prefix('?') {
                    // Not a quantifier.
                    out.push('?');
                    chars = after.chars();
                }
            }
            ')' => {
                depth = depth.saturating_sub(1);
                out.push(')');
            }
            '{' if quantifier(rest).is_none() => out.push_str("\\{"),
            '*' | '+' | '?' | '{' => {
                quantified = match (before, c) {
                    (Quantified::No, _) => Quantified::Yes,
                    (Quantified::Yes, '?') => Quantified::Lazy,
                    _ => return Err(format!("the quantifier {c} follows another one")),
                };
                out.push(c);
                if let Some(count) = quantifier(rest).filter(|_| c == '{') {
                    out.push_str(count);
                    chars = rest[count.len()..].chars();
                }
            }
            c => out.push(c),
        }
    }
    Ok(out)
}

/// What the last piece of a pattern was.
#[derive(Clone, Copy)]
enum Quantified {
    No,
    /// A quantifier.
    Yes,
    /// A quantifier with its `?`.
    Lazy,
}

/// The digits and bracket behind the `{` of a quantifier.
fn quantifier(rest: &str) -> Option<&str> {
    let end = rest.find('}')?;
    let inside = &rest[..end];
    let (least, most) = inside.split_once(',').unwrap_or((inside, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    (!least.is_empty() && digits(least) && digits(most)).then_some(&rest[..=end])
}

fn escape(out: &mut String, chars: &mut std::str::Chars<'_>) {
    match chars.next() {
        // Word boundaries there, themselves here.
        Some(c @ ('<' | '>')) => out.push(c),
        Some('e') => out.push_str("\\x1b"),
        Some('0') => out.push_str("\\x00"),
        Some(c) => {
            out.push('\\');
            out.push(c);
        }
        None => out.push('\\'),
    }
}

/// Rewrites a class behind its `[` and gives what follows it.
fn class<'a>(out: &mut String, text: &'a str) -> Result<&'a str, String> {
    out.push('[');
    let mut depth = 1;
    let mut chars = text.chars();
    let mut at_start = true;
    while let Some(c) = chars.next() {
        let first = std::mem::take(&mut at_start);
        match c {
            '^' if first => {
                out.push('^');
                at_start = true;
            }
            // Right at the start it is a member.
            ']' if first => out.push_str("\\]"),
            ']' => {
                out.push(']');
                depth -= 1;
                if depth == 0 {
                    return Ok(chars.as_str());
                }
            }
            // Subtraction: `[a-z-[aeiou]]`.
            '-' if chars.as_str().starts_with('[') && !first => {
                chars.next();
                depth += 1;
                if depth > MAX_NESTING {
                    return Err(format!("classes are nested more than {MAX_NESTING} deep"));
                }
                out.push_str("--[");
                at_start = true;
            }
            // Sets of sets there, themselves here.
            '[' => out.push_str("\\["),
            '&' | '~' if chars.as_str().starts_with(c) => {
                out.push('\\');
                out.push(c);
            }
            '-' if chars.as_str().starts_with('-') => out.push_str("\\-"),
            '\\' if chars.as_str().starts_with('b') => {
                chars.next();
                out.push_str("\\x08");
            }
            '\\' => escape(out, &mut chars),
            c => out.push(c),
        }
    }
    Err("a class in [ ] has no end".into())
}
