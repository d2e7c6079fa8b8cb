//! The keys of maps, and the value of each: the reader refuses all others, and editors get them as a JSON Schema.

/// The value of a key.
#[derive(Clone, Copy, Debug)]
pub enum Takes {
    /// Nothing, or what follows.
    Nothing(&'static Takes),
    /// Text, as it is written.
    Text,
    /// Text with `{expression}` parts.
    Template,
    /// FlowScript: one expression.
    Expression,
    /// FlowScript: statements with `return`.
    Script,
    /// Any value, its texts with `{expression}` parts.
    Value,
    /// A duration such as `2s` or `1h30m`.
    Duration,
    /// `true` or `false`.
    Flag,
    /// A whole number from the first to the second.
    Whole(u32, u32),
    /// One of these words.
    Word(&'static [&'static str]),
    /// A list of these.
    List(&'static Takes),
    /// One of these, or a list of them.
    OneOrMore(&'static Takes),
    /// A map from names that the workflow chooses to these.
    Named(&'static Takes),
    /// One of these.
    Either(&'static [Takes]),
    /// A map with these keys.
    Map(&'static [Key]),
    /// A type, or a type with a default.
    Type,
    /// A list of steps.
    Steps,
}

/// A key of a map.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// Its name.
    pub name: &'static str,
    /// Its value.
    pub takes: Takes,
    /// Whether the map requires it.
    pub needed: bool,
}

/// A required key.
pub const fn needed(name: &'static str, takes: Takes) -> Key {
    Key { name, takes, needed: true }
}

/// An optional key.
pub const fn optional(name: &'static str, takes: Takes) -> Key {
    Key { name, takes, needed: false }
}

impl Takes {
    /// The keys of the map that it takes; empty for other values.
    pub fn keys(&self) -> &'static [Key] {
        match self {
            Self::Map(keys) => keys,
            Self::Nothing(rest) => rest.keys(),
            Self::Text
            | Self::Template
            | Self::Expression
            | Self::Script
            | Self::Value
            | Self::Duration
            | Self::Flag
            | Self::Whole(..)
            | Self::Word(_)
            | Self::List(_)
            | Self::OneOrMore(_)
            | Self::Named(_)
            | Self::Either(_)
            | Self::Type
            | Self::Steps => &[],
        }
    }
}
