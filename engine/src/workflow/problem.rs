//! What is wrong with a file of the project, as data.

use crate::yaml::Place;

/// One finding in a workflow file: FlowScript inside it included, with the place in the file itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    /// A stable code: `F…` for the file's structure, `E…` for FlowScript.
    pub code: &'static str,
    /// In the user's words, without the place.
    pub message: String,
    /// Where it begins.
    pub place: Place,
    /// Where it ends (behind its last character), where that is known.
    pub end: Option<Place>,
    /// What to do about it.
    pub hint: Option<String>,
    /// A warning keeps nothing from running.
    pub warning: bool,
    /// It refuses a file, but not a version that the store has kept from before the rule: its runs go on.
    pub files_only: bool,
    /// The file, where it is another than the workflow's: a module.
    pub file: Option<String>,
}

impl Problem {
    /// An error at `place`.
    pub fn new(code: &'static str, place: Place, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { code, message, place, end: None, hint: None, warning: false, files_only: false, file: None }
    }

    /// A warning at `place`.
    pub fn warning(code: &'static str, place: Place, message: impl Into<String>) -> Self {
        Self { warning: true, ..Self::new(code, place, message) }
    }

    /// The same for files only: a version that the store has kept still loads.
    #[must_use]
    pub fn for_files_only(self) -> Self {
        Self { files_only: true, ..self }
    }

    /// Where and what, as one line: `workflows/a.yaml:3:5: message`. `file` is the workflow's own.
    pub fn line(&self, file: &str) -> String {
        let file = self.file.as_deref().unwrap_or(file);
        let hint = self.hint.as_deref().map(|hint| format!(" ({hint})")).unwrap_or_default();
        format!("{file}:{}:{}: {} [{}]{hint}", self.place.line, self.place.column, self.message, self.code)
    }

    /// The same with a hint.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// A call of a workflow that does not load.
pub fn broken_call(id: &str, place: Place) -> Problem {
    Problem::new(codes::CALL, place, format!("The workflow `{id}` that is called here does not load"))
        .with_hint("Mend that workflow; this one follows by itself.")
}

/// The codes of findings in the structure of a file.
pub mod codes {
    /// The file cannot be read.
    pub const UNREADABLE: &str = "F0001";
    /// More than 1 MiB.
    pub const TOO_LARGE: &str = "F0002";
    /// More than 64 levels.
    pub const TOO_DEEP: &str = "F0003";
    /// More work than a file may take.
    pub const TOO_COSTLY: &str = "F0004";
    /// There was no time to read it.
    pub const LATE: &str = "F0005";
    /// More problems than are told.
    pub const MORE: &str = "F0006";
    /// Not YAML.
    pub const SYNTAX: &str = "F0101";
    /// An anchor, an alias or a tag.
    pub const ANCHOR: &str = "F0102";
    /// A key that stands twice in one map.
    pub const DUPLICATE_KEY: &str = "F0103";
    /// A key that does not exist there.
    pub const UNKNOWN_KEY: &str = "F0201";
    /// A key that must be there.
    pub const MISSING_KEY: &str = "F0202";
    /// A value of the wrong kind.
    pub const WRONG_VALUE: &str = "F0203";
    /// Part of the format, but not of this version.
    pub const NOT_AVAILABLE: &str = "F0204";
    /// A name that is none, is reserved, or is given twice.
    pub const NAME: &str = "F0205";
    /// A step that no run can reach.
    pub const UNREACHABLE: &str = "F0206";
    /// A workflow that is named and is not there.
    pub const UNKNOWN_WORKFLOW: &str = "F0207";
    /// A connection that is named and is not there.
    pub const UNKNOWN_CONNECTION: &str = "F0208";
    /// A secret that stands in the file itself.
    pub const SECRET_IN_FILE: &str = "F0209";
    /// A call that leads back to itself, too deep, or to a workflow that does not load.
    pub const CALL: &str = "F0210";
    /// A variable that is shared with steps beside these, and cannot be set by them.
    pub const SHARED: &str = "F0211";
    /// A template inside SQL.
    pub const TEMPLATE_IN_SQL: &str = "F0212";
    /// A schedule without any occurrence.
    pub const NEVER: &str = "F0213";
    /// An input that whatever starts the workflow does not give.
    pub const INPUT_MISSING: &str = "F0214";
    /// A webhook path that another workflow serves.
    pub const PATH_TAKEN: &str = "F0301";
    /// Braces without quotes, which YAML reads as a map.
    pub const BARE_BRACES: &str = "F0401";
    /// A text that reads like an expression.
    pub const BARE_EXPRESSION: &str = "F0402";
    /// A query parameter that nothing takes.
    pub const UNUSED_PARAMETER: &str = "F0403";
    /// An event whose address no step gives out.
    pub const SILENT_EVENT: &str = "F0404";
}
