//! A library function for the language: a name, a signature, documentation and a native.
//!
//! The functions themselves live in other crates, which fill a [`Registry`].

mod call;
mod facts;
mod signature;

pub use call::{Call, Context, PatternCache, RowFunction};
pub use facts::{Facts, Fold, Reads, Role};
pub use signature::{Parameter, ParameterType, ResultType, Signature};

use crate::error::RunError;
use crate::value::{Callable, Number, Value};
use std::any::Any;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The result of a native.
pub type NativeResult = Result<Value, Box<RunError>>;

/// The code of a library function. Its arguments have been converted to the signature's types.
pub type Native = fn(&mut Call<'_>) -> NativeResult;

/// The result of a function of numbers without a call; `None` if its native must be called, which reports the error.
/// The numbers are its arguments as given.
pub type OnNumbers = fn(&[Number]) -> Option<Number>;

/// The error of a text argument, if the text alone shows it.
pub type OnText = fn(&str) -> Result<(), String>;

/// The most parameters of a function of numbers.
pub const MOST_NUMBERS: usize = 4;

/// The effects of a function besides computing its result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effect {
    /// Nothing: the same arguments give the same result.
    Pure,
    /// Asks the host for something that differs from call to call (`Now`, `Random`), or writes its log.
    Host,
    /// Has external effects (HTTP).
    Outside,
}

/// The cost of a call, to be paid for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cost {
    /// As much as its arguments are long: texts, bytes, rows and fields, each looked at a few times. It is paid before
    /// the native runs, which pays itself for memory beyond that of its arguments.
    Given,
    /// Small and the same for all arguments.
    Fixed,
    /// The native pays for all of it itself during the work.
    Own,
}

/// A tested example: a script of one expression, and its result as another.
#[derive(Clone, Copy, Debug)]
pub struct Example {
    /// The expression.
    pub source: &'static str,
    /// An equivalent expression; or, with `fails`, part of the error message.
    pub result: &'static str,
    /// Does it show an error?
    pub fails: bool,
}

/// A row of the registration table.
#[derive(Clone, Debug)]
pub struct Function {
    /// The canonical name, with its module if it has one: `Left`, `JSON.Encode`.
    pub name: &'static str,
    /// Other names for it: `Maths.Abs` for `Abs`.
    pub aliases: &'static [&'static str],
    /// Its section of the reference: `Text`.
    pub section: &'static str,
    /// Parameters and result.
    pub signature: Signature,
    /// One line.
    pub summary: &'static str,
    /// The rules, if one line is not enough.
    pub rules: &'static str,
    /// Tested examples.
    pub examples: &'static [Example],
    /// Its effects besides computing.
    pub effect: Effect,
    /// The cost of a call.
    pub cost: Cost,
    /// The code.
    pub native: Native,
    /// A fast path for numbers, for a function of which all parameters are numbers.
    pub on_numbers: Option<OnNumbers>,
    /// The position of a parameter whose literal texts are checked before anything runs, and the check.
    pub on_text: Option<(usize, OnText)>,
    /// The facts that the language may rely on.
    pub facts: Facts,
}

impl Function {
    /// A function with the name in its signature. It is pure, a call costs the length of its arguments, and it has no
    /// documentation and no facts; a caller changes that with `Function { cost: Cost::Fixed, ..function }`. The error
    /// says what is wrong with the signature.
    pub fn new(signature: &'static str, native: Native) -> Result<Self, String> {
        let signature = Signature::parse(signature)?;
        Ok(Self {
            name: signature.name(),
            aliases: &[],
            section: "",
            signature,
            summary: "",
            rules: "",
            examples: &[],
            effect: Effect::Pure,
            cost: Cost::Given,
            native,
            on_numbers: None,
            on_text: None,
            facts: Facts::NONE,
        })
    }

    /// The name without its module.
    pub fn short_name(&self) -> &'static str {
        self.name.rsplit('.').next().unwrap_or(self.name)
    }
}

/// As a value of the language.
impl Callable for Function {
    fn arity(&self) -> (usize, usize) {
        (self.signature.least(), self.signature.most().unwrap_or(usize::MAX))
    }

    fn name(&self) -> Option<&str> {
        Some(self.name)
    }

    fn depth(&self) -> u16 {
        0
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// All library functions, found by name in any case.
#[derive(Clone, Debug, Default)]
pub struct Registry {
    functions: Vec<Arc<Function>>,
    /// Lower-case names, aliases too, `module.name` for those of modules.
    names: BTreeMap<String, usize>,
}

impl Registry {
    /// A registry of these functions. Of two with the same name the later one is found.
    pub fn new(functions: impl IntoIterator<Item = Function>) -> Self {
        let mut registry = Self::default();
        for function in functions {
            let at = registry.functions.len();
            for name in function.aliases.iter().copied().chain([function.name]) {
                registry.names.insert(name.to_ascii_lowercase(), at);
            }
            registry.functions.push(Arc::new(function));
        }
        registry
    }

    /// The function of this name, `module.name` for those of modules; in any case.
    pub fn find(&self, name: &str) -> Option<&Arc<Function>> {
        self.names.get(&name.to_ascii_lowercase()).and_then(|at| self.functions.get(*at))
    }

    /// The names of the functions of a role, in the order of registration.
    pub fn of_role(&self, role: Role) -> impl Iterator<Item = &'static str> + '_ {
        self.functions.iter().filter(move |function| function.facts.role == role).map(|function| function.name)
    }

    /// Is there a module of this name, in any case?
    pub fn has_module(&self, module: &str) -> bool {
        let prefix = format!("{}.", module.to_ascii_lowercase());
        self.names.range(prefix.clone()..).next().is_some_and(|(name, _)| name.starts_with(&prefix))
    }

    /// All functions, in the order of registration.
    pub fn functions(&self) -> &[Arc<Function>] {
        &self.functions
    }

    /// Canonical names and aliases of all functions, for suggestions and completion.
    pub fn all_names(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.functions.iter().flat_map(|function| function.aliases.iter().copied().chain([function.name]))
    }

    /// The canonical names of all modules.
    pub fn modules(&self) -> Vec<&'static str> {
        let mut modules: Vec<&'static str> =
            self.all_names().filter_map(|name| name.rsplit_once('.').map(|(module, _)| module)).collect();
        modules.sort_unstable();
        modules.dedup();
        modules
    }
}
