//! Findings for tools (`--format json`). Lines and columns count from 1, columns in characters.

use super::{Diagnostic, Fix, Severity};
use crate::error::{Place, RunError};
use crate::span::{Span, line_column};
use serde_json::{Value as Json, json};

/// The printed object: `{"errors": […]}`.
pub fn object(errors: Vec<Json>) -> Json {
    json!({ "errors": errors })
}

/// One finding of the parser or the checker in `source`.
pub fn diagnostic(finding: &Diagnostic, file: &str, source: &str) -> Json {
    let (line, column) = line_column(source, finding.span.start);
    let (end_line, end_column) = line_column(source, finding.span.end);
    let labels: Vec<Json> =
        finding.labels.iter().map(|label| with_place(source, label.span, "message", &label.text)).collect();
    let fixes: Vec<Json> = finding.fixes.iter().map(|fix| self::fix(fix, source)).collect();
    json!({
        "code": finding.code.id,
        "severity": match finding.severity { Severity::Error => "error", Severity::Warning => "warning" },
        "phase": finding.code.phase(),
        "kind": null,
        "message": finding.message,
        "file": file,
        "line": line,
        "column": column,
        "endLine": end_line,
        "endColumn": end_column,
        "labels": labels,
        "hint": finding.hint,
        "fixes": fixes,
        "stack": [],
    })
}

fn fix(fix: &Fix, source: &str) -> Json {
    let edits: Vec<Json> = fix.edits.iter().map(|edit| with_place(source, edit.span, "text", &edit.text)).collect();
    json!({ "title": fix.title, "safe": fix.safe, "edits": edits })
}

/// A place with a text under the key `name`.
fn with_place(source: &str, span: Span, name: &str, text: &str) -> Json {
    let ((line, column), (end_line, end_column)) = (line_column(source, span.start), line_column(source, span.end));
    json!({ name: text, "line": line, "column": column, "endLine": end_line, "endColumn": end_column })
}

/// An error that ended a run. `text` gives file and source of a module by its name, and of the script itself for
/// `None`. Without a place, file and numbers are `null`.
pub fn run_error<'a>(error: &RunError, text: impl Fn(Option<&str>) -> (&'a str, &'a str)) -> Json {
    let located = error.place.as_ref().map(|place| {
        let (file, source) = text(place.module.as_deref());
        (file, place, line_column(source, place.span.end))
    });
    json!({
        "code": null,
        "severity": "error",
        "phase": "run",
        "kind": error.kind.name(),
        "message": error.message,
        "file": located.map(|(file, ..)| file),
        "line": located.map(|(_, place, _)| place.line),
        "column": located.map(|(_, place, _)| place.column),
        "endLine": located.map(|(.., end)| end.0),
        "endColumn": located.map(|(.., end)| end.1),
        "labels": [],
        "hint": null,
        "fixes": [],
        "stack": error.stack.iter().map(|entry| stack_entry(&entry.function, entry.place.as_ref(), &text)).collect::<Vec<_>>(),
    })
}

fn stack_entry<'a>(function: &str, place: Option<&Place>, text: &impl Fn(Option<&str>) -> (&'a str, &'a str)) -> Json {
    json!({
        "function": function,
        "file": place.map(|place| text(place.module.as_deref()).0),
        "line": place.map(|place| place.line),
        "column": place.map(|place| place.column),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::codes;
    use crate::error::{ErrorKind, StackEntry};
    use crate::parse::parse_script;

    #[test]
    fn findings_have_all_members() {
        let source = "let a = '😀';\nlet 日本 = é + ;";
        let parsed = parse_script(source);
        let found = diagnostic(&parsed.diagnostics[0], "a.flow", source);
        assert_eq!(
            (&found["phase"], &found["severity"], &found["file"], &found["kind"]),
            (&json!("parse"), &json!("error"), &json!("a.flow"), &json!(null))
        );
        let place = ["line", "column", "endLine", "endColumn"].map(|name| found[name].as_u64().unwrap());
        assert_eq!(place, [2, 14, 2, 15]);
        let warning = Diagnostic::warning(codes::UNUSED_VARIABLE, Span::new(0, 3), "x");
        assert_eq!(diagnostic(&warning, "a", "abc")["phase"], "check");
        let fixed = warning.with_label(Span::new(4, 5), "here").with_fix(Fix::insert(4, "_").safe());
        let fixed = diagnostic(&fixed, "a", "abc\nd");
        let place = |name: &str, text: &str, end: u32| json!({name: text, "line": 2, "column": 1, "endLine": 2, "endColumn": end});
        assert_eq!(fixed["labels"], json!([place("message", "here", 2)]));
        assert_eq!(fixed["fixes"], json!([{"title": "add `_`", "safe": true, "edits": [place("text", "_", 1)]}]));
        assert_eq!(object(vec![found])["errors"].as_array().map(Vec::len), Some(1));
    }

    #[test]
    fn run_errors_have_all_members() {
        let place = Some(Place { module: Some("m".into()), span: Span::new(2, 4), line: 2, column: 1 });
        let mut error = RunError::new(ErrorKind::Index, "no field `a`");
        error.place.clone_from(&place);
        error.stack =
            vec![StackEntry { function: "f".into(), place }, StackEntry { function: "g".into(), place: None }];
        let found = run_error(&error, |module| (if module.is_some() { "m.flow" } else { "a.flow" }, "a\nbcd"));
        assert_eq!(
            found,
            json!({
                "code": null, "severity": "error", "phase": "run", "kind": "index", "message": "no field `a`",
                "file": "m.flow", "line": 2, "column": 1, "endLine": 2, "endColumn": 3, "labels": [],
                "hint": null, "fixes": [],
                "stack": [
                    {"function": "f", "file": "m.flow", "line": 2, "column": 1},
                    {"function": "g", "file": null, "line": null, "column": null},
                ],
            })
        );
        error.place = None;
        assert_eq!(run_error(&error, |_| ("", ""))["line"], json!(null));
    }
}
