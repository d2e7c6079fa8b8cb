//! Annotations of structured types at every place that allows them, with values that fit, that convert and that do not.

use super::{agreed, compiled};

const TYPES: [&str; 12] = [
    "item*",
    "{q: number}*",
    "{q: number, note: text = 'none'}*",
    "{q: number?, x}*",
    "{q: number? = 5}*",
    "item",
    "order",
    "order*?",
    "number*",
    "number?*",
    "text**",
    "node?",
];

const VALUES: [&str; 17] = [
    "[]",
    "null",
    "'1'",
    r#"{"q":"1"}"#,
    r#"{"q":true,"note":"x"}"#,
    r#"[{"q":1},{"q":2}]"#,
    r#"[{"q":"1"},{"q":"2,5"},{"q":3}]"#,
    r#"[{"q":1},{"q":"x"}]"#,
    r#"[{"q":1},{"q":null}]"#,
    r#"[{"x":1,"q":"4"},{"x":[{"q":"1"}]}]"#,
    r#"[{"q":1,"note":"x"},{"q":"2"},{"note":3}]"#,
    r#"{"no":"7","lines":[{"q":"1"},{"q":2}]}"#,
    r#"[{"no":1,"lines":[]},{"no":"2","lines":[{"q":"x"}]}]"#,
    r#"["1",2]"#,
    "[1,null]",
    r#"[["a"],[1,true]]"#,
    r#"{"v":"1","next":{"v":2,"next":{"v":"3","next":null}}}"#,
];

/// T is the annotation, V the first value and W the next.
const USES: [&str; 9] = [
    "let t: T = V; return [t, t is T];",
    "function f(t: T) => t; let g = f; return [f(V), g(W)];",
    "function f(t): T { return t; } return [f(V), f(W)];",
    "function f(t, u: T = W): T { return u; } return f(V);",
    "let t: T = V; try { set t = t & W; } catch e { return [e, t]; } return [t, t is T];",
    "let t: T = V; function add(x) { set t = t & x; return t; } try { add(W); } catch e { return [e, t]; } return t;",
    "let t: T = V; try { set t[0] = W; } catch e { return [e, t]; } return t;",
    "let t: T = V; let w = W; try { set t[0].q = w; set t[0].note = w; } catch e { return [e, t]; } return t;",
    "function f(t: T) => 1; function g(t) => f(t); let t = V; for i in range(0, 3) { g(t); g(W); set t = t & W; } return t;",
];

#[test]
fn annotations_agree() {
    let types =
        "type item = {q: number}; type order = {no: number, lines: item*}; type node = {v: number, next: node?};\n";
    let (mut came_to, mut failed) = (0, 0);
    for ty in TYPES {
        for (at, value) in VALUES.iter().enumerate() {
            for (number, form) in USES.iter().enumerate() {
                let other = VALUES[(at * 5 + number * 7 + 3) % VALUES.len()];
                let given = |value: &str| format!("JSON.Decode('{}')", value.replace('\'', "\\'"));
                let body = form.replace('T', ty).replace('V', "$1").replace('W', "$2");
                let body = body.replace("$1", &given(value)).replace("$2", &given(other));
                let source = format!("{types}{body}");
                if compiled(&source).is_err() {
                    continue;
                }
                let result = agreed(&source).unwrap_or_else(|differ| panic!("{differ}"));
                assert!(number != 0 || !result.contains(", false] in"), "{source}\n{result}");
                came_to += 1;
                failed += usize::from(result.contains(" error: "));
            }
        }
    }
    assert!(came_to > 1_000 && failed * 3 > came_to && failed < came_to, "{failed} of {came_to} failed");
}
