//! Static types: the checker's knowledge of a value before it exists.

mod assign;
mod bounds;
mod conform;
mod convert;
mod counters;
mod key;
mod mismatch;

pub use assign::Fit;
pub use mismatch::{Mismatch, Stopped};

use crate::value::{ColumnType, RowType, SimpleKind, Value};
use ecow::EcoString;
use hashbrown::HashMap;
use std::fmt::{self, Display};
use std::sync::Arc;

/// A type of the language (lang/README.md, Types), or what the checker infers.
#[derive(Clone, Debug, PartialEq)]
pub enum Type {
    /// No value at all: the type of `error`, and of a variable before anything is known.
    Never,
    /// Anything; checked at run time.
    Any,
    /// `null`
    Null,
    /// `boolean`
    Bool,
    /// `number`
    Number,
    /// `text`
    Text,
    /// `datetime`
    DateTime,
    /// `binary`
    Binary,
    /// `T?`
    Nullable(Arc<Type>),
    /// `T*`: a list or table of T
    List(Arc<Type>),
    /// `{a: T}`
    Record(Arc<RecordType>),
    /// A declared type.
    Named(TypeId, EcoString),
    /// `(T) -> R`
    Function(Arc<FunctionType>),
}

/// The place of a declared type in [`Types`].
pub type TypeId = u32;

/// The fields of a record.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RecordType {
    /// The known fields, in order.
    pub fields: Vec<Field>,
    /// May it have others?
    pub open: bool,
}

/// A field of a record type.
#[derive(Clone, Debug)]
pub struct Field {
    /// Its name.
    pub name: EcoString,
    /// Its type.
    pub ty: Type,
    /// The default; without one that of its type.
    pub default: Option<Value>,
}

impl PartialEq for Field {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && self.ty == other.ty
    }
}

/// Parameters and result of a function.
#[derive(Clone, Debug, PartialEq)]
pub struct FunctionType {
    /// The parameters' types.
    pub parameters: Vec<Type>,
    /// The number of required ones.
    pub required: usize,
    /// The result.
    pub result: Type,
}

/// The declared types of a program and its modules.
#[derive(Clone, Debug, Default)]
pub struct Types {
    definitions: Vec<(EcoString, Type)>,
    number: counters::Number,
    work: counters::Work,
}

impl Types {
    /// Reserves a type whose definition follows, so that types may refer to each other.
    pub fn declare(&mut self, name: EcoString) -> TypeId {
        self.definitions.push((name, Type::Any));
        self.definitions.len() as TypeId - 1
    }

    /// Sets the definition of a declared type.
    pub fn define(&mut self, id: TypeId, definition: Type) {
        if let Some(entry) = self.definitions.get_mut(id as usize) {
            entry.1 = definition;
        }
    }

    /// The definition of a declared type, one step.
    pub fn definition(&self, id: TypeId) -> &Type {
        self.definitions.get(id as usize).map_or(&Type::Any, |(_, definition)| definition)
    }

    /// The definition of a declared type, through any number of names; other types are themselves.
    pub fn resolve<'a>(&'a self, ty: &'a Type) -> &'a Type {
        let mut ty = ty;
        // A cycle of bare names is a check error; the bound keeps this from following one.
        for _ in 0..=self.definitions.len() {
            match ty {
                Type::Named(id, _) => match self.definitions.get(*id as usize) {
                    Some((_, definition)) => ty = definition,
                    None => return &Type::Any,
                },
                _ => return ty,
            }
        }
        &Type::Any
    }

    /// Its fields, if it is a record.
    pub fn record<'a>(&'a self, ty: &'a Type) -> Option<&'a Arc<RecordType>> {
        match self.resolve(ty) {
            Type::Record(record) => Some(record),
            _ => None,
        }
    }

    /// The element type of a list or table, through `?`; `None` if it is not a list.
    pub fn element<'a>(&'a self, ty: &'a Type) -> Option<&'a Type> {
        match self.resolve(ty) {
            Type::List(element) => Some(element),
            Type::Nullable(inner) => self.element(inner),
            _ => None,
        }
    }

    /// The default value of a type (lang/README.md, Values). Types that hold another one many times share its value.
    pub fn default_value(&self, ty: &Type) -> Value {
        self.default_of(ty, &mut HashMap::new())
    }

    fn default_of(&self, ty: &Type, known: &mut HashMap<TypeId, Value>) -> Value {
        let Type::Named(id, _) = ty else { return self.default_of_written(ty, known) };
        if let Some(value) = known.get(id) {
            return value.clone();
        }
        let value = self.default_of_written(ty, known);
        known.insert(*id, value.clone());
        value
    }

    fn default_of_written(&self, ty: &Type, known: &mut HashMap<TypeId, Value>) -> Value {
        match self.resolve(ty) {
            Type::Bool => Value::Bool(false),
            Type::Number => Value::from(0),
            Type::Text => Value::text(""),
            Type::DateTime => Value::DateTime(crate::value::DateTime::minimum()),
            Type::Binary => Value::binary(Vec::new()),
            Type::List(element) => match self.row_type_of(element, known) {
                Some((shape, row)) => Value::table(crate::value::Table::empty(shape, Some(row))),
                None => Value::empty_list(),
            },
            // Recursion passes through `?` and `*` only, so this ends.
            Type::Record(record) => {
                Value::record(record.fields.iter().map(|f| (f.name.clone(), self.field_default_of(f, known))))
            }
            Type::Never | Type::Any | Type::Null | Type::Nullable(_) | Type::Named(..) | Type::Function(_) => {
                Value::Null
            }
        }
    }

    /// The default of a field.
    pub fn field_default(&self, field: &Field) -> Value {
        self.field_default_of(field, &mut HashMap::new())
    }

    fn field_default_of(&self, field: &Field, known: &mut HashMap<TypeId, Value>) -> Value {
        field.default.clone().unwrap_or_else(|| self.default_of(&field.ty, known))
    }

    /// The columns of `table(T)`, where T is a record.
    pub fn row_type(&self, element: &Type) -> Option<(Arc<crate::value::Shape>, Arc<RowType>)> {
        self.row_type_of(element, &mut HashMap::new())
    }

    fn row_type_of(
        &self,
        element: &Type,
        known: &mut HashMap<TypeId, Value>,
    ) -> Option<(Arc<crate::value::Shape>, Arc<RowType>)> {
        let record = self.record(element)?;
        let columns = record
            .fields
            .iter()
            .map(|field| {
                let (kind, nullable) = self.simple_kind(&field.ty);
                // A type may hold a list of itself: columns of lists default to `[]`, which has no row type.
                let default = match (&field.default, self.resolve(&field.ty)) {
                    (None, Type::List(_)) => Value::empty_list(),
                    _ => self.field_default_of(field, known),
                };
                ColumnType { kind, nullable, default }
            })
            .collect();
        let shape = crate::value::Shape::new(record.fields.iter().map(|field| field.name.clone()));
        Some((shape, Arc::new(RowType { columns })))
    }

    fn simple_kind(&self, ty: &Type) -> (SimpleKind, bool) {
        match self.resolve(ty) {
            Type::Bool => (SimpleKind::Bool, false),
            Type::Number => (SimpleKind::Number, false),
            Type::Text => (SimpleKind::Text, false),
            Type::DateTime => (SimpleKind::DateTime, false),
            Type::Nullable(inner) => (self.simple_kind(inner).0, true),
            _ => (SimpleKind::Any, true),
        }
    }
}

impl Type {
    /// `T?`, or T if it already includes null.
    #[must_use]
    pub fn nullable(self) -> Self {
        match self {
            Self::Any | Self::Null | Self::Nullable(_) => self,
            Self::Never => Self::Null,
            other => Self::Nullable(Arc::new(other)),
        }
    }

    /// A list or table of this type.
    #[must_use]
    pub fn many(self) -> Self {
        Self::List(Arc::new(self))
    }

    /// A record of exactly these fields.
    pub fn closed_record(fields: impl IntoIterator<Item = (EcoString, Type)>) -> Self {
        let fields = fields.into_iter().map(|(name, ty)| Field { name, ty, default: None }).collect();
        Self::Record(Arc::new(RecordType { fields, open: false }))
    }

    /// A record of which nothing is known.
    pub fn any_record() -> Self {
        Self::Record(Arc::new(RecordType { fields: Vec::new(), open: true }))
    }

    /// Without its `?`.
    pub fn without_null(&self) -> &Self {
        match self {
            Self::Nullable(inner) => inner,
            other => other,
        }
    }

    /// Is nothing known of it?
    pub fn is_any(&self) -> bool {
        matches!(self, Self::Any)
    }

    /// Is it null, boolean, number, text or datetime, or one of them with `?`?
    pub fn is_simple(&self) -> bool {
        match self {
            Self::Null | Self::Bool | Self::Number | Self::Text | Self::DateTime => true,
            Self::Nullable(inner) => inner.is_simple(),
            _ => false,
        }
    }

    /// The type of an existing value, as far as useful.
    pub fn of_value(value: &Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(_) => Self::Bool,
            Value::Number(_) => Self::Number,
            Value::Text(_) => Self::Text,
            Value::DateTime(_) => Self::DateTime,
            Value::Binary(_) => Self::Binary,
            Value::List(_) => Self::List(Arc::new(Self::Any)),
            Value::Table(table) => {
                Self::closed_record(table.shape().names().iter().map(|name| (name.clone(), Self::Any))).many()
            }
            Value::Record(record) => {
                Self::closed_record(record.iter().map(|(name, value)| (name.clone(), Self::of_value(&value))))
            }
            Value::Function(_) => Self::Any,
        }
    }
}

impl RecordType {
    /// The field of this name.
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// The same, looked up first at the place where a similar type has it.
    pub fn field_near(&self, place: usize, name: &str) -> Option<&Field> {
        self.fields.get(place).filter(|field| field.name == name).or_else(|| self.field(name))
    }
}

impl Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.show(f, &mut MOST_SHOWN.clone())
    }
}

/// The most parts of a type that are shown.
const MOST_SHOWN: usize = 100;

/// The most characters of a name in a type that are shown.
const LONGEST_NAME: usize = 100;

fn show_name(name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match name.char_indices().nth(LONGEST_NAME) {
        Some((end, _)) => write!(f, "{}…", name.get(..end).unwrap_or("")),
        None => f.write_str(name),
    }
}

impl Type {
    /// Writes it, up to `left` more parts.
    fn show(&self, f: &mut fmt::Formatter<'_>, left: &mut usize) -> fmt::Result {
        if *left == 0 {
            return f.write_str("…");
        }
        *left -= 1;
        match self {
            Self::Never => f.write_str("nothing"),
            Self::Any => f.write_str("any"),
            Self::Null => f.write_str("null"),
            Self::Bool => f.write_str("boolean"),
            Self::Number => f.write_str("number"),
            Self::Text => f.write_str("text"),
            Self::DateTime => f.write_str("datetime"),
            Self::Binary => f.write_str("binary"),
            Self::Nullable(inner) => match **inner {
                Self::Function(_) => inner.show_between(f, "(", left, ")?"),
                _ => inner.show_between(f, "", left, "?"),
            },
            Self::List(element) => match **element {
                Self::Function(_) => element.show_between(f, "(", left, ")*"),
                _ => element.show_between(f, "", left, "*"),
            },
            Self::Named(_, name) => show_name(name, f),
            Self::Record(record) => {
                f.write_str("{")?;
                let shown = record.fields.iter().take(12);
                for (position, field) in shown.enumerate() {
                    let comma = if position > 0 { ", " } else { "" };
                    f.write_str(comma)?;
                    show_name(&field.name, f)?;
                    field.ty.show_between(f, ": ", left, "")?;
                }
                let more = record.open || record.fields.len() > 12;
                f.write_str(match (more, record.fields.is_empty()) {
                    (true, true) => "…}",
                    (true, false) => ", …}",
                    (false, _) => "}",
                })
            }
            Self::Function(function) => {
                f.write_str("(")?;
                for (position, parameter) in function.parameters.iter().enumerate() {
                    let comma = if position > 0 { ", " } else { "" };
                    parameter.show_between(f, comma, left, "")?;
                }
                function.result.show_between(f, ") -> ", left, "")
            }
        }
    }

    fn show_between(&self, f: &mut fmt::Formatter<'_>, before: &str, left: &mut usize, behind: &str) -> fmt::Result {
        f.write_str(before)?;
        self.show(f, left)?;
        f.write_str(behind)
    }
}
