//! A small replacement for the interpreter in unit tests of natives: fixed clock, counted randomness, functions as
//! closures.

use crate::registry;
use flowscript_lang::budget::{Allowance, Budget};
use flowscript_lang::error::RunError;
use flowscript_lang::function::{Call, Context, PatternCache, RowFunction};
use flowscript_lang::host::{Host, HttpRequest, HttpResponse, LogLevel};
use flowscript_lang::program::Limits;
use flowscript_lang::types::{Type, Types};
use flowscript_lang::value::{Callable, Rows, Value, Zone};
use std::any::Any;
use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

/// A function value made of a closure.
pub(crate) struct Closure(Box<Rule>);

type Rule = dyn Fn(&[Value]) -> Value + Send + Sync;

impl fmt::Debug for Closure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Closure")
    }
}

impl Callable for Closure {
    fn arity(&self) -> (usize, usize) {
        (0, 9)
    }
    fn name(&self) -> Option<&str> {
        None
    }
    fn depth(&self) -> u16 {
        0
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
}

pub(crate) fn closure(f: impl Fn(&[Value]) -> Value + Send + Sync + 'static) -> Value {
    Value::Function(Arc::new(Closure(Box::new(f))))
}

#[derive(Default)]
pub(crate) struct Harness {
    pub types: Types,
    pub type_argument: Option<Type>,
    pub culture: Option<String>,
    pub cache: Cache,
    pub host: TestHost,
    pub budget: Within,
}

/// The limits of a run by default, without one for steps.
pub(crate) struct Within(pub Allowance<'static>);

impl Default for Within {
    fn default() -> Self {
        Self(Allowance::new("The call", Limits { memory: usize::MAX, ..Limits::default() }, &|| None))
    }
}

/// How often work checks whether to stop.
pub(crate) fn questions<R>(work: impl FnOnce(&mut dyn Budget) -> R) -> (R, usize) {
    let asked = AtomicU64::new(0);
    let stop = || {
        asked.fetch_add(1, Ordering::Relaxed);
        None
    };
    let limits = Limits { memory: usize::MAX, ..Limits::default() };
    let result = work(&mut Allowance::new("The work", limits, &stop));
    (result, asked.into_inner() as usize)
}

#[derive(Default)]
pub(crate) struct Cache(pub Mutex<HashMap<String, Arc<dyn Any + Send + Sync>>>);

impl PatternCache for Cache {
    fn get(&self, key: &str) -> Option<Arc<dyn Any + Send + Sync>> {
        self.0.lock().expect("not poisoned").get(key).cloned()
    }
    fn put(&self, key: &str, value: Arc<dyn Any + Send + Sync>, _bytes: usize) {
        self.0.lock().expect("not poisoned").insert(key.into(), value);
    }
}

#[derive(Default)]
pub(crate) struct TestHost {
    random: AtomicU64,
    pub lines: Mutex<Vec<(LogLevel, String)>>,
    pub requests: Mutex<Vec<HttpRequest>>,
    pub answer: Mutex<Option<HttpResponse>>,
}

impl Host for TestHost {
    fn now(&self) -> (i64, u32) {
        // 2024-07-01T12:34:56.789Z
        (1_719_837_296, 789_000_000)
    }
    fn random(&self) -> u64 {
        // SplitMix64: it works with every seed.
        let seed = self.random.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
        let mixed = (seed ^ (seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
    fn log(&self, level: LogLevel, message: &str) {
        self.lines.lock().expect("not poisoned").push((level, message.into()));
    }
    fn http(&self, request: &HttpRequest) -> Result<HttpResponse, String> {
        self.requests.lock().expect("not poisoned").push(request.clone());
        self.answer.lock().expect("not poisoned").clone().ok_or_else(|| "no route".into())
    }
}

impl Context for Harness {
    fn host(&self) -> &dyn Host {
        &self.host
    }
    fn zone(&self) -> Zone {
        Zone::Europe__Stockholm
    }
    fn culture(&self) -> &str {
        self.culture.as_deref().unwrap_or("en-US")
    }
    fn target(&mut self) -> (Option<(&Type, &Types)>, &mut dyn Budget) {
        (self.type_argument.as_ref().map(|ty| (ty, &self.types)), &mut self.budget.0)
    }
    fn invoke(&mut self, function: &Value, arguments: Vec<Value>) -> Result<Value, Box<RunError>> {
        let Value::Function(function) = function else { panic!("not a function: {function:?}") };
        let closure = function.as_any().downcast_ref::<Closure>().expect("tests use closures");
        Ok((closure.0)(&arguments))
    }
    fn bind_rows(&mut self, function: &Value, rows: &Rows) -> Result<RowFunction, Box<RunError>> {
        Ok(RowFunction { rows: rows.clone(), function: function.clone(), binding: Arc::default() })
    }
    fn invoke_row(&mut self, function: &RowFunction, position: usize) -> Result<Value, Box<RunError>> {
        self.invoke(&function.function, vec![function.rows.get(position)])
    }
    fn budget(&mut self) -> &mut dyn Budget {
        &mut self.budget.0
    }
    fn cache(&self) -> &dyn PatternCache {
        &self.cache
    }
}

impl Harness {
    /// Calls a function of the registry.
    pub(crate) fn call(&mut self, name: &str, arguments: Vec<Value>) -> Result<Value, String> {
        let registry = registry();
        let function = registry.find(name).unwrap_or_else(|| panic!("no function {name}"));
        Call::run(function, arguments, self).map_err(|error| error.message)
    }
}

/// Calls a function of the registry.
pub(crate) fn call(name: &str, arguments: Vec<Value>) -> Result<Value, String> {
    Harness::default().call(name, arguments)
}

/// The result as a literal, or the message.
pub(crate) fn shown(name: &str, arguments: Vec<Value>) -> String {
    match call(name, arguments) {
        Ok(value) => value.to_literal(2_000),
        Err(message) => message,
    }
}
