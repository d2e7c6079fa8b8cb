//! Completion candidates at a place of a source: for the repl and for editors.

use crate::check::Variable;
use crate::function::Registry;
use crate::parse::{TokenKind, reserved_words, soft_words, tokens};
use crate::span::Span;
use crate::types::{Type, Types};

/// The context of the place.
pub struct Known<'a> {
    /// The library.
    pub registry: &'a Registry,
    /// The variables, with the known types of their values.
    pub variables: &'a [Variable],
    /// The functions and types of the author, and the modules next to the script.
    pub names: &'a [String],
}

/// A candidate.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Candidate {
    /// Its kind; candidates come in this order.
    pub kind: Kind,
    /// The text to write.
    pub text: String,
}

/// The kind of a candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A field of a record, or a column of a table.
    Field,
    /// A variable.
    Variable,
    /// A function or type of the author, a module next to the script.
    Name,
    /// A library function.
    Function,
    /// A module of the library.
    Module,
    /// A word of the language.
    Keyword,
}

/// The candidates for the word that ends at byte `at`, and where that word begins. None inside texts and comments.
pub fn complete(source: &str, at: usize, known: &Known<'_>) -> (usize, Vec<Candidate>) {
    let Some(before) = source.get(..at) else { return (at, Vec::new()) };
    let mut tokens = tokens(before);
    if is_in_text(at, &tokens) || is_in_comment(before, &tokens) {
        return (at, Vec::new());
    }
    let word = tokens.pop_if(|(kind, span)| *kind == TokenKind::Word && span.end as usize == at);
    let start = word.map_or(at, |(_, span)| span.start as usize);
    let prefix = before.get(start..).unwrap_or_default().to_lowercase();
    let text = |at: usize| tokens.get(at).map_or("", |(_, span)| span.text(before));
    let after_dot = tokens.len().checked_sub(1).is_some_and(|last| matches!(text(last), "." | "?."));
    let mut found = if after_dot { members(&path(before, &tokens), known) } else { anything(source, known) };
    found.retain(|candidate| candidate.text.to_lowercase().starts_with(&prefix));
    found.sort();
    found.dedup_by(|a, b| a.text == b.text);
    (start, found)
}

fn is_in_text(at: usize, tokens: &[(TokenKind, Span)]) -> bool {
    tokens.last().is_some_and(|(kind, span)| {
        let open = matches!(kind, TokenKind::UnclosedText | TokenKind::UnclosedComment | TokenKind::TemplateText);
        open && span.end as usize == at
    })
}

/// Is the end of the text in a `//` comment?
fn is_in_comment(before: &str, tokens: &[(TokenKind, Span)]) -> bool {
    let end = tokens.last().map_or(0, |(_, span)| span.end as usize);
    before.get(end..).is_some_and(|rest| rest.rsplit('\n').next().is_some_and(|line| line.contains("//")))
}

/// The names before the last dot: `a`, `b` of `1 + a.b.`; empty if the text ends otherwise.
fn path<'a>(source: &'a str, tokens: &[(TokenKind, Span)]) -> Vec<&'a str> {
    let mut names = Vec::new();
    let mut rest = tokens;
    while let [before @ .., (TokenKind::Word, name), (TokenKind::Symbol, dot)] = rest
        && matches!(dot.text(source), "." | "?.")
    {
        names.insert(0, name.text(source));
        rest = before;
    }
    names
}

/// Fields of a variable's value, or functions of a module.
fn members(path: &[&str], known: &Known<'_>) -> Vec<Candidate> {
    let Some((first, rest)) = path.split_first() else { return Vec::new() };
    if let Some(variable) = known.variables.iter().find(|variable| variable.name == *first) {
        let mut ty = variable.ty.clone();
        for name in rest {
            ty = fields(&ty).into_iter().find(|(field, _)| field == name).map_or(Type::Any, |(_, ty)| ty);
        }
        return fields(&ty).into_iter().map(|(text, _)| Candidate { kind: Kind::Field, text }).collect();
    }
    let prefix = format!("{}.", first.to_lowercase());
    let names = known.registry.all_names().filter(|name| rest.is_empty() && name.to_lowercase().starts_with(&prefix));
    let short = names.filter_map(|name| name.get(prefix.len()..));
    short.map(|text| Candidate { kind: Kind::Function, text: text.to_owned() }).collect()
}

/// The fields of a record, or the columns of a table as lists.
fn fields(ty: &Type) -> Vec<(String, Type)> {
    let types = Types::default();
    let (record, many) = match types.element(ty) {
        Some(element) => (types.record(element), true),
        None => (types.record(ty.without_null()), false),
    };
    let fields = record.iter().flat_map(|record| &record.fields);
    fields.map(|f| (f.name.to_string(), if many { f.ty.clone().many() } else { f.ty.clone() })).collect()
}

fn anything(source: &str, known: &Known<'_>) -> Vec<Candidate> {
    let words: Vec<&str> = tokens(source).iter().map(|(_, span)| span.text(source)).collect();
    let used = known.variables.iter().filter(|variable| words.contains(&variable.name.as_str()));
    // In a query the columns of its tables are names.
    let columns = used.filter(|variable| Types::default().element(&variable.ty).is_some());
    let columns = columns.flat_map(|table| fields(&table.ty)).map(|(name, _)| (Kind::Field, name));
    let variables = known.variables.iter().map(|variable| (Kind::Variable, variable.name.to_string()));
    let names = known.names.iter().map(|name| (Kind::Name, name.clone()));
    let functions = known.registry.all_names().filter(|name| !name.contains('.'));
    let functions = functions.map(|name| (Kind::Function, name.to_owned()));
    let modules = known.registry.modules().into_iter().map(|name| (Kind::Module, name.to_owned()));
    let keywords = reserved_words().iter().chain(soft_words()).map(|word| (Kind::Keyword, (*word).to_owned()));
    let all = columns.chain(variables).chain(names).chain(functions).chain(modules).chain(keywords);
    all.map(|(kind, text)| Candidate { kind, text }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::RunError;
    use crate::function::{Call, Function};
    use crate::value::Value;

    #[expect(clippy::unnecessary_wraps, reason = "all natives have one signature")]
    fn native(_: &mut Call<'_>) -> Result<Value, Box<RunError>> {
        Ok(Value::Null)
    }

    fn function(name: &'static str) -> Function {
        Function { name, section: "Text", ..Function::new("F(x: any) -> any", native).unwrap() }
    }

    /// The candidates at the `|` of a source.
    fn at(source: &str) -> String {
        let registry = Registry::new([function("Upper"), function("JSON.Encode"), function("JSON.Decode")]);
        let record =
            |fields: &[(&str, Type)]| Type::closed_record(fields.iter().map(|(name, ty)| ((*name).into(), ty.clone())));
        let variable = |name: &str, ty| Variable { name: name.into(), ty, writable: true };
        let variables = [
            variable("order", record(&[("no", Type::Number), ("customer", record(&[("name", Type::Text)]))])),
            variable("items", record(&[("sku", Type::Text), ("qty", Type::Number)]).many()),
        ];
        let known = Known { registry: &registry, variables: &variables, names: &["unit".into()] };
        let place = source.find('|').unwrap();
        let (start, found) = complete(&source.replace('|', ""), place, &known);
        let found: Vec<String> = found.into_iter().map(|candidate| candidate.text).collect();
        format!("{}: {}", &source[start..place], found.join(" "))
    }

    #[test]
    fn completes_what_could_stand_there() {
        assert_eq!(at("return u|"), "u: unit Upper");
        assert_eq!(at("ORD|"), "ORD: order");
        assert_eq!(at("1 + wh|"), "wh: when where while");
        assert_eq!(at("json.e|"), "e: Encode");
        assert_eq!(at("JSON.|"), ": Decode Encode");
        assert_eq!(at("order.|"), ": customer no");
        assert_eq!(at("1 + order.customer.n|"), "n: name");
        assert_eq!(at("items.|"), ": qty sku");
        assert_eq!(at("items where s|"), "s: sku select set");
        assert_eq!(at("where s|"), "s: select set");
    }

    #[test]
    fn leaves_texts_and_comments_alone() {
        assert_eq!(at("'u|"), ": ");
        assert_eq!(at("`u|"), ": ");
        assert_eq!(at("`a{u|"), "u: unit Upper");
        assert_eq!(at("1; // u|"), ": ");
        assert_eq!(at("'// ' & u|"), "u: unit Upper");
        assert_eq!(at("1.|"), ": ");
        assert_eq!(at("f(x).|"), ": ");
    }
}
