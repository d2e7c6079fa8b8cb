//! Every function of the library with large and hostile arguments: it ends in time, with a result or an error, stays
//! within its memory, and stops on request.
//!
//! `HOSTILE=all` tries all of them, which takes long; without it a part is tried, another one for each `HOSTILE=<number>`.

#![allow(clippy::print_stdout, clippy::print_stderr)] // what a way has tried and found is shown
#![allow(clippy::unnecessary_wraps)] // all natives have one signature

#[path = "hostile/values.rs"]
mod values;

use flowscript_lang::check::Variable;
use flowscript_lang::function::{Call, Cost, Effect, Function, NativeResult, Registry};
use flowscript_lang::host::{Host, Interrupt, LogLevel};
use flowscript_lang::program::{Limits, Program};
use flowscript_lang::types::Type;
use flowscript_lang::value::Value;
use flowscript_lang::{CompileOptions, Mode, NoModules, Settings, compile};
use peak_alloc::PeakAlloc;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, LazyLock, Mutex, OnceLock};
use std::time::{Duration, Instant};
use values::{Argument, Form, Kind};

#[global_allocator]
static PEAK: PeakAlloc = PeakAlloc;

/// The memory that a run may have in addition to its arguments.
const MEMORY: usize = 64 << 20;

/// What a call may take beyond that: buffers that are being moved to larger ones, programs, what the runtime keeps.
const BESIDE: usize = 128 << 20;

/// The longest time a call may take that is asked to stop after a second. This detects hangs: test builds are slow, and
/// machines busy.
const LONGEST: Duration = Duration::from_secs(if cfg!(debug_assertions) { 10 } else { 1 });

/// When a call is asked to stop.
const STOPPED_AFTER: Duration = Duration::from_millis(20);

/// How long a call may continue after it was asked to stop.
const LONGEST_STOP: Duration = Duration::from_millis(if cfg!(debug_assertions) { 250 } else { 50 });

/// The number of times a call that took too long is tried again: another process may have kept the machine busy.
const AGAIN: usize = 1;

/// How long a part of the calls is tried.
const PART: Duration = Duration::from_secs(12);

/// One test at a time: the peak of memory is that of the process.
static ALONE: Mutex<()> = Mutex::new(());

/// The current call and its start: the watch reports a call that never ends.
static RUNNING: LazyLock<Mutex<Option<(Instant, String)>>> = LazyLock::new(Mutex::default);

static ARGUMENTS: LazyLock<Vec<Argument>> = LazyLock::new(values::all);

/// A host that wants the run to stop.
struct Impatient {
    until: Instant,
    /// When another thread asked the run to stop.
    stopped: OnceLock<Moment>,
}

/// A moment for a thread.
#[derive(Clone)]
struct Moment {
    at: Instant,
    /// How long the thread has worked, if the system measures it: others may keep the machine busy meanwhile.
    worked: Option<Duration>,
}

impl Moment {
    fn of(thread: Option<&Path>) -> Self {
        let nanoseconds = || std::fs::read_to_string(thread?).ok()?.split(' ').next()?.parse().ok();
        Self { at: Instant::now(), worked: nanoseconds().map(Duration::from_nanos) }
    }

    /// The statistics of this thread on Linux.
    fn here() -> Option<PathBuf> {
        let thread = std::fs::read_link("/proc/thread-self").ok()?;
        Some(Path::new("/proc").join(thread).join("schedstat"))
    }

    /// The time since another moment.
    fn since(&self, before: &Self) -> Duration {
        let worked = self.worked.zip(before.worked).map(|(now, before)| now.saturating_sub(before));
        worked.unwrap_or(Duration::MAX).min(self.at.saturating_duration_since(before.at))
    }
}

impl Impatient {
    /// Performs the work, and asks the run to stop if it is still running after a while. Also returns how long it ran
    /// after that.
    fn stop_meanwhile<R>(&self, work: impl FnOnce() -> R) -> (R, Duration) {
        let here = Moment::here();
        std::thread::scope(|scope| {
            let (over, is_over) = mpsc::channel::<()>();
            let thread = here.clone();
            scope.spawn(move || {
                if is_over.recv_timeout(STOPPED_AFTER) == Err(RecvTimeoutError::Timeout) {
                    self.stopped.get_or_init(|| Moment::of(thread.as_deref()));
                }
            });
            let result = work();
            let ended = Moment::of(here.as_deref());
            drop(over);
            (result, self.stopped.get().map_or(Duration::ZERO, |stopped| ended.since(stopped)))
        })
    }
}

impl Host for Impatient {
    fn now(&self) -> (i64, u32) {
        (1_719_837_296, 789_000_000)
    }
    fn random(&self) -> u64 {
        0x9e37_79b9_7f4a_7c15
    }
    fn log(&self, _level: LogLevel, message: &str) {
        if message == "stop" {
            self.stopped.get_or_init(|| Moment::of(Moment::here().as_deref()));
        }
    }
    fn interrupt(&self) -> Option<Interrupt> {
        if self.stopped.get().is_some() {
            return Some(Interrupt::Cancelled);
        }
        (Instant::now() >= self.until).then_some(Interrupt::Deadline)
    }
}

/// How calls are limited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// By 100,000 steps, and a deadline of a second.
    Steps,
    /// By nothing but a stop flag that is raised after a while, from another thread.
    Stop,
}

/// A call: the function, its arguments as the test has them, and the script.
struct Trial<'a> {
    name: &'static str,
    arguments: Vec<&'a Argument>,
    source: String,
}

impl<'a> Trial<'a> {
    fn new(function: &Function, arguments: Vec<&'a Argument>) -> Self {
        let written: Vec<String> = arguments
            .iter()
            .enumerate()
            .map(|(at, argument)| match argument.form {
                Form::Value { .. } => format!("a{at}"),
                Form::Source(source) => source.to_owned(),
            })
            .collect();
        let source = format!("return {}({});", function.name, written.join(", "));
        Self { name: function.name, arguments, source }
    }

    fn shown(&self) -> String {
        let names: Vec<&str> = self.arguments.iter().map(|argument| argument.name.as_str()).collect();
        format!("{}({})", self.name, names.join("; "))
    }

    /// What is wrong with the call, if something is.
    fn finding(&self, registry: &Registry, way: Way) -> Option<String> {
        let variables: Vec<Variable> = (0..self.arguments.len())
            .map(|at| Variable { name: format!("a{at}").into(), ty: Type::Any, writable: false })
            .collect();
        let options = CompileOptions {
            mode: Mode::Script,
            variables: &variables,
            registry,
            modules: &NoModules,
            effect: Effect::Outside,
        };
        // What the checker refuses cannot run.
        let program = compile(&self.source, &options).program?;
        let again = if way == Way::Stop { AGAIN } else { 0 };
        let mut finding = self.run(&program, way)?;
        for _ in 0..again {
            finding = self.run(&program, way)?;
        }
        Some(finding)
    }

    fn run(&self, program: &Program, way: Way) -> Option<String> {
        let (given, sizes): (Vec<Value>, Vec<usize>) = self.arguments.iter().map(|argument| argument.value()).unzip();
        let size: usize = sizes.iter().sum();
        let limits = match way {
            Way::Steps => Limits { steps: Some(100_000), memory: MEMORY + size, ..Limits::default() },
            Way::Stop => Limits { memory: Limits::DEFAULT.memory + size, ..Limits::DEFAULT },
        };
        let settings = Settings { limits, ..Settings::default() };
        *RUNNING.lock().expect("not poisoned") = Some((Instant::now(), self.shown()));
        PEAK.reset_peak_usage();
        let (before, since) = (PEAK.current_usage(), Instant::now());
        let seconds = if way == Way::Steps { 1 } else { 3_600 };
        let host = Impatient { until: since + Duration::from_secs(seconds), stopped: OnceLock::new() };
        let run = || catch_unwind(AssertUnwindSafe(|| program.run(given, &settings, &host)));
        let (result, goes_on) = match way {
            Way::Steps => (run(), Duration::ZERO),
            Way::Stop => host.stop_meanwhile(run),
        };
        let (took, peak) = (since.elapsed(), PEAK.peak_usage().saturating_sub(before));
        *RUNNING.lock().expect("not poisoned") = None;
        // What waits does not work.
        if goes_on > LONGEST_STOP || way == Way::Stop && took > LONGEST {
            return Some(format!("takes {:?} to stop", goes_on.max(took.saturating_sub(STOPPED_AFTER))));
        }
        if took > LONGEST {
            return Some(format!("takes {took:?}"));
        }
        if way == Way::Steps && peak > MEMORY + BESIDE {
            return Some(format!("takes {} MiB beside its arguments", peak >> 20));
        }
        match result {
            Err(_) => Some("panics".into()),
            Ok(Err(error)) if error.message.len() > 2_000 => {
                Some(format!("has a message of {} bytes", error.message.len()))
            }
            Ok(_) => {
                slowest(if way == Way::Steps { took } else { goes_on }, peak, || format!("{way:?} {}", self.shown()));
                None
            }
        }
    }
}

/// With `HOSTILE_SLOW=<milliseconds>` calls that take longer, to end or to stop, are printed.
fn slowest(took: Duration, peak: usize, shown: impl FnOnce() -> String) {
    static PRINTED: LazyLock<Option<u64>> =
        LazyLock::new(|| std::env::var("HOSTILE_SLOW").ok().and_then(|text| text.parse().ok()));
    if let Some(most) = *PRINTED
        && took > Duration::from_millis(most)
    {
        println!("{took:?} {} MiB: {}", peak >> 20, shown());
    }
}

/// Ends the test with the name of a call that does not end.
fn watch() {
    std::thread::spawn(|| {
        loop {
            std::thread::sleep(Duration::from_millis(500));
            let running = RUNNING.lock().expect("not poisoned").clone();
            if let Some((since, shown)) = running.filter(|(since, _)| since.elapsed() > LONGEST * 12) {
                eprintln!("{shown} has not ended after {:?}.", since.elapsed());
                std::process::exit(1);
            }
        }
    });
}

/// SplitMix64.
struct Dice(u64);

impl Dice {
    fn below(&mut self, count: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % count.max(1) as u64) as usize
    }

    fn choose<'a>(&mut self, of: &[&'a Argument]) -> Option<&'a Argument> {
        of.get(self.below(of.len())).copied()
    }
}

/// Kinds of arguments that a parameter makes sense of.
fn plausible(name: &str, ty: flowscript_lang::function::ParameterType) -> &'static [Kind] {
    use flowscript_lang::function::ParameterType as T;
    match (name, ty) {
        ("pattern", _) => &[Kind::Pattern, Kind::Pattern, Kind::Picture],
        (
            "culture" | "encoding" | "zone" | "path" | "rowPath" | "level" | "delimiter" | "key" | "column" | "name",
            _,
        ) => &[Kind::Picture],
        (_, T::Text) => &[Kind::Text],
        (_, T::Number) => &[Kind::Number],
        (_, T::Rows | T::Table) => &[Kind::Rows],
        (_, T::Record) => &[Kind::Record],
        (_, T::Binary) => &[Kind::Binary],
        (_, T::Expr | T::Function) => &[Kind::Function],
        (_, T::DateTime) => &[Kind::Date],
        (_, T::Bool) => &[Kind::Number],
        (_, T::Any) => &[Kind::Text, Kind::Rows, Kind::Record, Kind::Binary],
    }
}

/// Calls of a function with `wanted` at each of its places, and arguments around it that make sense or are chosen by chance.
fn trials<'a>(
    function: &Function,
    wanted: &'a Argument,
    all: &'a [Argument],
    dice: &mut Dice,
    each: usize,
) -> Vec<Trial<'a>> {
    let signature = &function.signature;
    let places = signature.parameters.len() + usize::from(signature.variadic);
    let mut trials = Vec::new();
    for place in 0..places {
        for round in 0..each {
            let count = if round % 2 == 0 { places } else { signature.least().max(place + 1) };
            let mut chosen = Vec::new();
            for at in 0..count {
                let parameter = signature.parameter(at).or(signature.parameters.last());
                let Some(parameter) = parameter else { continue };
                let kinds = plausible(parameter.name, parameter.ty);
                let fits = |argument: &&Argument| kinds.contains(&argument.kind);
                let of: Vec<&Argument> = all.iter().filter(fits).collect();
                let argument = match (at == place, dice.below(8)) {
                    (true, _) => Some(wanted),
                    (_, 0) => all.get(dice.below(all.len())),
                    _ => dice.choose(&of),
                };
                chosen.extend(argument);
            }
            trials.push(Trial::new(function, chosen));
        }
    }
    trials
}

/// Tries the functions of a registry; gives what is wrong.
fn try_all(registry: &Registry, way: Way, names: impl Fn(&str) -> bool, most: usize) -> Vec<String> {
    let arguments = &*ARGUMENTS;
    let setting = std::env::var("HOSTILE").unwrap_or_default();
    let all = setting == "all";
    let mut dice = Dice(setting.parse().unwrap_or(1));
    let functions: Vec<&Arc<Function>> = registry
        .functions()
        .iter()
        .filter(|function| names(function.name) && !function.signature.parameters.is_empty())
        .collect();
    let (started, mut findings, mut tried) = (Instant::now(), Vec::new(), 0);
    let mut try_one = |trial: &Trial<'_>| {
        tried += 1;
        let finding = trial.finding(registry, way)?;
        let shown = format!("{} {finding}", trial.shown());
        println!("{way:?}: {shown}");
        Some(shown)
    };
    if all {
        for function in functions {
            for argument in arguments {
                let trials = trials(function, argument, arguments, &mut dice, 3);
                findings.extend(trials.iter().filter_map(&mut try_one));
                if findings.len() >= most {
                    return findings;
                }
            }
        }
    } else {
        // Each function once, then others by chance.
        for round in 0.. {
            let function = functions[if round < functions.len() { round } else { dice.below(functions.len()) }];
            let argument = &arguments[dice.below(arguments.len())];
            let mut trials = trials(function, argument, arguments, &mut dice, 1);
            let trial = trials.swap_remove(dice.below(trials.len()));
            findings.extend(try_one(&trial));
            if findings.len() >= most || round >= functions.len() && started.elapsed() > PART {
                break;
            }
        }
    }
    println!("{way:?}: {tried} calls in {:?}, {} findings", started.elapsed(), findings.len());
    findings
}

fn every_function(way: Way) {
    let _alone = ALONE.lock();
    watch();
    let registry = flowscript_stdlib::registry();
    let only = std::env::var("HOSTILE_ONLY").unwrap_or_default().to_lowercase();
    let wanted = |name: &str| !name.starts_with("HTTP.") && name.to_lowercase().starts_with(&only);
    let findings = try_all(&registry, way, wanted, usize::MAX);
    assert!(findings.is_empty(), "{} findings:\n{}", findings.len(), findings.join("\n"));
}

#[test]
fn every_function_ends_within_its_steps_and_memory() {
    every_function(Way::Steps);
}

#[test]
fn every_function_stops_when_it_is_told_to() {
    every_function(Way::Stop);
}

/// Scripts that hold much memory when they are asked to stop: many small values, and deep ones.
const HOLDING: &[&str] = &[
    "let t = Range(0, 10000000); Log('stop'); while true { }",
    "let t = map Range(0, 600000) as {a: row, b: [row]}; Log('stop'); while true { }",
    "let t = Map(Range(0, 1000000), row => 'a text that is not short at all'); Log('stop'); while true { }",
    "let t = Map(Range(0, 1000000), row => [[row]]); Log('stop'); while true { }",
    "let l = []; for i in Range(0, 2000) { let t: any = 1; for j in Range(0, 400) { set t = [t]; } set l = l & [t]; } \
     Log('stop'); while true { }",
];

#[test]
fn a_run_that_holds_much_stops() {
    let _alone = ALONE.lock();
    let registry = flowscript_stdlib::registry();
    let options = CompileOptions {
        mode: Mode::Script,
        variables: &[],
        registry: &registry,
        modules: &NoModules,
        effect: Effect::Outside,
    };
    for source in HOLDING {
        let compiled = compile(source, &options);
        let program = compiled.program.unwrap_or_else(|| panic!("{source}: {:?}", compiled.diagnostics));
        let stops = || {
            let host = Impatient { until: Instant::now() + LONGEST * 60, stopped: OnceLock::new() };
            let stopped = program.run(Vec::new(), &Settings::default(), &host);
            let ended = Moment::of(Moment::here().as_deref());
            assert!(stopped.is_err_and(|error| error.message.contains("cancelled")), "{source}");
            ended.since(host.stopped.get().expect("it has come so far"))
        };
        let took = (0..=AGAIN).map(|_| stops()).min().unwrap_or_default();
        println!("{took:?} to stop: {source}");
        assert!(took < LONGEST_STOP, "{took:?}: {source}");
    }
}

/// Work that is not paid for.
fn idle(_: &mut Call<'_>) -> NativeResult {
    std::thread::sleep(LONGEST + Duration::from_millis(100));
    Ok(Value::Null)
}

/// Memory that is not paid for.
fn greedy(_: &mut Call<'_>) -> NativeResult {
    Ok(Value::binary(vec![1; MEMORY + BESIDE + (8 << 20)]))
}

fn panicking(call: &mut Call<'_>) -> NativeResult {
    assert!(call.arguments().is_empty(), "as planned");
    Ok(Value::Null)
}

#[test]
fn what_pays_for_nothing_is_found() {
    let _alone = ALONE.lock();
    let registry = flowscript_stdlib::registry();
    let planted = |native| {
        let mut function = Function::clone(registry.find("Empty").expect("a function"));
        (function.name, function.native, function.cost) = ("Planted", native, Cost::Fixed);
        Registry::new([function])
    };
    for (native, way, found) in [
        (idle as flowscript_lang::function::Native, Way::Steps, "takes"),
        (idle, Way::Stop, "to stop"),
        (greedy, Way::Steps, "MiB"),
        (panicking, Way::Steps, "panics"),
        (panicking, Way::Stop, "panics"),
    ] {
        let findings = try_all(&planted(native), way, |_| true, 1);
        assert!(findings.iter().any(|finding| finding.contains(found)), "{way:?} {found}: {findings:?}");
    }
}
