//! Types as written become types; declared ones may refer to each other.

use super::checker::Checker;
use super::mend::optional_itself;
use super::scope::Scope;
use crate::ast::{self, StatementKind, TypeExpr, TypeExprKind};
use crate::diagnostic::{Diagnostic, codes};
use crate::span::Span;
use crate::suggest::nearest;
use crate::tree::{Expr, ExprKind};
use crate::types::{Field, Fit, FunctionType, RecordType, Type, TypeId};
use crate::value::Value;
use ecow::EcoString;
use hashbrown::{HashMap, HashSet};
use std::sync::Arc;

/// The types that need no declaration.
pub(super) const SIMPLE_TYPES: [(&str, Type); 7] = [
    ("boolean", Type::Bool),
    ("number", Type::Number),
    ("text", Type::Text),
    ("datetime", Type::DateTime),
    ("binary", Type::Binary),
    ("null", Type::Null),
    ("any", Type::Any),
];

/// The deepest nesting of declared types.
const MOST_LEVELS: usize = 200;

/// Known nesting of declared types.
#[derive(Default)]
struct Levels {
    /// `None` during its computation.
    known: HashMap<TypeId, Option<usize>>,
    endless: HashSet<TypeId>,
}

impl Checker<'_> {
    /// Makes the types declared in a block visible in all of it.
    pub(super) fn declare_types(&mut self, statements: &[ast::Statement]) {
        let mut declared = Vec::new();
        let mut places: HashMap<&EcoString, Span> = HashMap::new();
        for statement in statements {
            let StatementKind::Type { name, definition, .. } = &statement.kind else { continue };
            if SIMPLE_TYPES.iter().any(|(simple, _)| simple.eq_ignore_ascii_case(&name.text)) {
                let message = format!("`{}` is a type of the language and cannot be declared.", name.text);
                self.error(codes::IMPOSSIBLE_TYPE, name.span, message);
            }
            let id = self.new_type(&name.text);
            if self.block().types.insert(name.text.clone(), id).is_some() {
                let message = format!("The type `{}` is declared twice in this block.", name.text);
                self.twice(name.span, message, places.get(&name.text).copied());
            }
            places.insert(&name.text, name.span);
            self.note_declared_type(id, name);
            declared.push((id, name, definition));
        }
        for (id, _, definition) in &declared {
            let ty = self.type_expr(definition);
            self.types.define(*id, ty);
        }
        let mut levels = Levels::default();
        for (id, _, _) in &declared {
            self.levels(*id, &mut levels);
        }
        for (id, name, definition) in &declared {
            if levels.endless.contains(id) {
                let message = format!("The type `{}` contains itself, so no value of it could ever end.", name.text);
                let error = Diagnostic::error(codes::IMPOSSIBLE_TYPE, name.span, message);
                let error = error.with_hint("let it refer to itself through `?` or `*`");
                self.report(error.with_fix(optional_itself(&name.text, definition)));
                self.types.define(*id, Type::Any);
            } else if levels.known.get(id).copied().flatten().is_some_and(|levels| levels > MOST_LEVELS) {
                let message = format!("The type `{}` has more than {MOST_LEVELS} levels of records.", name.text);
                let hint = Some("let a field refer to the next one through `?` or `*`".to_owned());
                self.error_hint(codes::IMPOSSIBLE_TYPE, name.span, message, hint);
                self.types.define(*id, Type::Any);
            }
        }
    }

    fn new_type(&mut self, name: &EcoString) -> TypeId {
        let unit = self.unit_state();
        let number = unit.next.ty;
        unit.next.ty += 1;
        if let Some(id) = unit.type_ids.get(number) {
            return *id;
        }
        let id = self.types.declare(name.clone());
        self.unit_state().type_ids.push(id);
        self.walk.learn();
        id
    }

    /// The nesting depth of declared types in a value of a type, and the types that contain themselves through fields
    /// alone, without `?` or `*`.
    fn levels(&mut self, id: TypeId, levels: &mut Levels) -> usize {
        match levels.known.get(&id) {
            Some(Some(known)) => return *known,
            Some(None) => {
                levels.endless.insert(id);
                return 0;
            }
            None => {}
        }
        levels.known.insert(id, None);
        let mut reached = Vec::new();
        self.direct(&Type::Named(id, EcoString::new()), true, &mut reached);
        self.look(reached.len());
        let below = reached.into_iter().map(|inner| self.levels(inner, levels)).max().unwrap_or(0);
        // A refused type counts as `any`.
        let known = if levels.endless.contains(&id) || below >= MOST_LEVELS { 0 } else { below };
        levels.known.insert(id, Some(below + 1));
        if known == below { known + 1 } else { 0 }
    }

    /// The declared types that a value of `ty` always contains.
    fn direct(&self, ty: &Type, itself: bool, reached: &mut Vec<TypeId>) {
        match ty {
            Type::Named(id, _) if !itself => reached.push(*id),
            Type::Named(id, _) => self.direct(self.types.definition(*id), false, reached),
            Type::Record(record) => record.fields.iter().for_each(|field| self.direct(&field.ty, false, reached)),
            _ => {}
        }
    }

    /// A type as written.
    pub(super) fn type_expr(&mut self, written: &TypeExpr) -> Type {
        match &written.kind {
            TypeExprKind::Name(name) => {
                let Some(ty) = self.named_type(name) else {
                    self.unknown_type(name, written.span);
                    return Type::Any;
                };
                self.note_named_type(&ty, written.span);
                ty
            }
            TypeExprKind::Member(module, name) => self.module_type(module, name),
            TypeExprKind::Nullable(inner) => self.type_expr(inner).nullable(),
            TypeExprKind::Many(inner) => self.type_expr(inner).many(),
            TypeExprKind::Record(fields) => self.record_type(fields),
            TypeExprKind::Function(parameters, result) => {
                let parameters: Vec<Type> = parameters.iter().map(|parameter| self.type_expr(parameter)).collect();
                let result = self.type_expr(result);
                Type::Function(Arc::new(FunctionType { required: parameters.len(), parameters, result }))
            }
        }
    }

    /// A simple or declared type by name.
    pub(super) fn named_type(&mut self, name: &EcoString) -> Option<Type> {
        let stack = &self.units[self.unit].stack;
        let declared =
            stack.iter().rev().flat_map(|function| function.scopes.iter().rev()).find_map(|scope| match scope {
                Scope::Block(block) => block.types.get(name).copied(),
                _ => None,
            });
        if let Some(id) = declared {
            return Some(Type::Named(id, name.clone()));
        }
        SIMPLE_TYPES.iter().find(|(simple, _)| simple.eq_ignore_ascii_case(name)).map(|(_, ty)| ty.clone())
    }

    fn record_type(&mut self, fields: &[ast::TypeField]) -> Type {
        let mut known: Vec<Field> = Vec::with_capacity(fields.len());
        let mut names: HashMap<&EcoString, Span> = HashMap::with_capacity(fields.len());
        for field in fields {
            let name = &field.name.text;
            if let Some(first) = names.get(name) {
                self.twice(field.name.span, format!("The field `{name}` is there twice."), Some(*first));
                continue;
            }
            names.insert(name, field.name.span);
            let annotated = field.ty.as_ref().map(|ty| self.type_expr(ty));
            let default = field.default.as_ref().and_then(|default| self.constant_default(name, default));
            let (ty, default) = match (annotated, default) {
                (Some(ty), Some(value)) => (ty.clone(), self.converted_default(name, value, &ty, field)),
                (Some(ty), None) => (ty, None),
                (None, Some(value)) => (type_of_default(&value), Some(value)),
                (None, None) => (Type::Any, None),
            };
            known.push(Field { name: name.clone(), ty, default });
        }
        let ty = Type::Record(Arc::new(RecordType { fields: known, open: false }));
        self.note_fields(&ty, fields.iter().map(|field| &field.name));
        ty
    }

    fn constant_default(&mut self, name: &EcoString, default: &ast::Expr) -> Option<Value> {
        let value = super::constant::constant(default);
        if value.is_none() {
            let message = format!("The default of the field `{name}` must be a constant.");
            let hint = Some("a number, a text, true, false, null, or a list or record of these".to_owned());
            self.error_hint(codes::DEFAULT_NOT_CONSTANT, default.span, message, hint);
        }
        value
    }

    fn converted_default(
        &mut self,
        name: &EcoString,
        value: Value,
        ty: &Type,
        field: &ast::TypeField,
    ) -> Option<Value> {
        match self.types.convert(value, ty, crate::value::Zone::UTC) {
            Ok(value) => Some(value),
            Err(mismatch) => {
                let span = field.default.as_ref().map_or(field.name.span, |default| default.span);
                self.error(
                    codes::TYPE_MISMATCH,
                    span,
                    format!("The default of the field `{name}` does not fit: {mismatch}"),
                );
                None
            }
        }
    }

    pub(super) fn unknown_type(&mut self, name: &EcoString, span: Span) {
        if self.is_unparsed(name) {
            return;
        }
        if let Some((what, ours)) = foreign_type(name) {
            let message = format!("There is no type `{name}`: the type of {what} is `{ours}`.");
            let error = Diagnostic::error(codes::UNKNOWN_TYPE, span, message).with_write(ours);
            // Other forms may want parentheses around them.
            let is_word = ours.chars().all(char::is_alphabetic);
            self.report(if is_word { error.surely() } else { error });
            return;
        }
        let mut names: Vec<EcoString> = SIMPLE_TYPES.iter().map(|(name, _)| EcoString::from(*name)).collect();
        for function in &self.units[self.unit].stack {
            for scope in &function.scopes {
                if let Scope::Block(block) = scope {
                    names.extend(block.types.keys().cloned());
                }
            }
        }
        let near = nearest(name, names.iter().map(EcoString::as_str));
        let error = Diagnostic::error(codes::UNKNOWN_TYPE, span, format!("There is no type `{name}`."));
        self.report(error.about(name.clone()).did_you_mean(near));
    }

    /// Reports a value that can never fit; `subject` names its target: `the variable rate`. Returns whether it may fit.
    pub(super) fn check_fit(&mut self, value: &Expr, wanted: &Type, subject: &str) -> bool {
        if let ExprKind::Constant(constant) = &value.kind {
            let zone = crate::value::Zone::UTC;
            return match self.types.convert(constant.clone(), wanted, zone) {
                Ok(_) => true,
                Err(mismatch) => {
                    self.error(codes::TYPE_MISMATCH, value.span, format!("This does not fit {subject}: {mismatch}"));
                    false
                }
            };
        }
        self.check_parts_fit(value, wanted, subject) && self.check_type_fit(&value.ty, wanted, value.span, subject)
    }

    /// The same for a value of which only the type is known.
    pub(super) fn check_type_fit(&mut self, ty: &Type, wanted: &Type, span: Span, subject: &str) -> bool {
        let fits = self.types.fit(ty, wanted) != Fit::Never;
        if !fits {
            let message = self.misfit(ty, wanted, subject);
            self.error(codes::TYPE_MISMATCH, span, message);
        }
        fits
    }

    /// The parts of a literal list or record.
    fn check_parts_fit(&mut self, value: &Expr, wanted: &Type, subject: &str) -> bool {
        let wanted = self.types.resolve(wanted).without_null();
        let mut fits = true;
        match (self.types.resolve(wanted).clone(), &value.kind) {
            (Type::List(element), ExprKind::List(parts)) => {
                for part in parts {
                    fits &= self.check_fit(part, &element, subject);
                }
            }
            (Type::Record(record), ExprKind::Record(shape, parts)) => {
                for (name, part) in shape.names().iter().zip(parts) {
                    if let Some(field) = record.field(name) {
                        fits &= self.check_fit(part, &field.ty, subject);
                    }
                }
            }
            _ => {}
        }
        fits
    }

    fn misfit(&self, from: &Type, wanted: &Type, subject: &str) -> String {
        if let (Some(have), Some(want)) = (self.types.record(from), self.types.record(wanted)) {
            let missing: Vec<String> = want
                .fields
                .iter()
                .filter(|field| have.field(&field.name).is_none() && field.default.is_none())
                .map(|field| format!("`{}`", field.name))
                .collect();
            if !missing.is_empty() && !have.open {
                return format!(
                    "This does not fit {subject}: it must be {wanted}, but {} is missing.",
                    missing.join(", ")
                );
            }
        }
        format!("This does not fit {subject}: it must be {wanted}, not {from}.")
    }

    /// Wraps a value so that it is converted to `wanted` at run time.
    pub(super) fn convert(&mut self, value: Expr, wanted: &Type, subject: EcoString) -> Expr {
        if !self.check_fit(&value, wanted, &subject) || self.types.is_within(&value.ty, wanted) {
            return value;
        }
        let span = value.span;
        Expr { kind: ExprKind::Convert(Box::new(value), wanted.clone(), subject), span, ty: wanted.clone() }
    }
}

/// The meaning of a type of another language, and its name here.
fn foreign_type(name: &str) -> Option<(&'static str, &'static str)> {
    Some(match name.to_ascii_lowercase().as_str() {
        "string" | "str" | "char" | "varchar" | "nvarchar" | "nchar" | "character" | "uuid" | "guid" => {
            ("texts", "text")
        }
        "int" | "integer" | "long" | "short" | "byte" | "bigint" | "smallint" | "tinyint" | "uint" | "int32"
        | "int64" | "float" | "double" | "single" | "real" | "decimal" | "numeric" | "money" | "currency" | "num" => {
            ("numbers", "number")
        }
        "bool" | "bit" | "logical" => ("true and false", "boolean"),
        "date" | "time" | "timestamp" | "datetime2" | "datetimeoffset" => ("dates and times", "datetime"),
        "bytes" | "blob" | "buffer" | "varbinary" | "bytea" => ("bytes", "binary"),
        "object" | "dict" | "dictionary" | "struct" | "record" | "hash" => ("records", "{name: type}"),
        "array" | "list" | "set" | "vector" | "table" | "dataframe" => ("lists and tables", "any*"),
        "func" | "function" | "lambda" | "callable" | "delegate" => ("functions", "(any) -> any"),
        "void" | "none" | "nil" | "undefined" => ("null", "null"),
        "dynamic" | "variant" | "var" | "mixed" | "json" => ("any value", "any"),
        _ => return None,
    })
}

/// `qty = 0` means a number; a default that is null has no type.
fn type_of_default(value: &Value) -> Type {
    match value {
        Value::Null => Type::Any,
        Value::List(list) if list.items().is_empty() => Type::Any.many(),
        value => Type::of_value(value),
    }
}
