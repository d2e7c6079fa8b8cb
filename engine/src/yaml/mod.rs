//! YAML as a tree in which every node knows its place: YAML 1.2 core without anchors, aliases and duplicate keys.
//!
//! A scalar keeps its decoded text and knows the place of each byte of it in the file, so that a diagnostic inside
//! embedded FlowScript points into the YAML file itself.

pub mod codes;
mod edit;
mod parse;
mod places;
pub mod problem;
#[cfg(test)]
mod tests;

pub use parse::{MAX_BYTES, MAX_LEVELS, parse};
pub use places::{Place, Places};

use flowscript_lang::value::Number;

/// A value of the file with the place where it begins.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Its first character.
    pub place: Place,
    /// After its last character; for a block, where the next node may begin.
    pub end: Place,
    /// Its kind and content.
    pub kind: Kind,
}

/// The three kinds of nodes.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// Text, number, boolean or nothing, as [`Scalar::core`] decides.
    Scalar(Scalar),
    /// `- a` or `[a, b]`
    List(Vec<Node>),
    /// `key: value` or `{key: value}`, in the order of the file, keys unique.
    Map(Vec<Entry>),
}

/// One `key: value`.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The key's text.
    pub key: String,
    /// Where the key begins.
    pub place: Place,
    /// Is the key written without quotes?
    pub is_plain: bool,
    /// Its value.
    pub value: Node,
}

/// A scalar: its text and the place of each part of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Scalar {
    /// After unquoting, unfolding and decoding of escapes.
    pub text: String,
    /// Written without quotes and not as a block, so that it may be a number, a boolean or null.
    pub plain: bool,
    /// The quote it is written in.
    pub quote: Option<char>,
    /// From bytes of `text` to places of the file.
    pub places: Places,
}

/// What a scalar means in the YAML 1.2 core schema.
#[derive(Clone, Debug, PartialEq)]
pub enum Core<'a> {
    /// Nothing, `null` or `~`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// `12`, `-0.5`, `1e3`, `0x1F`, `0o17`
    Number(Number),
    /// Everything else, `on`, `no` and `06:30` too.
    Text(&'a str),
}

impl Scalar {
    /// The value by the core schema.
    pub fn core(&self) -> Core<'_> {
        if !self.plain {
            return Core::Text(&self.text);
        }
        match self.text.as_str() {
            "" | "~" | "null" | "Null" | "NULL" => Core::Null,
            "true" | "True" | "TRUE" => Core::Bool(true),
            "false" | "False" | "FALSE" => Core::Bool(false),
            text => number(text).map_or(Core::Text(text), Core::Number),
        }
    }
}

/// A number of the core schema, without `.inf` and `.nan`; a number that does not fit is text.
fn number(text: &str) -> Option<Number> {
    let radix = |digits: &str, radix| i64::from_str_radix(digits, radix).ok().map(Number::from);
    if let Some(digits) = text.strip_prefix("0x") {
        return if digits.starts_with(['+', '-']) { None } else { radix(digits, 16) };
    }
    if let Some(digits) = text.strip_prefix("0o") {
        return if digits.starts_with(['+', '-']) { None } else { radix(digits, 8) };
    }
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exponent) = match digits.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (digits, None),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all_digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    let exponent_holds = exponent.is_none_or(|e| {
        let digits = e.strip_prefix(['+', '-']).unwrap_or(e);
        !digits.is_empty() && all_digits(digits)
    });
    if (whole.is_empty() && fraction.is_empty()) || !all_digits(whole) || !all_digits(fraction) || !exponent_holds {
        return None;
    }
    let sign = if text.starts_with('-') { "-" } else { "" };
    let whole = if whole.is_empty() { "0" } else { whole };
    let fraction = if fraction.is_empty() { "0" } else { fraction };
    Number::parse(&format!("{sign}{whole}.{fraction}{}", exponent.map(|e| format!("e{e}")).unwrap_or_default()))
}

impl Scalar {
    /// A part of the text as a scalar of its own, which still knows its places.
    #[must_use]
    pub fn part(&self, range: std::ops::Range<usize>) -> Self {
        let text = self.text.get(range.clone()).unwrap_or_default().to_owned();
        Self { text, plain: self.plain, quote: self.quote, places: self.places.from(&self.text, range.start) }
    }
}

impl Node {
    /// The scalar, if it is one.
    pub fn scalar(&self) -> Option<&Scalar> {
        match &self.kind {
            Kind::Scalar(scalar) => Some(scalar),
            _ => None,
        }
    }

    /// The entries, if it is a map.
    pub fn entries(&self) -> Option<&[Entry]> {
        match &self.kind {
            Kind::Map(entries) => Some(entries),
            _ => None,
        }
    }

    /// The elements, if it is a list.
    pub fn elements(&self) -> Option<&[Node]> {
        match &self.kind {
            Kind::List(elements) => Some(elements),
            _ => None,
        }
    }

    /// Is it empty, `~` or `null`?
    pub fn is_null(&self) -> bool {
        self.scalar().is_some_and(|scalar| scalar.core() == Core::Null)
    }

    /// Its kind for messages: `a number`, `a list`.
    pub fn describe(&self) -> &'static str {
        match &self.kind {
            Kind::List(_) => "a list",
            Kind::Map(_) => "a map",
            Kind::Scalar(scalar) => match scalar.core() {
                Core::Null => "nothing",
                Core::Bool(_) => "true or false",
                Core::Number(_) => "a number",
                Core::Text(_) => "a text",
            },
        }
    }
}
