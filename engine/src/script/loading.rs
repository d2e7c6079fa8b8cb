//! The budget for loading a workflow file: work, so that no file delays the others, and time.

use super::library::Library;
use flowscript_lang::budget::{Allowance, Budget};
use flowscript_lang::check::{self, CompileOptions, LIMITS};
use flowscript_lang::host::{Host, Interrupt, LogLevel};
use flowscript_lang::program::Limits;
use flowscript_lang::types::Type;

/// The cost of a source in addition to its check.
const SOURCE: u64 = 100;

/// Steps that converting one constant may take: its type may compute defaults.
const CONVERSION: u64 = 1_000_000;

/// The remaining budget for reading one file.
#[derive(Debug)]
pub struct Loading<'l> {
    library: &'l Library,
    own: Allowance<'l>,
    ended: bool,
}

impl<'l> Loading<'l> {
    /// The whole budget of a file.
    pub fn new(library: &'l Library) -> Self {
        let limits = Limits { steps: Some(library.file_steps()), memory: usize::MAX, ..Limits::DEFAULT };
        Self { library, own: Allowance::new("The file", limits, library.stop()), ended: false }
    }

    /// Counts work. `false` once the reading has been ended: then its findings no longer count.
    pub fn pay(&mut self, steps: u64) -> bool {
        self.ended = self.ended || self.own.spend(steps).is_err();
        !self.ended
    }

    /// Counts a look at this many elements.
    pub fn look(&mut self, elements: usize) -> bool {
        self.ended = self.ended || self.own.look(elements).is_err();
        !self.ended
    }

    /// Counts a look at this many bytes.
    pub fn scan(&mut self, bytes: usize) -> bool {
        self.ended = self.ended || self.own.scan(bytes).is_err();
        !self.ended
    }

    /// Was the reading ended early?
    pub fn has_ended(&self) -> bool {
        self.ended
    }

    fn left(&self) -> u64 {
        self.library.file_steps().saturating_sub(self.own.steps())
    }

    /// Compiles a source of the file.
    pub fn compile(&mut self, source: &str, options: &CompileOptions<'_>) -> check::Compiled {
        if !self.pay(SOURCE + options.variables.len() as u64) {
            return check::Compiled { program: None, diagnostics: Vec::new(), modules: Vec::new(), result: Type::Any };
        }
        let limits = Limits { steps: LIMITS.steps.map(|most| most.min(self.left())), ..LIMITS };
        let mut own = Allowance::new("The check", limits, self.library.stop());
        let compiled = check::compile_within(source, options, &mut own);
        self.pay(own.steps());
        compiled
    }

    /// Converts a constant with `convert`, whose error is a message about why it does not fit.
    pub fn convert<T>(
        &mut self,
        convert: impl FnOnce(&Library, &dyn Host) -> (Result<T, String>, u64),
    ) -> Result<T, String> {
        let most = CONVERSION.min(self.left());
        let library = self.library.with_limits(Some(most), None);
        let (converted, steps) = convert(&library, &NoHost(self.library));
        self.pay(SOURCE + steps);
        converted
    }
}

/// Constants are converted when the file is read: the only input from outside is the request to stop.
struct NoHost<'l>(&'l Library);

impl Host for NoHost<'_> {
    fn now(&self) -> (i64, u32) {
        (0, 0)
    }

    fn random(&self) -> u64 {
        0
    }

    fn log(&self, _level: LogLevel, _message: &str) {}

    fn interrupt(&self) -> Option<Interrupt> {
        self.0.stopped()
    }
}
