//! CSV texts to tables, column by column.

use super::Dialect;
use crate::cells::convert;
use crate::pages::place;
use crate::show::{quoted, short};
use csv::{ReaderBuilder, StringRecord};
use ecow::{EcoString, eco_format};
use flowscript_lang::budget::{Budget, Toll, more_cells};
use flowscript_lang::error::{ErrorKind, RunError};
use flowscript_lang::value::{Column, Shape, Table, Value, Zone};
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::io::Read;
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
    /// The error of the budget, if it has ended the reading.
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
    let width = rows.first()?.map_or(0, StringRecord::len);
    rows.pay_for_names(width)?;
    let first = (width > 0).then_some(&rows.row);
    let names: Vec<EcoString> = match first {
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
        && let Some(length) = rows.first()?.map(StringRecord::len)
    {
        rows.pay_for_names(length)?;
        let header = &rows.row;
        width = header.len();
        let mut first: HashMap<&str, usize> = HashMap::with_capacity(width);
        for (place, cell) in header.iter().enumerate() {
            first.entry(cell).or_insert(place);
        }
        places = names.iter().map(|name| first.get(name.as_str()).copied()).collect();
        if !names.is_empty() && places.iter().all(Option::is_none) {
            let header: Vec<&str> = header.iter().take(SHOWN).collect();
            return Err(rows.error(format!(
                "none of the columns {} is in the header {}. Is the delimiter right?",
                short(&names.iter().take(SHOWN).map(EcoString::as_str).collect::<Vec<_>>().join(", ")),
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
    reader: csv::Reader<Paying<'a>>,
    dialect: Dialect,
    row: StringRecord,
    /// Return the last row again.
    again: bool,
    cells: usize,
}

/// The cost of reading a byte, in bytes looked at.
const READING: usize = 4;

/// Bytes of the text that are looked at between two payments.
const PIECE: usize = 16 << 10;

/// The most names in a message.
const SHOWN: usize = 20;

/// The memory of a column's name in addition to its text, in bytes.
const NAME: usize = 160;

/// A row is read before its cells can be counted; longer ones pay for their buffer, in bytes.
const SHORT_ROW: usize = 64 << 10;

/// A text that is paid for while it is read.
struct Paying<'a> {
    rest: &'a [u8],
    toll: Toll<'a>,
    /// How much has been read since the last row began.
    open: usize,
    stopped: Option<Box<RunError>>,
}

impl Read for Paying<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let length = buffer.len().min(self.rest.len());
        let (piece, rest) = self.rest.split_at(length);
        self.open = self.open.saturating_add(length);
        // In addition to the text of a row the reader keeps the end of each cell.
        let kept = if self.open > SHORT_ROW { length * (1 + size_of::<usize>()) } else { 0 };
        let paid = self.toll.scan(length * READING).and_then(|()| self.toll.take(kept));
        if let Err(stopped) = paid {
            self.stopped = Some(stopped);
            return Err(std::io::Error::other("stopped"));
        }
        buffer[..length].copy_from_slice(piece);
        self.rest = rest;
        Ok(length)
    }
}

impl<'a> Lines<'a> {
    fn new(text: &'a str, dialect: Dialect, budget: &'a mut dyn Budget) -> Self {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let reader = ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(dialect.delimiter)
            .from_reader(Paying { rest: text.as_bytes(), toll: Toll::new(budget), open: 0, stopped: None });
        Self { text, reader, dialect, row: StringRecord::new(), again: false, cells: 0 }
    }

    fn first(&mut self) -> Result<Option<&StringRecord>, CsvError> {
        let more = self.read()?;
        Ok(more.then_some(&self.row))
    }

    fn toll(&mut self) -> &mut Toll<'a> {
        &mut self.reader.get_mut().toll
    }

    /// Pays for `count` names, each kept in several places.
    fn pay_for_names(&mut self, count: usize) -> Result<(), CsvError> {
        self.toll().look(count.saturating_mul(8))?;
        Ok(self.toll().take(count.saturating_mul(NAME))?)
    }

    fn again(&mut self) {
        self.again = true;
    }

    /// The next row, which must have `width` cells.
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
        let most = self.toll().most_cells();
        if self.cells > most {
            return Err(RunError::new(ErrorKind::Limit, format!("The table {}", more_cells(most))).into());
        }
        // Long cells store their text separately.
        let texts = self.row.iter().map(|cell| if cell.len() > EcoString::INLINE_LIMIT { cell.len() + 16 } else { 0 });
        let texts = texts.sum::<usize>();
        self.toll().take(width * size_of::<Value>() + texts)?;
        Ok(Some(&self.row))
    }

    fn read(&mut self) -> Result<bool, CsvError> {
        self.reader.get_mut().open = 0;
        let more = match self.reader.read_record(&mut self.row) {
            Ok(more) => more,
            Err(error) => {
                let stopped = self.reader.get_mut().stopped.take();
                return Err(stopped.map_or_else(|| self.error(error.to_string()), CsvError::from));
            }
        };
        if self.row.len() > MAX_COLUMNS {
            let message = format!("A row of CSV has more than {MAX_COLUMNS} cells, the limit.");
            return Err(RunError::new(ErrorKind::Limit, message).into());
        }
        let at = self.reader.position().byte();
        self.toll().look(1)?;
        if !more {
            self.toll().settle()?;
        }
        let at_end = at as usize >= self.text.len();
        if more && at_end && self.ends_in_quotes()? {
            return Err(self.error("a quote has no end.".into()));
        }
        Ok(more)
    }

    /// The reader accepts a text that ends inside quotes; the last row shows it.
    fn ends_in_quotes(&mut self) -> Result<bool, Box<RunError>> {
        let delimiter = self.dialect.delimiter;
        let (mut quoted, mut at_start) = (false, true);
        let start = self.start()?;
        for piece in self.text.as_bytes().get(start..).unwrap_or_default().chunks(PIECE) {
            self.toll().scan(piece.len() * READING)?;
            for byte in piece {
                if quoted {
                    // Two quotes in quotes end them and begin them again.
                    quoted = *byte != b'"';
                    at_start = !quoted;
                } else {
                    quoted = at_start && *byte == b'"';
                    at_start = *byte == delimiter || *byte == b'\n' || *byte == b'\r';
                }
            }
        }
        Ok(quoted)
    }

    /// The byte the current row starts at.
    fn start(&mut self) -> Result<usize, Box<RunError>> {
        let mut at = self.row.position().map_or(0, |position| position.byte() as usize);
        for piece in self.text.as_bytes().get(at..).unwrap_or_default().chunks(PIECE) {
            let blank = piece.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
            self.toll().scan(blank * READING)?;
            at += blank;
            if blank < piece.len() {
                break;
            }
        }
        Ok(at)
    }

    /// The line the current row starts on, from 1.
    fn line(&mut self) -> Result<usize, Box<RunError>> {
        let start = self.start()?;
        let before = self.text.get(..start).unwrap_or_default();
        place(before, |bytes| self.toll().scan(bytes)).map(|(line, _)| line)
    }

    fn error(&mut self, problem: String) -> CsvError {
        match self.line() {
            Ok(line) => CsvError { line, problem, stopped: None },
            Err(stopped) => stopped.into(),
        }
    }
}
