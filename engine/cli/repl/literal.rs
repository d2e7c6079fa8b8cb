//! Values as complete literals.

use flowscript_lang::budget::Unlimited;
use flowscript_lang::function::Function;
use flowscript_lang::value::{Record, Rows, Table, Value, write_text};
use std::fmt::Write;
use std::sync::Arc;

/// The expression for a value; `None` if a function in it has none.
pub fn literal(value: &Value) -> Option<String> {
    let mut out = String::new();
    write(&mut out, value)?;
    Some(out)
}

fn write(out: &mut String, value: &Value) -> Option<()> {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(true) => out.push_str("true"),
        Value::Bool(false) => out.push_str("false"),
        // Writing to a String cannot fail.
        Value::Number(number) => drop(write!(out, "{number}")),
        Value::Text(text) => write_text(out, text),
        Value::DateTime(datetime) => drop(write!(out, "Date('{datetime}')")),
        // JSON represents bytes as a text in base 64.
        Value::Binary(_) => {
            let text = flowscript_stdlib::json::encode(value, &mut Unlimited).ok()?;
            let _ = write!(out, "Base64Decode({text})");
        }
        Value::List(list) => {
            out.push('[');
            for (position, item) in list.items().iter().enumerate() {
                out.push_str(if position > 0 { ", " } else { "" });
                // In a list a function follows a bracket, where its bare name does not mean it.
                write(out, item).filter(|()| !matches!(item, Value::Function(_)))?;
            }
            out.push(']');
        }
        Value::Record(record) => write_record(out, record)?,
        Value::Table(table) => write_table(out, table)?,
        Value::Function(function) => out.push_str(function.as_any().downcast_ref::<Function>()?.name),
    }
    Some(())
}

fn write_record(out: &mut String, record: &Record) -> Option<()> {
    out.push('{');
    for (position, (name, value)) in record.iter().enumerate() {
        if matches!(value, Value::Function(_)) {
            return None;
        }
        out.push_str(if position > 0 { ", " } else { "" });
        write_label(out, name);
        out.push_str(": ");
        write(out, &value)?;
    }
    out.push('}');
    Some(())
}

/// A list of its rows. If that would have other columns, a first row with all of them is added and skipped.
fn write_table(out: &mut String, table: &Arc<Table>) -> Option<()> {
    let rows: Vec<Value> = Rows::Table(table.clone()).iter().collect();
    let names = table.shape().names();
    if rows.is_empty() {
        out.push_str("table(");
        for (position, name) in names.iter().enumerate() {
            out.push_str(if position > 0 { ", " } else { "" });
            write_text(out, name);
        }
        out.push(')');
        return Some(());
    }
    let same = match Value::list(rows.clone()) {
        Value::Table(made) => made.shape().names() == names,
        _ => false,
    };
    let all = (!same).then(|| Value::record(names.iter().map(|name| (name.clone(), Value::Null))));
    out.push_str(if same { "[" } else { "Skip([" });
    for (position, row) in all.iter().chain(&rows).enumerate() {
        out.push_str(if position > 0 { ",\n  " } else { "" });
        write(out, row)?;
    }
    out.push_str(if same { "]" } else { "], 1)" });
    Some(())
}

/// Any word may be a label as it is.
fn write_label(out: &mut String, name: &str) {
    let letter = |c: char| c.is_ascii_alphabetic() || c == '_';
    if name.starts_with(letter) && name.chars().all(|c| letter(c) || c.is_ascii_digit()) {
        out.push_str(name);
    } else {
        write_text(out, name);
    }
}
