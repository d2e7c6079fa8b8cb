//! A call of a native: its converted arguments and its access to the interpreter.

use super::{Cost, Function, Parameter, ParameterType};
use crate::budget::{BYTES_OF_STEP, Budget, ELEMENTS_OF_STEP};
use crate::error::{ErrorKind, RunError};
use crate::host::Host;
use crate::types::{Type, Types};
use crate::value::{DateTime, Number, Record, Rows, Value, Zone, to_boolean, to_datetime, to_number, to_text};
use ecow::EcoString;
use std::sync::Arc;

/// The interpreter's interface for a native.
pub trait Context {
    /// Clock, randomness, log, HTTP.
    fn host(&self) -> &dyn Host;
    /// The engine's time zone.
    fn zone(&self) -> Zone;
    /// The engine's culture, such as `en-US`.
    fn culture(&self) -> &str;
    /// The type in `<T>` with the declared types, and the native's budget.
    fn target(&mut self) -> (Option<(&Type, &Types)>, &mut dyn Budget);
    /// Calls a function value.
    fn invoke(&mut self, function: &Value, arguments: Vec<Value>) -> Result<Value, Box<RunError>>;
    /// Prepares a row expression or function for these rows: names are looked up once.
    fn bind_rows(&mut self, function: &Value, rows: &Rows) -> Result<RowFunction, Box<RunError>>;
    /// Its value for the row at `position`.
    fn invoke_row(&mut self, function: &RowFunction, position: usize) -> Result<Value, Box<RunError>>;
    /// The native's budget.
    fn budget(&mut self) -> &mut dyn Budget;
    /// A cache of the program for compiled patterns and the like, by name; lives as long as the program.
    fn cache(&self) -> &dyn PatternCache;
}

/// Things a native compiles once and finds again: regular expressions, formats.
pub trait PatternCache {
    /// What was stored under `key`.
    fn get(&self, key: &str) -> Option<Arc<dyn std::any::Any + Send + Sync>>;
    /// Stores it, with its size in bytes including everything it needs. May evict older entries; does not keep one that
    /// is too large.
    fn put(&self, key: &str, value: Arc<dyn std::any::Any + Send + Sync>, bytes: usize);
}

/// A row expression or function, ready for the rows it was bound to.
#[derive(Clone, Debug)]
pub struct RowFunction {
    /// The rows.
    pub rows: Rows,
    /// The function to call, internal to the interpreter.
    pub function: Value,
    /// The columns of its names, internal to the interpreter.
    pub binding: Arc<[i32]>,
}

/// One call of a native.
pub struct Call<'a> {
    /// The function called.
    pub function: &'a Function,
    arguments: Vec<Value>,
    /// The interpreter.
    pub context: &'a mut dyn Context,
}

impl<'a> Call<'a> {
    /// Calls the native of `function`: converts the arguments to the types of its signature, then runs it.
    ///
    /// With `null` for a parameter of type number, boolean, datetime or binary the result is `null`; texts take it
    /// as `''`.
    pub fn run(function: &'a Function, mut arguments: Vec<Value>, context: &'a mut dyn Context) -> super::NativeResult {
        if let Some(most) = function.signature.most().filter(|most| arguments.len() > *most) {
            return Err(too_many(function, most));
        }
        let missing = function.signature.parameters.iter().skip(arguments.len()).find(|parameter| !parameter.optional);
        if let Some(parameter) = missing {
            return Err(too_few(function, parameter.name));
        }
        for (position, argument) in arguments.iter_mut().enumerate() {
            let Some(parameter) = function.signature.parameter(position) else { break };
            if fits(argument, parameter.ty) {
                continue;
            }
            match converted(function, parameter, argument, context)? {
                Some(value) => *argument = value,
                None => return Ok(Value::Null),
            }
        }
        for parameter in function.signature.parameters.iter().skip(arguments.len()) {
            match &parameter.default {
                Some(default) => arguments.push(default.clone()),
                // The function itself checks whether it was given.
                None => break,
            }
        }
        if function.cost == Cost::Given {
            let steps = steps_of(&arguments);
            if steps > 0 {
                context.budget().spend(steps)?;
            }
        }
        (function.native)(&mut Call { function, arguments, context })
    }

    /// The native's budget: it pays for work that its [`Cost`] does not cover, and for memory before it takes it.
    #[inline]
    pub fn budget(&mut self) -> &mut dyn Budget {
        self.context.budget()
    }

    /// All arguments, converted; defaults are filled in.
    #[inline]
    pub fn arguments(&self) -> &[Value] {
        &self.arguments
    }

    /// The argument at `position`; `null` if it was not given.
    #[inline]
    pub fn value(&self, position: usize) -> &Value {
        self.arguments.get(position).unwrap_or(&Value::Null)
    }

    /// Takes the argument out, so that it can be changed in place.
    #[inline]
    pub fn take(&mut self, position: usize) -> Value {
        self.arguments.get_mut(position).map(std::mem::take).unwrap_or_default()
    }

    /// Was the argument given, or has its parameter a default?
    #[inline]
    pub fn is_given(&self, position: usize) -> bool {
        position < self.arguments.len()
    }

    /// The text at `position`; empty for any other value.
    #[inline]
    pub fn text(&self, position: usize) -> &str {
        match self.value(position) {
            Value::Text(text) => text,
            _ => "",
        }
    }

    /// The text at `position` to keep.
    #[inline]
    pub fn eco_text(&self, position: usize) -> EcoString {
        match self.value(position) {
            Value::Text(text) => text.clone(),
            _ => EcoString::new(),
        }
    }

    /// The number at `position`; 0 for any other value.
    #[inline]
    pub fn number(&self, position: usize) -> Number {
        match self.value(position) {
            Value::Number(number) => *number,
            _ => Number::ZERO,
        }
    }

    /// The whole number at `position`, or an error that names the parameter.
    pub fn integer(&self, position: usize) -> Result<i64, Box<RunError>> {
        let wanted = "a whole number";
        self.number(position).to_i64().ok_or_else(|| self.refuse(position, wanted))
    }

    /// The boolean at `position`; false for any other value.
    #[inline]
    pub fn boolean(&self, position: usize) -> bool {
        matches!(self.value(position), Value::Bool(true))
    }

    /// The datetime at `position`; the type's default for any other value.
    #[inline]
    pub fn datetime(&self, position: usize) -> DateTime {
        match self.value(position) {
            Value::DateTime(datetime) => *datetime,
            _ => DateTime::minimum(),
        }
    }

    /// The rows at `position`; no rows for a value that is not a list or table.
    pub fn rows(&self, position: usize) -> Rows {
        Rows::of(self.value(position)).unwrap_or_else(|| Rows::List(Arc::default()))
    }

    /// The record at `position`; without fields for any other value.
    pub fn record(&self, position: usize) -> Record {
        match self.value(position) {
            Value::Record(record) => record.clone(),
            _ => Record::from_fields([]),
        }
    }

    /// The row expression or function at `position`, ready for `rows`.
    pub fn bind(&mut self, position: usize, rows: &Rows) -> Result<RowFunction, Box<RunError>> {
        let function = self.value(position).clone();
        self.context.bind_rows(&function, rows)
    }

    /// The value of a row expression for the row at `position` of its rows.
    #[inline]
    pub fn row_value(&mut self, function: &RowFunction, position: usize) -> Result<Value, Box<RunError>> {
        self.context.invoke_row(function, position)
    }

    /// Calls a function value.
    pub fn invoke(&mut self, function: &Value, arguments: Vec<Value>) -> Result<Value, Box<RunError>> {
        self.context.invoke(function, arguments)
    }

    /// An error of this function: its canonical name, a colon and the message.
    pub fn error(&self, kind: ErrorKind, message: impl std::fmt::Display) -> Box<RunError> {
        RunError::new(kind, format!("{}: {message}", self.function.name))
    }

    /// A `value` error of this function.
    pub fn value_error(&self, message: impl std::fmt::Display) -> Box<RunError> {
        self.error(ErrorKind::Value, message)
    }

    /// An error about the argument at `position`: names function, parameter, value and `wanted`.
    pub fn refuse(&self, position: usize, wanted: &str) -> Box<RunError> {
        let name = self.function.signature.parameter(position).map_or("argument", |parameter| parameter.name);
        refused_with(self.function, name, self.value(position), wanted, ErrorKind::Value)
    }
}

/// Is a value passed to a parameter of this type as it is?
#[inline]
fn fits(value: &Value, ty: ParameterType) -> bool {
    match (ty, value) {
        // A constant expression is the same for every row; the interpreter passes it as a value.
        (ParameterType::Any | ParameterType::Expr, _)
        | (ParameterType::Text, Value::Text(_))
        | (ParameterType::Number, Value::Number(_))
        | (ParameterType::Bool, Value::Bool(_))
        | (ParameterType::DateTime, Value::DateTime(_))
        | (ParameterType::Binary, Value::Binary(_))
        | (ParameterType::Rows, Value::List(_) | Value::Table(_) | Value::Null)
        | (ParameterType::Table, Value::Table(_) | Value::Null)
        | (ParameterType::Record, Value::Record(_))
        | (ParameterType::Function, Value::Function(_)) => true,
        (ParameterType::Table, value) => value.is_empty_list(),
        _ => false,
    }
}

/// The value for a parameter of another type; `None` for `null`, with which the result of the call is `null`.
fn converted(
    function: &Function,
    parameter: &Parameter,
    value: &Value,
    context: &mut dyn Context,
) -> Result<Option<Value>, Box<RunError>> {
    let ty = parameter.ty;
    if let (ParameterType::Number | ParameterType::Bool | ParameterType::DateTime, Value::Text(text)) = (ty, value) {
        // It may have many blanks around it.
        context.budget().scan(text.len())?;
    }
    let failed = || refused(function, parameter.name, value, ty.name());
    let value = match (ty, value) {
        (
            ParameterType::Number | ParameterType::Bool | ParameterType::DateTime | ParameterType::Binary,
            Value::Null,
        ) => return Ok(None),
        (ParameterType::Text, _) => Value::Text(to_text(value).map_err(|_| failed())?),
        (ParameterType::Number, _) => Value::Number(to_number(value).map_err(|_| failed())?),
        (ParameterType::Bool, _) => Value::Bool(to_boolean(value).map_err(|_| failed())?),
        (ParameterType::DateTime, _) => Value::DateTime(to_datetime(value, context.zone()).map_err(|_| failed())?),
        _ => return Err(failed()),
    };
    Ok(Some(value))
}

/// The steps of looking at each argument once.
fn steps_of(arguments: &[Value]) -> u64 {
    let steps = |argument: &Value| match argument {
        Value::Text(text) => text.len() / BYTES_OF_STEP,
        Value::Binary(bytes) => bytes.len() / BYTES_OF_STEP,
        Value::List(list) => list.items().len() / ELEMENTS_OF_STEP,
        Value::Table(table) => table.len() / ELEMENTS_OF_STEP,
        Value::Record(record) => record.len() / ELEMENTS_OF_STEP,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::DateTime(_) | Value::Function(_) => 0,
    };
    arguments.iter().map(steps).sum::<usize>() as u64
}

fn refused(function: &Function, parameter: &str, value: &Value, wanted: &str) -> Box<RunError> {
    let simple = matches!(value, Value::Text(_) | Value::Number(_) | Value::Bool(_) | Value::DateTime(_) | Value::Null);
    let kind = if simple { ErrorKind::Value } else { ErrorKind::Type };
    refused_with(function, parameter, value, wanted, kind)
}

fn refused_with(function: &Function, parameter: &str, value: &Value, wanted: &str, kind: ErrorKind) -> Box<RunError> {
    let shown = value.to_literal(60);
    let of_type = if value.is_null() { String::new() } else { format!(" of type {}", value.type_name()) };
    RunError::new(
        kind,
        format!("{}: the parameter {parameter} takes {wanted}, not the value {shown}{of_type}.", function.name),
    )
}

fn too_many(function: &Function, most: usize) -> Box<RunError> {
    RunError::new(
        ErrorKind::Type,
        format!("{}: too many arguments, it takes {most} at most: {}.", function.name, function.signature),
    )
}

fn too_few(function: &Function, parameter: &str) -> Box<RunError> {
    let message = format!("{}: the parameter {parameter} is missing: {}.", function.name, function.signature);
    RunError::new(ErrorKind::Type, message)
}
