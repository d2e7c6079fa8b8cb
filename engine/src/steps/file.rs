//! `file`: reading and changing files, in the project's own folder or that of a connection.

use super::attempt::{Attempt, Perform, Performed, Performing};
use super::kind::{Effect, Facts, May, Opens, Retries, Scene, StepKind, sets_nothing};
use super::outcome::{Action, Outcome};
use super::parts::{self, DOES_NOT_WAIT};
use super::walk::{Body, Given, Read, Row, Walk};
use crate::files::{self, Addition, FileChange, FileFormat, Files};
use crate::outgoing::{ConnectionKind, ConnectionName};
use crate::reading::{Fields, Reader, Takes, optional, text_of};
use crate::script::{Content, Context, Fault};
use crate::yaml::Entry;
use crate::yaml::problem::{Fix, Problem, codes};
use flowscript_lang::budget::Allowance;
use flowscript_lang::error::ErrorKind;
use flowscript_lang::program::Limits;
use flowscript_lang::types::Type;
use flowscript_lang::value::Value;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The longest time that a file may be required to be unchanged.
const LONGEST_SETTLED: Duration = Duration::from_secs(3600);
/// How long a file may stay unsettled beyond that time before reading it fails.
const MOST_UNSETTLED: Duration = Duration::from_secs(60);

pub(super) const KIND: Row = Row {
    key: "file",
    summary: "Reads a file (`read`), lists a folder (`list`), or changes files (`write`, `append`, `move`, `delete`, which act); in `files/` of the project, or in the folder of a connection.",
    example: "file: { write: \"out/{sku}.json\", content: { sku: \"{sku}\" } }",
    takes: Takes::Map(&[
        optional("read", Takes::Template),
        optional("list", Takes::Template),
        optional("write", Takes::Template),
        optional("append", Takes::Template),
        optional("move", Takes::Template),
        optional("delete", Takes::Template),
        optional("as", Takes::Word(&["json", "ndjson", "csv", "text", "binary"])),
        optional("content", Takes::Value),
        optional("to", Takes::Template),
        optional("settled", Takes::Duration),
        optional("connection", Takes::Text),
    ]),
    retry: Retries::All,
    once: May::Yes,
    continue_on_fail: May::Yes,
    names_set: sets_nothing,
    read: Read::Untimed(DOES_NOT_WAIT, read),
};

/// The work of a `file` step.
#[derive(Debug)]
struct File {
    /// The connection whose folder it is; the project's `files/` without one.
    connection: Option<ConnectionName>,
    work: Work,
    /// The format of the bytes; by default that of the suffix.
    format: Option<FileFormat>,
    /// For reading and listing: a file must have been unchanged for this long.
    settled: Option<Duration>,
}

/// The action of a step, with its paths and contents.
#[derive(Debug)]
enum Work {
    /// Reads a file.
    Read(Content),
    /// Lists a folder; `*` in the last part of the path matches any characters.
    List(Content),
    /// Writes a whole file.
    Write(Content, Content),
    /// Adds to the end of a file.
    Append(Content, Content),
    /// Moves a file.
    Move(Content, Content),
    /// Removes a file.
    Delete(Content),
}

/// The keys that name the action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verb {
    Read,
    List,
    Write,
    Append,
    Move,
    Delete,
}

impl Verb {
    const ALL: [(&str, Self); 6] = [
        ("read", Self::Read),
        ("list", Self::List),
        ("write", Self::Write),
        ("append", Self::Append),
        ("move", Self::Move),
        ("delete", Self::Delete),
    ];

    /// The other key that it requires.
    fn needs(self) -> Option<&'static str> {
        match self {
            Self::Write | Self::Append => Some("content"),
            Self::Move => Some("to"),
            Self::Read | Self::List | Self::Delete => None,
        }
    }

    /// Does it leave files unchanged?
    fn looks_only(self) -> bool {
        match self {
            Self::Read | Self::List => true,
            Self::Write | Self::Append | Self::Move | Self::Delete => false,
        }
    }
}

fn read(walk: &mut Walk<'_>, given: &Given<'_>) -> Option<Body> {
    let (reader, node) = (walk.reader(), given.node());
    let mut fields = given.fields(reader)?;
    let formats = [
        ("json", FileFormat::Json),
        ("ndjson", FileFormat::Ndjson),
        ("csv", FileFormat::Csv),
        ("text", FileFormat::Text),
        ("binary", FileFormat::Binary),
    ];
    let written = fields.get("as");
    let format = reader.optional_word(&mut fields, "as", &formats);
    let connection = parts::optional_connection(reader, &fields, node, "file", ConnectionKind::Folder).ok()?;
    let verbs: Vec<(&Entry, Verb)> =
        Verb::ALL.into_iter().filter_map(|(key, verb)| Some((fields.take(key)?, verb))).collect();
    let &[(what, verb)] = verbs.as_slice() else {
        let why = "`file` does one thing: `read`, `list`, `write`, `append`, `move` or `delete` a path";
        reader.report(Problem::new(codes::MISSING_KEY, node.place, why));
        return None;
    };
    for key in ["content", "to"] {
        if let Some(entry) = fields.get(key).filter(|_| verb.needs() != Some(key)) {
            let message = format!("`{key}` does not apply to `{}`", what.key);
            reader.report(Problem::new(codes::WRONG_VALUE, entry.place, message));
        }
    }
    let settled = read_settled(reader, &mut fields, what, verb);
    let (content, to) = match verb.needs() {
        Some(key) => {
            let entry = reader.needed(&fields, key, node.place, &format!("`{}` needs `{key}`", what.key))?;
            if key == "to" {
                (None, Some(reader.template(&entry.value)?))
            } else {
                let (content, ty) = reader.content(&entry.value);
                if verb == Verb::Append {
                    refuse_json(reader, what, entry, written.zip(format), &ty)?;
                }
                (Some(content?), None)
            }
        }
        None => (None, None),
    };
    let path = reader.template(&what.value)?;
    let (work, ty) = match verb {
        Verb::Read => (Work::Read(path), type_of(format)),
        Verb::List => (Work::List(path), Type::any_record().many()),
        Verb::Write => (Work::Write(path, content?), Type::Null),
        Verb::Append => (Work::Append(path, content?), Type::Null),
        Verb::Move => (Work::Move(path, to?), Type::Null),
        Verb::Delete => (Work::Delete(path), Type::Null),
    };
    Some(Body::new(File { connection, work, format, settled }, ty))
}

/// The known type of the content of a file.
fn type_of(format: Option<FileFormat>) -> Type {
    match format {
        Some(FileFormat::Csv) => Type::any_record().many(),
        Some(FileFormat::Ndjson) => Type::Any.many(),
        Some(FileFormat::Text) => Type::Text,
        Some(FileFormat::Binary) => Type::Binary,
        Some(FileFormat::Json) | None => Type::Any,
    }
}

/// How long a file must have been unchanged before it is read or listed.
fn read_settled(reader: &mut Reader<'_>, fields: &mut Fields<'_>, what: &Entry, verb: Verb) -> Option<Duration> {
    let entry = fields.take("settled")?;
    if !verb.looks_only() {
        let message = format!("`settled` does not apply to `{}`", what.key);
        let hint = "It belongs to `read` and `list`: files that are still written are left alone.";
        reader.report(Problem::new(codes::WRONG_VALUE, entry.place, message).with_hint(hint));
        return None;
    }
    reader.duration(&entry.value, LONGEST_SETTLED)
}

/// A second value after the first is not valid JSON.
fn refuse_json(
    reader: &mut Reader<'_>,
    append: &Entry,
    content: &Entry,
    format: Option<(&Entry, FileFormat)>,
    ty: &Type,
) -> Option<()> {
    let path = text_of(&append.value);
    let is_json = match format {
        Some((_, format)) => format == FileFormat::Json,
        None => path.rsplit_once('.').is_some_and(|(_, suffix)| suffix.eq_ignore_ascii_case("json")),
    };
    if !is_json || matches!(ty, Type::Text | Type::Any | Type::Binary) {
        return Some(());
    }
    let message = "A second value after the first makes no JSON, so nothing can be appended to it";
    let hint = "Append `as: ndjson`, a value a line.";
    let fix = format.map(|(written, _)| Fix::replace(written.value.place, written.value.end, "ndjson"));
    reader.report(Problem::new(codes::WRONG_VALUE, content.place, message).with_hint(hint).with_fix(fix));
    None
}

impl StepKind for File {
    fn facts(&self) -> Facts {
        let (effect, gives_result) = match self.work {
            Work::Read(_) | Work::List(_) => (Effect::Reads, true),
            Work::Write(..) | Work::Append(..) | Work::Move(..) | Work::Delete(_) => (Effect::Acts, true),
        };
        Facts { effect, gives_result, answers: false, ends: false, sets: Vec::new(), opens: Opens::Nothing }
    }

    fn run(&self, variables: &mut [Value], scene: Scene<'_>) -> Result<Outcome, Fault> {
        let context = scene.context;
        if let (Work::Read(path), None, None) = (&self.work, &self.connection, self.settled) {
            // The project's own files are read during the walk.
            let path = path.text("A path", variables, context)?;
            let read = context.within("The file", |budget| scene.files.read(&path, self.format, budget));
            return read.map(Outcome::Done);
        }
        let change = self.change(variables, context)?;
        let (connection, limits) = (self.connection.clone(), context.settings.limits.clone());
        let call = Call { connection, change, settled: self.settled, limits };
        Ok(Outcome::Act(Action::Perform(Box::new(call))))
    }
}

impl File {
    /// Fills paths and contents.
    fn change(&self, variables: &mut [Value], context: Context<'_>) -> Result<FileChange, Fault> {
        let path = |content: &Content, variables: &mut [Value]| {
            content.text("A path", variables, context).map(|text| text.to_string())
        };
        Ok(match &self.work {
            Work::Read(from) => FileChange::Read(path(from, variables)?, self.format),
            Work::List(folder) => FileChange::List(path(folder, variables)?, self.settled),
            Work::Delete(file) => FileChange::Delete(path(file, variables)?),
            Work::Move(from, to) => FileChange::Move(path(from, variables)?, path(to, variables)?),
            Work::Write(to, content) => {
                let to = path(to, variables)?;
                let value = content.value(variables, context)?;
                let bytes = context.within("The content", |budget| files::bytes(&value, self.format, &to, budget))?;
                FileChange::Write(to, bytes)
            }
            Work::Append(to, content) => {
                let to = path(to, variables)?;
                let value = content.value(variables, context)?;
                let addition =
                    context.within("The content", |budget| files::addition(&value, self.format, &to, budget))?;
                FileChange::Append(to, addition)
            }
        })
    }
}

/// The work on files.
#[derive(Debug)]
struct Call {
    /// The connection whose folder it is; the project's own without one.
    connection: Option<ConnectionName>,
    change: FileChange,
    /// A file to be read must have been unchanged for this long.
    settled: Option<Duration>,
    /// The limits of reading.
    limits: Limits,
}

impl Perform for Call {
    fn weight(&self) -> usize {
        match &self.change {
            FileChange::Write(_, bytes) | FileChange::Append(_, Addition::Bytes(bytes) | Addition::Lines(bytes)) => {
                bytes.len()
            }
            FileChange::Append(_, Addition::Rows(_))
            | FileChange::Read(..)
            | FileChange::List(..)
            | FileChange::Move(..)
            | FileChange::Delete(_) => 0,
        }
    }

    fn perform(self: Box<Self>, attempt: Attempt) -> Performing {
        Box::pin(async move {
            let connection = self.connection.clone();
            let files = match &connection {
                None => attempt.files().clone(),
                Some(name) => {
                    let folder = attempt.connections().folder(name)?.to_owned();
                    Arc::new(Files::new(folder))
                }
            };
            match (self.run(&attempt, files).await, connection) {
                (Ok(value), _) => Ok(Performed::result(value)),
                (Err(fault), None) => Err(fault),
                (Err(fault), Some(name)) => {
                    Err(Fault { message: format!("The connection `{name}`: {}", fault.message), ..fault })
                }
            }
        })
    }
}

impl Call {
    /// If the file is being written, the step waits.
    async fn run(self: Box<Self>, attempt: &Attempt, files: Arc<Files>) -> Result<Value, Fault> {
        if let (FileChange::Read(path, _), Some(settled)) = (&self.change, self.settled) {
            attempt.within(until_settled(attempt, &files, path, settled)).await?;
        }
        let forgets = planted!(attempt.clock(), RepeatedMove);
        let (host, repeated) = (attempt.host(), attempt.is_repeated() && !forgets);
        let done = attempt.wait_for(move || {
            let stop = || host.interrupt();
            let mut budget = Allowance::new("The file", self.limits, &stop);
            files.perform(&self.change, repeated, &mut budget)
        });
        done.await
    }
}

async fn until_settled(attempt: &Attempt, files: &Arc<Files>, path: &str, settled: Duration) -> Result<(), Fault> {
    let begun = Instant::now();
    loop {
        let (looked, at) = (files.clone(), path.to_owned());
        let Some(left) = attempt.wait_for(move || looked.unsettled(&at, settled)).await? else { return Ok(()) };
        if begun.elapsed() > settled + MOST_UNSETTLED {
            let message = format!("The file `{path}` is still written: it was changed within the last {settled:?}.");
            return Err(Fault::new(ErrorKind::Io, message));
        }
        tokio::time::sleep(left).await;
    }
}
