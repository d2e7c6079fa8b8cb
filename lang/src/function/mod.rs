//! What a library function is to the language: a name, a signature, documentation and a native.
//!
//! The functions themselves live in other crates, which fill a [`Registry`].

mod call;
mod facts;
mod signature;

pub use call::{Call, Context, PatternCache, RowFunction};
pub use facts::{Facts, Fold, Reads};
pub use signature::{Parameter, ParameterType, ResultType, Signature};

use crate::error::RunError;
use crate::value::{Callable, Number, Value};
use std::any::Any;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a native gives.
pub type NativeResult = Result<Value, Box<RunError>>;

/// The code of a library function. Its arguments have been converted to the signature's types.
pub type Native = fn(&mut Call<'_>) -> NativeResult;

/// What a function of numbers comes to, where that takes no call; `None` where its native is to be called, which knows
/// the error. The numbers are its arguments as they are given.
pub type OnNumbers = fn(&[Number]) -> Option<Number>;

/// What is wrong with a text that a function is given, where the text alone shows it.
pub type OnText = fn(&str) -> Result<(), String>;

/// The most parameters of a function of numbers.
pub const MOST_NUMBERS: usize = 4;

/// What a function does besides computing its result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effect {
    /// Nothing: the same arguments give the same result.
    Pure,
    /// Asks the host for something that differs from call to call (`Now`, `Random`), or writes its log.
    Host,
    /// Reaches out (HTTP).
    Outside,
}

/// How much work a call is, so that it is paid for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cost {
    /// As much as its arguments are long: texts, bytes, rows and fields, each looked at a few times. It is paid before the
    /// native runs, which pays itself for memory beyond that of its arguments.
    Given,
    /// The same for all arguments, and little.
    Fixed,
    /// The native pays for all of it itself, while it works.
    Own,
}

/// A tried example: a script of one expression, and its result as another.
#[derive(Clone, Copy, Debug)]
pub struct Example {
    /// The expression.
    pub source: &'static str,
    /// An expression that gives the same; or, with `fails`, part of the error message.
    pub result: &'static str,
    /// Does it show an error?
    pub fails: bool,
}

/// A row of the registration table.
#[derive(Clone, Debug)]
pub struct Function {
    /// The canonical name, with its module where it has one: `Left`, `JSON.Encode`.
    pub name: &'static str,
    /// Other names it answers to: `Maths.Abs` for `Abs`.
    pub aliases: &'static [&'static str],
    /// Its section of the reference: `Text`.
    pub section: &'static str,
    /// Parameters and result.
    pub signature: Signature,
    /// One line.
    pub summary: &'static str,
    /// The rules, where one line does not hold them.
    pub rules: &'static str,
    /// Tried examples.
    pub examples: &'static [Example],
    /// What it does besides computing.
    pub effect: Effect,
    /// How much work a call is.
    pub cost: Cost,
    /// The code.
    pub native: Native,
    /// A short way for numbers, for a function of which all parameters are numbers.
    pub on_numbers: Option<OnNumbers>,
    /// The position of a parameter whose literal texts are looked at before anything runs, and what looks at them.
    pub on_text: Option<(usize, OnText)>,
    /// What the language may rely on.
    pub facts: Facts,
}

impl Function {
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
    /// A registry of these functions. Of two with one name the later is found.
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
