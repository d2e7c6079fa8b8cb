//! Missing parts of a construct.

use super::{Situation, excerpt, unclosed};
use crate::diagnostic::{Diagnostic, Fix, codes};
use crate::parse::grammar::Rule;
use crate::parse::token::Kind;
use crate::parse::words::is_reserved;
use crate::span::Span;

/// The missing part where a rule is expected, and how the construct is written.
const PARTS: [(Rule, &str, &str); 12] = [
    (Rule::k_in, "`in` is missing after the loop's variable", "write `for row in rows { … }`"),
    (Rule::k_then, "`then` is missing after this condition of `case`", "write `case when condition then value end`"),
    (Rule::k_when, "`when` is missing after `case`", "write `case when x = 1 then a when x = 2 then b end`"),
    (Rule::case_when, "`when` is missing after `case`", "write `case when x = 1 then a when x = 2 then b end`"),
    (Rule::k_end, "the `end` of this `case` is missing", "write `case when condition then a else b end`"),
    (Rule::k_from, "this `select` has no `from`", "write `select columns from table`"),
    (Rule::s_on, "this join has no `on`", "write `join regions r on r.id = c.region`"),
    (Rule::s_join, "`join` is missing", "write `left join` or `inner join`"),
    (Rule::k_catch, "this `try` has no `catch`", "write `try { … } catch e { … }`"),
    (
        Rule::k_let,
        "`private` must come before a declaration",
        "write `private let`, `private function` or `private type`",
    ),
    (Rule::s_as, "`as` is missing after the rows of `map`", "write `map rows as [column: value]`"),
    (Rule::thin_arrow, "`->` is missing after the parameters", "write `(number, text) -> boolean`"),
];

impl Situation<'_> {
    /// The construct around the place lacks a part.
    pub(super) fn missing_part(&self) -> Option<Diagnostic> {
        self.word_taken_as_name()
            .or_else(|| self.colon())
            .or_else(|| self.declaration())
            .or_else(|| self.query())
            .or_else(|| self.table_of_parts())
            .or_else(|| self.body())
            .or_else(|| self.record())
    }

    fn missing(&self, message: impl Into<String>, hint: impl Into<String>) -> Diagnostic {
        self.error(codes::PART_MISSING, message).with_hint(hint)
    }

    /// `select from t`, `a as from t`: a keyword was read as a label or alias, so the error came one word late.
    fn word_taken_as_name(&self) -> Option<Diagnostic> {
        let before = self.before().filter(|before| before.kind == Kind::Word)?;
        let word = before.text(self.source);
        let two_before = self.index.checked_sub(2).map_or("", |index| self.layout.text(index));
        if !is_reserved(word) || matches!(two_before, "." | "?.") {
            return None;
        }
        let alias = two_before.eq_ignore_ascii_case("as");
        if !alias && self.failure.expected != [Rule::colon] {
            return None;
        }
        let (code, what) = if alias { (codes::NAME_EXPECTED, "name") } else { (codes::VALUE_EXPECTED, "value") };
        let message = format!("a {what} is missing between `{}` and `{word}`", excerpt(two_before));
        Some(Diagnostic::error(code, before.span(), message))
    }

    /// A `:` where names and types do not allow one.
    fn colon(&self) -> Option<Diagnostic> {
        let bracket = self.layout.parent(self.index).map(|open| (open, self.layout.text(open)));
        match bracket {
            Some((open, "(")) if self.text() == ":" && self.failure.expects(Rule::closing_paren) => {
                let function = self.layout.closing(open).is_some_and(|close| self.layout.text(close + 1) == "=>");
                let (message, hint, fix) = if function {
                    let fix = Fix::insert(self.layout.tokens[open].start as u32, "function ");
                    ("the names before `=>` have no types", "write `function (a: number) => …`", Some(fix))
                } else {
                    let named = self.before().map(|before| before.span().to(self.place));
                    (
                        "the arguments of a call have no names",
                        "write the values in their order, or a record `{name: value}`",
                        named.map(|named| Fix::remove(named, "the name")),
                    )
                };
                Some(self.error(codes::UNEXPECTED, message).with_hint(hint).with_fix(fix))
            }
            _ => None,
        }
    }

    /// `let`, `set`, `type`, `function`, `new` and `map` by their first words.
    fn declaration(&self) -> Option<Diagnostic> {
        let failure = self.failure;
        let text = excerpt(self.text());
        let statement = self.layout.statement(self.index);
        let word = statement.start + usize::from(self.layout.is_keyword(statement.start, "private"));
        let name = self.layout.text(word + 1);
        if failure.expects(Rule::equals) && !failure.could_close() {
            let keyword = self.layout.text(word).to_ascii_lowercase();
            let (message, hint) = match keyword.as_str() {
                "let" if self.text() == ";" || text.is_empty() => (
                    format!("the variable `{name}` has no value"),
                    format!("write `let {name} = value;`, or `let {name} = null;` as long as there is none"),
                ),
                "set" if self.text() == "(" => (
                    "the result of a call cannot be set".to_owned(),
                    "only variables can, and their fields and positions".to_owned(),
                ),
                "type" => {
                    (format!("`=` is missing after `type {name}`"), format!("write `type {name} = {{field: text}};`"))
                }
                _ if matches!(self.text(), "==" | ":=") => {
                    (format!("`{text}` does not give a value to `{name}`"), "write a single `=`".to_owned())
                }
                keyword => (format!("`=` is missing before `{text}`"), format!("write `{keyword} {name} = value;`")),
            };
            let fix = match keyword.as_str() {
                "let" if self.text() == ";" || text.is_empty() => self.after_last(" = null"),
                "set" if self.text() == "(" => None,
                _ if matches!(self.text(), "==" | ":=") => Some(Fix::replace(self.place, "=").safe()),
                _ => self.after_last(" ="),
            };
            return Some(self.missing(message, hint).with_fix(fix));
        }
        if failure.expects(Rule::parameters) {
            let (hint, fix) = match self.before_text().to_ascii_lowercase().as_str() {
                "function" => {
                    let is_lambda = self.layout.text(self.index + 1) == "=>";
                    let word = self.before().map(|word| Span { end: self.place.start, ..word.span() });
                    let fix = word.filter(|_| is_lambda).map(|word| Fix::remove(word, "the `function`"));
                    ("write `x => value` or `function (x) => value`".to_owned(), fix)
                }
                name => (format!("write `function {name}() {{ … }}`"), self.after_last("()")),
            };
            return Some(self.missing("the parameters of this function are missing", hint).with_fix(fix));
        }
        if self.before_text().eq_ignore_ascii_case("for") && self.text() == "(" {
            let error = self.error(codes::UNEXPECTED, "the head of a loop is written without parentheses");
            let hint = "write `for row in rows { … }`; numbers are `for i in range(0, 10) { … }`";
            return Some(error.with_hint(hint).with_fix(self.without_parentheses()));
        }
        if self.before_text().eq_ignore_ascii_case("new") && failure.expects_any(&[Rule::name, Rule::type_name]) {
            let error = self.error(codes::TYPE_EXPECTED, "the name of a type must follow `new`");
            let word = self.before().map(|word| Span { end: self.place.start, ..word.span() });
            let word = word.filter(|_| matches!(self.text(), "{" | "["));
            let error = error.with_hint("a record without a type is just `{field: value}`");
            return Some(error.with_fix(word.map(|word| Fix::remove(word, "the `new`"))));
        }
        None
    }

    fn query(&self) -> Option<Diagnostic> {
        if self.failure.expects(Rule::s_by) {
            let word = self.before_text().to_ascii_lowercase();
            let error = self.missing(format!("`by` is missing after `{word}`"), format!("write `{word} by column`"));
            return Some(error.with_fix(self.after_last(" by").map(Fix::safe)));
        }
        if self.text() == "," && self.layout.text(self.index + 1) == "{" && self.failure.could_end() {
            let message = "a record after a comma belongs to `with` only where each has its `when`";
            return Some(self.missing(message, "write `with {a: 1} when x, {a: 2} otherwise`"));
        }
        None
    }

    fn table_of_parts(&self) -> Option<Diagnostic> {
        // If the statement could end here, these parts are optional, not missing.
        if self.failure.could_end() {
            return None;
        }
        if self.before_text().eq_ignore_ascii_case("not") && self.failure.expects(Rule::k_in) {
            let hint = "write `a not in b` or `a not like 'x%'`; a condition is turned around by `not a`";
            return Some(self.missing("`in` or `like` is missing after `not`", hint));
        }
        let alias = self.failure.expects_any(&[Rule::free_alias, Rule::closing_paren, Rule::closing_bracket]);
        let part = PARTS.iter().find(|(rule, ..)| self.failure.expects(*rule) && !(*rule == Rule::s_as && alias))?;
        let word = match part.0 {
            Rule::k_in => " in",
            Rule::k_then => " then",
            Rule::k_when | Rule::case_when => " when",
            Rule::k_end => " end",
            Rule::s_join => " join",
            Rule::k_let => " let",
            Rule::s_as => " as",
            Rule::thin_arrow => " ->",
            // The part after these is missing, too.
            _ => return Some(self.missing(part.1, part.2)),
        };
        Some(self.missing(part.1, part.2).with_fix(self.after_last(word)))
    }

    /// `{` or `:` of an `if`, a loop, a function.
    fn body(&self) -> Option<Diagnostic> {
        if !self.failure.expects_body() {
            return None;
        }
        let text = excerpt(self.text());
        let before = if text.is_empty() { "at the end".to_owned() } else { format!("before `{text}`") };
        let (parts, hint) = match self.layout.head(self.index) {
            "function" => ("`{` or `=>`", "write `function f(x) { … }`, or `function f(x) => value;`"),
            "try" | "catch" => ("`{`", "write `try { … } catch e { … }`"),
            "for" => ("`{` or `:`", "write `for row in rows { … }`, or `for row in rows: statement;`"),
            "while" => ("`{` or `:`", "write `while condition { … }`, or `while condition: statement;`"),
            "else" => ("`{` or `:`", "write `else { … }`, or `else: statement;`"),
            _ => ("`{` or `:`", "write `if condition { … }`, or `if condition: statement;`"),
        };
        let fix = match (self.layout.head(self.index), parts) {
            ("function", _) if self.layout.is_keyword(self.index, "return") => Some(Fix::replace(self.place, "=>")),
            (_, "`{` or `:`") if self.kind() == Some(Kind::Word) => self.after_last(":"),
            _ => None,
        };
        Some(self.missing(format!("{parts} is missing {before}"), hint).with_fix(fix))
    }

    /// The record of `new`, `with` and `map … as`.
    fn record(&self) -> Option<Diagnostic> {
        let records = self.failure.expects_any(&[Rule::bracket, Rule::brace])
            && !self.failure.expects_any(&[Rule::number, Rule::operand, Rule::hole]);
        if !records {
            let open = self.layout.parent(self.index)?;
            // `function f(x { }`
            let block = self.text() == "{" && self.failure.expects(Rule::closing_paren);
            return block.then(|| unclosed(self.layout, open, "`{`", self.index));
        }
        let before = excerpt(self.before_text());
        Some(self.missing(format!("a record must follow `{before}`"), "write `{field: value}` or `[field: value]`"))
    }
}
