//! A code of a diagnostic: one row that holds all that is known of it.

use std::fmt;

/// Who finds what has the code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// The parser.
    Parse,
    /// The checker, or the reader of a workflow file.
    Check,
}

impl Phase {
    /// Its name in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Parse => "parse",
            Self::Check => "check",
        }
    }
}

/// A row of a table of codes, which [`codes!`](crate::codes) declares.
#[derive(Debug, PartialEq, Eq)]
pub struct Code {
    /// The stable code, such as `E0102`. It never changes its meaning.
    pub id: &'static str,
    /// What it is about, in a few words.
    pub title: &'static str,
    /// A paragraph: what the rule is, and what to do.
    pub text: &'static str,
    /// A source that gives the code; empty where it takes more than one file or a host to get it.
    pub example: &'static str,
    /// Who finds it.
    pub phase: Phase,
    /// The name that `// allow(name)` switches it off by; none for what cannot be switched off.
    pub lint: Option<&'static str>,
}

impl Code {
    /// What a row of the parser's begins with.
    pub const PARSED: Self = Self { phase: Phase::Parse, ..Self::CHECKED };
    /// What any other row begins with.
    pub const CHECKED: Self = Self { id: "", title: "", text: "", example: "", phase: Phase::Check, lint: None };

    /// Was it found by the parser?
    pub fn is_syntax(&self) -> bool {
        self.phase == Phase::Parse
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id)
    }
}

/// Declares a family of codes: a constant for each row, and the table of all.
///
/// ```
/// flowscript_lang::codes! {
///     /// The codes of the house.
///     HOUSE:
///     ROOF {
///         id: "H0001",
///         title: "a roof that is missing",
///         text: "Rain comes in.",
///         example: "walls",
///         ..flowscript_lang::diagnostic::Code::CHECKED
///     }
/// }
/// assert_eq!(HOUSE, [ROOF]);
/// assert_eq!(ROOF.to_string(), "H0001");
/// ```
#[macro_export]
macro_rules! codes {
    ($(#[$about:meta])* $table:ident: $($name:ident { id: $id:literal, title: $title:literal, $($rest:tt)* })*) => {
        $(
            #[doc = concat!($id, ": ", $title)]
            pub const $name: &$crate::diagnostic::Code =
                &$crate::diagnostic::Code { id: $id, title: $title, $($rest)* };
        )*
        $(#[$about])*
        pub const $table: &[&$crate::diagnostic::Code] = &[$($name),*];
    };
}
