//! The codes of the checker.

use crate::diagnostic::{Class, Example};

crate::codes! {
    /// The checker's codes in order.
    CHECKER:
    UNKNOWN_VARIABLE {
        id: "E0101",
        title: "a variable that is not there",
        text: "A name is used that no `let`, parameter, loop or host has declared at this point. Variables are \
               case-sensitive, are known from their `let` on, and only inside the block that declares them. A text needs \
               quotes. A library function is called with brackets; its bare name stands only as an argument, as what \
               `let` and `set` give, and after `return`: elsewhere write `x => Upper(x)`.",
        example: Example::Source("let total = 1;\nreturn totl;"),
        class: Class::Error,
    }
    UNKNOWN_FUNCTION {
        id: "E0102",
        title: "a function that is not there",
        text: "No function of this name is declared, opened or in the library. Function names are the same in any case. \
               Functions of a module need its name, `DateTime.AddDays(d, 1)`, or an `open DateTime;` above.",
        example: Example::Source("return Uper('x');"),
        class: Class::Error,
    }
    ARGUMENT_COUNT {
        id: "E0103",
        title: "the wrong number of arguments",
        text: "A function is called with more or fewer arguments than it takes. Commas after `order by` and `group by` \
               belong to the query: put it in parentheses, `Take((t order by k), 10)`.",
        example: Example::Source("return Left('abc');"),
        class: Class::Error,
    }
    OUTSIDE_LOOP {
        id: "E0104",
        title: "`break` or `continue` outside a loop",
        text: "Only `for` and `while` can be left or continued. To leave a function write `return`.",
        example: Example::Source("break;"),
        class: Class::Error,
    }
    MISSING_RETURN {
        id: "E0105",
        title: "a path without a result",
        text: "Where one `return` gives a value, every way through the script or function must end in one, in `error`, or \
               in a loop without end. Write `return null;` where there is nothing to return.",
        example: Example::Source("let x = 1;\nif x > 0 { return 'plus'; }"),
        class: Class::Error,
    }
    UNKNOWN_FIELD {
        id: "E0106",
        title: "a field that is not there",
        text: "The checker knows the fields of this record, table or module, and this is not one of them. Fields are \
               case-sensitive. Where a field may be missing, `x?.name` gives null.",
        example: Example::Source("let customer = {name: 'Ada'};\nreturn customer.nam;"),
        class: Class::Error,
    }
    UNKNOWN_TYPE {
        id: "E0107",
        title: "a type that is not there",
        text: "Types are `boolean number text datetime binary null any`, those declared with `type`, and those of modules, \
               `pricing.Line`. Names of declared types are case-sensitive.",
        example: Example::Source("type order = {no: number};\nreturn new oder {no: 1};"),
        class: Class::Error,
    }
    READ_ONLY {
        id: "E0108",
        title: "a variable that cannot be set",
        text: "Some variables are given from outside and stay as they are, and the `let`s of a module are constants. \
               Declare a variable of your own to change it.",
        example: Example::Among("open rates;\nreturn raised();", &[("rates", "let rate = 2;\nfunction raised() { set rate = 3; return rate; }")]),
        class: Class::Error,
    }
    DECLARED_TWICE {
        id: "E0109",
        title: "one name twice",
        text: "A record has each field once, a block declares each function and type once, and a function has each \
               parameter once.",
        example: Example::Source("return {a: 1, a: 2};"),
        class: Class::Error,
    }
    DEFAULT_BEFORE {
        id: "E0110",
        title: "a parameter without a default after one with a default",
        text: "Arguments are matched by position, so all parameters after an optional one must be optional too.",
        example: Example::Source("function f(a = 1, b) => a + b;\nreturn f(1, 2);"),
        class: Class::Error,
    }
    TOO_MANY_VARIABLES {
        id: "E0111",
        title: "too many variables in one function",
        text: "A function holds 65,000 variables. Use a list or record for data, or split the function.",
        example: Example::Long { before: "function f() { ", part: "let x = 1; ", times: 66_000, after: "return x; }" },
        class: Class::Error,
    }
    NOT_ALLOWED {
        id: "E0112",
        title: "a function that is not allowed here",
        text: "`HTTP.*` sends requests and is allowed only where the host allows it: in `script` steps of workflows, and in \
               scripts run with `--allow-http`.",
        example: Example::Impossible("It depends on what the host allows."),
        class: Class::Error,
    }
    UNKNOWN_MODULE {
        id: "E0113",
        title: "a module that is not there",
        text: "A module is a file `name.flow` in the folder of the script or in the project's `modules` folder, or one of the \
               library's: `DateTime`, `JSON`, `Maths` and so on.",
        example: Example::Source("open Datetme;\nreturn 1;"),
        class: Class::Error,
    }
    MODULE_CIRCLE {
        id: "E0114",
        title: "modules that use each other in a circle",
        text: "A module is checked and started before those that use it, so there must be a first one. Move what both \
               need into a third module.",
        example: Example::Among("return prices.net(1);", &[("prices", "function net(x) => taxes.without(x);"), ("taxes", "function without(x) => prices.net(x);")]),
        class: Class::Error,
    }
    NOT_A_DECLARATION {
        id: "E0115",
        title: "a statement that is not allowed in a module",
        text: "A module only declares: `function`, `type`, `let` and `assert`.",
        example: Example::Among("return rates.low;", &[("rates", "let low = 1;\nlog(low);")]),
        class: Class::Error,
    }
    PRIVATE_MEMBER {
        id: "E0116",
        title: "a private member of a module",
        text: "What a module declares `private` only it can use.",
        example: Example::Among("return rates.low;", &[("rates", "private let low = 1;\nlet high = low * 2;")]),
        class: Class::Error,
    }
    CHECK_ENDED {
        id: "E0117",
        title: "a check that was ended before its time",
        text: "Checking takes steps, memory and time, which have a limit. Sources that people write stay far below it; one that \
               a program makes may not, with very large records or tens of thousands of variables. Split it into modules, \
               and keep data in files.",
        example: Example::Impossible("A source that reaches the limits takes seconds to check."),
        class: Class::Error,
    }
    TYPE_MISMATCH {
        id: "E0201",
        title: "a value that can never fit",
        text: "A value is given to a variable, parameter or field whose type it can never become. Simple values convert \
               where that makes sense: a text that is a number to number, a number to text. Lists and records are \
               compared field by field and do not convert. `T?` takes null, `T` does not.",
        example: Example::Source("let rate: number = 'low';\nreturn rate;"),
        class: Class::Error,
    }
    WRONG_OPERAND {
        id: "E0202",
        title: "an operand of the wrong kind",
        text: "The operator, loop or query works with other values: arithmetic with numbers (and `+` and `-` with \
               datetimes), `for` and queries with lists and tables. Texts are joined with `&`, not `+`.",
        example: Example::Source("let name = 'Ada';\nreturn name + ' Lovelace';"),
        class: Class::Error,
    }
    CANNOT_JOIN {
        id: "E0203",
        title: "values that `&` cannot join",
        text: "`&` joins simple values as text, lists with anything, and rows of records and tables. For rows the left \
               side decides the columns, and the right side must have them all.",
        example: Example::Source("return [a: 1, b: 2] & [a: 3];"),
        class: Class::Error,
    }
    NO_TEXT_FORM {
        id: "E0204",
        title: "a value without a text form",
        text: "Numbers, booleans, datetimes and null have a text form; lists, tables, records, binary values and functions \
               have none. Use `JSON.Encode`, `Join`, `DecodeText`, or one of the value's fields.",
        example: Example::Source("let t = [{a: 1}];\nreturn `rows: {t}`;"),
        class: Class::Error,
    }
    IMPOSSIBLE_TYPE {
        id: "E0205",
        title: "a type that cannot be",
        text: "A type that holds itself would have no smallest value; it may do so through `?` or `*`. The simple types \
               cannot be declared anew.",
        example: Example::Source("type loop = {inner: loop};\nreturn 1;"),
        class: Class::Error,
    }
    CANNOT_READ {
        id: "E0206",
        title: "a value that is not read like this",
        text: "Only records and tables have fields; lists and tables are read by position, `t[0]`, records by name, `r.a` \
               or `r['a']`.",
        example: Example::Source("let n = 5;\nreturn n.value;"),
        class: Class::Error,
    }
    DEFAULT_NOT_CONSTANT {
        id: "E0207",
        title: "a default that is not a constant",
        text: "The default of a field is the same for every value of the type: a number, text, boolean or null, or a list \
               or record of these.",
        example: Example::Source("let x = 1;\ntype t = [a = x];\nreturn default(t);"),
        class: Class::Error,
    }
    REFUSED_TEXT {
        id: "E0208",
        title: "a text that its function cannot read",
        text: "The text is an argument that must have a form of its own, such as a regular expression, and it does not \
               have that form. The message says what is wrong with it. A text that is made while the script runs is an \
               error then.",
        example: Example::Source("return RegexTest('abc', '(');"),
        class: Class::Error,
    }
    NOT_CALLABLE {
        id: "E0209",
        title: "a value that cannot be called",
        text: "Only functions can be called. A variable hides a function of the same name only if it is one itself.",
        example: Example::Source("let t = {rate: 5};\nreturn (t.rate)(2);"),
        class: Class::Error,
    }
    UNKNOWN_COLUMN {
        id: "E0301",
        title: "a column that is not there",
        text: "Inside a query a name is a column of the rows or a variable outside, and this is neither. Columns are \
               case-sensitive.",
        example: Example::Source("let t = [{qty: 1}];\nreturn t where quantity > 1;"),
        class: Class::Error,
    }
    AMBIGUOUS_NAME {
        id: "E0302",
        title: "a name that could mean several things",
        text: "Two sources of a `select` share the column, or the name itself. Say which is meant, `o.id`, or give the \
               sources different names.",
        example: Example::Source("let o = [{id: 1}];\nlet c = [{id: 1}];\nreturn select id from o join c on o.id = c.id;"),
        class: Class::Error,
    }
    UNNAMED_COLUMN {
        id: "E0303",
        title: "a column without a name",
        text: "An item of a `select` or a group key that is not a plain column needs a name for the result: `total: a * b` \
               or `a * b as total`.",
        example: Example::Source("let t = [{a: 1}];\nreturn select a * 2 from t;"),
        class: Class::Error,
    }
    DUPLICATE_COLUMN {
        id: "E0304",
        title: "two columns of one name",
        text: "A result has each column once, those that come through `*` included. Give one of them another name.",
        example: Example::Source("let o = [{id: 1}];\nlet c = [{id: 1}];\nreturn select o.id, c.id from o join c on o.id = c.id;"),
        class: Class::Error,
    }
    MISPLACED_AGGREGATE {
        id: "E0305",
        title: "an aggregate or column in the wrong place",
        text: "In a query with groups an item is a group key or is inside an aggregate; conditions on aggregates belong \
               in `having`, not in `where`.",
        example: Example::Source("let t = [{c: 'a', q: 1}];\nreturn select c, q from t group by c;"),
        class: Class::Error,
    }
    NO_ORDER {
        id: "E0306",
        title: "a value without an order",
        text: "`order by` sorts null, numbers, texts, booleans and datetimes, in this order.",
        example: Example::Source("let t = [{a: [1, 2]}];\nreturn t order by a;"),
        class: Class::Error,
    }
    DISTINCT_ORDER {
        id: "E0307",
        title: "a `select distinct` sorted by what it does not show",
        text: "Rows that are the same in all items become one row, which has one value for each item and none for any other \
               column. Sort by the items, or add the column to them.",
        example: Example::Source("let t = [{a: 1, b: 3}];\nreturn select distinct a from t order by b;"),
        class: Class::Error,
    }
    UNUSED_VARIABLE {
        id: "W0101",
        title: "a variable that is never read",
        text: "It may be a leftover, or a typing mistake where it was meant. A name that begins with `_` is left alone.",
        example: Example::Source("let x = 1;\nreturn 2;"),
        class: Class::Warning("unused-variable"),
    }
    UNREACHABLE {
        id: "W0102",
        title: "a statement that never runs",
        text: "The statements before it always leave: by `return`, `error`, `break`, `continue` or an endless loop.",
        example: Example::Source("return 1;\nlog('done');"),
        class: Class::Warning("unreachable"),
    }
    SELF_COMPARISON {
        id: "W0103",
        title: "a comparison of a value with itself",
        text: "It is always the same. Most often a column hides a variable of the same name: use a function, whose \
               parameter is the row, `r => r.id = id`.",
        example: Example::Source("let id = 2;\nlet t = [{id: 1}];\nreturn t where id = id;"),
        class: Class::Warning("self-comparison"),
    }
    ALWAYS_FALSE {
        id: "W0104",
        title: "a comparison that is always false",
        text: "Values of these types are never equal, or have no order between them.",
        example: Example::Source("let n = 5;\nreturn n = [1];"),
        class: Class::Warning("always-false"),
    }
    COLUMN_OR_VARIABLE {
        id: "W0105",
        title: "a name that may be a column or a variable",
        text: "The columns of these rows are not known before the script runs, so the name is a column if the rows have \
               one, else the variable. Write `row.x`, use a function, or give the rows a type.",
        example: Example::Source("let limit = 1;\nlet t = JSON.Decode('[]');\nreturn t where qty > limit;"),
        class: Class::Warning("column-or-variable"),
    }
    UNKNOWN_ESCAPE {
        id: "W0106",
        title: "a backslash that is not an escape",
        text: "Before most characters a backslash stays in the text, as regular expressions want it. Elsewhere double it, \
               or write a verbatim text, `@'C:\\temp'`.",
        example: Example::Source("return 'C:\\dir';"),
        class: Class::Warning("unknown-escape"),
    }
}
