//! Lists of an engine's things: tables for people, JSON for tools.

use super::{print, safe};
use clap::Args;
use comfy_table::{Table, presets};
use serde_json::Value as Json;
use std::io::IsTerminal;

/// How a list is printed.
#[derive(Args)]
pub struct ListingArgs {
    /// As JSON on one line.
    #[arg(long)]
    pub json: bool,
}

impl ListingArgs {
    /// Prints `page` as JSON, or else its `items` as a table, a row each.
    pub fn print(&self, page: &Json, items: &Json, heads: &[&str], row: impl Fn(&Json) -> Vec<String>) {
        if self.json {
            print_line(page);
        } else {
            print_table(heads, items.as_array().into_iter().flatten().map(row));
        }
    }
}

/// The longest cell on a terminal, in characters.
const MAX_CELL: usize = 60;

/// Prints the rows below their heads; `-` marks an empty cell. Long cells are cut on a terminal only: output to a pipe
/// or a file is whole.
pub fn print_table(heads: &[&str], rows: impl IntoIterator<Item = Vec<String>>) {
    let cut = if std::io::stdout().is_terminal() { shortened } else { whole };
    print_cells(heads, rows, cut);
}

/// Prints the rows below their heads with whole cells, on a terminal too.
pub fn print_whole_table(heads: &[&str], rows: impl IntoIterator<Item = Vec<String>>) {
    print_cells(heads, rows, whole);
}

fn print_cells(heads: &[&str], rows: impl IntoIterator<Item = Vec<String>>, cell: impl Fn(&str) -> String) {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(heads.iter().copied());
    for row in rows {
        table.add_row(row.iter().map(|text| cell(text)));
    }
    let lines: String = table.lines().flat_map(|line| [line.trim_end().to_owned(), "\n".to_owned()]).collect();
    print(&lines);
}

/// Prints a line to standard output, such as a list as JSON. Control characters are escaped on a terminal only: JSON
/// keeps its value.
pub fn print_line(text: impl std::fmt::Display) {
    let text = text.to_string();
    let shown = if std::io::stdout().is_terminal() { safe(&text) } else { text.as_str().into() };
    print(&format!("{shown}\n"));
}

/// The text of a field; `-` if it is empty.
pub fn field(row: &Json, name: &str) -> String {
    match &row[name] {
        Json::Null => "-".into(),
        Json::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// On one line and without control characters: labels come from messages.
fn whole(text: &str) -> String {
    safe(text).into_owned()
}

/// The same, not too long.
pub fn shortened(text: &str) -> String {
    let mut shown: String = whole(text).chars().take(MAX_CELL).collect();
    if whole(text).chars().nth(MAX_CELL).is_some() {
        shown.pop();
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_plain() {
        assert_eq!(shortened("a\u{1b}[2Jb\n"), "a\\u001b[2Jb\\n");
        assert_eq!(shortened(&"x".repeat(61)).chars().count(), 60);
        assert_eq!(whole(&format!("{}\n", "x".repeat(61))), format!("{}\\n", "x".repeat(61)));
        assert_eq!(field(&serde_json::json!({ "a": null, "b": 1, "c": "x" }), "b"), "1");
    }
}
