//! A code of a diagnostic: one row with all its facts.

use std::borrow::Cow;
use std::fmt;

/// The finder of a code, and its severity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// An error of the parser.
    Syntax,
    /// An error of the checker, or of the reader of a workflow file.
    Error,
    /// A warning of either, with the name for `// allow(name)`.
    Warning(&'static str),
}

/// A file of an example that is not the one with the finding: its name without suffix, and its text.
pub type OtherFile = (&'static str, &'static str);

/// The source that produces a code. Tests check each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Example {
    /// A script, or the file of a workflow `example`.
    Source(&'static str),
    /// The same among other files: modules, or workflows.
    Among(&'static str, &'static [OtherFile]),
    /// A source that is too long to be shown: one part of it is there many times.
    Long {
        /// The text before that part.
        before: &'static str,
        /// The part.
        part: &'static str,
        /// The number of times.
        times: usize,
        /// The text after it.
        after: &'static str,
    },
    /// No source produces the code by itself; the reason.
    Impossible(&'static str),
}

impl Example {
    /// The source, if there is one.
    pub fn source(&self) -> Option<Cow<'static, str>> {
        match self {
            Self::Source(source) | Self::Among(source, _) => Some(Cow::Borrowed(source)),
            Self::Long { before, part, times, after } => {
                Some(Cow::Owned(format!("{before}{}{after}", part.repeat(*times))))
            }
            Self::Impossible(_) => None,
        }
    }

    /// The other files.
    pub fn others(&self) -> &'static [OtherFile] {
        match self {
            Self::Among(_, others) => others,
            Self::Source(_) | Self::Long { .. } | Self::Impossible(_) => &[],
        }
    }
}

/// A row of a table of codes, which [`codes!`](crate::codes) declares. No field has a default.
#[derive(Debug, PartialEq, Eq)]
pub struct Code {
    /// The stable code, such as `E0102`. It never changes its meaning.
    pub id: &'static str,
    /// Its subject, in a few words.
    pub title: &'static str,
    /// A paragraph: what the rule is, and what to do.
    pub text: &'static str,
    /// A source that produces the code.
    pub example: Example,
    /// Its finder and severity.
    pub class: Class,
}

impl Code {
    /// Was it found by the parser?
    pub fn is_syntax(&self) -> bool {
        self.class == Class::Syntax
    }

    /// Is it a warning?
    pub fn is_warning(&self) -> bool {
        self.lint().is_some()
    }

    /// The name for `// allow(name)`, which each warning has.
    pub fn lint(&self) -> Option<&'static str> {
        match self.class {
            Class::Warning(name) => Some(name),
            Class::Syntax | Class::Error => None,
        }
    }

    /// The phase that finds it, as JSON names it.
    pub fn phase(&self) -> &'static str {
        match self.class {
            Class::Syntax => "parse",
            Class::Error | Class::Warning(_) => "check",
        }
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
/// use flowscript_lang::diagnostic::{Class, Example};
///
/// flowscript_lang::codes! {
///     /// The codes of the house.
///     HOUSE:
///     ROOF {
///         id: "H0001",
///         title: "a roof that is missing",
///         text: "Rain comes in.",
///         example: Example::Source("walls"),
///         class: Class::Warning("roof"),
///     }
/// }
/// assert_eq!(HOUSE, [ROOF]);
/// assert_eq!(ROOF.to_string(), "H0001");
/// assert_eq!(ROOF.lint(), Some("roof"));
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
