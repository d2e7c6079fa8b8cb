//! `table`: a table variable.

use super::kind::{Effect, Facts, May, Opens, Retries, Scene, StepKind};
use super::outcome::Outcome;
use super::parts::DOES_NOT_WAIT;
use super::walk::{Body, Given, Read, Row, Walk};
use crate::reading::{Reader, Takes, needed, optional, text_of};
use crate::script::{Fault, Script, Slot};
use crate::yaml::Node;
use crate::yaml::problem::{Problem, codes};
use ecow::EcoString;
use flowscript_lang::error::ErrorKind;
use flowscript_lang::types::{Type, Types};
use flowscript_lang::value::{Rows, RowsBuilder, Table as Rowed, Value};

pub(super) const KIND: Row = Row {
    key: "table",
    summary: "Creates a table variable, empty with its `columns` or with the rows of `from`.",
    example: "table: { name: lines, columns: { sku: text, quantity: number } }",
    takes: Takes::Map(&[
        needed("name", Takes::Text),
        optional("columns", Takes::Either(&[Takes::Named(&Takes::Type), Takes::List(&Takes::Text)])),
        optional("from", Takes::Expression),
    ]),
    retry: Retries::All,
    once: May::Yes,
    continue_on_fail: May::Yes,
    names_set,
    read: Read::Untimed(DOES_NOT_WAIT, read),
};

/// A table variable.
#[derive(Debug)]
struct Table {
    slot: Slot,
    columns: Columns,
}

/// The initial content of a table.
#[derive(Debug)]
enum Columns {
    /// No rows, and these columns.
    Named(Vec<(EcoString, Type)>),
    /// These rows.
    From(Script),
}

fn names_set(node: &Node, names: &mut Vec<String>) {
    let name = node.entries().unwrap_or_default().iter().find(|entry| entry.key == "name");
    names.extend(name.map(|entry| text_of(&entry.value).to_owned()));
}

fn read(walk: &mut Walk<'_>, given: &Given<'_>) -> Option<Body> {
    let reader = walk.reader();
    let mut fields = given.fields(reader)?;
    let named = reader.needed(&fields, "name", given.place(), "`table` needs a `name`, the variable it makes")?;
    let name = text_of(&named.value);
    let fits = reader.is_name(name, named.value.place);
    let (columns, ty) = match (fields.take("columns"), fields.take("from")) {
        (Some(columns), None) => read_columns(reader, &columns.value)?,
        (None, Some(from)) => {
            let (script, ty) = reader.expression(&from.value, "`from`")?;
            let element = match ty {
                Type::List(element) => (*element).clone(),
                _ => Type::any_record(),
            };
            (Columns::From(script), element)
        }
        (Some(_), Some(_)) | (None, None) => {
            let message = "`table` begins with its `columns` or with the rows that `from` gives";
            reader.report(Problem::new(codes::WRONG_VALUE, given.place(), message));
            return None;
        }
    };
    if !fits {
        return None;
    }
    let slot = reader.set_variable(name, named.place, ty.many());
    Some(Body::new(Table { slot, columns }, Type::Null))
}

/// A map from names to types, or a list of names.
fn read_columns(reader: &mut Reader<'_>, node: &Node) -> Option<(Columns, Type)> {
    let mut columns = Vec::new();
    if let Some(entries) = node.entries() {
        for entry in entries {
            let input = reader.input(entry, Type::Any)?;
            columns.push((input.name, input.conversion.ty().clone()));
        }
    } else if let Some(elements) = node.elements() {
        reader.refuse_twice(elements.iter().map(|element| (text_of(element), element)));
        columns.extend(elements.iter().map(|element| (text_of(element).into(), Type::Any)));
    }
    if columns.is_empty() {
        reader.wrong(node, "`columns` must be a map from names to types, or a list of names");
        return None;
    }
    let ty = Type::closed_record(columns.clone());
    Some((Columns::Named(columns), ty))
}

impl StepKind for Table {
    fn facts(&self) -> Facts {
        Facts {
            effect: Effect::Computes,
            gives_result: false,
            answers: false,
            ends: false,
            sets: vec![self.slot],
            opens: Opens::Nothing,
        }
    }

    fn run(&self, variables: &mut [Value], scene: Scene<'_>) -> Result<Outcome, Fault> {
        let rows = match &self.columns {
            Columns::Named(columns) => {
                let types = Types::default();
                let Some((shape, row_type)) = types.row_type(&Type::closed_record(columns.clone())) else {
                    return Err(Fault::new(ErrorKind::Type, "These columns make no table."));
                };
                Value::table(Rowed::empty(shape, Some(row_type)))
            }
            Columns::From(script) => rows_of(&script.run(variables, scene.context)?)?,
        };
        if let Some(variable) = variables.get_mut(self.slot) {
            *variable = rows;
        }
        Ok(Outcome::Done(Value::Null))
    }
}

/// A table of these rows.
fn rows_of(value: &Value) -> Result<Value, Fault> {
    let rows = Rows::of(value).ok_or_else(|| {
        let message = format!("`from` must give rows; it gives a {}.", value.type_name());
        Fault::new(ErrorKind::Type, message)
    })?;
    if let Some(odd) = rows.iter().find(|row| !matches!(row, Value::Record(_))) {
        let message = format!("A row of `from` is {}; rows of a table are records.", odd.to_literal(60));
        return Err(Fault::new(ErrorKind::Type, message));
    }
    Ok(match rows {
        Rows::Table(table) => Value::Table(table),
        rows @ Rows::List(_) => {
            let mut builder = RowsBuilder::default();
            rows.iter().for_each(|row| builder.push(row));
            builder.finish()
        }
    })
}
