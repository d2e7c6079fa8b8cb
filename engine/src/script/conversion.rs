//! The conversion of values that enter a workflow.

use super::found::problems;
use super::library::{Library, Modules};
use super::loading::Loading;
use super::scope::outside;
use crate::yaml::Scalar;
use crate::yaml::problem::Problem;
use ecow::EcoString;
use flowscript_lang::check::{Mode, Variable};
use flowscript_lang::diagnostic::Diagnostic;
use flowscript_lang::error::ErrorKind;
use flowscript_lang::function::Effect;
use flowscript_lang::host::Host;
use flowscript_lang::program::Program;
use flowscript_lang::types::{Type, Types};
use flowscript_lang::value::{Record, Value};
use std::sync::LazyLock;

/// The name in messages of a conversion for the variable of its program, which is not in the file.
const VARIABLE: &str = "The variable value: ";

/// The conversion of values to an input's type.
#[derive(Clone, Debug)]
pub struct Conversion {
    ty: Type,
    /// Types beyond the simple ones may name declared types, so a program converts to them.
    program: Option<Program>,
    written: String,
}

impl Conversion {
    /// The conversion to a simple type.
    pub fn simple(ty: Type) -> Self {
        Self { written: ty.to_string(), ty, program: None }
    }

    /// The conversion to the type that is written in `source`, with the modules it reached.
    pub fn compile(
        source: &Scalar,
        library: &Library,
        loading: &mut Loading<'_>,
    ) -> Result<(Self, Modules), Vec<Problem>> {
        let written = source.text.trim().to_owned();
        let simple = [Type::Any, Type::Bool, Type::Number, Type::Text, Type::DateTime, Type::Binary, Type::Null];
        let name = written.strip_suffix('?').unwrap_or(&written);
        if let Some(ty) = simple.into_iter().find(|ty| ty.to_string().eq_ignore_ascii_case(name)) {
            let ty = if name.len() < written.len() { ty.nullable() } else { ty };
            return Ok((Self { ty, program: None, written }, Vec::new()));
        }
        let before = "let value: ";
        let text = format!("{before}{} = given; return value;", source.text);
        let given = Variable { name: "given".into(), ty: Type::Any, writable: false };
        let given = [given];
        let options = library.options(Mode::Script, &given, Effect::Pure);
        let compiled = loading.compile(&text, &options);
        match compiled.program {
            Some(program) => {
                Ok((Self { ty: outside(&compiled.result), program: Some(program), written }, compiled.modules))
            }
            None => {
                let errors: Vec<_> = compiled.diagnostics.into_iter().filter(Diagnostic::is_error).collect();
                Err(problems(&errors, source, before.len(), &compiled.modules, loading))
            }
        }
    }

    /// The known type of converted values.
    pub fn ty(&self) -> &Type {
        &self.ty
    }

    /// The type of converted values with the types it names.
    pub fn shape(&self) -> (&Type, &Types) {
        static NONE: LazyLock<Types> = LazyLock::new(Types::default);
        self.program.as_ref().map_or((&self.ty, &NONE), |program| (&program.result, program.types()))
    }

    /// The type as it was written.
    pub fn written(&self) -> &str {
        &self.written
    }

    /// Does it accept null, so that a value may be missing?
    pub fn takes_null(&self) -> bool {
        let (ty, types) = self.shape();
        matches!(types.resolve(ty), Type::Any | Type::Null | Type::Nullable(_))
    }

    /// Does it convert without running anything?
    pub fn is_simple(&self) -> bool {
        self.program.is_none()
    }

    /// Does it accept a list, so that a query parameter may be given several times?
    pub fn takes_list(&self) -> bool {
        let (ty, types) = self.shape();
        types.element(ty).is_some()
    }

    /// The converted value, or a message about why it does not fit.
    pub fn convert(&self, value: Value, library: &Library, host: &dyn Host) -> Result<Value, String> {
        self.convert_counted(value, library, host).0
    }

    /// The same for a constant of a file.
    pub fn convert_constant(&self, value: Value, loading: &mut Loading<'_>) -> Result<Value, String> {
        loading.convert(|library, host| self.convert_counted(value, library, host))
    }

    /// The same with the steps that it took.
    fn convert_counted(&self, value: Value, library: &Library, host: &dyn Host) -> (Result<Value, String>, u64) {
        let Some(program) = &self.program else {
            let converted = Types::default().convert(value, &self.ty, library.settings().zone);
            return (converted.map_err(|mismatch| mismatch.to_string()), 0);
        };
        match program.run(vec![value], library.settings(), host) {
            Ok(outcome) => (Ok(outcome.value), outcome.steps),
            Err(error) => {
                // A fault of a limit is the only sign of long work.
                let most = library.settings().limits.steps.filter(|_| error.kind == ErrorKind::Limit);
                let reason = match error.message.strip_prefix(VARIABLE) {
                    Some(reason) => reason.to_owned(),
                    None => error.message,
                };
                (Err(reason), most.unwrap_or_default())
            }
        }
    }
}

/// A parameter of the start step, or a query parameter.
#[derive(Debug)]
pub struct Input {
    /// Its name.
    pub name: EcoString,
    /// Its conversion.
    pub conversion: Conversion,
    /// The default. `null` is one if the type accepts it.
    pub default: Option<Value>,
    /// For people.
    pub description: String,
}

/// A value that does not fit a parameter.
#[derive(Clone, Debug, PartialEq)]
pub struct NoFit {
    /// The parameter.
    pub name: String,
    /// The message, as a sentence that names it.
    pub message: String,
}

/// The values of `inputs`, in their order, from the fields of a record. Other fields are ignored.
pub fn convert_input(
    inputs: &[Input],
    given: &Record,
    library: &Library,
    host: &dyn Host,
) -> Result<Vec<Value>, NoFit> {
    inputs.iter().map(|input| convert(input, given.get(&input.name), library, host)).collect()
}

/// The value of one parameter.
pub fn convert(input: &Input, given: Option<Value>, library: &Library, host: &dyn Host) -> Result<Value, NoFit> {
    let name = input.name.to_string();
    let Some(value) = given else {
        return input.default.clone().ok_or_else(|| {
            let message = format!("The parameter `{name}` is missing; it must be a {}.", input.conversion.written());
            NoFit { name: name.clone(), message }
        });
    };
    input.conversion.convert(value, library, host).map_err(|reason| {
        let message = format!("The parameter `{name}` does not fit: {reason}");
        NoFit { name, message }
    })
}
