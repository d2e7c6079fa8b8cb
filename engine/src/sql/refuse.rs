//! Forbidden statements of an `sql` step: transaction control, several statements, access to other files.

use super::scan::{Comments, Kind, Piece, pieces};

/// Why a statement is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Where, in bytes of the text.
    pub at: usize,
    /// The message.
    pub message: String,
    /// What to do.
    pub hint: &'static str,
}

/// The advice instead of controlling transactions.
const AS_LIST: &str =
    "Write the statements as a list of `execute`: they are one transaction, committed together or not at all.";
/// The advice instead of other files.
const OWN_FILE: &str =
    "An `sql` step reaches the database of its connection only; make another file a connection of its own.";

/// Pragmas of SQLite that only read, or that end with the step.
const PRAGMAS: [&str; 39] = [
    "analysis_limit",
    "application_id",
    "automatic_index",
    "busy_timeout",
    "cache_size",
    "case_sensitive_like",
    "collation_list",
    "compile_options",
    "count_changes",
    "data_version",
    "defer_foreign_keys",
    "encoding",
    "foreign_key_check",
    "foreign_key_list",
    "foreign_keys",
    "freelist_count",
    "function_list",
    "incremental_vacuum",
    "index_info",
    "index_list",
    "index_xinfo",
    "integrity_check",
    "legacy_alter_table",
    "max_page_count",
    "module_list",
    "optimize",
    "page_count",
    "page_size",
    "pragma_list",
    "query_only",
    "quick_check",
    "recursive_triggers",
    "reverse_unordered_selects",
    "schema_version",
    "secure_delete",
    "table_info",
    "table_list",
    "table_xinfo",
    "temp_store",
];

/// May a step use this pragma of SQLite? With a value, if `sets`.
pub fn allows_pragma(name: &str, sets: bool) -> bool {
    let one_of = |names: &[&str]| names.iter().any(|known| known.eq_ignore_ascii_case(name));
    let never_set = ["encoding", "page_size", "query_only", "schema_version", "max_page_count"];
    let only_read = ["journal_mode", "auto_vacuum", "synchronous", "locking_mode", "user_version"];
    if sets {
        return name.eq_ignore_ascii_case("user_version") || (one_of(&PRAGMAS) && !one_of(&never_set));
    }
    one_of(&PRAGMAS) || one_of(&only_read)
}

/// Why the text cannot be a statement of an `sql` step.
pub fn refusal(source: &str) -> Option<Refusal> {
    // The database that reads it is not known here: neither may find a forbidden statement.
    [Comments::Nested, Comments::Flat].into_iter().find_map(|comments| refused(source, comments))
}

fn refused(source: &str, comments: Comments) -> Option<Refusal> {
    let words: Vec<Piece<'_>> = pieces(source, comments).filter(|piece| piece.kind != Kind::Blank).collect();
    let statements = split(&words);
    statements.iter().find_map(|statement| control(statement).or_else(|| reach(statement))).or_else(|| {
        let second = statements.get(1)?.first()?;
        let message =
            "There are several statements in one text, but a text is one statement of one transaction".to_owned();
        Some(Refusal { at: second.at, message, hint: AS_LIST })
    })
}

/// The statements of a text. Bodies of triggers and functions have a `;` after each statement.
fn split<'a, 'b>(words: &'b [Piece<'a>]) -> Vec<&'b [Piece<'a>]> {
    let mut statements = Vec::new();
    let (mut start, mut depth, mut of_trigger) = (0, 0_u32, false);
    for (at, word) in words.iter().enumerate() {
        let before = words.get(start..at).unwrap_or_default();
        of_trigger |= word.is("trigger");
        let opens = |word: &Piece<'_>| {
            let atomic = words.get(at + 1).is_some_and(|next| next.is("atomic"));
            word.is("begin") && (atomic || of_trigger)
        };
        if word.is(";") && depth == 0 {
            statements.push(before);
            (start, of_trigger) = (at + 1, false);
        } else if before.first().is_some_and(|first| first.is("create")) {
            if opens(word) || (depth > 0 && word.is("case")) {
                depth += 1;
            } else if word.is("end") {
                depth = depth.saturating_sub(1);
            }
        }
    }
    statements.push(words.get(start..).unwrap_or_default());
    statements.retain(|statement| !statement.is_empty());
    statements
}

/// Refuses statements that would end the transaction of the step, or begin one inside it.
fn control(statement: &[Piece<'_>]) -> Option<Refusal> {
    let first = statement.first()?;
    let follows =
        |at: usize, words: &[&str]| words.iter().any(|word| statement.get(at).is_some_and(|next| next.is(word)));
    let alone = ["begin", "commit", "end", "rollback", "abort", "savepoint", "release"];
    let is_control = alone.iter().any(|word| first.is(word))
        || ((first.is("start") || first.is("prepare")) && follows(1, &["transaction"]))
        || (first.is("set") && follows(1, &["transaction"]))
        || (first.is("set") && follows(1, &["session", "local"]) && follows(2, &["characteristics", "transaction"]));
    is_control.then(|| {
        let word = first.text.to_ascii_lowercase();
        let message =
            format!("`{word}` controls transactions, but all statements of an `sql` step are one transaction");
        Refusal { at: first.at, message, hint: AS_LIST }
    })
}

/// Refuses access to files other than the database of the connection.
fn reach(statement: &[Piece<'_>]) -> Option<Refusal> {
    let explained = statement.iter().position(|word| !["explain", "query", "plan"].iter().any(|known| word.is(known)));
    let statement = statement.get(explained?..)?;
    let first = statement.first()?;
    let refuse = |at: &Piece<'_>, message: String, hint| Some(Refusal { at: at.at, message, hint });
    if first.is("attach") || first.is("detach") {
        let message = format!("`{}` would reach other files", first.text.to_ascii_lowercase());
        return refuse(first, message, OWN_FILE);
    }
    if first.is("vacuum") {
        let hint = "Run it with a tool of the database.";
        return refuse(first, "`vacuum` cannot run in a transaction, which every `sql` step is".to_owned(), hint);
    }
    if first.is("pragma") {
        let schema = statement.get(2).is_some_and(|dot| dot.is("."));
        let name = statement.get(if schema { 3 } else { 1 })?;
        let sets = statement.get(if schema { 4 } else { 2 }).is_some();
        let text = name.text.trim_matches(['"', '`', '\'']);
        if !allows_pragma(text, sets) {
            let message = format!("`pragma {text}` changes how the file is kept, or what other steps see");
            return refuse(name, message, "Set it with a tool of the database.");
        }
    }
    let loads = statement.iter().find(|word| word.is("load_extension"));
    loads.and_then(|word| refuse(word, "`load_extension` would load a library of the machine".to_owned(), OWN_FILE))
}
