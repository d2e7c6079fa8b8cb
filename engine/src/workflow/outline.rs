//! The steps of a workflow as a tree: what a diagram is drawn from.
//!
//! The tree is read from the file by the tables of the kinds, so a new kind of step needs nothing here: every list of
//! steps that its table allows is a branch.

use super::model::Workflow;
use super::text::WorkflowText;
use crate::reading::{Takes, text_of};
use crate::steps::{KINDS, Opens, Step};
use crate::yaml::{self, Node, Place};
use std::collections::HashMap;

/// The longest summary of a step, in characters.
const LONGEST: usize = 100;
/// How many fields of a step its summary names.
const FIELDS: usize = 2;

/// A step with the steps in it.
#[derive(Clone, Debug, PartialEq)]
pub struct Outline {
    /// Its position in a run; `[]` stands for the number of a pass.
    pub position: String,
    /// Its `id`.
    pub id: Option<String>,
    /// The key of its kind.
    pub kind: &'static str,
    /// For display: its name, its id, or its kind.
    pub title: String,
    /// What it does, in the words of the file.
    pub summary: String,
    /// How its branches run.
    pub shape: Shape,
    /// It changes something outside.
    pub acts: bool,
    /// It ends the run.
    pub ends: bool,
    /// It is skipped if this is false.
    pub when: Option<String>,
    /// How often it is tried again.
    pub retries: u32,
    /// Its failure does not end the run.
    pub continues: bool,
    /// The workflow that it calls.
    pub calls: Option<String>,
    /// Where it begins in the file.
    pub place: Place,
    /// After its end.
    pub end: Place,
    /// The lists of steps in it.
    pub branches: Vec<Branch>,
}

/// How the branches of a step run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// It has none.
    Step,
    /// One of them, or none.
    Choice,
    /// Once for each element of a list.
    Loop,
    /// All at the same time.
    Parallel,
    /// It has none; the steps of another workflow run.
    Call,
}

impl Shape {
    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Step => "step",
            Self::Choice => "choice",
            Self::Loop => "loop",
            Self::Parallel => "parallel",
            Self::Call => "call",
        }
    }
}

/// A list of steps in a step.
#[derive(Clone, Debug, PartialEq)]
pub struct Branch {
    /// Its name, if the file gives it one.
    pub name: Option<String>,
    /// It runs if this is true.
    pub condition: Option<String>,
    /// Its steps.
    pub steps: Vec<Outline>,
}

/// The steps of a workflow. The error says why its text cannot be read.
pub fn outline(workflow: &Workflow) -> Result<Vec<Outline>, String> {
    let text = WorkflowText::decode(&workflow.text)?;
    let root = yaml::parse(&text.source).map_err(|problem| problem.message)?;
    let steps = workflow.steps.iter().map(|step| ((step.place.line, step.place.column), step)).collect();
    let reader = Reader { steps };
    let own = root.entries().into_iter().flatten().find(|entry| entry.key == "steps");
    Ok(own.map(|entry| reader.list(&entry.value, "")).unwrap_or_default())
}

/// The steps of the workflow by their places.
struct Reader<'w> {
    steps: HashMap<(u32, u32), &'w Step>,
}

/// A list of steps in the file.
struct Found<'n> {
    name: Option<&'n str>,
    condition: Option<&'n str>,
    steps: &'n Node,
}

impl Reader<'_> {
    /// The steps of a list. `path` is the prefix of their positions.
    fn list(&self, node: &Node, path: &str) -> Vec<Outline> {
        node.elements().unwrap_or_default().iter().filter_map(|element| self.step(element, path)).collect()
    }

    fn step(&self, node: &Node, path: &str) -> Option<Outline> {
        let step = self.steps.get(&(node.place.line, node.place.column))?;
        let entries = node.entries()?;
        let row = KINDS.iter().find(|row| row.key == step.kind())?;
        let value = &entries.iter().find(|entry| entry.key == row.key)?.value;
        let text =
            |key: &str| entries.iter().find(|entry| entry.key == key).map(|entry| text_of(&entry.value).to_owned());
        let position = format!("{path}{}", step.position);
        let mut found = Vec::new();
        branches(value, &row.takes, None, &mut found);
        let branch = |found: Found<'_>| {
            let path = match step.opens() {
                // The positions of its steps begin in the same list.
                Opens::Nothing | Opens::Workflow(_) => path.to_owned(),
                Opens::Passes(_) => format!("{position}[]/"),
                Opens::Branches(_) => format!("{position}/{}/", found.name.unwrap_or_default()),
            };
            Branch {
                name: found.name.map(str::to_owned),
                condition: found.condition.map(str::to_owned),
                steps: self.list(found.steps, &path),
            }
        };
        Some(Outline {
            id: text("id"),
            kind: row.key,
            title: step.title.clone(),
            summary: summary(value),
            shape: match step.opens() {
                Opens::Nothing if step.ways.is_empty() => Shape::Step,
                Opens::Nothing => Shape::Choice,
                Opens::Passes(_) => Shape::Loop,
                Opens::Branches(_) => Shape::Parallel,
                Opens::Workflow(_) => Shape::Call,
            },
            acts: step.acts(),
            ends: step.ends(),
            when: text("when"),
            retries: step.retry.as_ref().map_or(0, |retry| retry.times),
            continues: step.continue_on_fail,
            calls: step.calls().map(str::to_owned),
            place: node.place,
            end: node.end,
            branches: found.into_iter().map(branch).collect(),
            position,
        })
    }
}

/// Finds the lists of steps in the value of a kind.
fn branches<'n>(node: &'n Node, takes: &Takes, name: Option<&'n str>, found: &mut Vec<Found<'n>>) {
    match takes {
        Takes::Steps => found.push(Found { name, condition: None, steps: node }),
        Takes::Map(keys) => {
            let entries = node.entries().unwrap_or_default();
            let condition = entries.iter().find(|entry| entry.key == "when").map(|entry| text_of(&entry.value));
            for entry in entries {
                let Some(key) = keys.iter().find(|key| key.name == entry.key) else { continue };
                let from = found.len();
                branches(&entry.value, &key.takes, name, found);
                for branch in found.iter_mut().skip(from) {
                    branch.condition = branch.condition.or(condition);
                }
            }
        }
        Takes::Named(inner) => {
            for entry in node.entries().unwrap_or_default() {
                branches(&entry.value, inner, Some(&entry.key), found);
            }
        }
        Takes::List(inner) => {
            for element in node.elements().unwrap_or_default() {
                branches(element, inner, name, found);
            }
        }
        Takes::OneOrMore(inner) => match node.elements() {
            Some(elements) => elements.iter().for_each(|element| branches(element, inner, name, found)),
            None => branches(node, inner, name, found),
        },
        Takes::Nothing(inner) => branches(node, inner, name, found),
        Takes::Either(all) => {
            let before = found.len();
            for takes in *all {
                if found.len() == before {
                    branches(node, takes, name, found);
                }
            }
        }
        Takes::Text
        | Takes::Template
        | Takes::Expression
        | Takes::Script
        | Takes::Value
        | Takes::Duration
        | Takes::Flag
        | Takes::Whole(..)
        | Takes::Word(_)
        | Takes::Type => {}
    }
}

/// The first line of a text, or the first fields of a map.
fn summary(value: &Node) -> String {
    let line = |node: &Node| {
        let text = node.scalar()?.text.trim();
        text.lines().next().map(str::to_owned)
    };
    let whole = match value.entries() {
        None => line(value).unwrap_or_default(),
        Some(entries) => {
            let fields = entries.iter().filter_map(|entry| Some(format!("{} {}", entry.key, line(&entry.value)?)));
            fields.take(FIELDS).collect::<Vec<_>>().join(", ")
        }
    };
    match whole.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", whole.get(..end).unwrap_or_default()),
        None => whole,
    }
}
