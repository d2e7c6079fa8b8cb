//! The text of SQL statements: the places of their parameters, and what they must not contain.

mod refuse;
mod scan;

pub use refuse::{Refusal, allows_pragma, refusal};

use scan::{Comments, Kind, Piece, pieces};
use std::collections::HashMap;
use std::ops::Range;

/// The work of one transaction.
#[derive(Clone, Debug)]
pub enum SqlWork {
    /// Reads, in a read-only transaction.
    Query(Statement),
    /// Changes, all statements in one transaction.
    Execute {
        /// In their order.
        statements: Vec<Statement>,
        /// They were written as a list: the result is a list.
        is_list: bool,
    },
}

impl SqlWork {
    /// May it change the database?
    pub fn changes(&self) -> bool {
        match self {
            Self::Query(_) => false,
            Self::Execute { .. } => true,
        }
    }
}

/// A statement with numbered parameters in place of its `:name` ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// As it was written.
    pub source: String,
    /// With `$1`, `$2` … in place of the parameters: both kinds of database understand them.
    pub numbered: String,
    /// The names of the parameters, by number from 1 on.
    pub names: Vec<String>,
    /// It returns rows: a query, or a change with `returning`.
    pub gives_rows: bool,
}

impl Statement {
    /// Finds the parameters of a statement. Quoted texts, comments and `::` of casts contain none.
    pub fn parse(source: &str) -> Self {
        let mut numbered = String::with_capacity(source.len());
        let mut names: Vec<String> = Vec::new();
        let mut numbers = HashMap::new();
        for piece in pieces(source, Comments::Nested) {
            let Some(name) = piece.text.strip_prefix(':').filter(|_| piece.kind == Kind::Parameter) else {
                numbered.push_str(piece.text);
                continue;
            };
            let number = *numbers.entry(name).or_insert_with(|| {
                names.push(name.to_owned());
                names.len() - 1
            });
            numbered.push('$');
            numbered.push_str(&(number + 1).to_string());
        }
        Self { source: source.to_owned(), numbered, names, gives_rows: gives_rows(source) }
    }

    /// The numbered statement without the `;` and the comments at its end, to be embedded in another one.
    pub fn inner(&self) -> &str {
        let all: Vec<Piece<'_>> = pieces(&self.numbered, Comments::Nested).collect();
        let last = all.iter().rev().find(|piece| piece.kind != Kind::Blank && !piece.is(";"));
        let end = last.map_or(0, |last| last.at + last.text.len());
        self.numbered.get(..end).unwrap_or_default()
    }
}

/// Does a statement return rows? A `select` does, and a change with `returning`.
fn gives_rows(source: &str) -> bool {
    let mut depth = 0_u32;
    let words = pieces(source, Comments::Nested).filter(|piece| {
        match piece.text {
            "(" => depth += 1,
            ")" => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0 && piece.kind == Kind::Word
    });
    let is = |piece: &Piece<'_>, words: &[&str]| words.iter().any(|word| piece.is(word));
    let questions = ["select", "values", "table"];
    let changes = ["insert", "update", "delete", "merge", "replace"];
    let mut words = words.peekable();
    let has_queries = words.peek().is_some_and(|first| first.is("with"));
    // After `with`, the verb is the first of these words: the names of its queries are not verbs.
    let verb = words.find(|word| !has_queries || is(word, &questions) || is(word, &changes));
    match verb {
        Some(verb) if is(&verb, &questions) => !words.any(|word| word.is("into")),
        Some(verb) if is(&verb, &changes) => words.any(|word| word.is("returning")),
        _ => false,
    }
}

/// The place of a `{name}`, which would allow SQL injection, and the name.
pub fn template_in(source: &str) -> Option<(Range<usize>, &str)> {
    let mut at = 0;
    while let Some(open) = source.get(at..).and_then(|rest| rest.find('{')).map(|found| at + found) {
        let close = source.get(open..).and_then(|rest| rest.find('}')).map(|found| open + found)?;
        // None of those before the last opening brace contains a name alone.
        let open = source.get(open..close).and_then(|rest| rest.rfind('{')).map_or(open, |last| open + last);
        let inside = source.get(open + 1..close).unwrap_or_default().trim();
        let begins = inside.starts_with(|c: char| c.is_alphabetic() || c == '_');
        if begins && inside.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '.' | '[' | ']' | '(' | ')')) {
            return Some((open..close + 1, inside));
        }
        at = close + 1;
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
        check("select e'it\\'s :a', :b", "select e'it\\'s :a', $1", &["b"]);
        check("/* a /* :a */ :b */ :c", "/* a /* :a */ :b */ $1", &["c"]);
        check("/* a /* :a */ :b", "/* a /* :a */ $1", &["b"]);
        check("select a$b$ :c $b$", "select a$b$ $1 $b$", &["c"]);
        check("/*/ ' */ :b", "/*/ ' */ $1", &["b"]);
        check("/*/*/ :a */ :b", "/*/*/ $1 */ $2", &["a", "b"]);
        check("select :é from \"ü\"", "select $1 from \"ü\"", &["é"]);
    }

    #[test]
    fn statements_that_give_rows_are_known() {
        for source in [
            "select 1",
            " -- a\n SELECT 1",
            "values (1)",
            "insert into t values (1) returning id",
            "with a as (select 1) insert into t select * from a Returning *",
            "with a as (delete from t returning *), b as (select 1) select * from a",
            "replace into t values (1) returning a",
            "update t set a = (select 1) returning a;",
        ] {
            assert!(gives_rows(source), "{source}");
        }
        for source in [
            "insert into t select 1",
            "with a as (delete from t returning *) insert into log select * from a",
            "create table x as select 1",
            "select 1 into x",
            "update t set a = 'returning'",
            "/* returning */ delete from t",
            "create view v as select 1",
            "insert into t values (1) -- returning a",
            "",
            "with",
        ] {
            assert!(!gives_rows(source), "{source}");
        }
        assert_eq!(Statement::parse("select :a ; -- end\n;").inner(), "select $1");
        assert_eq!(Statement::parse(" -- nothing\n").inner(), "");
    }

    #[test]
    fn templates_are_found_and_other_braces_are_not() {
        assert_eq!(template_in("where a = '{item.sku}'").map(|(_, name)| name), Some("item.sku"));
        assert_eq!(template_in("where a = { x }").map(|(range, _)| range), Some(10..15));
        assert_eq!(template_in("select '{\"a\": 1}', '{1,2}', '{a,b}', '{}'"), None);
    }
}
