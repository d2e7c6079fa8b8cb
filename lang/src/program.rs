//! A compiled script, ready to run any number of times, on any number of threads at once.

use crate::cache::Cache;
use crate::compile::Executable;
use crate::error::RunError;
use crate::function::Effect;
use crate::host::{Host, Profiler};
pub use crate::settings::{Limits, Settings};
use crate::tree::Tree;
use crate::types::{Type, Types};
use crate::value::Value;
use crate::vm::Method;
pub use crate::vm::{Outcome, Remains};
use std::sync::Arc;

/// A compiled script. Cloning shares.
#[derive(Clone, Debug)]
pub struct Program {
    tree: Arc<Executable>,
    cache: Arc<Cache>,
    /// The strongest effect of the functions it calls.
    pub effect: Effect,
    /// The known type of its result.
    pub result: Type,
}

impl Program {
    pub(crate) fn new(tree: Tree, effect: Effect, result: Type) -> Self {
        Self { tree: Arc::new(Executable::new(tree)), cache: Arc::default(), effect, result }
    }

    /// Runs it. `variables` are the values of the host's variables, in the order of `CompileOptions::variables`;
    /// missing ones are `null`.
    pub fn run(&self, variables: Vec<Value>, settings: &Settings, host: &dyn Host) -> Result<Outcome, Box<RunError>> {
        self.run_by(Method::Code, variables, settings, host, None)
    }

    /// Runs it with a profiler, which takes more time.
    pub fn run_profiled(
        &self,
        variables: Vec<Value>,
        settings: &Settings,
        host: &dyn Host,
        profiler: &dyn Profiler,
    ) -> Result<Outcome, Box<RunError>> {
        self.run_by(Method::Code, variables, settings, host, Some(profiler))
    }

    /// Runs it by walking its tree, without compiling. Slower, with the same results: tests compare the two.
    pub fn run_tree(
        &self,
        variables: Vec<Value>,
        settings: &Settings,
        host: &dyn Host,
    ) -> Result<Outcome, Box<RunError>> {
        self.run_by(Method::Tree, variables, settings, host, None)
    }

    fn run_by(
        &self,
        method: Method,
        variables: Vec<Value>,
        settings: &Settings,
        host: &dyn Host,
        profiler: Option<&dyn Profiler>,
    ) -> Result<Outcome, Box<RunError>> {
        crate::vm::run(&self.tree, &self.cache, variables, settings, host, method, profiler)
    }

    /// Its compiled instructions, as text: one a line, with the line of the source each comes from.
    pub fn listing(&self) -> String {
        crate::compile::listing(&self.tree)
    }

    /// The plans of its queries, as text: one step a line, the last one first, its sources below it.
    pub fn plan(&self) -> String {
        crate::compile::plans(&self.tree)
    }

    /// The types that it declares or uses.
    pub fn types(&self) -> &Types {
        &self.tree.types
    }

    /// The host's variables that it reads, and whether it sets them.
    pub fn inputs(&self) -> &[crate::tree::Input] {
        &self.tree.inputs
    }
}
