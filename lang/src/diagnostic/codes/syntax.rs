//! The codes of the parser.

use crate::diagnostic::{Class, Example};

crate::codes! {
    /// The parser's codes in order.
    SYNTAX:
    UNEXPECTED {
        id: "E0001",
        title: "something is where it is not allowed",
        text: "The script is fine up to this place, and what follows fits nothing that may come here. The hint names what \
               could have. Often an operator, a `;` or a bracket before it is missing.",
        example: Example::Source("let t = 1 2;\nreturn t;"),
        class: Class::Syntax,
    }
    VALUE_EXPECTED {
        id: "E0002",
        title: "a value is missing",
        text: "An operator, a `=` or a comma needs a value next to it: a number, text, name, bracket or call.",
        example: Example::Source("let x = ;\nreturn x;"),
        class: Class::Syntax,
    }
    TOO_DEEP {
        id: "E0003",
        title: "nested too deep",
        text: "Brackets, functions and statements may be nested 200 levels deep. Flat chains such as `a + b + c` \
               may be as long as they like. Put inner parts into variables or functions of their own.",
        example: Example::Long { before: "return ", part: "(", times: 201, after: "1;" },
        class: Class::Syntax,
    }
    SEMICOLON {
        id: "E0004",
        title: "a `;` is missing",
        text: "Statements end with `;`. It may be left out after a `}`, before one, and at the end of the file.",
        example: Example::Source("let x = 1\nlet y = 2;\nreturn x + y;"),
        class: Class::Syntax,
    }
    CHAINED_COMPARISON {
        id: "E0005",
        title: "two comparisons in a row",
        text: "`a < b < c` would compare the truth of `a < b` with c, which is never what is meant. Write `a < b and b < c`.",
        example: Example::Source("return 1 < 2 < 3;"),
        class: Class::Syntax,
    }
    UNCLOSED_TEXT {
        id: "E0006",
        title: "a text or comment without an end",
        text: "A text ends with the quote it began with, a template with a backtick, a comment with `*/`. Inside a text a \
               quote of its own kind is written `\\'`, in a verbatim text it is doubled.",
        example: Example::Source("return 'hello;"),
        class: Class::Syntax,
    }
    UNCLOSED_BRACKET {
        id: "E0007",
        title: "a bracket or block without an end",
        text: "Each `(`, `[` and `{` has its closing bracket, each `do` its `done`, each `case` its `end`.",
        example: Example::Source("return [1, 2;"),
        class: Class::Syntax,
    }
    STRAY_CLOSING {
        id: "E0008",
        title: "an end that closes nothing",
        text: "A closing bracket, `done` or `end` closes nothing, or does not match the open bracket.",
        example: Example::Source("let x = 1);\nreturn x;"),
        class: Class::Syntax,
    }
    UNKNOWN_CHARACTER {
        id: "E0009",
        title: "a character the language does not know",
        text: "Outside texts and comments a script is made of names, numbers, operators and brackets. Characters copied \
               from documents, such as curly quotes and long dashes, are none of them.",
        example: Example::Source("return 1 # 2;"),
        class: Class::Syntax,
    }
    RESERVED_WORD {
        id: "E0010",
        title: "a reserved word as a name",
        text: "Words such as `end`, `select` and `in` belong to the language and cannot name variables or functions. As \
               fields they are fine: `o.end`.",
        example: Example::Source("let select = 1;\nreturn 1;"),
        class: Class::Syntax,
    }
    NUMBER_TOO_LARGE {
        id: "E0011",
        title: "a number that is too large",
        text: "Numbers hold up to 28 digits, about 7.9e28.",
        example: Example::Source("return 1e40;"),
        class: Class::Syntax,
    }
    FOREIGN_OPERATOR {
        id: "E0012",
        title: "an operator of another language",
        text: "FlowScript writes `and`, `or` and `not` in words, `&` joins texts, `mod` is the remainder and `Pow(x, y)` the \
               power.",
        example: Example::Source("return true && false;"),
        class: Class::Syntax,
    }
    FIELD_NAME {
        id: "E0013",
        title: "a field without name or value",
        text: "In a record each field is `name: value`, or a bare name that means the variable of that name.",
        example: Example::Source("return {a: 1, 2};"),
        class: Class::Syntax,
    }
    STATEMENT_IN_EXPRESSION {
        id: "E0014",
        title: "a statement inside an expression",
        text: "`return`, `let`, `if` and the other statements are not values. To choose a value write \
               `case when … then … else … end`.",
        example: Example::Source("let x = if true { 1 };\nreturn x;"),
        class: Class::Syntax,
    }
    STRAY_BRANCH {
        id: "E0015",
        title: "a branch without its beginning",
        text: "`else` and `elseif` follow an `if`, `catch` follows a `try`, with nothing between them.",
        example: Example::Source("else { return 1; }"),
        class: Class::Syntax,
    }
    SEVERAL_VALUES {
        id: "E0016",
        title: "several values in parentheses",
        text: "`(a, b)` is allowed only to the right of `in`. A list is written `[a, b]`.",
        example: Example::Source("return (1, 2);"),
        class: Class::Syntax,
    }
    NAME_EXPECTED {
        id: "E0017",
        title: "a name is missing",
        text: "A name of a variable, function, field or type is expected here: a letter or `_`, then letters, digits \
               and `_`.",
        example: Example::Source("let = 1;\nreturn 1;"),
        class: Class::Syntax,
    }
    TYPE_EXPECTED {
        id: "E0018",
        title: "a type is missing",
        text: "A type is expected after the `:` of a variable or parameter, and after `is`: `number`, `text?`, `order*`, \
               `{a: number}`.",
        example: Example::Source("let x: = 1;\nreturn x;"),
        class: Class::Syntax,
    }
    ASSIGNMENT {
        id: "E0019",
        title: "an assignment without `let` or `set`",
        text: "`let x = 1;` declares a variable, `set x = 2;` changes it. `x = 2` alone compares.",
        example: Example::Source("let x = 1;\nx = 2;\nreturn x;"),
        class: Class::Syntax,
    }
    PART_MISSING {
        id: "E0020",
        title: "a part is missing",
        text: "A statement, query or `case` has begun and lacks something that belongs to it: `=` and a value for `let`, `in` \
               and a block for `for`, `end` for `case`, `from` for `select`. The hint shows how the whole is written.",
        example: Example::Source("let x = 1;\nif x > 0 return 'plus';\nreturn 'minus';"),
        class: Class::Syntax,
    }
    MALFORMED_NUMBER {
        id: "E0021",
        title: "a malformed number",
        text: "Numbers are digits with at most one dot between digits and an optional exponent: `12`, `0.5`, `1e3`. There \
               is not a thousands separator.",
        example: Example::Source("return 12abc;"),
        class: Class::Syntax,
    }
    GUARD {
        id: "E0022",
        title: "the changes of a `with`",
        text: "`with` takes a record, or records with guards: `{…} when c, {…} when d, {…} otherwise`; `otherwise` comes \
               last.",
        example: Example::Source("let t = [{a: 1}];\nreturn t with {a: 1} when a = 1, {a: 2} otherwise, {a: 3} when a = 3;"),
        class: Class::Syntax,
    }
    TOO_MANY {
        id: "E0023",
        title: "too many errors",
        text: "Only the first errors are reported; correct them, and the others will probably be gone or clearer.",
        example: Example::Long { before: "", part: "break;\n", times: 1_002, after: "" },
        class: Class::Syntax,
    }
    FOREIGN_WORD {
        id: "E0024",
        title: "a word of another language",
        text: "FlowScript declares with `let`, repeats with `for … in` and `while`, chooses with `elseif`, and catches \
               with `try … catch`.",
        example: Example::Source("foreach x in [1] { log(x); }"),
        class: Class::Syntax,
    }
    TOO_LONG {
        id: "E0025",
        title: "a source that is too long",
        text: "A script, module, expression or template has 1 MiB at most. Split it into modules, and keep data in files.",
        example: Example::Long { before: "//", part: "-", times: 1 << 20, after: "" },
        class: Class::Syntax,
    }
}
