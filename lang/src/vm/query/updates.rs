//! The columns that a `with` changes.

use super::Relation;
use crate::value::{Column, Shape, Table, Value};
use ecow::EcoString;
use hashbrown::HashMap;
use std::sync::Arc;

/// A column that a `with` sets or adds.
pub(super) struct Updated {
    pub name: EcoString,
    /// The column it replaces.
    pub old: Option<usize>,
    pub cells: Column,
    /// The cell of the current row, if it changes.
    pub new: Option<Value>,
}

/// The columns that a `with` sets or adds, and their positions by name.
#[derive(Default)]
pub(super) struct Updates {
    pub all: Vec<Updated>,
    places: HashMap<EcoString, usize>,
}

impl Updates {
    /// The update of this name; a new one has the old cells of the first `done` rows.
    pub fn of(&mut self, name: &EcoString, table: &Arc<Table>, relation: &Relation, done: usize) -> &mut Updated {
        let at = *self.places.entry_ref(name).or_insert_with(|| self.all.len());
        if at == self.all.len() {
            let old = table.shape().position(name);
            let cells = match old {
                Some(column) => (0..done).map(|number| table.cell(relation.position(number), column)).collect(),
                None => Column::Null(done),
            };
            self.all.push(Updated { name: name.clone(), old, cells, new: None });
        }
        &mut self.all[at]
    }
}

/// The table with the updates applied.
pub(super) fn with_updates(table: &Table, relation: &Relation, updates: Vec<(EcoString, Arc<Column>)>) -> Table {
    let shape = table.shape();
    let mut columns: Vec<Arc<Column>> = Vec::with_capacity(shape.len() + updates.len());
    let mut replaced = vec![false; shape.len()];
    for at in updates.iter().filter_map(|(name, _)| shape.position(name)) {
        replaced[at] = true;
    }
    for (column, replaced) in table.columns().unwrap_or(&[]).iter().zip(replaced) {
        columns.push(match &relation.selection {
            _ if replaced => Arc::default(),
            None => column.clone(),
            Some(selection) => Arc::new(column.gather(selection)),
        });
    }
    let mut names: Vec<EcoString> = shape.names().to_vec();
    let before = names.len();
    for (name, cells) in updates {
        if let Some(column) = shape.position(&name).and_then(|old| columns.get_mut(old)) {
            *column = cells;
        } else {
            names.push(name);
            columns.push(cells);
        }
    }
    let added = names.len() > before;
    let shape = if added { Shape::new(names) } else { shape.clone() };
    let row_type = if added { None } else { table.row_type().cloned() };
    Table::from_columns(shape, columns, relation.len()).with_row_type(row_type)
}
