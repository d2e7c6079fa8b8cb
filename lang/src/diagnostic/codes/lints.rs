//! The codes of the silent traps.

use crate::diagnostic::{Class, Example};

crate::codes! {
    /// The codes of the traps in order.
    LINTS:
    FUNCTION_FOR_COLUMN {
        id: "W0107",
        title: "a function where a column may be meant",
        text: "Functions are found in any case, columns in exactly one. Where the name of a function is used as a value and a \
               column differs from it only in case, the column may have been meant.",
        example: Example::Source("let t = [{date: '2024-01-05'}];\nreturn Map(t, Date);"),
        class: Class::Warning("function-for-column"),
    }
    DROPPED_VALUE {
        id: "W0108",
        title: "a value that is computed and dropped",
        text: "Values never change: a query or a function gives a new value, and as a statement on its own that goes nowhere. \
               Give it to a variable with `let` or `set`, or return it. Calls of your own functions may do more than compute, \
               and in a `try` an expression may stand for its error, so neither is reported.",
        example: Example::Source("let t = [{a: 1}];\nt where a > 1;\nreturn t;"),
        class: Class::Warning("dropped-value"),
    }
    COMMENT_FOR_DIVISION {
        id: "W0109",
        title: "a comment that has taken the rest of an expression",
        text: "`//` begins a comment, which runs to the end of the line. A division is `a / b`, one without its remainder \
               `Floor(a / b)`, the remainder `a mod b`.",
        example: Example::Source("return 5 // 2;"),
        class: Class::Warning("comment-for-division"),
    }
    DOLLAR_PLACEHOLDER {
        id: "W0110",
        title: "a dollar sign before a part of a template",
        text: "In a template a value is written in `{…}`; a `$` before it is part of the text, as JavaScript and shells write it. \
               Where the dollar sign is meant, write it as a part too: `{'$'}{price}`.",
        example: Example::Source("let name = 'Ada';\nreturn `Hi ${name}`;"),
        class: Class::Warning("dollar-placeholder"),
    }
    FOREIGN_DATE_PATTERN {
        id: "W0111",
        title: "a pattern of datetimes as another language writes it",
        text: "In the patterns of `Format` and `DateTime.Parse` the letters are `yyyy` for the year, `MM` for the month, `dd` \
               for the day, `HH` for the hour (`hh` with `tt` for twelve hours), `mm` for the minute and `ss` for the second.",
        example: Example::Source("return Format(Now(), 'YYYY-MM-DD');"),
        class: Class::Warning("date-pattern"),
    }
    ESCAPE_IN_PATH {
        id: "W0112",
        title: "an escape in a path",
        text: "In a text `\\t` is a tab and `\\n` a line break, in a path of Windows too. Double the backslashes, or write a \
               verbatim text, `@'C:\\temp\\new'`.",
        example: Example::Source("return 'C:\\temp\\new';"),
        class: Class::Warning("escape-in-path"),
    }
    COMMA_IN_KEYS {
        id: "W0113",
        title: "a comma that belongs to `order by`",
        text: "`order by` and `group by` take all commas after them, so what should be a further argument becomes a key. Put \
               the query in parentheses: `First((t order by q), q > 1)`.",
        example: Example::Source("let t = [{q: 1}];\nreturn First(t order by q, q > 1);"),
        class: Class::Warning("comma-in-keys"),
    }
    CONSTANT_COMPARISON {
        id: "W0114",
        title: "a comparison of two fixed values",
        text: "It always comes out the same. Most often a column was meant: texts may be in single and double quotes, and \
               neither is a name. A column whose name is not a plain word is read as `row['Kund Nr']`.",
        example: Example::Source("let t = [{'Kund Nr': 2}];\nreturn t where \"Kund Nr\" = '2';"),
        class: Class::Warning("constant-comparison"),
    }
    CONSTANT_KEY {
        id: "W0115",
        title: "a sort by a fixed value",
        text: "It is the same for every row, so the rows keep their order. Columns are sorted by their names; one whose name \
               is not a plain word is `row['Kund Nr']`, one whose name is in the variable `k` is `row[k]`. Columns have no \
               numbers.",
        example: Example::Source("let t = [{'Kund Nr': 2}];\nreturn t order by \"Kund Nr\";"),
        class: Class::Warning("constant-key"),
    }
    TEXT_ORDER {
        id: "W0116",
        title: "numbers of CSV in the order of texts",
        text: "`CSV.Decode` gives texts, and as texts '10' comes before '9'. Take the numbers: `order by Val(qty)`, or convert \
               the column once, `t with [qty: Val(qty)]`. It is reported where the CSV stands in the script and has numbers of \
               different lengths in the column, and else where the script computes with the column or its name says that it \
               holds amounts. A comparison with a number converts the text, and dates as ISO writes them sort right.",
        example: Example::Source("let t = CSV.Decode('qty\\n9\\n10');\nreturn t order by qty;"),
        class: Class::Warning("text-order"),
    }
    MORE_WARNINGS {
        id: "W0117",
        title: "more warnings than are reported",
        text: "Only the first 1,000 warnings are reported; the others are probably of the same kind.",
        example: Example::Long { before: "", part: "let x = 1;\n", times: 1_002, after: "" },
        class: Class::Warning("more-warnings"),
    }
    HIDDEN_MODULE {
        id: "W0118",
        title: "a module that hides one of the library",
        text: "A file `name.flow` in the folder of the script, or in the project's `modules/`, is the module `name`. Where the library has \
               a module of that name, as `JSON` and `CSV`, the file comes first, and the functions of the library are not \
               found: `JSON.Decode(t)` looks into `json.flow`, even if that is the script itself. Rename the file.",
        example: Example::Among("return JSON.Encode(1);", &[("json", "function encode(x) => Str(x);")]),
        class: Class::Warning("hidden-module"),
    }
    UNKNOWN_LINT {
        id: "W0119",
        title: "a name in `allow` that no warning has",
        text: "`// allow(name)` switches a warning off by its name: in the line whose code it follows, in the next line \
               where it stands alone, and in the whole file where it stands before all code. In a workflow file it is \
               `# allow(name)`, and `[lints] allow = [\"name\"]` in flowscript.toml holds for a whole project. \
               `flowscript explain` says the name of each warning.",
        example: Example::Source("// allow(unusd-variable)\nlet x = 1;\nreturn 2;"),
        class: Class::Warning("unknown-warning"),
    }
}
