//! Warnings that the author of a project has switched off: `# allow(name)` in a file, `[lints] allow` for all files.

use super::folder::Folder;
use super::loaded::LoadedFile;
use crate::yaml::Place;
use crate::yaml::codes::FILES;
use crate::yaml::problem::{Fix, Problem};
use flowscript_lang::diagnostic::allow::{Allowed, Reach, unknown};
use flowscript_lang::diagnostic::{Code, Diagnostic, codes};
use flowscript_lang::span::{Span, line_column};
use std::collections::BTreeMap;

/// The problems of the names in `[lints] allow`, a line each.
pub fn unknown_names(allowed: &[String]) -> Vec<String> {
    if allowed.iter().any(|name| codes::UNKNOWN_LINT.lint() == Some(name)) {
        return Vec::new();
    }
    let known = known();
    let unknown = allowed.iter().filter(|name| !known.iter().any(|code| code.lint() == Some(name.as_str())));
    let line = |name: &String| {
        let found = unknown_name(name, &known);
        let hint = found.hint.map(|hint| format!(" ({hint})")).unwrap_or_default();
        format!("flowscript.toml: `lints.allow`: {}{hint}", found.message)
    };
    unknown.map(line).collect()
}

fn unknown_name(name: &str, known: &[&'static Code]) -> Diagnostic {
    unknown(name, Span::default(), known)
}

/// The codes whose warnings can be switched off in files of a project.
fn known() -> Vec<&'static Code> {
    codes::all().chain(FILES.iter().copied()).collect()
}

/// Removes the warnings that files, or the whole project, have switched off.
pub(super) fn switch_off(files: &mut BTreeMap<String, LoadedFile>, folder: &Folder, allowed: &[String]) {
    let is_allowed = |code: &Code| code.lint().is_some_and(|lint| allowed.iter().any(|name| name == lint));
    for (id, file) in files.iter_mut() {
        file.problems.retain(|problem| !(problem.warning && is_allowed(problem.code)));
        let text = folder.workflows.get(id).and_then(|file| file.text.as_deref().ok()).unwrap_or_default();
        if !text.contains("allow(") {
            continue;
        }
        let own = comments(text);
        file.problems.retain(|problem| {
            !problem.warning || problem.file.is_some() || !own.allows(problem.code, problem.place.line)
        });
        let unknown = own.unknown.iter().map(|found| reported(found, text));
        let is_wanted = |found: &Problem| !is_allowed(found.code) && !own.allows(found.code, found.place.line);
        file.problems.extend(unknown.filter(is_wanted));
        file.problems.sort_by_key(|problem| problem.place);
    }
}

/// Reads the comments of a file. One before all keys is about the whole file, one at the end of a line about that line,
/// any other about the next line that is not a comment.
fn comments(text: &str) -> Allowed {
    let known = known();
    let mut allowed = Allowed::default();
    let is_content = |line: &str| !matches!(line.trim_start().chars().next(), None | Some('#'));
    let mut before = true;
    let mut start = 0;
    let mut lines = text.split_inclusive('\n').enumerate();
    while let Some((number, line)) = lines.next() {
        let content = is_content(line);
        if let Some(mark) = mark(line) {
            let number = number as u32 + 1;
            let reach = if content {
                Some(Reach::Line(number))
            } else if before {
                Some(Reach::File)
            } else {
                let next = lines.clone().find(|(_, line)| is_content(line));
                next.map(|(number, _)| Reach::Line(number as u32 + 1))
            };
            if let Some(reach) = reach {
                allowed.read(line[mark + 1..].trim_end(), start + mark + 1, reach, &known);
            }
        }
        before &= !content;
        start += line.len();
    }
    allowed
}

/// The start of a comment that names warnings.
fn mark(line: &str) -> Option<usize> {
    line.match_indices('#').map(|(at, _)| at).find(|at| {
        let before = line[..*at].chars().next_back();
        before.is_none_or(char::is_whitespace) && line[at + 1..].trim_start().starts_with("allow(")
    })
}

fn reported(found: &Diagnostic, text: &str) -> Problem {
    let place = |byte: u32| {
        let (line, column) = line_column(text, byte);
        Place { line, column }
    };
    let mut problem = Problem::warning(found.code, place(found.span.start), found.message.clone());
    problem.end = Some(place(found.span.end));
    problem.hint.clone_from(&found.hint);
    let edit = |edit: &flowscript_lang::diagnostic::Edit| {
        Fix::replace(place(edit.span.start), place(edit.span.end), edit.text.clone())
    };
    problem.more.fixes = found.fixes.iter().flat_map(|fix| &fix.edits).map(edit).collect();
    problem
}

#[cfg(test)]
mod tests {
    use super::unknown_names;
    use crate::outgoing::Connections;
    use crate::project::{Folder, SourceFile, load};
    use crate::script::Library;
    use crate::yaml::codes::FILES;
    use flowscript_lang::value::Zone;
    use std::collections::BTreeSet;

    /// Line and code of what is found in a workflow of this text.
    fn found(text: &str, allowed: &[&str]) -> Vec<String> {
        let allowed: Vec<String> = allowed.iter().map(ToString::to_string).collect();
        let library = Library::new(Zone::UTC, "en-US", 1_000_000, 64 << 20).with_allowed(&allowed).with_callbacks(true);
        let mut folder = Folder::default();
        folder.workflows.insert("a".into(), SourceFile { path: "workflows/a.yaml".into(), text: Ok(text.into()) });
        let files = load(&folder, &library, &Connections::default(), |_| None, &BTreeSet::new());
        files["a"].problems.iter().map(|problem| format!("{} {}", problem.place.line, problem.code)).collect()
    }

    const TRAPS: &str = "input: { x: number }\nsteps:\n  - script: |\n      let y = 1;\n      return x;\noutput: x\n";

    #[test]
    fn comments_switch_warnings_off() {
        assert_eq!(found(TRAPS, &[]), ["4 W0101", "6 F0402"]);
        assert_eq!(found(&format!("# allow(bare-expression): a word\n{TRAPS}"), &[]), ["5 W0101"]);
        assert_eq!(found(&TRAPS.replace("output: x", "output: x # allow(bare-expression)"), &[]), ["4 W0101"]);
        assert_eq!(found(&TRAPS.replace("output", "# allow(bare-expression)\n# why\n\noutput"), &[]), ["4 W0101"]);
        assert_eq!(found(&TRAPS.replace("output", "# allow(unused-variable)\noutput"), &[]), ["4 W0101", "7 F0402"]);
        // In a script its own comments count.
        assert_eq!(found(&TRAPS.replace("let y", "// allow(unused-variable)\n      let y"), &[]), ["7 F0402"]);
        let mistyped = TRAPS.replace("output: x", "output: x # allow(bare-expresion)");
        assert_eq!(found(&mistyped, &[]), ["4 W0101", "6 F0402", "6 W0119"]);
        assert_eq!(found(&format!("# allow(unknown-warning)\n{mistyped}"), &[]), ["5 W0101", "7 F0402"]);
    }

    #[test]
    fn every_warning_of_files_is_switched_off_by_its_name() {
        for code in FILES.iter().filter(|code| code.is_warning()) {
            let (Some(lint), Some(source)) = (code.lint(), code.example.source()) else { panic!("{code}") };
            let others = |found: Vec<String>| found.into_iter().filter(|line| !line.ends_with(code.id)).count();
            let all = found(&source, &[]);
            assert!(all.len() > others(all.clone()), "{code}: {all:?}");
            for left in [found(&format!("# allow({lint})\n{source}"), &[]), found(&source, &[lint])] {
                assert_eq!(left.len(), others(all.clone()), "{code}: {left:?}");
            }
        }
    }

    #[test]
    fn a_project_switches_warnings_off() {
        assert_eq!(found(TRAPS, &["bare-expression", "unused-variable"]), Vec::<String>::new());
        let mistyped = TRAPS.replace("output: x", "output: '1' # allow(bare)");
        assert_eq!(found(&mistyped, &["unused-variable", "unknown-warning"]), Vec::<String>::new());
        assert_eq!(unknown_names(&["bare".into(), "unknown-warning".into()]), Vec::<String>::new());
        let told = unknown_names(&["bare-braces".into(), "unused-varable".into()]);
        assert_eq!(
            told,
            ["flowscript.toml: `lints.allow`: No warning is named `unused-varable`. (did you mean `unused-variable`?)"]
        );
    }
}
