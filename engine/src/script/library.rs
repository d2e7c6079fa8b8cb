//! The library that sources are compiled against in addition to their variables, with the settings and limits of
//! scripts.

use super::functions;
use ecow::EcoString;
use flowscript_lang::check::{CompileOptions, Mode, ModuleLoader, Variable};
use flowscript_lang::function::{Effect, Registry};
use flowscript_lang::host::Interrupt;
use flowscript_lang::program::{Limits, Settings};
use flowscript_lang::value::Zone;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Steps that reading one file may take, with all sources compiled in it: five of the largest sources, some seconds.
const FILE_STEPS: u64 = 50_000_000;

/// Asked whether loading must stop.
pub type Stopped = Arc<dyn Fn() -> Option<Interrupt> + Send + Sync>;

/// Texts of modules by name.
pub type Modules = Vec<(EcoString, Arc<str>)>;

/// What sources are compiled against in addition to their variables: the functions and the project's modules.
#[derive(Clone)]
pub struct Library {
    registry: Arc<Registry>,
    modules: Arc<BTreeMap<String, Arc<str>>>,
    settings: Arc<Settings>,
    /// Has the engine an address for events?
    has_callbacks: bool,
    /// Does it compile stored versions rather than files?
    is_kept: bool,
    /// Steps that reading one file may take.
    file_steps: u64,
    /// Must loading stop?
    stopped: Stopped,
    /// The names of warnings that are switched off.
    allowed: Arc<[String]>,
}

impl std::fmt::Debug for Library {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Library").field("modules", &self.modules.keys()).finish_non_exhaustive()
    }
}

impl Library {
    /// The standard functions without modules, in a time zone and a culture and with the limits of one script.
    pub fn new(zone: Zone, culture: &str, steps: u64, memory: usize) -> Self {
        let limits = Limits { steps: Some(steps), memory, ..Limits::default() };
        let settings = Settings { zone, culture: culture.into(), limits, asserts: false };
        Self {
            registry: functions::registry(),
            modules: Arc::default(),
            settings: Arc::new(settings),
            has_callbacks: false,
            is_kept: false,
            file_steps: FILE_STEPS,
            stopped: Arc::new(|| None),
            allowed: Arc::default(),
        }
    }

    /// The same functions with these modules, text by name.
    #[must_use]
    pub fn with_modules(&self, modules: BTreeMap<String, Arc<str>>) -> Self {
        Self { modules: Arc::new(modules), ..self.clone() }
    }

    /// The same functions for an engine with or without a public address.
    #[must_use]
    pub fn with_callbacks(&self, has_callbacks: bool) -> Self {
        Self { has_callbacks, ..self.clone() }
    }

    /// The same functions for stored versions: they loaded when they were made, by the rules of that time.
    #[must_use]
    pub fn for_kept_versions(&self) -> Self {
        Self { has_callbacks: true, is_kept: true, ..self.clone() }
    }

    /// Does it compile stored versions rather than files?
    pub fn is_kept(&self) -> bool {
        self.is_kept
    }

    /// The same functions for a project that switches off the warnings of these names.
    #[must_use]
    pub fn with_allowed(&self, allowed: &[String]) -> Self {
        Self { allowed: allowed.into(), ..self.clone() }
    }

    /// The names of warnings that are switched off.
    pub fn allowed(&self) -> &[String] {
        &self.allowed
    }

    /// Can events reach runs?
    pub fn has_callbacks(&self) -> bool {
        self.has_callbacks
    }

    /// The same functions with other limits of one script, if any are given.
    #[must_use]
    pub fn with_limits(&self, steps: Option<u64>, memory: Option<usize>) -> Self {
        if steps.is_none() && memory.is_none() {
            return self.clone();
        }
        let limits = &self.settings.limits;
        let limits =
            Limits { steps: steps.or(limits.steps), memory: memory.unwrap_or(limits.memory), ..limits.clone() };
        Self { settings: Arc::new(Settings { limits, ..(*self.settings).clone() }), ..self.clone() }
    }

    /// The same functions; what loads with them asks `stopped` whether to continue.
    #[must_use]
    pub fn stopping_with(&self, stopped: Stopped) -> Self {
        Self { stopped, ..self.clone() }
    }

    /// Must loading stop?
    pub fn stopped(&self) -> Option<Interrupt> {
        (self.stopped)()
    }

    /// The same functions for files that may take this many steps.
    #[cfg(test)]
    #[must_use]
    pub fn with_file_steps(&self, file_steps: u64) -> Self {
        Self { file_steps, ..self.clone() }
    }
    /// Asked during loading.
    pub(super) fn stop(&self) -> &(dyn Fn() -> Option<Interrupt> + Send + Sync) {
        &*self.stopped
    }

    /// Steps that reading one file may take. A stored version was once a file, by the rules of that time.
    pub(super) fn file_steps(&self) -> u64 {
        if self.is_kept { u64::MAX } else { self.file_steps }
    }

    /// What a source may name: the functions and the modules.
    pub(super) fn options<'a>(&'a self, mode: Mode, variables: &'a [Variable], effect: Effect) -> CompileOptions<'a> {
        CompileOptions { mode, variables, registry: &self.registry, modules: self, effect }
    }

    /// The settings that scripts run with.
    pub fn settings(&self) -> &Arc<Settings> {
        &self.settings
    }
}

impl ModuleLoader for Library {
    fn load(&self, name: &str) -> Option<Result<String, String>> {
        let found = self.modules.iter().find(|(module, _)| module.eq_ignore_ascii_case(name));
        found.map(|(_, text)| Ok(text.to_string()))
    }

    fn names(&self) -> Vec<String> {
        self.modules.keys().cloned().collect()
    }
}
