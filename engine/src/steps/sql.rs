//! `sql`: a query of a database, or a change.

use super::attempt::{Attempt, Perform, Performed, Performing};
use super::kind::{Effect, Facts, May, Opens, Retries, Scene, StepKind, sets_nothing};
use super::outcome::{Action, Outcome};
use super::parts::connection;
use super::walk::{Body, Given, Read, Row, Walk};
use crate::outgoing::{ConnectionKind, ConnectionName, SqlCall, SqlSpace};
use crate::reading::{Reader, Takes, needed, optional};
use crate::script::{Content, Fault};
use crate::sql::{Refusal, SqlWork, Statement, refusal, template_in};
use crate::yaml::problem::{Fix, Note, Problem, codes};
use crate::yaml::{Entry, Node, Scalar};
use flowscript_lang::program::Settings;
use flowscript_lang::types::Type;
use flowscript_lang::value::Value;
use std::collections::{BTreeSet, HashSet};
use std::ops::Range;
use std::time::Duration;

pub(super) const KIND: Row = Row {
    key: "sql",
    summary: "Queries a database (`query`, which returns a table), or changes it (`execute`, which acts; a list of statements is one transaction).",
    example: "sql: { connection: erp, query: \"select price from items where sku = :sku\", params: { sku: A100 } }",
    takes: Takes::Map(&[
        needed("connection", Takes::Text),
        optional("query", Takes::Text),
        optional("execute", Takes::OneOrMore(&Takes::Text)),
        optional("params", Takes::Named(&Takes::Value)),
    ]),
    retry: Retries::All,
    once: May::Yes,
    continue_on_fail: May::Yes,
    names_set: sets_nothing,
    read: Read::Timed { default: Duration::from_secs(30), longest: Duration::from_secs(3600), read },
};

/// Statements before their parameters have values.
#[derive(Debug)]
struct Sql {
    connection: ConnectionName,
    work: SqlWork,
    /// The parameters by name.
    params: Vec<(String, Content)>,
    timeout: Duration,
}

fn read(walk: &mut Walk<'_>, given: &Given<'_>, timeout: Duration) -> Option<Body> {
    let (reader, node) = (walk.reader(), given.node());
    let mut fields = given.fields(reader)?;
    let connection = connection(reader, &fields, node, "sql", ConnectionKind::Sql);
    let work = match (fields.take("query"), fields.take("execute")) {
        (Some(query), None) => statement(reader, &query.value, node).map(SqlWork::Query),
        (None, Some(execute)) => read_execute(reader, &execute.value, node),
        (Some(_), Some(_)) | (None, None) => {
            let message = "`sql` has a `query`, which reads, or an `execute`, which changes";
            reader.report(Problem::new(codes::WRONG_VALUE, node.place, message));
            None
        }
    };
    let values = fields.take("params");
    let params = read_params(reader, values);
    let work = work?;
    compare_params(reader, node, values, &work);
    let ty = result_type(&work);
    Some(Body::new(Sql { connection: connection?, work, params: params?, timeout }, ty))
}

/// The known type of the result.
fn result_type(work: &SqlWork) -> Type {
    let gives_rows = |statements: &[Statement]| statements.iter().any(|one| one.gives_rows);
    match work {
        SqlWork::Query(_) => Type::any_record().many(),
        SqlWork::Execute { statements, is_list: true } if gives_rows(statements) => Type::Any.many(),
        SqlWork::Execute { is_list: true, .. } => Type::Number.many(),
        SqlWork::Execute { statements, is_list: false } if gives_rows(statements) => Type::any_record().many(),
        SqlWork::Execute { is_list: false, .. } => Type::Number,
    }
}

fn read_execute(reader: &mut Reader<'_>, node: &Node, step: &Node) -> Option<SqlWork> {
    let Some(elements) = node.elements() else {
        return Some(SqlWork::Execute { statements: vec![statement(reader, node, step)?], is_list: false });
    };
    if elements.is_empty() {
        reader.wrong(node, "`execute` must be a statement or a list of them");
        return None;
    }
    let statements: Option<Vec<Statement>> = elements.iter().map(|element| statement(reader, element, step)).collect();
    Some(SqlWork::Execute { statements: statements?, is_list: true })
}

fn statement(reader: &mut Reader<'_>, node: &Node, step: &Node) -> Option<Statement> {
    let Some(scalar) = node.scalar().filter(|_| !node.is_null()) else {
        reader.wrong(node, "SQL is expected here");
        return None;
    };
    if let Some((range, name)) = template_in(&scalar.text) {
        let place = scalar.places.at(&scalar.text, range.start);
        let message = format!("`{{{name}}}` inside SQL would let values become part of the statement");
        let parameter = name.rsplit('.').next().unwrap_or(name).trim_matches(|c: char| !c.is_alphanumeric());
        let hint = format!("Write `:{parameter}` without quotes, and `params: {{ {parameter}: \"{{{name}}}\" }}`.");
        let fix = bound(scalar, range, step, parameter, name);
        reader.report(Problem::new(codes::TEMPLATE_IN_SQL, place, message).with_hint(hint).with_fix(fix));
        return None;
    }
    if let Some(Refusal { at, message, hint }) = refusal(&scalar.text) {
        let place = scalar.places.at(&scalar.text, at);
        reader.report(Problem::new(codes::WRONG_VALUE, place, message).with_hint(hint));
        return None;
    }
    Some(Statement::parse(&scalar.text))
}

/// The fix that binds the value of a template: a parameter in its place, and its value in `params`.
fn bound(scalar: &Scalar, template: Range<usize>, step: &Node, parameter: &str, value: &str) -> Option<Fix> {
    let written = &scalar.text;
    let is_quoted = written.get(..template.start)?.ends_with('\'') && written.get(template.end..)?.starts_with('\'');
    let quotes = usize::from(is_quoted);
    let (place, end, text) = scalar.edit(template.start - quotes..template.end + quotes, &format!(":{parameter}"))?;
    let given = format!("{parameter}: \"{{{value}}}\"");
    let (map, entry) = match step.entries()?.iter().find(|entry| entry.key == "params") {
        Some(params) => (&params.value, given),
        None => (step, format!("params: {{ {given} }}")),
    };
    let first = map.entries()?.first()?;
    if parameter.is_empty() || map.entries()?.iter().any(|entry| entry.key == parameter) {
        return None;
    }
    // A map on lines of its own begins at its first key.
    let is_block = first.place == map.place;
    let line = || format!("\n{}", " ".repeat((first.place.column as usize).saturating_sub(1)));
    let after = if is_block { line() } else { ", ".to_owned() };
    let value = Note { place: first.place, end: first.place, text: format!("{entry}{after}") };
    let title = format!("bind `:{parameter}`");
    Some(Fix { title, edits: vec![Note { place, end, text }, value], safe: false })
}

/// Values by name; lists are arrays of the database.
fn read_params(reader: &mut Reader<'_>, given: Option<&Entry>) -> Option<Vec<(String, Content)>> {
    let Some(entry) = given else { return Some(Vec::new()) };
    let Some(entries) = entry.value.entries() else {
        reader.wrong(&entry.value, "`params` must be a map from the names of parameters to their values");
        return None;
    };
    let params: Vec<_> =
        entries.iter().map(|entry| Some((entry.key.clone(), reader.content(&entry.value).0?))).collect();
    params.into_iter().collect()
}

/// Parameters and their uses must fit each other.
fn compare_params(reader: &mut Reader<'_>, node: &Node, given: Option<&Entry>, work: &SqlWork) {
    let statements = match work {
        SqlWork::Query(statement) => std::slice::from_ref(statement),
        SqlWork::Execute { statements, .. } => statements,
    };
    let used: BTreeSet<&String> = statements.iter().flat_map(|statement| &statement.names).collect();
    let entries = given.and_then(|entry| entry.value.entries()).unwrap_or_default();
    for entry in entries.iter().filter(|entry| !used.contains(&entry.key)) {
        let message = format!("No statement uses the parameter `{}`", entry.key);
        let hint = format!("Write `:{}` in the statement, or remove it.", entry.key);
        reader.report(Problem::new(codes::UNKNOWN_KEY, entry.place, message).with_hint(hint));
    }
    let given: HashSet<&str> = entries.iter().map(|entry| entry.key.as_str()).collect();
    for name in used.into_iter().filter(|name| !given.contains(name.as_str())) {
        let message = format!("The parameter `:{name}` has no value");
        let hint = format!("Give it in `params: {{ {name}: … }}`.");
        reader.report(Problem::new(codes::MISSING_KEY, node.place, message).with_hint(hint));
    }
}

impl StepKind for Sql {
    fn facts(&self) -> Facts {
        Facts {
            effect: match self.work {
                SqlWork::Query(_) => Effect::Reads,
                SqlWork::Execute { .. } => Effect::Acts,
            },
            gives_result: true,
            answers: false,
            ends: false,
            sets: Vec::new(),
            opens: Opens::Nothing,
        }
    }

    fn run(&self, variables: &mut [Value], scene: Scene<'_>) -> Result<Outcome, Fault> {
        let mut params = Vec::with_capacity(self.params.len());
        for (name, content) in &self.params {
            params.push((name.clone(), content.value(variables, scene.context)?));
        }
        let (connection, work, timeout) = (self.connection.clone(), self.work.clone(), self.timeout);
        let Settings { zone, limits, .. } = scene.context.settings;
        let space = SqlSpace { cells: limits.cells, bytes: limits.memory };
        let call = SqlCall { connection, work, params, timeout, zone: *zone, longest: limits.text, space };
        Ok(Outcome::Act(Action::Perform(Box::new(call))))
    }
}

impl Perform for SqlCall {
    fn weight(&self) -> usize {
        0
    }

    fn perform(self: Box<Self>, attempt: Attempt) -> Performing {
        Box::pin(async move {
            let database = attempt.connections().database(&self.connection)?;
            Ok(Performed::result(attempt.within(database.run(*self)).await?))
        })
    }
}
