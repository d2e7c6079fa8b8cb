//! The instructions on values that neither jump nor run other code.

use super::Failure;
use super::fail::{describe, type_error};
use super::machine::{CallInfo, Machine};
use crate::compile::{Code, Instruction};
use crate::error::never;
use crate::tree::Tree;
use crate::value::{Record, Value};

impl Machine<'_> {
    /// The instructions that neither jump nor run other code.
    pub(super) fn simple(
        &mut self,
        tree: &Tree,
        code: &Code,
        base: usize,
        instruction: Instruction,
    ) -> Result<(), Failure> {
        use Instruction as I;
        let (d, value) = match instruction {
            I::NegateValue(d, a) => (d, super::operators::negate(&self.used(code, base, a))?),
            I::Star(d, a) => {
                let value = super::operators::star(&self.used(code, base, a))?;
                (d, self.built(value)?)
            }
            I::SafeField(d, a, entry) => {
                let site =
                    code.tables.fields.get(usize::from(entry)).ok_or_else(|| never!("no entry {entry} of fields"))?;
                let object = self.used(code, base, a);
                (d, self.safe_field(&object, &site.name)?)
            }
            I::Callable(d, a, entry) => {
                let site =
                    code.tables.fields.get(usize::from(entry)).ok_or_else(|| never!("no entry {entry} of fields"))?;
                let object = self.take_at(base, a);
                (d, super::callable::callable_field(&object, &site.name)?)
            }
            I::Index(d, a, b) => {
                let index = self.used(code, base, b);
                let result = super::access::index(self.at(base, a), &index);
                self.done(code, base, a);
                (d, result?)
            }
            I::List(d, a, count) => {
                let values = self.take_all(base, a, usize::from(count));
                self.check_cells(values.len())?;
                (d, self.built(Value::list(values))?)
            }
            I::Record(d, a, entry) => {
                let shape =
                    code.tables.shapes.get(usize::from(entry)).ok_or_else(|| never!("no entry {entry} of shapes"))?;
                let cells = self.take_all(base, a, shape.len());
                (d, self.built(Value::Record(Record::new(shape.clone(), cells)))?)
            }
            I::Template(d, a, entry) => {
                let spans = code
                    .tables
                    .templates
                    .get(usize::from(entry))
                    .ok_or_else(|| never!("no entry {entry} of templates"))?;
                let parts = self.take_all(base, a, spans.len());
                let call = CallInfo { tree, definition: &tree.functions[code.function as usize] };
                (d, self.joined(&parts, spans, call)?)
            }
            I::New(d, a, entry) => {
                let (ty, names) =
                    code.tables.news.get(usize::from(entry)).ok_or_else(|| never!("no entry {entry} of news"))?;
                let values = self.take_all(base, a, names.len());
                let given = Record::from_fields(names.iter().cloned().zip(values));
                (d, self.filled(&tree.types, Value::Record(given), ty)?)
            }
            I::In(d, a, b) => {
                let value = self.used(code, base, a);
                let rows = self.used(code, base, b);
                (d, Value::Bool(self.is_in(&value, &rows)?))
            }
            I::InValues(d, a, b, count) => {
                let value = self.used(code, base, a);
                let values = self.take_all(base, b, usize::from(count));
                (d, Value::Bool(self.is_in_values(&value, &values)?))
            }
            I::Is(d, a, entry) => {
                let site =
                    code.tables.types.get(usize::from(entry)).ok_or_else(|| never!("no entry {entry} of types"))?;
                let value = self.used(code, base, a);
                let matches = self.is_of(&tree.types, &value, &site.ty)?;
                (d, Value::Bool(matches != site.negated))
            }
            I::Error(a) => {
                return Err(match self.used(code, base, a) {
                    Value::Text(message) => {
                        crate::error::RunError::new(crate::error::ErrorKind::User, message.as_str())
                    }
                    other => type_error(format!("error takes a text, not {}.", describe(&other))),
                });
            }
            other => return Err(never!("{other:?} is not handled")),
        };
        self.put(base, d, value);
        Ok(())
    }
}
