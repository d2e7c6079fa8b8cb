//! Signatures, written as in the reference: `Mid(text: text, start: number, length?: number) -> text`.

use crate::types::Type;
use crate::value::{Number, Value};
use std::fmt;

/// Parameters and result of a library function.
#[derive(Clone, Debug)]
pub struct Signature {
    /// The parameters in order.
    pub parameters: Vec<Parameter>,
    /// May the last one be repeated?
    pub variadic: bool,
    /// Its result.
    pub result: ResultType,
    /// Does it take `<T>`?
    pub generic: bool,
    /// As written.
    pub text: &'static str,
}

/// A parameter.
#[derive(Clone, Debug)]
pub struct Parameter {
    /// Its name.
    pub name: &'static str,
    /// Its type.
    pub ty: ParameterType,
    /// The default; `None` if it is required or if the function itself checks (`optional`).
    pub default: Option<Value>,
    /// May it be left out?
    pub optional: bool,
}

/// The type of a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParameterType {
    /// Any value as it is.
    Any,
    /// Converted to text; `null` is `''`.
    Text,
    /// Converted to number; with `null` the function returns `null`.
    Number,
    /// Converted to boolean; with `null` the function returns `null`.
    Bool,
    /// Converted to datetime; with `null` the function returns `null`.
    DateTime,
    /// Bytes; with `null` the function returns `null`.
    Binary,
    /// A list or table; `null` counts as no rows.
    Rows,
    /// A table, or a list without elements; `null` counts as no rows.
    Table,
    /// A record.
    Record,
    /// An expression in the scope of a row of the first parameter of type rows, or a function of the row.
    Expr,
    /// A function.
    Function,
}

/// The type of a result.
#[derive(Clone, Debug, PartialEq)]
pub enum ResultType {
    /// Always this type.
    Fixed(Type),
    /// An element of the rows in this parameter.
    Element(usize),
    /// The type of this parameter.
    Same(usize),
    /// The common type of these parameters (all from this one on, if variadic).
    Join(usize),
    /// A list of results of the function in this parameter.
    ListOf(usize),
    /// The result of the function in this parameter.
    ResultOf(usize),
    /// The type in `<T>`, `any` without.
    TypeArgument,
    /// A table of `<T>`, `any` without.
    TypeArguments,
}

impl Signature {
    /// Reads a signature. The error says what is wrong with it.
    ///
    /// Types are those of [`ParameterType`] in lower case (`any text number boolean datetime binary rows table record
    /// expr function`); a default follows `=`, `name?` may be left out, `...` repeats the last parameter. A result is a
    /// type, `T` for `<T>`, `T*`, or `element(p)`, `same(p)`, `join(p)`, `list(p)`, `result(p)` of a parameter p.
    pub fn parse(text: &'static str) -> Result<Self, String> {
        let wrong = |what: &str| format!("signature `{text}`: {what}");
        let (head, result) = text.rsplit_once("->").ok_or_else(|| wrong("no result"))?;
        let (name, rest) = head.split_once('(').ok_or_else(|| wrong("no parameters"))?;
        let list = rest.trim().strip_suffix(')').ok_or_else(|| wrong("no closing bracket"))?;
        let generic = name.trim().ends_with("<T>");
        let mut parameters = Vec::new();
        let mut variadic = false;
        for part in split_parameters(list) {
            if part == "..." {
                variadic = true;
            } else {
                parameters.push(parameter(part).map_err(|what| wrong(&what))?);
            }
        }
        let result = result_type(result.trim(), &parameters).map_err(|what| wrong(&what))?;
        Ok(Self { parameters, variadic, result, generic, text })
    }

    /// The name before its parameters, with its module if it has one.
    pub fn name(&self) -> &'static str {
        self.text.split(['(', '<']).next().unwrap_or(self.text).trim()
    }

    /// The fewest arguments it takes.
    pub fn least(&self) -> usize {
        self.parameters.iter().filter(|parameter| !parameter.optional).count()
    }

    /// The most arguments it takes; `None` without a limit.
    pub fn most(&self) -> Option<usize> {
        (!self.variadic).then_some(self.parameters.len())
    }

    /// The parameter that takes argument `position`.
    pub fn parameter(&self, position: usize) -> Option<&Parameter> {
        match self.parameters.get(position) {
            Some(parameter) => Some(parameter),
            None if self.variadic => self.parameters.last(),
            None => None,
        }
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text)
    }
}

impl ParameterType {
    /// The word of the reference.
    pub fn name(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::Text => "text",
            Self::Number => "number",
            Self::Bool => "boolean",
            Self::DateTime => "datetime",
            Self::Binary => "binary",
            Self::Rows => "rows",
            Self::Table => "table",
            Self::Record => "record",
            Self::Expr => "expr",
            Self::Function => "function",
        }
    }

    /// The required type of an argument; `any` if every value is allowed.
    pub fn to_type(self) -> Type {
        match self {
            Self::Any | Self::Expr | Self::Function => Type::Any,
            Self::Text => Type::Text,
            Self::Number => Type::Number,
            Self::Bool => Type::Bool,
            Self::DateTime => Type::DateTime,
            Self::Binary => Type::Binary,
            Self::Rows | Self::Table => Type::Any.many(),
            Self::Record => Type::any_record(),
        }
    }
}

/// At commas outside quotes.
fn split_parameters(list: &'static str) -> Vec<&'static str> {
    let mut parts = Vec::new();
    let (mut start, mut quoted) = (0, false);
    for (at, c) in list.char_indices() {
        match c {
            '\'' => quoted = !quoted,
            ',' if !quoted => {
                parts.push(list[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(list[start..].trim());
    parts.retain(|part| !part.is_empty());
    parts
}

fn parameter(part: &'static str) -> Result<Parameter, String> {
    let (name, rest) = part.split_once(':').ok_or_else(|| format!("`{part}` has no type"))?;
    let (ty, default) = match rest.split_once('=') {
        Some((ty, default)) => (ty.trim(), Some(literal(default.trim())?)),
        None => (rest.trim(), None),
    };
    let ty = match ty {
        "any" => ParameterType::Any,
        "text" => ParameterType::Text,
        "number" => ParameterType::Number,
        "boolean" => ParameterType::Bool,
        "datetime" => ParameterType::DateTime,
        "binary" => ParameterType::Binary,
        "rows" => ParameterType::Rows,
        "table" => ParameterType::Table,
        "record" => ParameterType::Record,
        "expr" => ParameterType::Expr,
        "function" => ParameterType::Function,
        other => return Err(format!("unknown type `{other}`")),
    };
    let (name, marked) = match name.trim().strip_suffix('?') {
        Some(name) => (name, true),
        None => (name.trim(), false),
    };
    Ok(Parameter { name, ty, optional: marked || default.is_some(), default })
}

fn literal(text: &str) -> Result<Value, String> {
    match text {
        "true" => Ok(Value::Bool(true)),
        "false" => Ok(Value::Bool(false)),
        "null" => Ok(Value::Null),
        _ => match text.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')) {
            Some(inner) => Ok(Value::from(inner)),
            None => Number::parse(text).map(Value::Number).ok_or_else(|| format!("unknown default `{text}`")),
        },
    }
}

fn result_type(text: &str, parameters: &[Parameter]) -> Result<ResultType, String> {
    if let Some((kind, name)) = text.strip_suffix(')').and_then(|text| text.split_once('(')) {
        let at = parameters
            .iter()
            .position(|parameter| parameter.name == name)
            .ok_or_else(|| format!("unknown parameter `{name}`"))?;
        return match kind {
            "element" => Ok(ResultType::Element(at)),
            "same" => Ok(ResultType::Same(at)),
            "join" => Ok(ResultType::Join(at)),
            "list" => Ok(ResultType::ListOf(at)),
            "result" => Ok(ResultType::ResultOf(at)),
            other => Err(format!("unknown result `{other}`")),
        };
    }
    match text {
        "T" => return Ok(ResultType::TypeArgument),
        "T*" => return Ok(ResultType::TypeArguments),
        _ => {}
    }
    let (base, suffix) = match text.strip_suffix(['?', '*']) {
        Some(base) => (base, text.chars().last()),
        None => (text, None),
    };
    let base = match base {
        "any" => Type::Any,
        "null" => Type::Null,
        "text" => Type::Text,
        "number" => Type::Number,
        "boolean" => Type::Bool,
        "datetime" => Type::DateTime,
        "binary" => Type::Binary,
        "rows" | "list" => Type::Any.many(),
        "table" => Type::any_record().many(),
        "record" => Type::any_record(),
        other => return Err(format!("unknown result `{other}`")),
    };
    Ok(ResultType::Fixed(match suffix {
        Some('?') => base.nullable(),
        Some('*') => base.many(),
        _ => base,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_the_reference_shows() {
        let signature = Signature::parse("Mid(text: text, start: number, length?: number) -> text").expect("signature");
        assert_eq!((signature.least(), signature.most()), (2, Some(3)));
        let signature = Signature::parse("Join(rows: rows, separator: text = ', ') -> text").expect("signature");
        assert_eq!(signature.parameters[1].default.as_ref().map(|v| v.to_literal(9)).as_deref(), Some("', '"));
        let signature = Signature::parse("Min(value: any, ...) -> join(value)").expect("signature");
        assert_eq!((signature.most(), signature.result), (None, ResultType::Join(0)));
        assert!(Signature::parse("JSON.Decode<T>(text: text) -> T").expect("signature").generic);
        assert!(Signature::parse("F(a) -> text").is_err());
    }
}
