//! The codes of diagnostics, in one list. A code never changes its meaning.

/// E0001: something stands where it cannot stand.
pub const UNEXPECTED: &str = "E0001";
/// E0002: a value is missing.
pub const VALUE_EXPECTED: &str = "E0002";
/// E0003: nested deeper than 200 levels.
pub const TOO_DEEP: &str = "E0003";
/// E0004: a `;` is missing.
pub const SEMICOLON: &str = "E0004";
/// E0005: two comparisons in a row.
pub const CHAINED_COMPARISON: &str = "E0005";
/// E0006: a text, template or comment without end.
pub const UNCLOSED_TEXT: &str = "E0006";
/// E0007: a bracket or block without end.
pub const UNCLOSED_BRACKET: &str = "E0007";
/// E0008: a closing bracket, `done` or `end` that closes nothing.
pub const STRAY_CLOSING: &str = "E0008";
/// E0009: a character that the language does not know.
pub const UNKNOWN_CHARACTER: &str = "E0009";
/// E0010: a reserved word where a name must stand.
pub const RESERVED_WORD: &str = "E0010";
/// E0011: a number that is too large.
pub const NUMBER_TOO_LARGE: &str = "E0011";
/// E0012: an operator of another language.
pub const FOREIGN_OPERATOR: &str = "E0012";
/// E0013: a field of a record without name or value.
pub const FIELD_NAME: &str = "E0013";
/// E0014: a statement inside an expression.
pub const STATEMENT_IN_EXPRESSION: &str = "E0014";
/// E0015: `else`, `catch` and the like without their beginning.
pub const STRAY_BRANCH: &str = "E0015";
/// E0016: several values in parentheses.
pub const SEVERAL_VALUES: &str = "E0016";
/// E0017: a name is missing.
pub const NAME_EXPECTED: &str = "E0017";
/// E0018: a type is missing.
pub const TYPE_EXPECTED: &str = "E0018";
/// E0019: an assignment without `set` or `let`.
pub const ASSIGNMENT: &str = "E0019";
/// E0020: a part of a statement, query or expression is missing.
pub const PART_MISSING: &str = "E0020";
/// E0021: a number that is no number.
pub const MALFORMED_NUMBER: &str = "E0021";
/// E0022: the changes of a `with` and their guards.
pub const GUARD: &str = "E0022";
/// E0023: too many errors to go on.
pub const TOO_MANY: &str = "E0023";
/// E0024: a word of another language.
pub const FOREIGN_WORD: &str = "E0024";
/// E0025: a source that is too long.
pub const TOO_LONG: &str = "E0025";
/// E0117: a check that was ended before its time.
pub const CHECK_ENDED: &str = "E0117";
/// W0117: more warnings than are told.
pub const MORE_WARNINGS: &str = "W0117";
