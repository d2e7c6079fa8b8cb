//! The codes of workflow files: `flowscript explain F0201`.

use flowscript_lang::diagnostic::{Class, Code, Example};

/// A code by its id, in any case.
pub fn find(id: &str) -> Option<&'static Code> {
    FILES.iter().copied().find(|code| code.id.eq_ignore_ascii_case(id))
}

flowscript_lang::codes! {
    /// The codes of the structure of files, in order. An example is the file of a workflow `example`.
    FILES:
    UNREADABLE {
        id: "F0001",
        title: "a file that cannot be read",
        text: "The file is not UTF-8 text, or the system does not let the engine read it. Save it as UTF-8; look at its rights.",
        example: Example::Impossible("A source is text that was read."),
        class: Class::Error,
    }
    TOO_LARGE {
        id: "F0002",
        title: "a file that is too large",
        text: "A workflow file has at most 1 MiB. Data belongs into `files/`, where a file step reads it.",
        example: Example::Long { before: "output: 1 #", part: "-", times: 1 << 20, after: "" },
        class: Class::Error,
    }
    TOO_DEEP {
        id: "F0003",
        title: "a file that is nested too deep",
        text: "Maps and lists may be nested 64 levels deep. Move inner steps into a workflow of their own.",
        example: Example::Long { before: "output:\n  ", part: "- ", times: 65, after: "1" },
        class: Class::Error,
    }
    TOO_COSTLY {
        id: "F0004",
        title: "a file that takes too much work to load",
        text: "Reading a file and checking the FlowScript in it may take 50,000,000 steps, some seconds. Files that people \
               write stay far below it; one that a program makes may not, with tens of thousands of variables, or with a \
               large module in thousands of scripts. Divide it into workflows that call each other. The last version that \
               loaded stays, and other files load.",
        example: Example::Impossible("A file that reaches the limit takes seconds to load."),
        class: Class::Error,
    }
    LATE {
        id: "F0005",
        title: "a file for which there was no time",
        text: "Loading a project takes a minute at most. Files that are not read by then stay as they were and are read the \
               next time. Look for files with F0004, which take the time of the others.",
        example: Example::Impossible("It depends on the time that loading takes."),
        class: Class::Error,
    }
    MORE {
        id: "F0006",
        title: "more problems than are reported",
        text: "Only the first 1,000 problems of a file are reported. Correct the first ones; most of the others may follow from them.",
        example: Example::Long { before: "steps:\n", part: "  - nothing: 1\n", times: 1_002, after: "" },
        class: Class::Error,
    }
    SYNTAX {
        id: "F0101",
        title: "no YAML",
        text: "The text does not follow the rules of YAML 1.2. Mostly the indentation is uneven, a quote is not closed, or a text \
               with `: ` or `#` in it wants quotes.",
        example: Example::Source("output: [1, 2"),
        class: Class::Error,
    }
    ANCHOR {
        id: "F0102",
        title: "an anchor, an alias or a tag",
        text: "Anchors (`&a`), aliases (`*a`) and tags (`!x`) are not part of the format, so that each place says all that \
               holds there. Shared code belongs into a module. A text that begins with such a sign wants quotes.",
        example: Example::Source("output: &a 1"),
        class: Class::Error,
    }
    DUPLICATE_KEY {
        id: "F0103",
        title: "a key that is given twice",
        text: "A key may occur only once in a map, since it would not be clear which value counts. Remove one of them.",
        example: Example::Source("output: 1\noutput: 2"),
        class: Class::Error,
    }
    UNKNOWN_KEY {
        id: "F0201",
        title: "a key that is not known there",
        text: "A mistyped key would be ignored in silence, so unknown ones are errors. The hint names the nearest one.",
        example: Example::Source("outptu: 1\noutput: 1"),
        class: Class::Error,
    }
    MISSING_KEY {
        id: "F0202",
        title: "a key that is missing",
        text: "Something is needed there that is not given. The message says which key.",
        example: Example::Source("steps:\n  - log: { level: info }"),
        class: Class::Error,
    }
    WRONG_VALUE {
        id: "F0203",
        title: "a value of the wrong kind",
        text: "The value is of another kind than the key takes: a text where a number is expected, a list where a map is, a word \
               that is none of the known ones. The message says what can stand there.",
        example: Example::Source("active: perhaps\noutput: 1"),
        class: Class::Error,
    }
    NAME {
        id: "F0205",
        title: "a name that cannot be one",
        text: "Ids and names of inputs are names of FlowScript variables: letters, digits and `_`, not beginning with a digit, \
               no reserved word, each once. `run`, `errors`, `input` and `output` have a meaning already.",
        example: Example::Source("steps:\n  - id: run\n    script: return 1;"),
        class: Class::Error,
    }
    UNREACHABLE {
        id: "F0206",
        title: "a step that no run reaches",
        text: "The steps before it always end the run, so this one can never happen. Remove it, or give the earlier end a \
               condition.",
        example: Example::Source("steps:\n  - end: {}\n  - log: { message: done }"),
        class: Class::Error,
    }
    UNKNOWN_WORKFLOW {
        id: "F0207",
        title: "a workflow that is not there",
        text: "A workflow is named that the project does not have. The id is the path below `workflows/` without the suffix, \
               folders joined by a dot.",
        example: Example::Source("onFailure: alarm\noutput: 1"),
        class: Class::Error,
    }
    UNKNOWN_CONNECTION {
        id: "F0208",
        title: "a connection that is not there",
        text: "A step names a connection that connections.yaml of the project does not have, or one of another kind: \
               `sql` needs a database, `email` a mail server.",
        example: Example::Source("steps:\n  - sql: { connection: erp, execute: DELETE FROM log }"),
        class: Class::Error,
    }
    SECRET_IN_FILE {
        id: "F0209",
        title: "a secret in the file",
        text: "The store keeps the text of every version, so a secret in it stays readable for a long time. Write \
               `${env:NAME}` or `${file:path}` instead.",
        example: Example::Source("trigger:\n  webhook: { path: a, auth: { signature: { scheme: github, secret: enigma } } }\noutput: 1"),
        class: Class::Warning("secret-in-file"),
    }
    CALL {
        id: "F0210",
        title: "a call that cannot be made",
        text: "A `call` names a workflow that does not load, that leads back to the caller, or that is nested deeper than 16 calls. \
               Mend the called workflow first; move what two workflows share into a third one.",
        example: Example::Source("steps:\n  - call: { workflow: example }"),
        class: Class::Error,
    }
    SHARED {
        id: "F0211",
        title: "a variable that is shared with parallel steps",
        text: "Branches of `parallel` and passes of a `forEach` with `parallel` above 1 see a copy of the variables: setting one \
               from outside would be lost. Give the value as the branch's or pass's `output`.",
        example: Example::Source("steps:\n  - set: { t: 0 }\n  - parallel: { a: { steps: [ set: { t: 1 } ] } }"),
        class: Class::Error,
    }
    TEMPLATE_IN_SQL {
        id: "F0212",
        title: "a template inside SQL",
        text: "A value inside the text of a statement could change what the statement does. Values are bound: write `:name` where \
               the value stands, and give it in `params`.",
        example: Example::Source("input: { id: number }\nsteps:\n  - sql: { connection: erp, execute: \"DELETE FROM log WHERE id = {id}\" }"),
        class: Class::Error,
    }
    NEVER {
        id: "F0213",
        title: "a schedule that can never fire",
        text: "No instant fits the pattern, such as the 31st of February, or none before `until`. Correct it or remove it.",
        example: Example::Source("trigger:\n  schedule: [ { cron: '0 0 31 2 *' } ]\noutput: 1"),
        class: Class::Error,
    }
    INPUT_MISSING {
        id: "F0214",
        title: "an input that is never given",
        text: "A schedule, or a workflow that names this one in `onFailure`, starts it without a value that `input` requires, so \
               each of these runs would fail. Give the value in the schedule's `input`, or declare a `default`, or a type \
               that may be null such as `number?`. A run that `onFailure` starts gets `failedRun` and `error`.",
        example: Example::Source("input: { day: text }\ntrigger:\n  schedule: [ { every: daily } ]\noutput: 1"),
        class: Class::Error,
    }
    PATH_TAKEN {
        id: "F0301",
        title: "a webhook path that is taken",
        text: "Two workflows want the same webhook path. The one that serves it keeps it; give this one another `path`.",
        example: Example::Among("trigger:\n  webhook: { path: orders, auth: none }\noutput: 1", &[("earlier", "trigger:\n  webhook: { path: orders, auth: none }\noutput: 1")]),
        class: Class::Error,
    }
    BARE_BRACES {
        id: "F0401",
        title: "braces without quotes",
        text: "YAML reads `{x}` without quotes as a map with the key `x` and no value. A template needs quotes: `\"{x}\"`.",
        example: Example::Source("input: { x: number }\noutput: {x}"),
        class: Class::Warning("bare-braces"),
    }
    BARE_EXPRESSION {
        id: "F0402",
        title: "a text that reads like an expression",
        text: "Values in a workflow file are texts unless they are in braces: `output: total` gives the text `total`, \
               `output: \"{total}\"` the value of the variable. Quote a text that is meant literally: `output: 'total'`.",
        example: Example::Source("input: { total: number }\noutput: total"),
        class: Class::Warning("bare-expression"),
    }
    UNUSED_PARAMETER {
        id: "F0403",
        title: "a query parameter that nothing takes",
        text: "The webhook declares and checks the parameter, but no input has its name and `processing.input` does not use \
               `query`. Declare an input of the same name, use `query.name` in `processing.input`, or remove the parameter.",
        example: Example::Source("trigger:\n  webhook: { path: a, auth: none, query: { day: {} } }\noutput: 1"),
        class: Class::Warning("unused-parameter"),
    }
    SILENT_EVENT {
        id: "F0404",
        title: "an event whose address no step sends",
        text: "A `wait` for an event ends when its address is called, and that address comes from `callbackUrl('name')`. No step \
               of this workflow, nor of one that calls it, uses `callbackUrl`. Send it to the one who answers before the wait, as \
               in an e-mail or a request. An administrator finds the address in `flowscript runs show RUN`.",
        example: Example::Source("steps:\n  - wait: { event: approval, timeout: 1d }"),
        class: Class::Warning("silent-event"),
    }
}
