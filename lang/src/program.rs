//! A compiled script, ready to run any number of times, on any number of threads at once.

use crate::error::RunError;
use crate::function::{Effect, PatternCache};
use crate::host::{Host, Profiler};
use crate::tree::Tree;
use crate::types::{Type, Types};
use crate::value::{Value, Zone};
use crate::vm::Method;
pub use crate::vm::Remains;
use ecow::EcoString;
use hashbrown::HashMap;
use std::any::Any;
use std::sync::{Arc, Mutex};

/// A compiled script. Cloning shares.
#[derive(Clone, Debug)]
pub struct Program {
    pub(crate) tree: Arc<Tree>,
    pub(crate) cache: Arc<Cache>,
    /// The strongest effect of the functions it reaches.
    pub effect: Effect,
    /// What is known of its result.
    pub result: Type,
}

/// What a run may use up. Each is a clear `limit` error.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Passes of loops, calls, and rows of queries; `None` for no limit.
    pub steps: Option<u64>,
    /// Calls inside calls.
    pub depth: usize,
    /// Bytes that live values may hold, an estimate taken when values grow.
    pub memory: usize,
    /// Bytes of one text.
    pub text: usize,
    /// Cells of one list or table.
    pub cells: usize,
}

impl Limits {
    /// The limits of lang/README.md, without one for steps.
    pub const DEFAULT: Self = Self { steps: None, depth: 1_000, memory: 256 << 20, text: 64 << 20, cells: 10_000_000 };
}

impl Default for Limits {
    /// [`Limits::DEFAULT`]
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// The settings of a run.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The engine's time zone.
    pub zone: Zone,
    /// The engine's culture.
    pub culture: EcoString,
    /// The limits.
    pub limits: Limits,
    /// Check `assert` statements? Else they are skipped.
    pub asserts: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self { zone: Zone::UTC, culture: "en-US".into(), limits: Limits::default(), asserts: false }
    }
}

/// What a run gives.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// What it returned.
    pub value: Value,
    /// The variables the host gave, in its order, as they are at the end.
    pub variables: Vec<Value>,
    /// The variables that a line of the repl declared, where they were set.
    pub exports: Vec<(EcoString, Value)>,
    /// The steps it took.
    pub steps: u64,
    /// What functions among these values need to be called later, in another run.
    pub remains: Remains,
}

impl Program {
    /// Runs it. `variables` are the values of the host's variables, in the order of `CompileOptions::variables`;
    /// missing ones are `null`.
    pub fn run(&self, variables: Vec<Value>, settings: &Settings, host: &dyn Host) -> Result<Outcome, Box<RunError>> {
        crate::vm::run(self, variables, settings, host, Method::Code, None)
    }

    /// Runs it while somebody watches where it is, which takes more time.
    pub fn run_profiled(
        &self,
        variables: Vec<Value>,
        settings: &Settings,
        host: &dyn Host,
        profiler: &dyn Profiler,
    ) -> Result<Outcome, Box<RunError>> {
        crate::vm::run(self, variables, settings, host, Method::Code, Some(profiler))
    }

    /// Runs it by walking its tree, without compiling. Slower, and the same in everything else: tests hold the two
    /// against each other.
    pub fn run_tree(
        &self,
        variables: Vec<Value>,
        settings: &Settings,
        host: &dyn Host,
    ) -> Result<Outcome, Box<RunError>> {
        crate::vm::run(self, variables, settings, host, Method::Tree, None)
    }

    /// The instructions it is compiled to, as text: one a line, with the line of the source each comes from.
    pub fn listing(&self) -> String {
        crate::compile::listing(&self.tree)
    }

    /// The plans of its queries, as text: one step a line, the last one first, its sources below it.
    pub fn plan(&self) -> String {
        crate::compile::plans(&self.tree)
    }

    /// The types that it declares or reaches.
    pub fn types(&self) -> &Types {
        &self.tree.types
    }

    /// The host's variables that it reads, and whether it sets them.
    pub fn inputs(&self) -> &[crate::tree::Input] {
        &self.tree.inputs
    }
}

/// What natives compiled once for this program: patterns by text. When it is full, it starts anew.
#[derive(Debug, Default)]
pub struct Cache {
    entries: Mutex<Entries>,
}

#[derive(Debug, Default)]
struct Entries {
    by_key: HashMap<String, Arc<dyn Any + Send + Sync>>,
    bytes: usize,
}

/// The most patterns a program keeps; a script that makes patterns from data starts over then.
const CACHE_SIZE: usize = 256;

/// The most bytes of them.
const CACHE_BYTES: usize = 16 << 20;

impl PatternCache for Cache {
    fn get(&self, key: &str) -> Option<Arc<dyn Any + Send + Sync>> {
        self.entries.lock().ok()?.by_key.get(key).cloned()
    }

    fn put(&self, key: &str, value: Arc<dyn Any + Send + Sync>, bytes: usize) {
        if bytes > CACHE_BYTES {
            return;
        }
        if let Ok(mut entries) = self.entries.lock() {
            if entries.by_key.len() >= CACHE_SIZE || entries.bytes + bytes > CACHE_BYTES {
                *entries = Entries::default();
            }
            entries.bytes += bytes;
            entries.by_key.insert(key.to_owned(), value);
        }
    }
}
