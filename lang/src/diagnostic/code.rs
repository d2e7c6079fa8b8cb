//! A code of a diagnostic: one row with all its facts.

use std::fmt;

/// The phase that finds a code.
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
    /// Its subject, in a few words.
    pub title: &'static str,
    /// A paragraph: what the rule is, and what to do.
    pub text: &'static str,
    /// A source that produces the code; empty if that takes more than one file or a host.
    pub example: &'static str,
    /// The phase that finds it.
    pub phase: Phase,
    /// The name for `// allow(name)`; `None` for a code that cannot be switched off.
    pub lint: Option<&'static str>,
}

impl Code {
    /// The defaults of a row of the parser.
    pub const PARSED: Self = Self { phase: Phase::Parse, ..Self::CHECKED };
    /// The defaults of any other row.
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
