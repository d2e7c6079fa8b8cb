//! The text of SQL statements: where their parameters stand, and what must not stand there.

use std::ops::Range;

/// A statement with numbered parameters in place of its `:name` ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// As it was written.
    pub source: String,
    /// With `$1`, `$2` … in place of the parameters: both kinds of database understand them.
    pub numbered: String,
    /// The names of the parameters, by number from 1 on.
    pub names: Vec<String>,
}

impl Statement {
    /// Finds the parameters of a statement. Text in quotes, comments and `::` of casts hold none.
    pub fn parse(source: &str) -> Self {
        let mut numbered = String::with_capacity(source.len());
        let mut names: Vec<String> = Vec::new();
        let mut at = 0;
        while let Some(c) = source.get(at..).and_then(|rest| rest.chars().next()) {
            let rest = source.get(at..).unwrap_or_default();
            let skipped = skipped(rest);
            if skipped > 0 {
                numbered.push_str(rest.get(..skipped).unwrap_or_default());
                at += skipped;
                continue;
            }
            let name: String = match rest.strip_prefix(':') {
                Some(name) => name.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect(),
                None => String::new(),
            };
            if rest.starts_with("::") {
                numbered.push_str("::");
                at += 2;
            } else if name.starts_with(|c: char| c.is_alphabetic() || c == '_') {
                let number = names.iter().position(|known| *known == name).unwrap_or_else(|| {
                    names.push(name.clone());
                    names.len() - 1
                });
                numbered.push('$');
                numbered.push_str(&(number + 1).to_string());
                at += 1 + name.len();
            } else {
                numbered.push(c);
                at += c.len_utf8();
            }
        }
        Self { source: source.to_owned(), numbered, names }
    }
}

/// How many bytes at the beginning are a text in quotes or a comment.
fn skipped(text: &str) -> usize {
    let to_end = |end: Option<usize>, length: usize| end.map_or(text.len(), |end| end + length);
    if text.starts_with("--") {
        return to_end(text.find('\n'), 1);
    }
    if text.starts_with("/*") {
        return to_end(text.find("*/"), 2);
    }
    let Some(quote @ ('\'' | '"' | '`' | '$')) = text.chars().next() else { return 0 };
    if quote == '$' {
        // `$tag$ … $tag$`, a text of PostgreSQL.
        let Some(tag) = text.get(1..).and_then(|rest| rest.find('$')).and_then(|end| text.get(..end + 2)) else {
            return 0;
        };
        let is_tag = tag.trim_matches('$').chars().all(|c| c.is_alphanumeric() || c == '_');
        if !is_tag || tag.get(1..).is_some_and(|t| t.starts_with(|c: char| c.is_ascii_digit())) {
            return 0;
        }
        return to_end(text.get(tag.len()..).and_then(|rest| rest.find(tag)).map(|end| end + tag.len()), tag.len());
    }
    to_end(text.get(1..).and_then(|rest| rest.find(quote)).map(|end| end + 1), 1)
}

/// Where a `{name}` stands, which would be a hole for foreign SQL, and the name.
pub fn template_in(source: &str) -> Option<(Range<usize>, &str)> {
    let mut at = 0;
    while let Some(open) = source.get(at..).and_then(|rest| rest.find('{')).map(|found| at + found) {
        let close = source.get(open..).and_then(|rest| rest.find('}')).map(|found| open + found)?;
        let inside = source.get(open + 1..close).unwrap_or_default().trim();
        let begins = inside.starts_with(|c: char| c.is_alphabetic() || c == '_');
        if begins && inside.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '.' | '[' | ']' | '(' | ')')) {
            return Some((open..close + 1, inside));
        }
        at = open + 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_found_where_they_stand() {
        let check = |source: &str, numbered: &str, names: &[&str]| {
            let statement = Statement::parse(source);
            assert_eq!(
                (statement.numbered.as_str(), statement.names),
                (numbered, names.iter().map(|n| (*n).to_owned()).collect())
            );
        };
        check("select :a, :b_1, :a", "select $1, $2, $1", &["a", "b_1"]);
        check("select ':a', \"x:b\", :c::int", "select ':a', \"x:b\", $1::int", &["c"]);
        check("-- :a\nselect /* :b */ :c", "-- :a\nselect /* :b */ $1", &["c"]);
        check("select 'it''s :a', :b", "select 'it''s :a', $1", &["b"]);
        check("select $x$ :a $x$, :b", "select $x$ :a $x$, $1", &["b"]);
        check("select '12:30', x[1:2]", "select '12:30', x[1:2]", &[]);
        check("select 'open :a", "select 'open :a", &[]);
        check("select :é from \"ü\"", "select $1 from \"ü\"", &["é"]);
    }

    #[test]
    fn templates_are_found_and_other_braces_are_not() {
        assert_eq!(template_in("where a = '{item.sku}'").map(|(_, name)| name), Some("item.sku"));
        assert_eq!(template_in("where a = { x }").map(|(range, _)| range), Some(10..15));
        assert_eq!(template_in("select '{\"a\": 1}', '{1,2}', '{a,b}', '{}'"), None);
    }
}
