//! A workflow that has loaded: everything in it is checked and compiled, and nothing is left to look up by name.

pub use super::auth::Auth;
use super::history::{Diagnostics, Redact, RunLimits};
use crate::script::{Content, Conversion, Script};
use crate::store::VersionHash;
use crate::trigger::schedule::Schedule;
use crate::yaml::Place;
use ecow::EcoString;
use flowscript_lang::types::Type;
use flowscript_lang::value::{Value, to_number};
use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

pub use super::blocks::{Block, BlockIndex, Call, Columns, ForEach, Table, Wait, Waiting};
pub use super::outside::{
    Email, FileFormat, FileRead, FileStep, FileWork, Http, HttpBody, HttpMethod, Sql, SqlWork, Url, UrlPart,
};

/// The place of a variable in a run. The first are the engine's own, then come the inputs in their order.
pub type Slot = usize;

/// The variable `run`.
pub const RUN: Slot = 0;
/// The variable `errors`.
pub const ERRORS: Slot = 1;
/// The variable `output`, which only `processing.output` sees.
pub const OUTPUT: Slot = 2;
/// The variable `error`, which only `retry.on` sees.
pub const ERROR: Slot = 3;
/// What the last step with a result gave, which a pass or branch gives where it has no `output`.
pub const LAST: Slot = 4;
/// The first input.
pub const FIRST_INPUT: Slot = 5;

/// The place of a step in [`Workflow::steps`].
pub type StepIndex = usize;

/// A workflow that can run.
#[derive(Debug)]
pub struct Workflow {
    /// The path of its file without the suffix, folders joined by a dot.
    pub id: String,
    /// The hash of its text and everything it reaches.
    pub version: VersionHash,
    /// The texts that the hash was taken of, as the store keeps them.
    pub text: Arc<[u8]>,
    /// For people; the id where none is given.
    pub name: String,
    /// For people.
    pub description: String,
    /// Whether its triggers work, unless a switch says otherwise.
    pub active: bool,
    /// Shown and searchable in the history.
    pub label: Option<Content>,
    /// The parameters of the start step.
    pub inputs: Vec<Input>,
    /// Its webhook, if it has one.
    pub webhook: Option<Webhook>,
    /// When runs start by themselves.
    pub schedules: Vec<Schedule>,
    /// How many of its runs may be worked on at a time, over all engines.
    pub concurrency: Option<u32>,
    /// The workflow that starts when a run of this one fails for good.
    pub on_failure: Option<String>,
    /// Whether answers wait until history is on disk.
    pub durability: Durability,
    /// Which diagnostics are kept, unless a switch says otherwise.
    pub diagnostics: Diagnostics,
    /// What nobody is shown.
    pub redact: Redact,
    /// What its runs may use up.
    pub limits: RunLimits,
    /// All steps, nested ones too, in the order of the file.
    pub steps: Vec<Step>,
    /// The lists of steps that run for themselves. The first is the workflow's own.
    pub blocks: Vec<Block>,
    /// What is known of what a run gives.
    pub result: Type,
    /// The workflows it calls, by id.
    pub callees: BTreeMap<String, Arc<Workflow>>,
    /// Where it calls them.
    pub calls: Vec<(String, Place)>,
    /// The names of all variables by slot.
    pub names: Vec<EcoString>,
    /// The workflows it names, and where.
    pub references: Vec<(String, Place)>,
    /// The connections it names, and where.
    pub connections: Vec<(String, Place)>,
    /// The events it waits for, and where.
    pub events: Vec<(String, Place)>,
}

/// A parameter of the start step, or a query parameter.
#[derive(Debug)]
pub struct Input {
    /// Its name.
    pub name: EcoString,
    /// What values become on their way in.
    pub conversion: Conversion,
    /// The value where none is given. `null` is one where the type takes it.
    pub default: Option<Value>,
    /// For people.
    pub description: String,
}

/// Whether answers wait until history is on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// They do.
    Strict,
    /// History follows within a second; only for runs that act on nothing.
    Relaxed,
}

/// The webhook of a workflow.
#[derive(Debug)]
pub struct Webhook {
    /// Behind `/hooks/`.
    pub path: String,
    /// Where the file says so, or where the webhook stands that leaves it out.
    pub place: Place,
    /// What it answers to.
    pub methods: Vec<Method>,
    /// Who may call.
    pub auth: Auth,
    /// The origins whose pages may call, as browsers write them; `*` stands for all.
    pub cors: Vec<String>,
    /// Whether callers wait for the end.
    pub response: Response,
    /// How long they wait, from the request on.
    pub timeout: Duration,
    /// A caller whose time is over is told that the run is accepted, instead of that it is late.
    pub accept_on_timeout: bool,
    /// Whether messages run one at a time, in the order of their acceptance.
    pub ordered: Option<Ordered>,
    /// The declared query parameters.
    pub query: Vec<Input>,
    /// Query parameters fill `input` by name, since neither `query` nor `processing.input` says otherwise.
    pub fills_input: bool,
    /// From the request to the input; its slots are [`REQUEST_NAMES`].
    pub processing_input: Option<Script>,
    /// From the output to the answer. The output stands in its slot [`OUTPUT`].
    pub processing_output: Option<Script>,
    /// What is known of the answer of a run that comes to its end.
    pub answer: Type,
}

/// Ordered delivery.
#[derive(Debug)]
pub struct Ordered {
    /// The key whose messages keep their order; without one all messages do. Its slots are [`REQUEST_NAMES`].
    pub key: Option<Script>,
    /// A failed message holds the lane until it is retried, run again or skipped.
    pub pause: bool,
}

/// What `processing.input` and `ordered.key` see, by slot.
pub const REQUEST_NAMES: [&str; 5] = ["query", "body", "headers", "method", "rawBody"];

/// Methods a webhook may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Without a body.
    Get,
    /// With one.
    Post,
}

impl Method {
    /// The word of HTTP.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
        }
    }
}

/// When a webhook answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Response {
    /// When the run has ended, with its output.
    Wait,
    /// At once, with the run's id.
    Accept,
}

/// One step and the way on from it.
#[derive(Debug)]
pub struct Step {
    /// The variable that gets its result.
    pub slot: Option<Slot>,
    /// The list it belongs to.
    pub block: BlockIndex,
    /// The path of ids and numbers that names it in its list.
    pub position: String,
    /// Where it begins in the file.
    pub place: Place,
    /// For people: its name, its id, or its kind.
    pub title: String,
    /// It is skipped where this is false.
    pub when: Option<Script>,
    /// What it does.
    pub kind: StepKind,
    /// How often it is tried again after a failure.
    pub retry: Option<Retry>,
    /// Behind a crash it does not run again: the run fails as interrupted.
    pub once: bool,
    /// Its failure stands in `errors`, and the run goes on.
    pub continue_on_fail: bool,
    /// The step behind it; `None` where the run ends.
    pub next: Option<StepIndex>,
}

/// `retry`
#[derive(Debug)]
pub struct Retry {
    /// How many times more.
    pub times: u32,
    /// How long to wait before the first of them; each wait is varied by a fifth.
    pub delay: Duration,
    /// Does each wait double?
    pub exponential: bool,
    /// The longest wait.
    pub max_delay: Duration,
    /// Which failures count; sees `error` in its slot [`ERROR`].
    pub on: Option<Script>,
}

/// What steps do.
#[derive(Debug)]
pub enum StepKind {
    /// Assignments, one after the other.
    Set(Vec<(Slot, Script)>),
    /// A script over all variables; what it returns is the result.
    Script(Script),
    /// The first branch that holds.
    Decide(Vec<Branch>),
    /// Fails the run where the condition holds.
    Assert(Assert),
    /// A line of the run's log.
    Log(Log),
    /// The content of a file of the project.
    FileRead(FileRead),
    /// A request to somebody else.
    Http(Box<Http>),
    /// A question to a database, or a change of it.
    Sql(Box<Sql>),
    /// Anything else with files.
    File(Box<FileStep>),
    /// A message to people.
    Email(Box<Email>),
    /// An answer to a waiting caller while the run goes on.
    Respond(Respond),
    /// A durable point of this name.
    Checkpoint(String),
    /// A table variable.
    Table(Table),
    /// Its steps for each element of a list.
    ForEach(Box<ForEach>),
    /// Lists of steps side by side, by name.
    Parallel(Vec<(EcoString, BlockIndex)>),
    /// Another workflow as part of this run.
    Call(Call),
    /// The run sleeps.
    Wait(Wait),
    /// The end of the run.
    End(End),
}

impl StepKind {
    /// The key that stands in the file.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Set(_) => "set",
            Self::Script(_) => "script",
            Self::Decide(_) => "decide",
            Self::Assert(_) => "assert",
            Self::Log(_) => "log",
            Self::FileRead(_) | Self::File(_) => "file",
            Self::Sql(_) => "sql",
            Self::Email(_) => "email",
            Self::Http(_) => "http",
            Self::Respond(_) => "respond",
            Self::Checkpoint(_) => "checkpoint",
            Self::Table(_) => "table",
            Self::ForEach(_) => "forEach",
            Self::Parallel(_) => "parallel",
            Self::Call(_) => "call",
            Self::Wait(_) => "wait",
            Self::End(_) => "end",
        }
    }

    /// Does it wait for nothing, no file either?
    pub fn only_computes(&self) -> bool {
        use StepKind::*;
        match self {
            Script(script) => !script.acts(),
            Set(_) | Decide(_) | Assert(_) | Log(_) | Table(_) | ForEach(_) | Parallel(_) | Call(_) | End(_) => true,
            FileRead(_) | File(_) | Sql(_) | Http(_) | Email(_) | Respond(_) | Checkpoint(_) | Wait(_) => false,
        }
    }

    /// Has it a result, even if that is null?
    pub fn gives_result(&self) -> bool {
        use StepKind::*;
        matches!(
            self,
            Script(_) | FileRead(_) | File(_) | Sql(_) | Http(_) | ForEach(_) | Parallel(_) | Call(_) | Wait(_)
        )
    }
}

impl Step {
    /// Does it change something outside, so that its start and its result are committed?
    pub fn acts(&self) -> bool {
        match &self.kind {
            StepKind::Http(http) => http.method.acts(),
            StepKind::Sql(sql) => matches!(sql.work, SqlWork::Execute { .. }),
            StepKind::File(file) => file.what.acts(),
            StepKind::Email(_) | StepKind::Respond(_) | StepKind::Checkpoint(_) | StepKind::Wait(_) => true,
            StepKind::Script(script) => script.acts(),
            _ => false,
        }
    }
}

/// A branch of `decide`.
#[derive(Debug)]
pub struct Branch {
    /// Its condition; `None` for `else`.
    pub when: Option<Script>,
    /// Its first step; where it has none, the step behind the `decide`.
    pub first: Option<StepIndex>,
}

/// `assert`
#[derive(Debug)]
pub struct Assert {
    /// The run fails where this holds.
    pub fail_if: Script,
    /// What callers are told.
    pub message: Content,
    /// The HTTP status of the answer.
    pub status: Option<Content>,
}

/// `log`
#[derive(Debug)]
pub struct Log {
    /// The text.
    pub message: Content,
    /// How bad it is.
    pub level: flowscript_lang::host::LogLevel,
}

/// `respond`
#[derive(Debug)]
pub struct Respond {
    /// The HTTP status.
    pub status: Option<Content>,
    /// Further headers.
    pub headers: Vec<(String, Content)>,
    /// The body.
    pub body: Option<Content>,
}

/// `end`
#[derive(Debug)]
pub enum End {
    /// The run is completed with this output.
    Output(Option<Content>),
    /// The run fails with this message.
    Error(Content),
}

impl Workflow {
    /// Does a step of it, or of a workflow that it calls, act on something outside?
    pub fn acts(&self) -> bool {
        self.steps.iter().any(Step::acts) || self.callees.values().any(|callee| callee.acts())
    }

    /// The path of its file in the project.
    pub fn file(&self) -> String {
        format!("workflows/{}.yaml", self.id.replace('.', "/"))
    }

    /// Whether it is the workflow `id`, or calls it, perhaps through others.
    pub fn reaches(&self, id: &str) -> bool {
        self.id == id || self.callees.values().any(|callee| callee.reaches(id))
    }

    /// Does it, or a workflow that it calls, answer by `respond`?
    pub fn responds(&self) -> bool {
        self.steps.iter().any(|step| matches!(step.kind, StepKind::Respond(_)))
            || self.callees.values().any(|callee| callee.responds())
    }

    /// How many workflows stand below each other in its calls, itself included.
    pub fn depth(&self) -> usize {
        1 + self.callees.values().map(|callee| callee.depth()).max().unwrap_or(0)
    }

    /// The list of steps at `index`.
    pub fn block(&self, index: BlockIndex) -> Option<&Block> {
        self.blocks.get(index)
    }

    /// The step at `index`.
    pub fn step(&self, index: StepIndex) -> Option<&Step> {
        self.steps.get(index)
    }

    /// The input of this name, with its slot.
    pub fn input(&self, name: &str) -> Option<(Slot, &Input)> {
        self.inputs.iter().enumerate().find(|(_, input)| input.name == name).map(|(i, input)| (FIRST_INPUT + i, input))
    }

    /// Can a request be performed first and kept with its end in one commit? Not where it needs a place in a lane or
    /// a slot, acts on something, or may wait to try again.
    pub fn is_direct(&self) -> bool {
        let ordered = self.webhook.as_ref().is_some_and(|webhook| webhook.ordered.is_some());
        self.concurrency.is_none() && !ordered && self.goes_through()
    }

    fn goes_through(&self) -> bool {
        self.steps.iter().all(|step| !step.acts() && step.retry.is_none())
            && self.callees.values().all(|callee| callee.goes_through())
    }

    /// Do its steps only compute, so that a run of it waits for nothing and nobody?
    pub fn only_computes(&self) -> bool {
        self.steps.iter().all(|step| step.retry.is_none() && step.kind.only_computes())
            && self.callees.values().all(|callee| callee.only_computes())
    }

    /// The step that a position in a run leads to: the path of its pass or branch may stand in front of its own.
    pub fn step_at(&self, position: &str) -> Option<&Step> {
        let fits = |step: &&Step| {
            position.strip_suffix(step.position.as_str()).is_some_and(|path| path.is_empty() || path.ends_with('/'))
        };
        self.steps.iter().filter(fits).max_by_key(|step| step.position.len())
    }

    /// The same where the position may lead through called workflows.
    pub fn step_of_run(&self, position: &str) -> Option<&Step> {
        for (at, _) in position.match_indices('/') {
            if let Some((call, below)) = position.split_at_checked(at)
                && let Some(StepKind::Call(call)) = self.step_at(call).map(|step| &step.kind)
            {
                return self.callees.get(&call.workflow)?.step_of_run(below.get(1..)?);
            }
        }
        self.step_at(position)
    }

    /// How many slots a run needs.
    pub fn width(&self) -> usize {
        self.names.len()
    }

    /// The step with this position in a list.
    pub fn index_of(&self, block: BlockIndex, position: &str) -> Option<StepIndex> {
        self.steps.iter().position(|step| step.block == block && step.position == position)
    }
}

/// Statuses that a failure may have.
pub const FAILURES: RangeInclusive<u16> = 400..=599;
/// Statuses that an answer may have.
pub const ANSWERS: RangeInclusive<u16> = 200..=599;

/// Does an answer of this status never have a body (RFC 9110)?
pub fn has_no_body(status: u16) -> bool {
    matches!(status, 204 | 205 | 304)
}

/// The HTTP status that a value stands for, if it is one of these.
pub fn status_in(value: &Value, range: RangeInclusive<u16>) -> Option<u16> {
    let number = to_number(value).ok()?.to_i64()?;
    u16::try_from(number).ok().filter(|status| range.contains(status))
}
