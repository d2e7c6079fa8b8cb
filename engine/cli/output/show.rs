//! Values for people: tables as aligned columns, records as fields, text as it is.

use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, Table};
use flowscript_lang::value::{Rows, Value};
use std::fmt::Write;

/// The widest cell of a table, in characters; longer ones are cut.
const MAX_CELL: usize = 80;
/// A list of at most this width is on one line.
const MAX_LINE: usize = 100;
/// For literals that are shown whole.
const WHOLE: usize = usize::MAX / 8;

/// The lines that show a value, the last one ended too. At most `max_rows` rows of a table.
pub fn to_lines(value: &Value, max_rows: Option<usize>) -> String {
    let mut out = match value {
        Value::Text(text) => text.to_string(),
        Value::Table(_) => table(value, max_rows),
        Value::Record(_) => record(value),
        Value::List(_) => list(value),
        other => other.to_literal(WHOLE),
    };
    if !out.ends_with('\n') {
        out.push('\n');
    }
    out
}

/// One line a field; tables and records in fields are shown below their name, two blanks deeper.
fn record(value: &Value) -> String {
    let Value::Record(record) = value else { return String::new() };
    if record.is_empty() {
        return "{}".into();
    }
    let mut out = String::new();
    for (name, value) in record.iter() {
        match &value {
            Value::Record(inner) if !inner.is_empty() => block(&mut out, name, &to_lines(&value, None)),
            Value::Table(_) => block(&mut out, name, &to_lines(&value, None)),
            Value::Text(text) if text.contains('\n') => block(&mut out, name, text),
            Value::Text(text) => line(&mut out, name, text),
            other => line(&mut out, name, &other.to_literal(WHOLE)),
        }
    }
    out
}

fn line(out: &mut String, name: &str, text: &str) {
    // Writing to a String cannot fail.
    let _ = writeln!(out, "{name}: {text}");
}

fn block(out: &mut String, name: &str, text: &str) {
    let _ = writeln!(out, "{name}:");
    for line in text.lines() {
        let _ = writeln!(out, "  {line}");
    }
}

/// On one line where it fits, else an element a line.
fn list(value: &Value) -> String {
    let whole = value.to_literal(MAX_LINE);
    if !whole.ends_with('…') {
        return whole;
    }
    let mut out = String::from("[\n");
    for element in Rows::of(value).iter().flat_map(Rows::iter) {
        let _ = writeln!(out, "  {},", element.to_literal(WHOLE));
    }
    out.push(']');
    out
}

fn table(value: &Value, max_rows: Option<usize>) -> String {
    let Value::Table(rows) = value else { return String::new() };
    let names = rows.shape().names();
    let shown = max_rows.unwrap_or(usize::MAX).min(rows.len());
    let mut out = String::new();
    if !names.is_empty() {
        let mut table = Table::new();
        table.load_style(NOTHING).set_header(names.iter().map(|name| cut(name)));
        for row in 0..shown {
            table.add_row((0..names.len()).map(|column| cell(&rows.cell(row, column))));
        }
        for (position, column) in table.column_iter_mut().enumerate() {
            column.set_padding((0, 2));
            let mut cells = (0..shown).map(|row| rows.cell(row, position)).filter(|cell| !cell.is_null()).peekable();
            if cells.peek().is_some() && cells.all(|cell| matches!(cell, Value::Number(_))) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        out = underlined(table.lines());
    }
    let total = rows.len();
    if total == 0 {
        out.push_str("(no rows)\n");
    } else if shown < total {
        let _ = writeln!(out, "({shown} of {total} rows)");
    } else if max_rows.is_some() || names.is_empty() {
        let _ = writeln!(out, "({total} {})", if total == 1 { "row" } else { "rows" });
    }
    out
}

/// The lines of a table without blanks at their ends, and a line below the first one.
fn underlined(lines: impl Iterator<Item = String>) -> String {
    let lines: Vec<String> = lines.map(|line| line.trim_end().to_owned()).collect();
    let width = lines.iter().map(|line| unicode_width::UnicodeWidthStr::width(line.as_str())).max().unwrap_or(0);
    let mut out = String::new();
    for (position, line) in lines.iter().enumerate() {
        let _ = writeln!(out, "{line}");
        if position == 0 {
            let _ = writeln!(out, "{}", "─".repeat(width));
        }
    }
    out
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Text(text) => cut(text),
        other => cut(&other.to_literal(MAX_CELL)),
    }
}

/// At most [`MAX_CELL`] characters, on one line, and nothing that moves a terminal's cursor.
fn cut(text: &str) -> String {
    let is_long = text.chars().nth(MAX_CELL).is_some();
    let kept = if is_long { MAX_CELL - 1 } else { MAX_CELL };
    let shown = |c: char| match c {
        '\n' => Some('⏎'),
        '\r' => None,
        c if c.is_control() => Some(' '),
        c => Some(c),
    };
    let mut out: String = text.chars().take(kept).filter_map(shown).collect();
    if is_long {
        out.push('…');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use flowscript_stdlib::json::decode;

    fn shown(json: &str, max_rows: Option<usize>) -> String {
        to_lines(&decode(json, &mut flowscript_lang::budget::Unlimited).unwrap(), max_rows)
    }

    #[test]
    fn tables_are_columns() {
        let json = r#"[{"sku": "A100", "qty": 3, "price": 12.5}, {"sku": "Ö\n2", "qty": 1200, "price": null}]"#;
        insta::assert_snapshot!(shown(json, None));
    }

    #[test]
    fn rows_are_counted_where_they_are_limited() {
        let json = r#"[{"a": 1}, {"a": 2}, {"b": "x"}]"#;
        insta::assert_snapshot!(format!("{}---\n{}", shown(json, Some(2)), shown(json, Some(3))));
    }

    #[test]
    fn records_are_fields() {
        let json = r#"{"name": "Ada", "age": 36.50, "note": null, "tags": ["a", "b"], "none": {}, "address": {"city": "London"},
            "lines": [{"sku": "A", "qty": 1}], "text": "two\nlines"}"#;
        insta::assert_snapshot!(shown(json, None));
    }

    #[test]
    fn simple_values_are_themselves() {
        assert_eq!(shown(r#""it's\ntext""#, None), "it's\ntext\n");
        assert_eq!(shown("1.50", None), "1.5\n");
        assert_eq!(shown("null", None), "null\n");
        assert_eq!(shown("[]", None), "[]\n");
        assert_eq!(shown(r#"[1, "it's", [true]]"#, None), "[1, 'it\\'s', [true]]\n");
        let long = format!("[{}]", ["\"some longer text\""; 9].join(","));
        assert_eq!(shown(&long, None).lines().count(), 11);
    }

    #[test]
    fn long_cells_are_cut() {
        let text = "x".repeat(100);
        let table = shown(&format!(r#"[{{"a": "{text}"}}]"#), None);
        assert_eq!(table.lines().nth(2).unwrap().chars().count(), 80);
    }
}
