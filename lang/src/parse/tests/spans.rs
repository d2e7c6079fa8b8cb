//! Nodes cover exactly their text.

use crate::ast::*;
use crate::parse::{parse_expression, parse_script};

#[test]
fn statements_end_before_their_semicolon() {
    let source = " let a = 1 ; if b { } ; if c : d ( ) ; function f ( ) => 1 ; for x in y where z : g ( ) ; return ; ";
    let parsed = parse_script(source);
    let texts: Vec<&str> = parsed.tree.statements.iter().map(|statement| statement.span.text(source)).collect();
    assert_eq!(
        texts,
        ["let a = 1", "if b { }", "if c : d ( )", "function f ( ) => 1", "for x in y where z : g ( )", "return"]
    );
}

#[test]
fn expressions_end_with_their_last_token() {
    for source in [
        "a",
        "f ( x )",
        "a + b",
        "- a",
        "not not a",
        "x => y",
        "( a , b ) => c",
        "a . b",
        "a ?. b",
        "a [ 0 ]",
        "[ a , b ]",
        "{ a : 1 }",
        "case when a then b end",
        "new t { a }",
        "error 'x'",
        "map t as [ a ]",
        "map ( t ) as [ a ]",
        "map ( t )",
        "t where a",
        "t order by b desc",
        "t group by b",
        "t with { a : 1 } otherwise",
        "t except where a",
        "a is text ?",
        "a is not m . t *",
        "select a from t",
        "select a from t as b where c",
        "select a from t u left join v w on x having y",
        "function ( ) { }",
        "function ( x ) => x",
        "`a{ b }c`",
        "'x'",
        "1.5",
        "x in ( a , b )",
        "f < t > ( x )",
    ] {
        let spaced = format!(" /* a */ {source} // b");
        let parsed = parse_expression(&spaced);
        assert_eq!(parsed.diagnostics, [], "in {source}");
        assert_eq!(parsed.tree.span.text(&spaced), source);
    }
}

#[test]
fn parts_have_their_places() {
    let source = "t where a > 1  order by b desc , c  with { p : 1 }  where q ";
    let Expr { kind: ExprKind::Query { operators, .. }, .. } = parse_expression(source).tree else { panic!() };
    let texts: Vec<&str> = operators.iter().map(|(_, span)| span.text(source)).collect();
    assert_eq!(texts, ["where a > 1", "order by b desc , c", "with { p : 1 }  where q"]);

    let source = "a . b ( c ) [ 0 ] ?. d";
    let Expr { kind: ExprKind::Postfix { steps, .. }, .. } = parse_expression(source).tree else { panic!() };
    let texts: Vec<&str> = steps.iter().map(|step| step.span.text(source)).collect();
    assert_eq!(texts, [". b", "( c )", "[ 0 ]", "?. d"]);

    let source = "if a { b ( ) ; } else : c ( ) ;";
    let Some(StatementKind::If { branches, otherwise }) = parse_script(source).tree.statements.pop().map(|s| s.kind)
    else {
        panic!()
    };
    assert_eq!(branches[0].1.span.text(source), "{ b ( ) ; }");
    assert_eq!(otherwise.unwrap().span.text(source), "c ( )");

    let source = "a  not  in  b  and  c";
    let Expr { kind: ExprKind::Binary { first, rest }, .. } = parse_expression(source).tree else { panic!() };
    assert_eq!((first.span.text(source), rest[0].1.text(source)), ("a  not  in  b", "and"));
    let ExprKind::Binary { rest, .. } = first.kind else { panic!() };
    assert_eq!(rest[0].1.text(source), "not  in");
}
