//! The kinds of steps, one function each.

use super::Reader;
use super::fields::Fields;
use crate::script::{Content, Kind};
use crate::workflow::model::{Assert, ERRORS, End, FAILURES, Log, RUN, Slot, StepKind, status_in};
use crate::workflow::problem::{Problem, codes};
use crate::yaml::{Entry, Node, Place};
use flowscript_lang::host::LogLevel;
use flowscript_lang::types::Type;
use std::time::Duration;

/// What a kind's function gives: the kind and the type of the result.
pub(super) type Body = Option<(StepKind, Type)>;

impl Reader<'_> {
    /// What a step does, by the entry that says so; `timeout` is the step's.
    pub(super) fn body(&mut self, entry: &Entry, timeout: Option<Duration>) -> Body {
        let node = &entry.value;
        match entry.key.as_str() {
            "set" => self.set(node),
            "script" => self.script(node),
            "assert" => self.assert(node),
            "log" => self.log(node),
            "file" => self.file(node),
            "http" => self.http(node, timeout),
            "sql" => self.sql(node, timeout),
            "email" => self.email(node, timeout),
            "respond" => self.respond(node),
            "checkpoint" => self.checkpoint(node),
            "table" => self.table(node),
            "call" => self.call(node),
            "wait" => self.wait(node),
            _ => self.end(node),
        }
    }

    fn set(&mut self, node: &Node) -> Body {
        let Some(entries) = node.entries().filter(|entries| !entries.is_empty()) else {
            self.wrong(node, "`set` must be a map from variables to expressions");
            return None;
        };
        let mut assignments = Some(Vec::new());
        for entry in entries {
            if !self.pay() || !self.loading.look(self.scope.width()) {
                break;
            }
            let value = self.expression(&entry.value, &format!("The value of `{}`", entry.key));
            if !self.name(&entry.key, entry.place) {
                assignments = None;
                continue;
            }
            let slot = self.slot(&entry.key);
            self.refuse_shared(&entry.key, entry.place);
            self.written.insert(slot);
            let ty = value.as_ref().map_or(Type::Any, |(_, ty)| ty.clone());
            self.scope.define(&entry.key, slot, ty, true);
            match (value, &mut assignments) {
                (Some((script, _)), Some(assignments)) => assignments.push((slot, script)),
                _ => assignments = None,
            }
        }
        Some((StepKind::Set(assignments?), Type::Null))
    }

    fn script(&mut self, node: &Node) -> Body {
        let Some(scalar) = node.scalar().filter(|_| !node.is_null()) else {
            self.wrong(node, "`script` must be FlowScript; begin it with `script: |`");
            return None;
        };
        let (script, ty) = self.compile(scalar, Kind::Script);
        let script = script?;
        let written: Vec<Slot> = script.written().filter(|slot| *slot != RUN && *slot != ERRORS).collect();
        for slot in written {
            self.written.insert(slot);
            if let Some(name) = self.names.get(slot).cloned() {
                self.scope.define(&name, slot, Type::Any, true);
            }
        }
        Some((StepKind::Script(script), ty))
    }

    fn assert(&mut self, node: &Node) -> Body {
        let mut fields = self.fields(node, "`assert`", &["failIf", "message", "status"], &[])?;
        let why = "`assert` needs `failIf`, the condition on which the run fails";
        let fail_if = self.needed(&fields, "failIf", node.place, why);
        let fail_if = fail_if.and_then(|entry| self.expression(&entry.value, "`failIf`"));
        let message = match fields.take("message") {
            Some(entry) => self.template(&entry.value),
            None => Some(Content::Constant("The workflow refused the request.".into())),
        };
        let status = match fields.take("status") {
            Some(entry) => {
                let status = self.template(&entry.value)?;
                if let Content::Constant(value) = &status
                    && status_in(value, FAILURES).is_none()
                {
                    self.wrong(&entry.value, "`status` must be an HTTP status from 400 to 599");
                    return None;
                }
                Some(status)
            }
            None => None,
        };
        Some((StepKind::Assert(Assert { fail_if: fail_if?.0, message: message?, status }), Type::Null))
    }

    fn log(&mut self, node: &Node) -> Body {
        let mut fields = self.fields(node, "`log`", &["message", "level"], &[])?;
        let levels = [LogLevel::Debug, LogLevel::Info, LogLevel::Warning, LogLevel::Error].map(|l| (l.name(), l));
        let level = self.optional_word(&mut fields, "level", &levels).unwrap_or(LogLevel::Info);
        let entry = self.needed(&fields, "message", node.place, "`log` needs a `message`")?;
        let message = self.template(&entry.value)?;
        Some((StepKind::Log(Log { message, level }), Type::Null))
    }

    fn end(&mut self, node: &Node) -> Body {
        if let Some(around) = self.side_by_side {
            let message = format!("`end` cannot stand inside {around}: the others would still be running");
            let hint = "Fail with `assert`, or end the run behind it.";
            self.report(Problem::new(codes::WRONG_VALUE, node.place, message).with_hint(hint));
        }
        if node.is_null() {
            return Some((StepKind::End(End::Output(None)), Type::Null));
        }
        let mut fields = self.fields(node, "`end`", &["output", "error"], &[])?;
        let end = match (fields.take("output"), fields.take("error")) {
            (Some(_), Some(error)) => {
                let message = "`end` has an `output` or an `error`, not both";
                self.report(Problem::new(codes::WRONG_VALUE, error.place, message));
                return None;
            }
            (None, Some(error)) => End::Error(self.template(&error.value)?),
            (Some(output), None) => End::Output(Some(self.content(&output.value).0?)),
            (None, None) => End::Output(None),
        };
        Some((StepKind::End(end), Type::Null))
    }

    /// An entry that must be there; `why` says so where it is not.
    pub(super) fn needed<'n>(&mut self, fields: &Fields<'n>, key: &str, place: Place, why: &str) -> Option<&'n Entry> {
        let entry = fields.get(key).filter(|entry| !entry.value.is_null());
        if entry.is_none() && !fields.refused {
            self.report(Problem::new(codes::MISSING_KEY, place, why));
        }
        entry
    }
}
