//! Helpers for the arguments of natives: whole numbers, limits, row expressions.

use crate::pages::{Pages, copied, long_pieces};
use crate::unwritten::{EncodeError, Written};
use ecow::EcoString;
use flowscript_lang::budget::{BYTES_OF_STEP, Paid, Toll, longer_text, more_cells};
use flowscript_lang::error::{ErrorKind, RunError};
use flowscript_lang::function::{Call, NativeResult, RowFunction};
use flowscript_lang::value::{Rows, Value, to_text, truth};
use std::ops::Deref;
use std::sync::Arc;

/// The whole number at `position`. Beyond 64 bits it is the smallest or largest of them, for functions that clamp.
pub(crate) fn clamped(call: &Call<'_>, position: usize) -> Result<i64, Box<RunError>> {
    let number = call.number(position);
    match number.to_i64() {
        Some(whole) => Ok(whole),
        None if number.is_whole() && number.is_negative() => Ok(i64::MIN),
        None if number.is_whole() => Ok(i64::MAX),
        None => Err(call.refuse(position, "a whole number")),
    }
}

/// The same as a count: below 0 it is 0.
pub(crate) fn count(call: &Call<'_>, position: usize) -> Result<usize, Box<RunError>> {
    clamped(call, position).map(|number| usize::try_from(number.max(0)).unwrap_or(usize::MAX))
}

/// Pays for a text of `bytes` bytes before it is made; one that would be too long is an error.
pub(crate) fn text_fits(call: &mut Call<'_>, bytes: usize) -> Result<(), Box<RunError>> {
    let most = call.budget().most_text();
    if bytes > most {
        return Err(too_long(call, most));
    }
    call.budget().make_text(bytes)
}

/// The error of a text that would be longer than `most` bytes.
pub(crate) fn too_long(call: &Call<'_>, most: usize) -> Box<RunError> {
    longer(call.function.name, most)
}

fn longer(function: &str, most: usize) -> Box<RunError> {
    RunError::new(ErrorKind::Limit, format!("{function}: the text {}", longer_text(most)))
}

/// Bytes that are written before they are paid for.
const UNPAID: usize = 4 << 10;

/// A text that a function writes, paid for while it grows.
pub(crate) struct Out<'b> {
    text: Pages<EcoString>,
    written: Written<'b>,
    /// The part of the text that is not paid for yet, always small.
    unpaid: usize,
    function: &'static str,
}

impl<'b> Out<'b> {
    /// An empty text.
    pub(crate) fn new(call: &'b mut Call<'_>) -> Self {
        let function = call.function.name;
        Self { text: Pages::default(), written: Written::new(call.budget()), unpaid: 0, function }
    }

    /// An empty text that is likely to reach about this length.
    pub(crate) fn about(call: &'b mut Call<'_>, bytes: usize) -> Self {
        let mut out = Self::new(call);
        if bytes > EcoString::INLINE_LIMIT {
            out.text = Pages::beginning(EcoString::with_capacity(bytes.min(UNPAID)));
        }
        out
    }

    /// Writes a piece.
    #[inline]
    pub(crate) fn push(&mut self, piece: &str) -> Paid {
        let unpaid = self.unpaid.saturating_add(piece.len());
        if unpaid > UNPAID {
            return self.push_long(piece);
        }
        self.unpaid = unpaid;
        self.text.page().push_str(piece);
        Ok(())
    }

    fn push_long(&mut self, piece: &str) -> Paid {
        for piece in long_pieces(piece) {
            self.pay(piece.len())?;
            self.text.page().push_str(piece);
        }
        Ok(())
    }

    /// Pays for what has been written and for `more` bytes.
    fn pay(&mut self, more: usize) -> Paid {
        let bytes = std::mem::take(&mut self.unpaid).saturating_add(more);
        self.written.grow(bytes).map_err(|error| match error {
            EncodeError::Stopped(stopped) => stopped,
            EncodeError::TooLong { most } => longer(self.function, most),
            EncodeError::Value(problem) => RunError::new(ErrorKind::Value, problem),
        })
    }

    /// Pays for a look at `bytes` bytes.
    pub(crate) fn look(&mut self, bytes: usize) -> Paid {
        self.written.look(bytes)
    }

    /// The toll that is paid.
    pub(crate) fn toll(&mut self) -> &mut Toll<'b> {
        self.written.toll()
    }

    /// The text.
    pub(crate) fn finish(mut self) -> Result<EcoString, Box<RunError>> {
        self.pay(0)?;
        let text = self.text.finish(self.written.toll())?;
        self.written.toll().settle()?;
        Ok(text)
    }
}

/// A part of a text, paid for before it is copied. A short part is counted with the function's result.
pub(crate) fn part(call: &mut Call<'_>, text: &str) -> NativeResult {
    if text.len() >= BYTES_OF_STEP {
        call.budget().make_text(text.len())?;
    }
    copied(text, call.budget()).map(Value::Text)
}

/// Pays for looking at this many characters or bytes of a text.
#[inline]
pub(crate) fn looked(call: &mut Call<'_>, bytes: usize) -> Paid {
    if bytes < BYTES_OF_STEP { Ok(()) } else { call.budget().scan(bytes) }
}

/// Pays for a list or table of `cells` cells before it is made; one that would have too many is an error.
pub(crate) fn cells_fit(call: &mut Call<'_>, cells: usize) -> Result<(), Box<RunError>> {
    let most = call.budget().most_cells();
    if cells > most {
        return Err(too_many(call, most));
    }
    call.budget().make_cells(cells)
}

/// The error of a list or table that would have more than `most` cells.
pub(crate) fn too_many(call: &Call<'_>, most: usize) -> Box<RunError> {
    call.error(ErrorKind::Limit, format_args!("the list or table {}", more_cells(most)))
}

/// Rows that are chosen before they are paid for.
const STRETCH: usize = 4_096;

/// The cost of choosing a row, in elements looked at.
const CHOOSING: usize = 4;

/// `count` of the rows, at the positions that `place` gives, paid for while they are chosen.
pub(crate) fn chosen(call: &mut Call<'_>, rows: &Rows, count: usize, place: impl Fn(usize) -> u32) -> NativeResult {
    let budget = call.budget();
    match rows {
        Rows::List(list) => {
            budget.take(count.saturating_mul(size_of::<Value>()))?;
            let mut items = Vec::with_capacity(count);
            for start in (0..count).step_by(STRETCH) {
                let stretch = start..count.min(start + STRETCH);
                budget.look(stretch.len() * CHOOSING)?;
                items.extend(stretch.filter_map(|at| list.items().get(place(at) as usize).cloned()));
            }
            Ok(Value::list(items))
        }
        Rows::Table(table) => {
            budget.look(count.saturating_mul(CHOOSING))?;
            // A large table is copied, column by column.
            let width = table.cells_of_row();
            budget.take(count.saturating_mul(size_of::<u32>() + width * size_of::<Value>()))?;
            budget.look(count.saturating_mul(width))?;
            Ok(rows.gather((0..count).map(place).collect()))
        }
    }
}

/// Bytes of an argument, shared with it.
pub(crate) enum Bytes {
    Binary(Arc<[u8]>),
    Text(EcoString),
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Binary(bytes) => bytes,
            Self::Text(text) => text.as_bytes(),
        }
    }
}

/// The bytes of binary, or of a text or another simple value's text form as UTF-8.
pub(crate) fn bytes(call: &Call<'_>, position: usize) -> Result<Bytes, Box<RunError>> {
    match call.value(position) {
        Value::Binary(bytes) => Ok(Bytes::Binary(bytes.clone())),
        other => to_text(other).map(Bytes::Text).map_err(|_| call.refuse(position, "text or binary")),
    }
}

/// A row expression, ready for its rows. One that is not a function is the same for every row.
pub(crate) enum Selector {
    Constant(Value),
    Each(RowFunction),
}

impl Selector {
    /// The expression in the argument at `position`.
    pub(crate) fn new(call: &mut Call<'_>, position: usize, rows: &Rows) -> Result<Self, Box<RunError>> {
        match call.value(position) {
            Value::Function(_) => call.bind(position, rows).map(Self::Each),
            constant => Ok(Self::Constant(constant.clone())),
        }
    }

    /// How many of the rows must be asked to know all answers.
    pub(crate) fn asked(&self, rows: &Rows) -> usize {
        match self {
            Self::Constant(_) => rows.len().min(1),
            Self::Each(_) => rows.len(),
        }
    }

    /// Its value for a row.
    pub(crate) fn value(&self, call: &mut Call<'_>, row: usize) -> NativeResult {
        match self {
            Self::Constant(value) => Ok(value.clone()),
            Self::Each(function) => call.row_value(function, row),
        }
    }

    /// Is its value true for a row?
    pub(crate) fn holds(&self, call: &mut Call<'_>, row: usize) -> Result<bool, Box<RunError>> {
        match self {
            Self::Constant(value) => Ok(truth(value)),
            Self::Each(function) => call.row_value(function, row).map(|value| truth(&value)),
        }
    }
}
