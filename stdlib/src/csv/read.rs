//! CSV texts to tables, column by column.

use super::Dialect;
use crate::cells::convert;
use crate::show::{quoted, short};
use csv::{ReaderBuilder, StringRecord};
use ecow::{EcoString, eco_format};
use flowscript_lang::budget::{Budget, Toll};
use flowscript_lang::error::{ErrorKind, RunError};
use flowscript_lang::value::{Column, Shape, Table, Value, Zone};
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;

/// The most columns. Each takes a place of its own in memory, and can be a single comma of the text.
const MAX_COLUMNS: usize = 100_000;

/// Why a text could not be read.
#[derive(Clone, Debug, PartialEq)]
pub struct CsvError {
    /// The line on which the row starts, from 1.
    pub line: usize,
    /// What was wrong.
    pub problem: String,
    /// What the budget said, where that has ended the reading.
    pub stopped: Option<Box<RunError>>,
}

impl From<Box<RunError>> for CsvError {
    fn from(error: Box<RunError>) -> Self {
        Self { line: 0, problem: error.message.clone(), stopped: Some(error) }
    }
}

impl fmt::Display for CsvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.stopped {
            Some(error) => error.fmt(f),
            None => write!(f, "line {}: {}", self.line, self.problem),
        }
    }
}

impl std::error::Error for CsvError {}

/// The table in a CSV text; all cells are texts. Without a header the columns are `column1`, `column2` …
/// The budget pays for reading and for the table.
pub fn decode(text: &str, dialect: Dialect, budget: &mut dyn Budget) -> Result<Table, CsvError> {
    let mut rows = Lines::new(text, dialect, budget);
    let names: Vec<EcoString> = match rows.first()? {
        None => return Ok(Table::empty(Shape::new([]), None)),
        Some(first) if dialect.header => first.iter().map(EcoString::from).collect(),
        Some(first) => (1..=first.len()).map(|position| eco_format!("column{position}")).collect(),
    };
    let shape = Shape::new(names.iter().cloned());
    if shape.len() < names.len() {
        let mut seen = HashSet::new();
        let name = names.iter().find(|name| !seen.insert(name.as_str())).map_or("", EcoString::as_str);
        return Err(rows.error(format!(
            "the header has two columns of the name {}. Give one of them another name.",
            quoted(name)
        )));
    }
    if !dialect.header {
        rows.again();
    }
    let mut columns: Vec<Vec<Option<EcoString>>> = vec![Vec::new(); names.len()];
    let mut count = 0;
    while let Some(row) = rows.next(names.len())? {
        for (column, cell) in columns.iter_mut().zip(row) {
            column.push(Some(cell.into()));
        }
        count += 1;
    }
    let column = |mut cells: Vec<Option<EcoString>>| {
        if count < cells.capacity() / 2 {
            cells.shrink_to_fit();
        }
        Arc::new(Column::Text(cells))
    };
    let columns = columns.into_iter().map(column).collect();
    Ok(Table::from_columns(shape, columns, count))
}

/// The rows of a CSV text in the columns of `target`, converted to its row type. A datetime without an offset is in
/// `zone`. The target's own rows are not kept.
pub fn fill(
    target: &Table,
    text: &str,
    dialect: Dialect,
    zone: Zone,
    budget: &mut dyn Budget,
) -> Result<Table, CsvError> {
    let names = target.shape().names();
    let types = target.row_type().map_or(&[][..], |row| &row.columns);
    let mut rows = Lines::new(text, dialect, budget);
    let mut width = names.len();
    // For each column of the target its place in the text.
    let mut places: Vec<Option<usize>> = (0..width).map(Some).collect();
    if dialect.header
        && let Some(header) = rows.first()?
    {
        width = header.len();
        let mut first: HashMap<&str, usize> = HashMap::with_capacity(width);
        for (place, cell) in header.iter().enumerate() {
            first.entry(cell).or_insert(place);
        }
        places = names.iter().map(|name| first.get(name.as_str()).copied()).collect();
        if !names.is_empty() && places.iter().all(Option::is_none) {
            let header: Vec<String> = header.iter().map(str::to_owned).collect();
            return Err(rows.error(format!(
                "none of the columns {} is in the header {}. Is the delimiter right?",
                short(&names.join(", ")),
                quoted(&header.join(" | "))
            )));
        }
    }
    let mut columns = vec![Column::default(); names.len()];
    let mut count = 0;
    while let Some(row) = rows.next(width)? {
        for (at, (column, place)) in columns.iter_mut().zip(&places).enumerate() {
            let cell = match (types.get(at), place.and_then(|place| row.get(place))) {
                (None, None) => Ok(Value::Null),
                (None, Some(cell)) => Ok(cell.into()),
                (Some(ty), None) => Ok(ty.default.clone()),
                (Some(ty), Some(cell)) => convert(cell, ty, zone),
            };
            match cell {
                Ok(cell) => column.push(cell),
                Err(problem) => {
                    let name = names.get(at).map_or("", EcoString::as_str);
                    return Err(rows.error(format!("column {}: {problem}", short(name))));
                }
            }
        }
        count += 1;
    }
    let columns = columns.into_iter().map(Arc::new).collect();
    Ok(Table::from_columns(target.shape().clone(), columns, count).with_row_type(target.row_type().cloned()))
}

/// The rows of a text, with the line each starts on.
struct Lines<'a> {
    text: &'a str,
    reader: csv::Reader<&'a [u8]>,
    dialect: Dialect,
    row: StringRecord,
    /// Give the row that was read once more.
    again: bool,
    cells: usize,
    toll: Toll<'a>,
    /// How much of the text is paid for.
    paid: u64,
}

/// What reading a byte costs, in bytes that are merely looked at.
const READING: usize = 4;

impl<'a> Lines<'a> {
    fn new(text: &'a str, dialect: Dialect, budget: &'a mut dyn Budget) -> Self {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let reader = ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(dialect.delimiter)
            .from_reader(text.as_bytes());
        Self {
            text,
            reader,
            dialect,
            row: StringRecord::new(),
            again: false,
            cells: 0,
            toll: Toll::new(budget),
            paid: 0,
        }
    }

    fn first(&mut self) -> Result<Option<&StringRecord>, CsvError> {
        let more = self.read()?;
        Ok(more.then_some(&self.row))
    }

    fn again(&mut self) {
        self.again = true;
    }

    /// The next row, which must have so many cells.
    fn next(&mut self, width: usize) -> Result<Option<&StringRecord>, CsvError> {
        if !std::mem::take(&mut self.again) && !self.read()? {
            return Ok(None);
        }
        if self.row.len() != width {
            let wanted = if self.dialect.header { "the header has" } else { "there are" };
            let columns = if width == 1 { "1 column".into() } else { format!("{width} columns") };
            let cells = if self.row.len() == 1 { "1 cell".into() } else { format!("{} cells", self.row.len()) };
            return Err(self.error(format!("the row has {cells} where {wanted} {columns}.")));
        }
        self.cells = self.cells.saturating_add(width);
        let most = self.toll.most_cells();
        if self.cells > most {
            let message = format!("The table would have more than {most} cells, the limit.");
            return Err(RunError::new(ErrorKind::Limit, message).into());
        }
        // Long cells have their text beside them.
        let texts = self.row.iter().map(|cell| if cell.len() > EcoString::INLINE_LIMIT { cell.len() + 16 } else { 0 });
        self.toll.take(width * size_of::<Value>() + texts.sum::<usize>())?;
        Ok(Some(&self.row))
    }

    fn read(&mut self) -> Result<bool, CsvError> {
        let more = self.reader.read_record(&mut self.row).map_err(|error| self.error(error.to_string()))?;
        if self.row.len() > MAX_COLUMNS {
            let message = format!("A row of CSV has more than {MAX_COLUMNS} cells, the limit.");
            return Err(RunError::new(ErrorKind::Limit, message).into());
        }
        let at = self.reader.position().byte();
        self.toll.scan((at - self.paid) as usize * READING)?;
        self.paid = at;
        if !more {
            self.toll.settle()?;
        }
        let at_end = at as usize >= self.text.len();
        if more && at_end && self.ends_in_quotes() {
            return Err(self.error("a quote has no end.".into()));
        }
        Ok(more)
    }

    /// The reader takes a text that ends inside quotes; the last row tells.
    fn ends_in_quotes(&self) -> bool {
        let (mut quoted, mut at_start) = (false, true);
        for byte in self.text.as_bytes().get(self.start()..).unwrap_or_default() {
            if quoted {
                // Two quotes in quotes end them and begin them again.
                quoted = *byte != b'"';
                at_start = !quoted;
            } else {
                quoted = at_start && *byte == b'"';
                at_start = *byte == self.dialect.delimiter || *byte == b'\n' || *byte == b'\r';
            }
        }
        quoted
    }

    /// The byte the current row starts at.
    fn start(&self) -> usize {
        let at = self.row.position().map_or(0, |position| position.byte() as usize);
        let rest = self.text.as_bytes().get(at..).unwrap_or_default();
        at + rest.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count()
    }

    fn error(&self, problem: String) -> CsvError {
        let before = self.text.get(..self.start()).unwrap_or_default();
        CsvError { line: before.matches('\n').count() + 1, problem, stopped: None }
    }
}
