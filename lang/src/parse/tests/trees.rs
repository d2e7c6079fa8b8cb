//! Sources and their trees.

use super::{expression, print, script};
use crate::parse::{parse_template, parse_type};

/// `source => tree`, one a line.
fn check_all(cases: &str, parse: impl Fn(&str) -> String) {
    for case in cases.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (source, tree) = case.split_once("  ⇒  ").unwrap_or_else(|| panic!("no arrow in {case}"));
        assert_eq!(parse(source.trim()), tree.trim(), "in {source}");
    }
}

#[test]
fn precedence() {
    check_all(
        "
        1 + 2 * 3                  ⇒  (1 Add (2 Multiply 3))
        1 - 2 - 3                  ⇒  (1 Subtract 2 Subtract 3)
        1 * 2 / 3 mod 4            ⇒  (1 Multiply 2 Divide 3 Modulo 4)
        1 + 2 - 3 & 'x' & y        ⇒  ((1 Add 2 Subtract 3) Concat \"x\" Concat y)
        a & b = c & d              ⇒  ((a Concat b) Equal (c Concat d))
        a ?? b * c                 ⇒  ((a Coalesce b) Multiply c)
        a ?? b ?? c                ⇒  (a Coalesce b Coalesce c)
        -a ?? b                    ⇒  ((- a) Coalesce b)
        -a.b * c                   ⇒  ((- a.b) Multiply c)
        -x * 2 - -1                ⇒  (((- x) Multiply 2) Subtract (- 1))
        - - -a                     ⇒  (- (- (- a)))
        7 mod -3                   ⇒  (7 Modulo (- 3))
        *r & *s                    ⇒  ((* r) Concat (* s))
        a * *b                     ⇒  (a Multiply (* b))
        not a = b                  ⇒  (not (a Equal b))
        not a and b                ⇒  ((not a) And b)
        not not a or not b         ⇒  ((not (not a)) Or (not b))
        a or b and c or d          ⇒  (a Or (b And c) Or d)
        a and b = c and d          ⇒  (a And (b Equal c) And d)
        a == b                     ⇒  (a Equal b)
        a <> b                     ⇒  (a NotEqual b)
        a != b                     ⇒  (a NotEqual b)
        a <= b                     ⇒  (a LessEqual b)
        a >= b                     ⇒  (a GreaterEqual b)
        a in b & c                 ⇒  (a In (b Concat c))
        a not in (b, c)            ⇒  (a NotIn (tuple b c))
        a in ('x', (y))            ⇒  (a In (tuple \"x\" 'y))
        a in (b)                   ⇒  (a In 'b)
        a in (t where c).col       ⇒  (a In '(t | where c).col)
        a like 'x%' and b          ⇒  ((a Like \"x%\") And b)
        a not like 'x%'            ⇒  (a NotLike \"x%\")
        a is number and b          ⇒  ((a is number) And b)
        a is not text? or b        ⇒  ((a is-not text?) Or b)
        a is m.t*                  ⇒  (a is m.t*)
        a is null                  ⇒  (a is null)
        (a)                        ⇒  'a
        ((a + b)) * c              ⇒  (''(a Add b) Multiply c)
        AND1 & Or2                 ⇒  (AND1 Concat Or2)
        x.qty ?? 0 > 5             ⇒  ((x.qty Coalesce 0) Greater 5)
        ",
        expression,
    );
}

#[test]
fn operands() {
    check_all(
        r#"
        a.b.c(1, 2)[0]?.d          ⇒  a.b.c(1 2)[0]?.d
        f()                        ⇒  f()
        f(1, 2,)                   ⇒  f(1 2)
        x.end.select.order         ⇒  x.end.select.order
        x?.from                    ⇒  x?.from
        5.Str()                    ⇒  5.Str()
        1.5.Floor()                ⇒  1.5.Floor()
        1e3 + 0.50 + 007           ⇒  (1000 Add 0.5 Add 7)
        JSON.Decode<order>(t)      ⇒  JSON.Decode<order>(t)
        f<text?>(x).y              ⇒  f<text?>(x).y
        f<(number) -> text>(x)     ⇒  f<((number)->text)>(x)
        f<{a: number = 1, b}*>(x)  ⇒  f<{a:number=1 b}*>(x)
        a < b                      ⇒  (a Less b)
        [a < b, c > (d)]           ⇒  [(a Less b) (c Greater 'd)]
        []                         ⇒  []
        {}                         ⇒  {}
        [1, 2,]                    ⇒  [1 2]
        [a, b]                     ⇒  [a b]
        [a, b: 2]                  ⇒  {a b:2}
        [a: 1]                     ⇒  {a:1}
        {a, b: 2,}                 ⇒  {a b:2}
        {a}                        ⇒  {a}
        {"a": [1, {"b": null}], "type": "x", "order": true}  ⇒  {a:[1 {b:null}] type:"x" order:true}
        [order: 1, type: 2, end: 3, select: 4, if: 5]  ⇒  {order:1 type:2 end:3 select:4 if:5}
        ['a b': 1]                 ⇒  {a b:1}
        {a, "b c": 2}              ⇒  {a b c:2}
        `Hi {n}, {q * 2} \{x}`     ⇒  (template "Hi " n ", " (q Multiply 2) " {x}")
        `a}b`                      ⇒  (template "a}b")
        `{`{a}`}`                  ⇒  (template (template a))
        ``                         ⇒  (template )
        `{ {a: 1}.a }`             ⇒  (template {a:1}.a)
        case when a then b end     ⇒  (case a=>b)
        case when a = 1 then 'x' when b then 'y' else 'z' end  ⇒  (case (a Equal 1)=>"x" b=>"y" "z")
        case when a then [1] when b then {c: 1} end.d  ⇒  (case a=>[1] b=>{c:1}).d
        new order {no: 7, a}       ⇒  (new order {no:7 a})
        *new m.line [sku]          ⇒  (* (new m.line {sku}))
        new t []                   ⇒  (new t {})
        x => x * 2                 ⇒  (fn (x) (x Multiply 2))
        (a, b) => a + b            ⇒  (fn (a b) (a Add b))
        () => 5                    ⇒  (fn () 5)
        x => y => x + y            ⇒  (fn (x) (fn (y) (x Add y)))
        1 + x => x + 2             ⇒  (1 Add (fn (x) (x Add 2)))
        function (x: number, y = 2): text? => x  ⇒  (fn (x:number y=2):text? x)
        function () { return 1; }  ⇒  (fn () {(return 1)})
        function () do return 1; done  ⇒  (fn () {(return 1)})
        error 'x' & y              ⇒  (error ("x" Concat y))
        error `x`                  ⇒  (error (template "x"))
        error (x)                  ⇒  (error 'x)
        error @'x'                 ⇒  (error "x")
        error message              ⇒  (error message)
        a ?? error 'x'             ⇒  (a Coalesce (error "x"))
        error - 1 + map            ⇒  (error Subtract 1 Add map)
        error.message              ⇒  error.message
        error in list              ⇒  (error In list)
        error order by x           ⇒  (error | order x)
        map(t, f)                  ⇒  map(t f)
        Map(t, f).x                ⇒  Map(t f).x
        "#,
        expression,
    );
}

#[test]
fn queries() {
    check_all(
        "
        items where qty > 10 and name like 'A%'  ⇒  (items | where ((qty Greater 10) And (name Like \"A%\")))
        items order by price desc, name, x asc  ⇒  (items | order price↓ name x)
        order order by order  ⇒  (order | order order)
        t order by desc desc  ⇒  (t | order desc↓)
        items with [price: price * 1.03]  ⇒  (items | with {price:(price Multiply 1.03)})
        items with [price: 1] where qty > 100 where x  ⇒  (items | with {price:1} where (qty Greater 100) | where x)
        items with {p: 1} when a, {p: 2} when b, {p: 3} otherwise  ⇒  (items | with {p:1} when a {p:2} when b {p:3} otherwise)
        items with {p: 1} when a where b  ⇒  (items | with {p:1} when a where b)
        items with {p: 1} otherwise  ⇒  (items | with {p:1} otherwise)
        [t with {p: 1} when a, 5]  ⇒  [(t | with {p:1} when a) 5]
        [t with {p: 1}, {p: 2}]  ⇒  [(t | with {p:1}) {p:2}]
        items with (r => {p: 1})  ⇒  (items | with '(fn (r) {p:1}))
        order with [total: net + tax]  ⇒  (order | with {total:(net Add tax)})
        items with [a, b]  ⇒  (items | with {a b})
        items except [sku: 'A']  ⇒  (items | except {sku:\"A\"})
        items except [sku]  ⇒  (items | except {sku})
        items except where qty = 0  ⇒  (items | except where (qty Equal 0))
        items except r where x  ⇒  (items | except r | where x)
        map lines as [sku, cost: price * qty]  ⇒  (map lines {sku cost:(price Multiply qty)})
        map lines as [sku]  ⇒  (map lines {sku})
        map lines as (l => {a: l.b})  ⇒  (map lines '(fn (l) {a:l.b}))
        map t where a order by b as [c] where d  ⇒  ((map (t | where a | order b) {c}) | where d)
        map map t as [a] as [b]  ⇒  (map (map t {a}) {b})
        map select a from t as [b]  ⇒  (map (select a from t) {b})
        map(t) as [a]  ⇒  (map 't {a})
        map(t where x) as (r => r)  ⇒  (map '(t | where x) '(fn (r) r))
        [map, map in map, map = 1]  ⇒  [map (map In map) (map Equal 1)]
        ",
        expression,
    );
    check_all(
        "
        select distinct x, y from t where z = 0  ⇒  (select distinct x y from t where (z Equal 0))
        select distinct, y from t  ⇒  (select distinct y from t)
        select distinct from t  ⇒  (select distinct from t)
        select *, o.*, -a as b from o  ⇒  (select * o.* b:(- a) from o)
        select * from t  ⇒  (select * from t)
        select a as end, from: 1, 'x y': 2 from t  ⇒  (select end:a from:1 x y:2 from t)
        select o.no, total: o.qty * o.price from orders o inner join customers c on o.customer = c.id left join regions as r on r.id = c.region where total > 100 order by total desc  ⇒  (select o.no total:(o.qty Multiply o.price) from orders@o inner customers@c on (o.customer Equal c.id) left regions@r on (r.id Equal c.region) where (total Greater 100) order total↓)
        select customer, n: count(), skus: join(sku, ', ') from orders group by customer having n > 1 order by total desc, n  ⇒  (select customer n:count() skus:join(sku \", \") from orders group customer having (n Greater 1) order total↓ n)
        select a from t group by k: x + 1, y  ⇒  (select a from t group k:(x Add 1) y)
        select a from order order by b  ⇒  (select a from order order b)
        select a from t as left left join u as on on x  ⇒  (select a from t@left left u@on on x)
        select b: a * 2 from (t where a > 1) where a < 3  ⇒  (select b:(a Multiply 2) from '(t | where (a Greater 1)) where (a Less 3))
        select a from (select b from t) s  ⇒  (select a from '(select b from t)@s)
        select a from t order by b where c  ⇒  ((select a from t order b) | where c)
        [select x, y from t, select x from t where z]  ⇒  [(select x y from t) (select x from t where z)]
        select a, map(t) as c from d  ⇒  (select a c:map(t) from d)
        orders group by customer  ⇒  (orders | group customer)
        orders group by c: customer, d  ⇒  (orders | group c:customer d)
        t where (r => r.a) order by b  ⇒  (t | where '(fn (r) r.a) | order b)
        t where r => r.a order by b  ⇒  (t | where (fn (r) (r.a | order b)))
        First(t order by p).id  ⇒  First((t | order p)).id
        Take((t order by k), n)  ⇒  Take('(t | order k) n)
        Take(t order by k, n)  ⇒  Take((t | order k n))
        [t order by k,]  ⇒  [(t | order k)]
        t where case when a then b end  ⇒  (t | where (case a=>b))
        ",
        expression,
    );
}

#[test]
fn statements() {
    check_all(
        "
        let total = 0;  ⇒  (let total 0)
        LET x = 1; Return X;  ⇒  (let x 1) (return X)
        let rate: number? = 0.25  ⇒  (let rate:number? 0.25)
        let r: {a: number, b = 2} = x;  ⇒  (let r:{a:number b=2} x)
        private let a = 1; private function f() => 1; private type t = number;  ⇒  (private let a 1) (private function f () 1) (private type t number)
        set total = total + 1;  ⇒  (set total (total Add 1))
        set order.lines[0].end = 3;  ⇒  (set order.lines[0].end 3)
        if a { b(); } elseif c { } else if d { e() } else { }  ⇒  (if a {(do b())} c {} d {(do e())} {})
        if a: return 'many';  ⇒  (if a {(return \"many\")})
        if a: b(); elseif c: d(); else: e();  ⇒  (if a {(do b())} c {(do d())} {(do e())})
        if a: if b: c(); else: d();  ⇒  (if a {(if b {(do c())} {(do d())})})
        if a { } b();  ⇒  (if a {}) (do b())
        if a { }; b();  ⇒  (if a {}) (do b())
        for row in orders { }  ⇒  (for row orders {})
        for i in range(0, 10): set total = total + i;  ⇒  (for i range(0 10) {(set total (total Add i))})
        for i in r do set s = i; done return s;  ⇒  (for i r {(set s i)}) (return s)
        for r in t with {a: 1} { }  ⇒  (for r (t | with {a:1}) {})
        while total < 100 { set total = total * 2; }  ⇒  (while (total Less 100) {(set total (total Multiply 2))})
        while true { break; continue; }  ⇒  (while true {break continue})
        return;  ⇒  (return)
        return {a: 1};  ⇒  (return {a:1})
        error `Quantity {qty} must be positive`;  ⇒  (do (error (template \"Quantity \" qty \" must be positive\")))
        try { f(); } catch e { log(e.message); }  ⇒  (try {(do f())} e {(do log(e.message))})
        try { } catch { }  ⇒  (try {} {})
        type line = [sku = '', qty = 0];  ⇒  (type line {sku=\"\" qty=0})
        type order = { no: number, customer: { name: text, email: text? }, lines: line*, note: text = '', x };  ⇒  (type order {no:number customer:{name:text email:text?} lines:line* note:text=\"\" x})
        function net(gross, rate: number = 0.25) => gross / (1 + rate);  ⇒  (function net (gross rate:number=0.25) (gross Divide '(1 Add rate)))
        function label(o: order): text { return `#{o.no}`; }  ⇒  (function label (o:order):text {(return (template \"#\" o.no))})
        function f() { } f();  ⇒  (function f () {}) (do f())
        function f(): {a: number} { return {a: 1} }  ⇒  (function f ():{a:number} {(return {a:1})})
        open DateTime;  ⇒  (open DateTime)
        exec log('x');  ⇒  (do log(\"x\"))
        log('x')  ⇒  (do log(\"x\"))
        assert net(125) = 100;  ⇒  (assert (net(125) Equal 100))
        let open = 1; let type = open; let exec = type; exec(1); open(2); type.x();  ⇒  (let open 1) (let type open) (let exec type) (do exec(1)) (do open(2)) (do type.x())
        let map = 1; let error = 2; set map = error; set error = 1;  ⇒  (let map 1) (let error 2) (set map error) (set error 1)
        for map in map { }  ⇒  (for map map {})
        if a { return 1 } return 2  ⇒  (if a {(return 1)}) (return 2)
        let f = function () { set n = n + 1; return n; }; f();  ⇒  (let f (fn () {(set n (n Add 1)) (return n)})) (do f())
        ",
        script,
    );
}

#[test]
fn types() {
    check_all(
        "
        number  ⇒  number
        null  ⇒  null
        text?  ⇒  text?
        text??  ⇒  text?
        line*?  ⇒  line*?
        m.Line  ⇒  m.Line
        (text)  ⇒  text
        (text?)*  ⇒  text?*
        (number, text?) -> boolean  ⇒  ((number text?)->boolean)
        () -> any*  ⇒  (()->any*)
        (text) -> (text) -> text  ⇒  ((text)->((text)->text))
        [a = 1, b, 'c d': text = '']  ⇒  {a=1 b c d:text=\"\"}
        {}  ⇒  {}
        ",
        |source| {
            let parsed = parse_type(source);
            assert_eq!(parsed.diagnostics, [], "in {source}");
            print::ty(&parsed.tree)
        },
    );
}

#[test]
fn templates() {
    for (source, tree) in [
        ("", ""),
        ("plain 'text", "\"plain 'text\""),
        ("{a}", "a"),
        ("a{b + 1}c", "\"a\" (b Add 1) \"c\""),
        (r"\{a} }\n`", r#""{a} }\\n`""#),
        ("{ '}' }", "\"}\""),
    ] {
        let parsed = parse_template(source);
        assert_eq!(parsed.diagnostics, [], "in {source}");
        assert_eq!(print::template(&parsed.tree), tree, "in {source}");
    }
}

/// Every script of the shared cases parses, except for refused ones.
#[test]
fn conformance_scripts_parse() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/conformance");
    let Ok(files) = std::fs::read_dir(folder) else { return };
    for file in files {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        for line in text.lines() {
            let Some((_, rest)) = line.split_once("script: \"") else { continue };
            let Some(end) = rest.match_indices('"').map(|(at, _)| at).find(|at| !rest[..*at].ends_with('\\')) else {
                continue;
            };
            let source = serde_json::from_str::<String>(&format!("\"{}\"", &rest[..end])).unwrap();
            // A script that is refused before it runs may be refused by the grammar.
            if !rest[end..].contains("phase: check") {
                script(&source);
            }
        }
    }
}

#[test]
fn blanks_and_comments_are_nothing() {
    assert_eq!(script("// a\n/* b */ let /* c */ x // d\n = 1 /* e */; // f"), "(let x 1)");
    assert_eq!(script("\u{FEFF}let x = 1;\r\n\treturn x;\r\n"), "(let x 1) (return x)");
    assert_eq!(script(""), "");
    assert_eq!(script("// only"), "");
    assert_eq!(expression("a /**/ ?. b\n.c"), "a?.b.c");
}
