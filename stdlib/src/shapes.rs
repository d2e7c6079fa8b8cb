//! Shapes shared by the records of one text, or of the texts that a program reads.

use ecow::EcoString;
use flowscript_lang::value::{Record, Shape, Value};
use std::collections::HashMap;
use std::sync::Arc;

/// The most shapes remembered, then it starts over; names made of data would make shapes without end.
const MOST: usize = 1_000;

/// The shapes of records, by their names.
#[derive(Default)]
pub(crate) struct Shapes(HashMap<Vec<EcoString>, Arc<Shape>>);

impl Shapes {
    /// A record of these fields. A name given twice keeps its first place and takes the last value.
    pub(crate) fn record(&mut self, names: Vec<EcoString>, cells: Vec<Value>) -> Record {
        if let Some(shape) = self.0.get(&names) {
            return Record::new(shape.clone(), cells);
        }
        let shape = Shape::new(names.iter().cloned());
        if shape.len() < names.len() {
            return Record::from_fields(names.into_iter().zip(cells));
        }
        if self.0.len() >= MOST {
            self.0.clear();
        }
        self.0.insert(names, shape.clone());
        Record::new(shape, cells)
    }
}
