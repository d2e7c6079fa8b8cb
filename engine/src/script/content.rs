//! Values with templates in them.

use super::context::Context;
use super::fault::Fault;
use super::source::Script;
use ecow::EcoString;
use flowscript_lang::error::ErrorKind;
use flowscript_lang::value::Value;

/// Values with templates in them, such as `output`.
#[derive(Clone, Debug)]
pub enum Content {
    /// Without any `{expression}`.
    Constant(Value),
    /// Text with `{expression}` parts; exactly one part keeps its type.
    Template(Script),
    /// Fields in order.
    Record(Vec<(EcoString, Content)>),
    /// Elements.
    List(Vec<Content>),
}

impl Content {
    /// The value over these variables.
    pub fn value(&self, variables: &mut [Value], context: Context<'_>) -> Result<Value, Fault> {
        let value = self.parts(variables, context)?;
        if matches!(self, Self::Record(_) | Self::List(_)) {
            context.weighed(&value)?;
        }
        Ok(value)
    }

    fn parts(&self, variables: &mut [Value], context: Context<'_>) -> Result<Value, Fault> {
        match self {
            Self::Constant(value) => Ok(value.clone()),
            Self::Template(script) => script.run(variables, context),
            Self::Record(fields) => {
                let mut values = Vec::with_capacity(fields.len());
                for (name, content) in fields {
                    values.push((name.clone(), content.parts(variables, context)?));
                }
                Ok(Value::record(values))
            }
            Self::List(elements) => {
                let values: Result<Vec<Value>, Fault> =
                    elements.iter().map(|content| content.parts(variables, context)).collect();
                Ok(Value::list(values?))
            }
        }
    }

    /// The same as text. `what` names it in the error for a value without a text form.
    pub fn text(&self, what: &str, variables: &mut [Value], context: Context<'_>) -> Result<EcoString, Fault> {
        let value = self.value(variables, context)?;
        flowscript_lang::value::to_text(&value).map_err(|_| {
            let message = format!("{what} must be a text; {} is a {}.", value.to_literal(60), value.type_name());
            Fault::new(ErrorKind::Type, message)
        })
    }
}
