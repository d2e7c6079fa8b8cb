//! Reading YAML with FlowScript in it: maps with their keys, values, templates and expressions, each problem with its
//! place. All content is checked against the variables that are known at that place.

mod braces;
mod content;
mod fields;
mod ids;
mod inputs;
mod known;
pub mod schema;
mod takes;
mod traps;
mod variables;

pub use content::literal;
pub use fields::{Fields, listed, refused, text_of, unknown_key};
pub use ids::{id_of_path, is_workflow_id};
pub use takes::{Key, Takes, needed, optional};

use crate::outgoing::{ConnectionKind, ConnectionName, NamedConnections};
use crate::script::{Compiled, Kind, Library, Loading, Scope, Script, compile};
use crate::yaml::problem::{Problem, codes};
use crate::yaml::{Entry, Node, Place, Scalar};
use braces::braces_around_expression;
use ecow::EcoString;
use flowscript_lang::diagnostic::codes::MORE_WARNINGS;
use flowscript_lang::types::Type;
use std::collections::BTreeMap;
use std::sync::Arc;
use variables::Variables;

/// The texts of modules by name.
pub type Modules = BTreeMap<EcoString, Arc<str>>;

/// Problems of a file that are reported.
const MOST_PROBLEMS: usize = 1_000;
/// Steps that an entry of the file takes in addition to what is compiled in it.
const ENTRY: u64 = 20;
/// Bytes of YAML that are parsed for one step.
const BYTES_OF_STEP: u64 = 16;

/// Reads the parts of one file. It continues after a problem, so that all problems are reported at once.
pub struct Reader<'a> {
    library: &'a Library,
    /// The remaining budget for reading the file.
    loading: Loading<'a>,
    problems: Vec<Problem>,
    /// Problems that are not reported, and whether there is an error among them.
    unreported: usize,
    unreported_error: bool,
    variables: Variables,
    /// The modules that its sources use.
    modules: Modules,
    named: Named,
}

/// Names in a file of things defined elsewhere, each with its place. Whether they exist is checked with the whole
/// project.
#[derive(Debug, Default)]
pub struct Named {
    /// Workflows by id.
    pub workflows: Vec<(String, Place)>,
    /// Connections of connections.yaml.
    pub connections: NamedConnections,
    /// Events that are waited for.
    pub events: Vec<(String, Place)>,
}

/// The results of reading in addition to the values.
pub struct Findings {
    /// Problems in the order of the file.
    pub problems: Vec<Problem>,
    /// At least one of them keeps the workflow from loading.
    pub failed: bool,
    /// The names of all variables by slot.
    pub names: Vec<EcoString>,
    /// The modules that the file uses.
    pub modules: Modules,
    /// Names of things defined elsewhere.
    pub named: Named,
}

impl<'a> Reader<'a> {
    /// A reader with the engine's own variables, for a file of this many bytes.
    pub fn new(library: &'a Library, bytes: usize) -> Self {
        let mut loading = Loading::new(library);
        loading.pay(bytes as u64 / BYTES_OF_STEP);
        Self {
            library,
            loading,
            problems: Vec::new(),
            unreported: 0,
            unreported_error: false,
            variables: Variables::new(),
            modules: Modules::new(),
            named: Named::default(),
        }
    }

    /// The findings, at the end.
    pub fn finish(mut self) -> Findings {
        let start = Place { line: 1, column: 1 };
        if self.loading.has_ended() {
            // The part at which the reading was ended may be correct.
            let message = "The file was not read to its end: it takes more work than a file may take";
            let hint = "Divide it into workflows that call each other, or write fewer variables, steps and types.";
            let problem = match self.library.stopped() {
                Some(_) => late(),
                None => Problem::new(codes::TOO_COSTLY, start, message).with_hint(hint),
            };
            self.problems = vec![problem];
            (self.unreported, self.unreported_error) = (0, true);
        }
        self.problems.sort_by_key(|problem| problem.place);
        let failed = self.unreported_error || self.problems.iter().any(|problem| self.refuses(problem));
        if self.unreported > 0 {
            let place = self.problems.last().map_or(start, |last| last.place);
            let message = format!("There are {} more problems, which are not reported", self.unreported);
            self.problems.push(if self.unreported_error {
                Problem::new(codes::MORE, place, message).with_hint("Correct the first ones.")
            } else {
                Problem::warning(MORE_WARNINGS, place, message).with_hint("Look at the first ones.")
            });
        }
        let Self { problems, variables, modules, named, .. } = self;
        Findings { problems, failed, names: variables.into_names(), modules, named }
    }

    /// The functions, modules and settings that sources are compiled against.
    pub fn library(&self) -> &'a Library {
        self.library
    }

    /// Does a problem keep the workflow from loading?
    fn refuses(&self, problem: &Problem) -> bool {
        !problem.warning && (!problem.files_only || !self.library.is_kept())
    }

    /// Adds a problem.
    pub fn report(&mut self, problem: Problem) {
        if self.problems.len() < MOST_PROBLEMS {
            self.problems.push(problem);
        } else {
            self.unreported += 1;
            self.unreported_error |= self.refuses(&problem);
        }
    }

    /// Adds problems.
    pub fn report_all(&mut self, problems: impl IntoIterator<Item = Problem>) {
        problems.into_iter().for_each(|problem| self.report(problem));
    }

    /// The remaining budget for reading the file.
    pub fn loading(&mut self) -> &mut Loading<'a> {
        &mut self.loading
    }

    /// Counts an entry of the file. `false` once the reading has been ended.
    pub fn pay(&mut self) -> bool {
        self.loading.pay(ENTRY)
    }

    /// Counts a look at this part of the known variables, and an entry. `false` once the reading has been ended.
    pub fn pay_for_variables(&mut self, part: usize) -> bool {
        let width = self.scope().width() / part;
        self.pay() && self.loading.pay(width as u64)
    }

    /// The file names another workflow.
    pub fn names_workflow(&mut self, id: &str, place: Place) {
        self.named.workflows.push((id.to_owned(), place));
    }

    /// The file names a connection, which must be of this kind.
    pub fn names_connection(&mut self, name: &str, kind: ConnectionKind, place: Place) -> ConnectionName {
        self.named.connections.name(name, kind, place)
    }

    /// The file waits for an event.
    pub fn names_event(&mut self, name: &str, place: Place) {
        self.named.events.push((name.to_owned(), place));
    }

    /// FlowScript in a scalar, compiled in the present scope.
    pub fn compile(&mut self, source: &Scalar, kind: Kind) -> (Option<Script>, Type) {
        let scope = self.take_scope();
        let compiled = self.compile_in(source, kind, &scope);
        self.set_scope(scope);
        compiled
    }

    /// FlowScript in a scalar, compiled in a scope of its own.
    pub fn compile_in(&mut self, source: &Scalar, kind: Kind, scope: &Scope) -> (Option<Script>, Type) {
        let Compiled { script, ty, problems, modules } = compile(source, kind, scope, self.library, &mut self.loading);
        for problem in problems {
            let problem = self.variables.explain_unset(problem, scope);
            self.report(problem);
        }
        self.modules.extend(modules);
        (script, ty)
    }

    /// The expression in a node, which must be one. `what` begins the message.
    pub fn expression(&mut self, node: &Node, what: &str) -> Option<(Script, Type)> {
        let Some(scalar) = node.scalar().filter(|_| !node.is_null()) else {
            let message = format!("{what} must be an expression, not {}", node.describe());
            let hint = "Write FlowScript; where YAML takes it for a list or a map, put it in quotes.";
            let problem = Problem::new(codes::WRONG_VALUE, node.place, message).with_hint(hint);
            self.report(braces_around_expression(node).unwrap_or(problem));
            return None;
        };
        let (script, ty) = self.compile(scalar, Kind::Expression);
        script.map(|script| (script, ty))
    }

    /// The entries of a map with only these keys. `what` begins the messages.
    pub fn fields<'n>(&mut self, node: &'n Node, what: &str, keys: &[Key]) -> Option<Fields<'n>> {
        let names: Vec<&str> = keys.iter().map(|key| key.name).collect();
        let (fields, problems) = Fields::of(node, what, &names);
        self.report_all(problems);
        self.loading.pay(ENTRY * node.entries().map_or(0, <[Entry]>::len) as u64);
        fields
    }
}

/// The problem of a file for which no time was left.
pub fn late() -> Problem {
    let message = "The file has not been read: loading the project takes too long";
    Problem::new(codes::LATE, Place { line: 1, column: 1 }, message).with_hint("It is tried again.")
}
