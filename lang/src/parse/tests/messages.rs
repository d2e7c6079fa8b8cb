//! Every message of the parser as its reader sees it.

use crate::diagnostic::render::{Colour, diagnostics};
use crate::parse::{parse_expression, parse_script, parse_template, parse_type};

/// All findings of each source, one after the other.
fn rendered(sources: &[&str]) -> String {
    let mut out = String::new();
    for source in sources {
        out.push_str("----\n");
        out.push_str(&diagnostics(&parse_script(source).diagnostics, "a.flow", source, Colour::Never));
    }
    out
}

#[test]
fn missing_values() {
    insta::assert_snapshot!(rendered(&[
        "let x = ;",
        "let x =",
        "let x = * ;",
        "return 1 + ;",
        "f(1, , 2);",
        "f(,);",
        "let x = (1 + );",
        "let x = [1, 2, , 3];",
        "let r = {a: , b: 2};",
        "let r = {a: };",
        "let x = ();",
        "if { f(); }",
        "if x > { f(); }",
        "while { f(); }",
        "for x in { f(); }",
        "for x in : f();",
        "return case when then 1 end;",
        "return case when x then end;",
        "return t where ;",
        "return t order by ;",
        "return t group by ;",
        "return t with ;",
        "return t except ;",
        "let f = x => ;",
        "let f = x => { return 1; };",
        "return `a {} b`;",
        "return `a {x + } b`;",
        "error ;",
        "return x.;",
        "return x[];",
        "return not;",
        "return a in ;",
        "assert ;",
        "set x = ;",
        "return - ;",
        "let x = == 3;",
    ]));
}

#[test]
fn statements() {
    insta::assert_snapshot!(rendered(&[
        "let x = 1\nlet y = 2\nreturn x;",
        "log('a')\nlog('b');",
        "set x = 1\nif x { }",
        "let x = 1 let y = 2;",
        "let x;",
        "let 5 = x;",
        "let = 5;",
        "let end = 5;",
        "let x y = 5;",
        "let x: = 5;",
        "let x: 5 = 5;",
        "let x = 5 5;",
        "let x = a b;",
        "x = 5;",
        "x.y = 5;",
        "x += 5;",
        "x++;",
        "set x;",
        "set x 5;",
        "set f(x) = 5;",
        "set 5 = x;",
        "set x == 5;",
        "for (x in y) { }",
        "for x of y { }",
        "for x { }",
        "foreach x in y { }",
        "if x then { }",
        "if x return 1;",
        "if x\n  return 1;\nreturn 2;",
        "if (x) return 1; else return 2;",
        "if x { } elif y { }",
        "else { }",
        "if x { }; else { }",
        "if x: f() else: g();",
        "elseif x { }",
        "catch e { }",
        "try { }",
        "try { } catch e: f();",
        "while x f();",
        "function (x) { return x; }",
        "function f { }",
        "function f(x { }",
        "function f(a b) { }",
        "function f(1) { }",
        "function f(x) return x;",
        "function f(x) = x;",
        "function f(x) -> text { }",
        "def f(x): return x;",
        "var x = 5;",
        "const x = 5;",
        "return 1; }",
        "done",
        "type = {a: text};",
        "type t {a: text};",
        "type t = ;",
        "type t = {a: };",
        "type t = {a text};",
        "open;",
        "open 'x';",
        "exec x;",
        "exec 5;",
        "private x = 5;",
        "switch x { }",
        "import foo;",
        "break 5;",
        "return return 1;",
        "let x = let y = 1;",
        "retrun x;",
        "lte x = 1;",
        "for (let i = 0; i < 10; i++) { f(); }",
        "if x f(); g();",
        "if x { f(); } els { g(); }",
        "Let x == 1;",
        "let x = if a: 1; else: 2;",
        "let x = if a then 1 else 2 end;",
        ";",
        "let x = 1;;",
    ]));
}

#[test]
fn expressions() {
    insta::assert_snapshot!(rendered(&[
        "return 1 < 2 < 3;",
        "return a = b = c;",
        "return a is text is number;",
        "return a && b;",
        "return a || b;",
        "return !a;",
        "return a === b;",
        "return a !== b;",
        "return a % b;",
        "return a ^ b;",
        "return a ? b : c;",
        "return a ?: b;",
        "return (1, 2);",
        "return (1, 2) & 3;",
        "return {a = 1};",
        "return {a: 1, b = 2, 'c': 3};",
        "return {1, 2};",
        "return [a: 1, 2];",
        "return {'a'};",
        "return {a 1};",
        "return t with [1];",
        "return t with [a + b];",
        "return new t {5};",
        "return new {a: 1};",
        "return new t;",
        "return 12abc;",
        "return 1_000;",
        "return 0x1F;",
        "return 1.;",
        "return .5;",
        "return 1,5;",
        "return 1e;",
        "return 123456789012345678901234567890123;",
        "return 1e99;",
        "return case x when 1 then 2 end;",
        "return case when x: 1 end;",
        "return case when x then 1 else 2;",
        "return case when x then 1;",
        "return end;",
        "return x then y;",
        "return map t [a];",
        "return map t as a;",
        "return map(t, f) as [a];",
        "return t with {a: 1}, {b: 2} when c;",
        "return [t with {a: 1} when b, {c: 2}];",
        "return t with {a: 1} otherwise, {b: 2} when c;",
        "return t with a: 1;",
        "return t order a;",
        "return t order by a group b;",
        "return t sort by a;",
        "return select a;",
        "return select from t;",
        "return select a from;",
        "return select a, from t;",
        "return select a from t join u;",
        "return select a from t left u on x;",
        "return select a from t outer join u on x;",
        "return select a as from t;",
        "return select a: b as c from t;",
        "return select a from t where;",
        "return select a from t order a;",
        "return select a from t limit 5;",
        "return (a: number) => a;",
        "return (a, 5) => a;",
        "return x -> x;",
        "return function x => x;",
        "return f(a b);",
        "return f(a; b);",
        "return f(a: 1);",
        "return a not b;",
        "return a is;",
        "return a is 5;",
        "return a is not not b;",
        "return a like;",
        "return 'it's';",
        "return 'a' 'b';",
        "return f<number>;",
        "return 5<number>(x);",
        "return a b c;",
        "return a adn b;",
        "return t whree a;",
        "return x between 1 and 2;",
        "return x.5;",
        "return x..y;",
        "return and b;",
        "return * from t;",
    ]));
}

#[test]
fn closing() {
    insta::assert_snapshot!(rendered(&[
        "let x = (1 + 2;\nreturn x;",
        "let x = f(1, [2, 3);\nreturn x;",
        "let x = [1, 2\nlet y = 3;",
        "let x = {a: 1;\nreturn x;",
        "if a {\n  f();\nreturn 1;",
        "function f() {\n  if a {\n    g();\n}\nreturn f();",
        "for x in y do\n  f();\nreturn 1;",
        "if a do f(); }",
        "if a { f(); done",
        "f());",
        "let x = 1];",
        "return 'abc;\nlet y = 1;",
        "let a = 'x;\nlet b = 'y';",
        "log(\"abc);\nlog(\"def\");",
        "return `abc {x} ;\nreturn 1;",
        "return `abc {x ;\nreturn 1;",
        "return 1; /* open",
        "let a = @'C:\\;",
        "let a = 'C:\\';\nlet b = 2;",
        "if a { f( }",
        "f(",
        "if a {",
        "function f(",
        "let r = {a: {b: 1};\nreturn r;",
        "return (((1;",
        "return [1, 2;",
    ]));
}

#[test]
fn characters() {
    insta::assert_snapshot!(rendered(&[
        "return ‘x’;",
        "return a – b;",
        "return #5;",
        "return a\u{a0}+ b;",
        "return $x;",
        "return a @ b;",
        "return a \\ b;",
        "return €;",
        "return \u{0};",
        "return \u{1};",
        "return x | y;",
        "return ~x;",
        "let ñ = 'ü'; return ñ + 1 1;",
        &format!("return {}1;", "(".repeat(300)),
        &format!("return {}1{};", "(".repeat(300), ")".repeat(300)),
        "let and = 1;",
        "function if() => 1;",
        "for let in x { }",
        "let f = select => 1;",
        "function f(end) => 1;",
        "let x = function (not) => 1;",
    ]));
}

/// Expressions, templates and types that are a source of their own.
#[test]
fn parts() {
    let mut out = String::new();
    let mut add = |source: &str, found: String| {
        for part in ["---- ", source, "\n", &found, "\n"] {
            out.push_str(part);
        }
    };
    for source in [
        "1;",
        "",
        "// x",
        "a b",
        "let x = 1",
        "1 + ",
        "f(1",
        "'abc",
        "a; b",
        "return 1",
        "{a: 1",
        "if a { b }",
        "x = 5",
    ] {
        add(source, super::messages(source, &parse_expression(source)));
    }
    for source in [
        "a {b",
        "a {",
        "a {}",
        "{a} {b + } {c d}",
        "a { 'x }",
        "a {b; c}",
        "{a}}",
        "x \\{ {a",
        "{if a}",
        "{1 < 2 < 3} {(1, 2)}",
        "{a b} {1 < 2 < 3} {",
    ] {
        add(source, super::messages(source, &parse_template(source)));
    }
    for source in ["", "text |", "{a: }", "text text", "(a, b)", "{a text}", "let", "(text) ->", "5", "text;"] {
        add(source, super::messages(source, &parse_type(source)));
    }
    insta::assert_snapshot!(out);
}
