//! Steps that use connections other than HTTP: `sql`, `file`, `email`.

use super::Reader;
use super::fields::Fields;
use super::kinds::Body;
use super::steps::text_of;
use crate::script::Content;
use crate::workflow::model::{Email, FileFormat, FileRead, FileStep, FileWork, Sql, SqlWork, StepKind};
use crate::workflow::problem::{Problem, codes};
use crate::workflow::sql::{Refusal, Statement, refusal, template_in};
use crate::yaml::{Entry, Node};
use flowscript_lang::types::Type;
use std::collections::{BTreeSet, HashSet};
use std::time::Duration;

/// How long a step may take where nothing is said.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The longest time that a file may have to be left alone.
const LONGEST_SETTLED: Duration = Duration::from_secs(3600);

impl Reader<'_> {
    /// `sql`
    pub(super) fn sql(&mut self, node: &Node, timeout: Option<Duration>) -> Body {
        let mut fields = self.fields(node, "`sql`", &["connection", "query", "execute", "params"], &[])?;
        let connection = self.connection(&mut fields, node, "sql");
        let work = match (fields.take("query"), fields.take("execute")) {
            (Some(query), None) => self.statement(&query.value).map(SqlWork::Query),
            (None, Some(execute)) => self.execute(&execute.value),
            _ => {
                let message = "`sql` has a `query`, which reads, or an `execute`, which changes";
                self.report(Problem::new(codes::WRONG_VALUE, node.place, message));
                None
            }
        };
        let given = fields.take("params");
        let params = self.params(given);
        let work = work?;
        self.compare_params(node, given, &work);
        let (connection, params) = (connection?, params?);
        let ty = match &work {
            SqlWork::Query(_) => Type::any_record().many(),
            SqlWork::Execute { statements, is_list: true } if statements.iter().any(|one| one.gives_rows) => {
                Type::Any.many()
            }
            SqlWork::Execute { is_list: true, .. } => Type::Number.many(),
            SqlWork::Execute { statements, .. } if statements.iter().any(|one| one.gives_rows) => {
                Type::any_record().many()
            }
            SqlWork::Execute { .. } => Type::Number,
        };
        Some((StepKind::Sql(Box::new(Sql { connection, work, params, timeout: timeout.unwrap_or(TIMEOUT) })), ty))
    }

    fn execute(&mut self, node: &Node) -> Option<SqlWork> {
        let Some(elements) = node.elements() else {
            return Some(SqlWork::Execute { statements: vec![self.statement(node)?], is_list: false });
        };
        if elements.is_empty() {
            self.wrong(node, "`execute` must be a statement or a list of them");
            return None;
        }
        let statements: Option<Vec<Statement>> = elements.iter().map(|element| self.statement(element)).collect();
        Some(SqlWork::Execute { statements: statements?, is_list: true })
    }

    fn statement(&mut self, node: &Node) -> Option<Statement> {
        let Some(scalar) = node.scalar().filter(|_| !node.is_null()) else {
            self.wrong(node, "SQL is wanted here");
            return None;
        };
        if let Some((range, name)) = template_in(&scalar.text) {
            let place = scalar.places.at(&scalar.text, range.start);
            let message = format!("`{{{name}}}` inside SQL would let values become part of the statement");
            let parameter = name.rsplit('.').next().unwrap_or(name).trim_matches(|c: char| !c.is_alphanumeric());
            let hint = format!("Write `:{parameter}` without quotes, and `params: {{ {parameter}: \"{{{name}}}\" }}`.");
            self.report(Problem::new(codes::TEMPLATE_IN_SQL, place, message).with_hint(hint));
            return None;
        }
        if let Some(Refusal { at, message, hint }) = refusal(&scalar.text) {
            let place = scalar.places.at(&scalar.text, at);
            self.report(Problem::new(codes::WRONG_VALUE, place, message).with_hint(hint));
            return None;
        }
        Some(Statement::parse(&scalar.text))
    }

    /// Values by name; lists are arrays of the database.
    fn params(&mut self, given: Option<&Entry>) -> Option<Vec<(String, Content)>> {
        let Some(entry) = given else { return Some(Vec::new()) };
        let Some(entries) = entry.value.entries() else {
            self.wrong(&entry.value, "`params` must be a map from the names of parameters to their values");
            return None;
        };
        let params: Vec<_> =
            entries.iter().map(|entry| Some((entry.key.clone(), self.content(&entry.value).0?))).collect();
        params.into_iter().collect()
    }

    /// Parameters and their uses must fit each other.
    fn compare_params(&mut self, node: &Node, given: Option<&Entry>, work: &SqlWork) {
        let statements = match work {
            SqlWork::Query(statement) => std::slice::from_ref(statement),
            SqlWork::Execute { statements, .. } => statements,
        };
        let used: BTreeSet<&String> = statements.iter().flat_map(|statement| &statement.names).collect();
        let entries = given.and_then(|entry| entry.value.entries()).unwrap_or_default();
        for entry in entries.iter().filter(|entry| !used.contains(&entry.key)) {
            let message = format!("No statement uses the parameter `{}`", entry.key);
            let hint = format!("Write `:{}` in the statement, or remove it.", entry.key);
            self.report(Problem::new(codes::UNKNOWN_KEY, entry.place, message).with_hint(hint));
        }
        let given: HashSet<&str> = entries.iter().map(|entry| entry.key.as_str()).collect();
        for name in used.into_iter().filter(|name| !given.contains(name.as_str())) {
            let message = format!("The parameter `:{name}` has no value");
            let hint = format!("Give it in `params: {{ {name}: … }}`.");
            self.report(Problem::new(codes::MISSING_KEY, node.place, message).with_hint(hint));
        }
    }

    /// `file`
    pub(super) fn file(&mut self, node: &Node) -> Body {
        let works = ["read", "list", "write", "append", "move", "delete"];
        let keys =
            ["read", "list", "write", "append", "move", "delete", "as", "content", "to", "settled", "connection"];
        let mut fields = self.fields(node, "`file`", &keys, &[])?;
        let formats = [
            ("json", FileFormat::Json),
            ("ndjson", FileFormat::Ndjson),
            ("csv", FileFormat::Csv),
            ("text", FileFormat::Text),
            ("binary", FileFormat::Binary),
        ];
        let format = self.optional_word(&mut fields, "as", &formats);
        let connection = match fields.get("connection") {
            Some(_) => Some(self.connection(&mut fields, node, "file")?),
            None => None,
        };
        let given: Vec<&Entry> = works.iter().filter_map(|key| fields.take(key)).collect();
        let [what] = given.as_slice() else {
            let why = "`file` does one thing: `read`, `list`, `write`, `append`, `move` or `delete` a path";
            self.report(Problem::new(codes::MISSING_KEY, node.place, why));
            return None;
        };
        let wants = match what.key.as_str() {
            "write" | "append" => Some("content"),
            "move" => Some("to"),
            _ => None,
        };
        for key in ["content", "to"] {
            if let Some(entry) = fields.get(key).filter(|_| wants != Some(key)) {
                let message = format!("`{key}` means nothing for `{}`", what.key);
                self.report(Problem::new(codes::WRONG_VALUE, entry.place, message));
            }
        }
        let settled = self.settled(&mut fields, what);
        let second = match wants {
            Some(key) => {
                let why = format!("`{}` needs `{key}`", what.key);
                let entry = self.needed(&fields, key, node.place, &why)?;
                let (content, ty) = match key {
                    "to" => (self.template(&entry.value), Type::Text),
                    _ => self.content(&entry.value),
                };
                if what.key == "append" {
                    self.refuse_json_append(what, entry, format, &ty)?;
                }
                Some(content?)
            }
            None => None,
        };
        let path = self.template(&what.value)?;
        let read_type = match format {
            Some(FileFormat::Csv) => Type::any_record().many(),
            Some(FileFormat::Ndjson) => Type::Any.many(),
            Some(FileFormat::Text) => Type::Text,
            Some(FileFormat::Binary) => Type::Binary,
            Some(FileFormat::Json) | None => Type::Any,
        };
        let (what, ty) = match (what.key.as_str(), second) {
            ("read", _) if connection.is_none() && settled.is_none() => {
                return Some((StepKind::FileRead(FileRead { path, format }), read_type));
            }
            ("read", _) => (FileWork::Read(path), read_type),
            ("list", _) => (FileWork::List(path), Type::any_record().many()),
            ("write", Some(content)) => (FileWork::Write(path, content), Type::Null),
            ("append", Some(content)) => (FileWork::Append(path, content), Type::Null),
            ("move", Some(to)) => (FileWork::Move(path, to), Type::Null),
            _ => (FileWork::Delete(path), Type::Null),
        };
        Some((StepKind::File(Box::new(FileStep { connection, what, format, settled })), ty))
    }

    /// How long a file must have been left alone before it is read or listed.
    fn settled(&mut self, fields: &mut Fields<'_>, what: &Entry) -> Option<Duration> {
        let entry = fields.take("settled")?;
        if !matches!(what.key.as_str(), "read" | "list") {
            let message = format!("`settled` means nothing for `{}`", what.key);
            let hint = "It belongs to `read` and `list`: files that are still written are left alone.";
            self.report(Problem::new(codes::WRONG_VALUE, entry.place, message).with_hint(hint));
            return None;
        }
        self.duration(&entry.value, LONGEST_SETTLED)
    }

    /// A second value after the first makes no JSON.
    fn refuse_json_append(
        &mut self,
        append: &Entry,
        content: &Entry,
        format: Option<FileFormat>,
        ty: &Type,
    ) -> Option<()> {
        let path = text_of(&append.value);
        let is_json = match format {
            Some(format) => format == FileFormat::Json,
            None => path.rsplit_once('.').is_some_and(|(_, suffix)| suffix.eq_ignore_ascii_case("json")),
        };
        if !is_json || matches!(ty, Type::Text | Type::Any | Type::Binary) {
            return Some(());
        }
        let message = "A second value after the first makes no JSON, so nothing can be appended to it";
        let hint = "Append `as: ndjson`, a value a line.";
        self.report(Problem::new(codes::WRONG_VALUE, content.place, message).with_hint(hint));
        None
    }

    /// `email`
    pub(super) fn email(&mut self, node: &Node, timeout: Option<Duration>) -> Body {
        let keys = ["connection", "from", "to", "cc", "bcc", "subject", "body", "html", "attachments"];
        let mut fields = self.fields(node, "`email`", &keys, &[])?;
        let connection = self.connection(&mut fields, node, "email");
        let to = self.needed(&fields, "to", node.place, "`email` needs `to`, the addresses it goes to");
        let to = to.and_then(|entry| self.content(&entry.value).0);
        let subject = self.needed(&fields, "subject", node.place, "`email` needs a `subject`");
        let subject = subject.and_then(|entry| self.template(&entry.value));
        let body = self.needed(&fields, "body", node.place, "`email` needs a `body`");
        let body = body.and_then(|entry| self.template(&entry.value));
        let mut optional = |reader: &mut Self, key: &str| match fields.take(key) {
            Some(entry) => reader.content(&entry.value).0.map(Some),
            None => Some(None),
        };
        let (from, cc, bcc) = (optional(self, "from")?, optional(self, "cc")?, optional(self, "bcc")?);
        let html = optional(self, "html")?;
        let mut attachments = Vec::new();
        if let Some(entry) = fields.take("attachments") {
            let Some(elements) = entry.value.elements() else {
                self.wrong(&entry.value, "`attachments` must be a list of `{ name, content }`");
                return None;
            };
            for element in elements {
                let fields = self.fields(element, "An attachment", &["name", "content"], &[])?;
                let name = self.needed(&fields, "name", element.place, "An attachment needs a `name`")?;
                let content = self.needed(&fields, "content", element.place, "An attachment needs a `content`")?;
                attachments.push((self.template(&name.value)?, self.content(&content.value).0?));
            }
        }
        let email = Email {
            connection: connection?,
            from,
            to: to?,
            cc,
            bcc,
            subject: subject?,
            body: body?,
            html,
            attachments,
            timeout: timeout.unwrap_or(TIMEOUT),
        };
        Some((StepKind::Email(Box::new(email)), Type::Null))
    }

    /// The connection that a step names. Whether there is one is for whoever sees the whole folder.
    fn connection(&mut self, fields: &mut Fields<'_>, node: &Node, kind: &str) -> Option<String> {
        let why = format!("`{kind}` needs a `connection` of connections.yaml");
        let entry = self.needed(fields, "connection", node.place, &why)?;
        let name = text_of(&entry.value).to_owned();
        if name.is_empty() {
            self.wrong(&entry.value, "The name of a connection is wanted");
            return None;
        }
        self.connections.push((name.clone(), entry.value.place));
        Some(name)
    }
}
