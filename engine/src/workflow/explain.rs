//! What the codes of workflow files mean: `flowscript explain F0201`.

use super::problem::codes::*;

/// A code of the structure of files.
#[derive(Clone, Copy, Debug)]
pub struct Explanation {
    /// The code.
    pub code: &'static str,
    /// What it is about, in a few words.
    pub title: &'static str,
    /// What the rule is, and what to do.
    pub text: &'static str,
}

/// The explanation of a code, in any case.
pub fn explain(code: &str) -> Option<&'static Explanation> {
    EXPLANATIONS.iter().find(|explanation| explanation.code.eq_ignore_ascii_case(code))
}

/// All codes of the structure of files, in order.
pub const EXPLANATIONS: &[Explanation] = &[
    Explanation {
        code: UNREADABLE,
        title: "a file that cannot be read",
        text: "The file is not UTF-8 text, or the system does not let the engine read it. Save it as UTF-8; look at its rights.",
    },
    Explanation {
        code: TOO_LARGE,
        title: "a file that is too large",
        text: "A workflow file has at most 1 MiB. Data belongs into `files/`, where a file step reads it.",
    },
    Explanation {
        code: TOO_DEEP,
        title: "a file that is nested too deep",
        text: "Maps and lists may stand in each other 64 levels deep. Move inner steps into a workflow of their own.",
    },
    Explanation {
        code: TOO_COSTLY,
        title: "a file that takes too much work to load",
        text: "Reading a file and checking the FlowScript in it may take 50,000,000 steps, some seconds. Files that people \
               write stay far below it; one that a program makes may not, with tens of thousands of variables, or with a \
               large module in thousands of scripts. Divide it into workflows that call each other. The last version that \
               loaded stays, and other files load.",
    },
    Explanation {
        code: LATE,
        title: "a file for which there was no time",
        text: "Loading a project takes a minute at most. Files that are not read by then stay as they were and are read the \
               next time. Look for files with F0004, which take the time of the others.",
    },
    Explanation {
        code: MORE,
        title: "more problems than are told",
        text: "Of one file 1,000 problems are told. Correct the first ones; most of the others may follow from them.",
    },
    Explanation {
        code: SYNTAX,
        title: "no YAML",
        text: "The text does not follow the rules of YAML 1.2. Mostly the indentation is uneven, a quote is not closed, or a text \
               with `: ` or `#` in it wants quotes.",
    },
    Explanation {
        code: ANCHOR,
        title: "an anchor, an alias or a tag",
        text: "Anchors (`&a`), aliases (`*a`) and tags (`!x`) are not part of the format, so that each place says all that \
               holds there. Shared code belongs into a module. A text that begins with such a sign wants quotes.",
    },
    Explanation {
        code: DUPLICATE_KEY,
        title: "a key that stands twice",
        text: "In one map a key stands once: of two, nobody could tell which one counts. Remove one of them.",
    },
    Explanation {
        code: UNKNOWN_KEY,
        title: "a key that is not known there",
        text: "A mistyped key would be ignored in silence, so unknown ones are errors. The hint names the nearest one.",
    },
    Explanation {
        code: MISSING_KEY,
        title: "a key that is missing",
        text: "Something is needed there that is not given. The message says which key.",
    },
    Explanation {
        code: WRONG_VALUE,
        title: "a value of the wrong kind",
        text: "The value is of another kind than the key takes: a text where a number is wanted, a list where a map is, a word \
               that is none of the known ones. The message says what can stand there.",
    },
    Explanation {
        code: NOT_AVAILABLE,
        title: "not available in this version",
        text: "The key or step belongs to the format, but this version does not do it yet. Rather than ignoring it, the file is \
               refused.",
    },
    Explanation {
        code: NAME,
        title: "a name that cannot be one",
        text: "Ids and names of inputs are names of FlowScript variables: letters, digits and `_`, not beginning with a digit, \
               no reserved word, each once. `run`, `errors`, `input` and `output` have a meaning already.",
    },
    Explanation {
        code: UNREACHABLE,
        title: "a step that no run reaches",
        text: "The steps before it always end the run, so this one can never happen. Remove it, or give the earlier end a \
               condition.",
    },
    Explanation {
        code: UNKNOWN_WORKFLOW,
        title: "a workflow that is not there",
        text: "A workflow is named that the project does not have. The id is the path below `workflows/` without the suffix, \
               folders joined by a dot.",
    },
    Explanation {
        code: UNKNOWN_CONNECTION,
        title: "a connection that is not there",
        text: "A step names a connection that connections.yaml of the project does not have.",
    },
    Explanation {
        code: SECRET_IN_FILE,
        title: "a secret in the file",
        text: "The store keeps the text of every version, so a secret in it stays readable for a long time. Write \
               `${env:NAME}` or `${file:path}` instead.",
    },
    Explanation {
        code: CALL,
        title: "a call that cannot be made",
        text: "A `call` names a workflow that does not load, that leads back to the caller, or that stands deeper than 16 calls. \
               Mend the called workflow first; move what two workflows share into a third one.",
    },
    Explanation {
        code: SHARED,
        title: "a variable that is shared with steps beside these",
        text: "Branches of `parallel` and passes of a `forEach` with `parallel` above 1 see a copy of the variables: setting one \
               from outside would be lost. Give the value as the branch's or pass's `output`.",
    },
    Explanation {
        code: TEMPLATE_IN_SQL,
        title: "a template inside SQL",
        text: "A value inside the text of a statement could change what the statement does. Values are bound: write `:name` where \
               the value stands, and give it in `params`.",
    },
    Explanation {
        code: NEVER,
        title: "a schedule that can never fire",
        text: "No instant fits the pattern, such as the 31st of February, or none before `until`. Correct it or remove it.",
    },
    Explanation {
        code: INPUT_MISSING,
        title: "an input that is never given",
        text: "A schedule, or a workflow that names this one in `onFailure`, starts it without a value that `input` requires, so \
               each of these runs would fail. Give the value in the schedule's `input`, or declare a `default`, or a type \
               that may be null such as `number?`. A run that `onFailure` starts gets `failedRun` and `error`.",
    },
    Explanation {
        code: PATH_TAKEN,
        title: "a webhook path that is taken",
        text: "Two workflows want the same webhook path. The one that serves it keeps it; give this one another `path`.",
    },
    Explanation {
        code: BARE_BRACES,
        title: "braces without quotes",
        text: "YAML reads `{x}` without quotes as a map with the key `x` and no value. A template wants quotes: `\"{x}\"`.",
    },
    Explanation {
        code: BARE_EXPRESSION,
        title: "a text that reads like an expression",
        text: "Values in a workflow file are texts unless they stand in braces: `output: total` gives the text `total`, \
               `output: \"{total}\"` the value of the variable. Quote a text that is meant as it stands: `output: 'total'`.",
    },
    Explanation {
        code: UNUSED_PARAMETER,
        title: "a query parameter that nothing takes",
        text: "The webhook declares and checks the parameter, but no input has its name and `processing.input` does not use \
               `query`. Declare an input of the same name, use `query.name` in `processing.input`, or remove the parameter.",
    },
    Explanation {
        code: SILENT_EVENT,
        title: "an event whose address no step gives out",
        text: "A `wait` for an event ends when its address is called, and that address comes from `callbackUrl('name')`. No step \
               of this workflow, nor of one that calls it, uses `callbackUrl`. Send it to whoever answers before the wait, as \
               in an e-mail or a request. An administrator finds the address in `flowscript runs show RUN`.",
    },
];

#[cfg(test)]
mod tests {
    use super::EXPLANATIONS;

    #[test]
    fn every_code_is_explained_once() {
        let source = include_str!("problem.rs");
        let codes: Vec<&str> = source.split("&str = \"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        assert!(codes.len() > 10, "{codes:?}");
        let explained: Vec<&str> = EXPLANATIONS.iter().map(|explanation| explanation.code).collect();
        assert_eq!(explained, codes);
    }
}
