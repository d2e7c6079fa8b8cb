//! The modules that a check has met, and what completed ones add to the program.

use crate::tree::{FunctionDef, FunctionId, GlobalId, Input, Tree, Unit};
use crate::types::{Type, Types};
use ecow::EcoString;
use hashbrown::HashMap;

/// A unit that has been checked.
pub(super) struct CheckedUnit {
    pub functions: Vec<FunctionDef>,
    pub globals: usize,
    pub inputs: Vec<Input>,
    pub exports: Vec<(EcoString, GlobalId)>,
    pub start: FunctionId,
    pub result: Type,
}

/// The additions of completed modules.
#[derive(Default)]
pub(super) struct Finished {
    functions: Vec<FunctionDef>,
    /// Program-wide slots that are taken.
    globals: usize,
    /// The functions that set the constants of the modules, in order.
    starts: Vec<FunctionId>,
}

impl Finished {
    pub fn add(&mut self, unit: CheckedUnit) {
        self.functions.extend(unit.functions);
        self.globals += unit.globals;
        self.starts.push(unit.start);
    }

    /// The number of functions, before those of the unit being checked.
    pub fn functions(&self) -> usize {
        self.functions.len()
    }

    /// The number of program-wide slots, before those of the unit being checked.
    pub fn globals(&self) -> usize {
        self.globals
    }

    /// The tree of the program, of which `main` is the script.
    pub fn into_tree(mut self, mut main: CheckedUnit, units: Vec<Unit>, types: Types) -> Tree {
        let (inputs, exports) = (std::mem::take(&mut main.inputs), std::mem::take(&mut main.exports));
        self.add(main);
        let Self { functions, globals, starts } = self;
        Tree { units, functions, types, globals, inputs, exports, starts }
    }
}

/// The modules met, all by lower-case name.
#[derive(Default)]
pub(super) struct Modules {
    /// Those being loaded, the innermost last.
    loading: Vec<EcoString>,
    /// The unit of each module met; `None` for one that cannot be used.
    met: HashMap<EcoString, Option<usize>>,
    /// Those found to use themselves.
    circular: Vec<EcoString>,
}

impl Modules {
    /// The circle that using a module would close; it is recorded.
    pub fn circle(&mut self, name: &EcoString) -> Option<Vec<EcoString>> {
        let at = self.loading.iter().position(|loading| loading == name)?;
        let circle = self.loading[at..].iter().chain([name]).cloned().collect();
        self.circular.push(name.clone());
        Some(circle)
    }

    /// Does it use itself, and is it being loaded?
    pub fn is_circular(&self, name: &str) -> bool {
        self.circular.iter().any(|module| module == name) && self.loading.iter().any(|module| module == name)
    }

    /// The unit of a module; `Some(None)` for one that cannot be used.
    #[expect(clippy::option_option, reason = "not met, not usable, and usable")]
    pub fn met(&self, name: &str) -> Option<Option<usize>> {
        self.met.get(name).copied()
    }

    /// The unit of a module that can be used.
    pub fn unit(&self, name: &str) -> Option<usize> {
        self.met(&name.to_lowercase()).flatten()
    }

    /// Records that a module cannot be used.
    pub fn refuse(&mut self, name: EcoString) {
        self.met.insert(name, None);
    }

    pub fn begin(&mut self, name: EcoString) {
        self.loading.push(name);
    }

    /// The module begun last has been loaded.
    pub fn end(&mut self, unit: usize) {
        if let Some(name) = self.loading.pop() {
            self.met.insert(name, Some(unit));
        }
    }
}
