//! The codes of the silent traps.

use crate::diagnostic::Code;

crate::codes! {
    /// The codes of the traps in order.
    LINTS:
    FUNCTION_FOR_COLUMN {
        id: "W0107",
        title: "a function where a column may be meant",
        text: "Functions are found in any case, columns in exactly one. Where the name of a function is used as a value and a \
               column differs from it only in case, the column may have been meant.",
        example: "let t = [{date: '2024-01-05'}];\nreturn Map(t, Date);",
        lint: Some("function-for-column"),
        ..Code::CHECKED
    }
    DROPPED_VALUE {
        id: "W0108",
        title: "a value that is computed and dropped",
        text: "Values never change: a query or a function gives a new value, and as a statement on its own that goes nowhere. \
               Give it to a variable with `let` or `set`, or return it. Calls of your own functions may do more than compute, \
               and in a `try` an expression may stand for its error, so neither is reported.",
        example: "let t = [{a: 1}];\nt where a > 1;\nreturn t;",
        lint: Some("dropped-value"),
        ..Code::CHECKED
    }
    COMMENT_FOR_DIVISION {
        id: "W0109",
        title: "a comment that has taken the rest of an expression",
        text: "`//` begins a comment, which runs to the end of the line. A division is `a / b`, one without its remainder \
               `Floor(a / b)`, the remainder `a mod b`.",
        example: "return 5 // 2;",
        lint: Some("comment-for-division"),
        ..Code::CHECKED
    }
    DOLLAR_PLACEHOLDER {
        id: "W0110",
        title: "a dollar sign before a part of a template",
        text: "In a template a value is written in `{…}`; a `$` before it is part of the text, as JavaScript and shells write it. \
               Where the dollar sign is meant, write it as a part too: `{'$'}{price}`.",
        example: "let name = 'Ada';\nreturn `Hi ${name}`;",
        lint: Some("dollar-placeholder"),
        ..Code::CHECKED
    }
    FOREIGN_DATE_PATTERN {
        id: "W0111",
        title: "a pattern of datetimes as another language writes it",
        text: "In the patterns of `Format` and `DateTime.Parse` the letters are `yyyy` for the year, `MM` for the month, `dd` \
               for the day, `HH` for the hour (`hh` with `tt` for twelve hours), `mm` for the minute and `ss` for the second.",
        example: "return Format(Now(), 'YYYY-MM-DD');",
        lint: Some("date-pattern"),
        ..Code::CHECKED
    }
    ESCAPE_IN_PATH {
        id: "W0112",
        title: "an escape in a path",
        text: "In a text `\\t` is a tab and `\\n` a line break, in a path of Windows too. Double the backslashes, or write a \
               verbatim text, `@'C:\\temp\\new'`.",
        example: "return 'C:\\temp\\new';",
        lint: Some("escape-in-path"),
        ..Code::CHECKED
    }
    COMMA_IN_KEYS {
        id: "W0113",
        title: "a comma that belongs to `order by`",
        text: "`order by` and `group by` take all commas after them, so what should be a further argument becomes a key. Put \
               the query in parentheses: `First((t order by q), q > 1)`.",
        example: "let t = [{q: 1}];\nreturn First(t order by q, q > 1);",
        lint: Some("comma-in-keys"),
        ..Code::CHECKED
    }
    CONSTANT_COMPARISON {
        id: "W0114",
        title: "a comparison of two fixed values",
        text: "It always comes out the same. Most often a column was meant: texts may be in single and double quotes, and \
               neither is a name. A column whose name is not a plain word is read as `row['Kund Nr']`.",
        example: "let t = [{'Kund Nr': 2}];\nreturn t where \"Kund Nr\" = '2';",
        lint: Some("constant-comparison"),
        ..Code::CHECKED
    }
    CONSTANT_KEY {
        id: "W0115",
        title: "a sort by a fixed value",
        text: "It is the same for every row, so the rows keep their order. Columns are sorted by their names; one whose name \
               is not a plain word is `row['Kund Nr']`, one whose name is in the variable `k` is `row[k]`. Columns have no \
               numbers.",
        example: "let t = [{'Kund Nr': 2}];\nreturn t order by \"Kund Nr\";",
        lint: Some("constant-key"),
        ..Code::CHECKED
    }
    TEXT_ORDER {
        id: "W0116",
        title: "numbers of CSV in the order of texts",
        text: "`CSV.Decode` gives texts, and as texts '10' comes before '9'. Take the numbers: `order by Val(qty)`, or convert \
               the column once, `t with [qty: Val(qty)]`. It is reported where the CSV stands in the script and has numbers of \
               different lengths in the column, and else where the script computes with the column or its name says that it \
               holds amounts. A comparison with a number converts the text, and dates as ISO writes them sort right.",
        example: "let t = CSV.Decode('qty\\n9\\n10');\nreturn t order by qty;",
        lint: Some("text-order"),
        ..Code::CHECKED
    }
    MORE_WARNINGS {
        id: "W0117",
        title: "more warnings than are reported",
        text: "Only the first 1,000 warnings are reported; the others are probably of the same kind.",
        example: "",
        ..Code::CHECKED
    }
    HIDDEN_MODULE {
        id: "W0118",
        title: "a module that hides one of the library",
        text: "A file `name.flow` in the folder of the script, or in the project's `modules/`, is the module `name`. Where the library has \
               a module of that name, as `JSON` and `CSV`, the file comes first, and the functions of the library are not \
               found: `JSON.Decode(t)` looks into `json.flow`, even if that is the script itself. Rename the file.",
        example: "",
        lint: Some("hidden-module"),
        ..Code::CHECKED
    }
    UNKNOWN_LINT {
        id: "W0119",
        title: "a name in `allow` that no warning has",
        text: "`// allow(name)` switches a warning off by its name: in the line whose code it follows, in the next line \
               where it stands alone, and in the whole file where it stands before all code. In a workflow file it is \
               `# allow(name)`, and `[lints] allow = [\"name\"]` in flowscript.toml holds for a whole project. \
               `flowscript explain` says the name of each warning.",
        example: "// allow(unusd-variable)\nlet x = 1;\nreturn 2;",
        ..Code::CHECKED
    }
}
