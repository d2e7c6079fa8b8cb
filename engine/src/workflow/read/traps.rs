//! Valid settings that probably do not do what was meant, or can never work.

use crate::reading::{Fields, Reader};
use crate::script::Input;
use crate::yaml::Place;
use crate::yaml::problem::{Problem, codes};
use flowscript_lang::value::Record;

/// An input without default that a schedule does not give: each of its runs would fail.
pub(super) fn refuse_missing(reader: &mut Reader<'_>, given: &Record, inputs: &[Input], place: Place) {
    for input in inputs.iter().filter(|input| input.default.is_none() && given.get(&input.name).is_none()) {
        let name = &input.name;
        let message = format!("The schedule gives no value for the input `{name}`, so each of its runs would fail");
        let hint = format!("Give it: `input: {{ {name}: … }}`, or declare a default for the input.");
        reader.report(Problem::new(codes::INPUT_MISSING, place, message).with_hint(hint).for_files_only());
    }
}

/// Declared query parameters that neither an input nor an expression uses.
pub(super) fn warn_of_unused_parameters(
    reader: &mut Reader<'_>,
    webhook: &Fields<'_>,
    query: &[Input],
    inputs: &[Input],
) {
    let entries = webhook.get("query").and_then(|entry| entry.value.entries()).unwrap_or_default();
    let mut sources = Vec::new();
    let processing = webhook.get("processing").and_then(|entry| entry.value.entries()).unwrap_or_default();
    let input = processing.iter().find(|entry| entry.key == "input");
    sources.extend(input.and_then(|entry| entry.value.scalar()));
    if let Some(ordered) = webhook.get("ordered") {
        let key = ordered.value.entries().and_then(|keys| keys.iter().find(|entry| entry.key == "key"));
        sources.extend(key.and_then(|entry| entry.value.scalar()));
    }
    for entry in entries.iter().filter(|entry| query.iter().any(|parameter| parameter.name == entry.key.as_str())) {
        let is_input = input.is_none() && inputs.iter().any(|input| input.name == entry.key.as_str());
        if is_input || sources.iter().any(|source| takes(&source.text, &entry.key)) {
            continue;
        }
        let message = format!("Nothing takes the query parameter `{}`", entry.key);
        let hint = match input {
            Some(_) => format!("Use `query.{}` in `processing.input`, or remove the parameter.", entry.key),
            None => format!("Declare an input `{}`, or remove the parameter.", entry.key),
        };
        reader.report(Problem::warning(codes::UNUSED_PARAMETER, entry.place, message).with_hint(hint));
    }
}

/// Does an expression use this parameter, or the query as a whole?
fn takes(source: &str, parameter: &str) -> bool {
    source.match_indices("query").any(|(at, word)| {
        let before = source.get(..at).and_then(|text| text.chars().next_back());
        let rest = source.get(at + word.len()..).unwrap_or_default();
        if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '.') {
            return false;
        }
        match rest.trim_start().trim_start_matches('?').strip_prefix('.') {
            Some(field) => {
                let field = field.trim_start();
                let name = field.split(|c: char| !(c.is_alphanumeric() || c == '_')).next().unwrap_or_default();
                name == parameter
            }
            // `query[…]`, or all of it passed on.
            None => !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_'),
        }
    })
}

#[cfg(test)]
mod tests {
    use crate::script::Library;
    use crate::workflow::{Callee, read};
    use crate::yaml::problem::{Problem, codes};
    use flowscript_lang::diagnostic::fix;
    use flowscript_lang::value::Zone;
    use std::sync::Arc;

    fn library() -> Library {
        Library::new(Zone::UTC, "en-US", 1_000_000, 64 << 20)
    }

    /// Lines, codes and hints of the problems, `!` in front of errors.
    fn found(source: &str) -> Vec<String> {
        let called =
            read("called", "input: { n: number, l: number* }\noutput: \"{n}\"", &library(), &mut |_| Callee::Missing);
        let called = Arc::new(called.workflow.unwrap());
        let read = read("test", source, &library(), &mut |_| Callee::Loaded(called.clone()));
        let line = |p: &crate::yaml::problem::Problem| {
            let sign = if p.warning { "" } else { "!" };
            format!("{sign}{} {} {}", p.code, p.place.line, p.hint.as_deref().unwrap_or(&p.message))
        };
        read.problems.iter().map(line).collect()
    }

    #[track_caller]
    fn finds(source: &str, wanted: &[&str]) {
        let found = found(source);
        let fits = found.len() == wanted.len() && found.iter().zip(wanted).all(|(found, part)| found.starts_with(part));
        assert!(fits, "{found:#?}\n{wanted:#?}\n{source}");
    }

    #[test]
    fn texts_that_read_like_expressions() {
        let hi = "steps:\n  - id: hi\n    script: \"return {a: 1};\"\n";
        finds(&format!("{hi}output: hi"), &["F0402 4 Write `\"{hi}\"`"]);
        finds(&format!("{hi}output: {{ a: hi.a, b: [hi.a + 1] }}"), &["F0402 4", "F0402 4"]);
        finds(&format!("{hi}output: Str(hi.a)"), &["F0402 4"]);
        for text in ["'hi'", "\"hi\"", "\"{hi}\"", "say hi", "hi there", "hit", "low", "1", "hi - there"] {
            finds(&format!("{hi}output: {text}"), &[]);
        }
        // Paths, messages and labels are always texts.
        finds(
            "steps:\n  - id: prices\n    file: { read: prices.csv }\n  - file: { move: prices.csv, to: prices.old }\n  - log: { message: prices }",
            &[],
        );
        finds(
            "input: { x: number }\nsteps:\n  - id: r\n    http: { url: \"https://example.com\", json: { x: x } }",
            &["F0402 4"],
        );
    }

    #[test]
    fn braces_without_quotes() {
        let x = "input: { x: number }\n";
        finds(&format!("{x}output: {{x}}"), &["F0401 2 Put it in quotes: `\"{x}\"`"]);
        finds(&format!("{x}output: {{ total: {{x}} }}"), &["F0401 2"]);
        finds(&format!("{x}output: [{{x}}]"), &["F0401 2"]);
        finds(&format!("{x}output:\n  x:\n"), &[]);
        finds(&format!("{x}output: {{ x: null }}"), &[]);
        finds(&format!("{x}output: {{}}"), &[]);
        finds(&format!("{x}label: {{x}}\noutput: 1"), &["!F0401 2"]);
        finds(&format!("{x}steps:\n  - set: {{ y: {{x}} }}"), &["!F0401 3 This key takes an expression"]);
        finds(&format!("{x}steps:\n  - when: {{x}}\n    log: {{ message: a }}"), &["!F0401 3"]);
    }

    #[test]
    fn fixes_make_their_problems_go_away() {
        let problems = |source: &str| read("test", source, &library(), &mut |_| Callee::Missing).problems;
        let sql = |step: &str| format!("input: {{ id: number }}\nsteps:\n  - sql: {step}\n");
        let every = "output: 1\ntrigger: { schedule: [ { every: daily, timeZone: ";
        for (source, fixes) in [
            ("input: { x: number }\noutput: {x}", 1),
            ("input: { x: number }\noutput: { total: { x } , b: 1 }", 1),
            ("input: { x: number }\nlabel: {x}\noutput: 1", 1),
            ("input: { x: number }\nsteps:\n  - set: { y: {x} }", 1),
            ("input: { x: number }\nsteps:\n  - when: {x, y}\n    log: { message: a }", 0),
            ("input: { x: number }\noutput: x + 1 # the next one", 2),
            ("input: { x: number }\noutput: { a: [x, 1] }", 2),
            ("descripton: a\noutput: 1", 1),
            ("'descripton': a\noutput: 1", 0),
            (&format!("{every}Europe/Stokholm }} ] }}"), 1),
            (&format!("{every}'Europe/Stokholm' }} ] }}"), 1),
            ("input: { total: number }\noutput: \"is {totl}\"", 1),
            ("steps:\n  - script: |\n      return 'C:\\dir';", 1),
            ("steps:\n  - script: \"return 'C:\\\\dir';\"", 1),
            ("output: \"{'é' + 'b'}\"", 2),
            ("input: { day: text }\ntrigger: { schedule: [ { every: daily, input: { dya: x } } ] }\noutput: day", 3),
            (&sql("{ connection: erp, execute: \"DELETE FROM log WHERE id = '{id}'\" }"), 1),
            (&sql("{ connection: erp, params: { a: 1 }, query: 'select :a, {id}' }"), 1),
            (&sql("\n      query: |\n        select {id}\n      connection: erp"), 1),
            (&sql("\n      connection: erp\n      query: \"select :a, {id}\"\n      params:\n        a: 1"), 1),
            (&sql("{ connection: erp, params: { id: 1 }, query: 'select :id, {id}' }"), 0),
            ("durability: relaxed\nconcurrency: 1\noutput: 1", 1),
            ("steps:\n  - file: { append: a.txt, as: json, content: [1] }", 1),
        ] {
            let mut offered = 0;
            for problem in problems(source) {
                for fix in problem.in_text(source).fixes {
                    let fixed = fix::apply(source, [&fix]);
                    let after = problems(&fixed.text);
                    let same = |other: &Problem| other.code == problem.code && other.message == problem.message;
                    assert!(fixed.applied == 1 && !after.iter().any(same), "{source}\n->\n{}\n{after:?}", fixed.text);
                    let is_whole = problem.code != codes::TEMPLATE_IN_SQL || after.is_empty();
                    assert!(is_whole, "{source}\n->\n{}\n{after:?}", fixed.text);
                    offered += 1;
                }
            }
            assert_eq!(offered, fixes, "{source}: {:?}", problems(source));
        }
    }

    #[test]
    fn query_parameters_that_nothing_takes() {
        let hook = |input: &str, extra: &str| {
            format!("input: {{ {input} }}\ntrigger:\n  webhook:\n    query: {{ a: {{}}, b: {{}} }}\n{extra}output: 1")
        };
        finds(&hook("a: text, b: text", ""), &[]);
        finds(&hook("a: text", ""), &["F0403 4 Declare an input `b`"]);
        let processing = |source: &str| format!("    processing: {{ input: \"{source}\" }}\n");
        finds(&hook("a: text", &processing("[a: query.a]")), &["F0403 4 Use `query.b`"]);
        finds(&hook("a: text", &processing("[a: query.a & query?.b]")), &[]);
        finds(&hook("a: text", &processing("[a: JSON.Encode(query)]")), &[]);
        finds(&hook("a: text", &processing("[a: query['b']]")), &[]);
        finds(&hook("a: text", "    ordered: { key: query.b }\n"), &[]);
    }

    #[test]
    fn inputs_that_never_fit() {
        let every = |input: &str, schedule: &str| {
            format!("input: {{ {input} }}\ntrigger: {{ schedule: [ {{ every: daily{schedule} }} ] }}\noutput: 1")
        };
        finds(&every("a: number", ""), &["!F0214 2 Give it: `input: { a: … }`"]);
        finds(&every("a: number", ", input: { a: 1 }"), &[]);
        finds(&every("a: number", ", input: { a: '12' }"), &[]);
        finds(&every("a: number", ", input: { a: twelve }"), &["!F0203 2 The value does not fit the input `a`"]);
        finds(&every("a: { type: number, default: 1 }", ""), &[]);
        finds(&every("a: number?", ""), &[]);
        finds(&every("a: number, b: text", ", input: { a: 1 }"), &["!F0214 2"]);
        let call = |input: &str| format!("steps:\n  - call: {{ workflow: called, input: {{ {input} }} }}");
        finds(&call("n: 1, l: '{[1]}'"), &[]);
        finds(&call("n: one, l: '{[1]}'"), &["!F0203 2"]);
        finds(&call("n: '', l: '{[1]}'"), &["!F0203 2"]);
    }

    #[test]
    fn kept_versions_load_by_the_rules_of_their_time() {
        let source = "input: { a: number }\ntrigger: { schedule: [ { every: daily } ] }\noutput: 1";
        assert!(read("test", source, &library(), &mut |_| Callee::Missing).workflow.is_none());
        let kept = library().for_kept_versions();
        assert!(read("test", source, &kept, &mut |_| Callee::Missing).workflow.is_some());
    }
}
