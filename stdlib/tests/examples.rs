//! Every example of the registration table runs as a script and gives what the table says.

mod support;

use flowscript_lang::ast::{ExprKind, PostfixKind};
use flowscript_lang::budget::Unlimited;
use flowscript_lang::function::{Example, Function, ParameterType};
use flowscript_lang::parse;
use flowscript_lang::value::{Conversion, equal};
use support::evaluate;

#[test]
fn every_example_gives_what_it_says() {
    let registry = flowscript_stdlib::registry();
    let mut wrong = Vec::new();
    let mut count = 0;
    for function in registry.functions() {
        for example in function.examples {
            count += 1;
            wrong.extend(difference(function, example));
        }
    }
    assert!(wrong.is_empty(), "{} of {count} examples:\n{}", wrong.len(), wrong.join("\n"));
    assert!(count > 250, "{count} examples");
}

/// A function that folds rows is a fold over records, too: only there an expression reads columns.
#[test]
fn folding_functions_show_an_expression_over_records() {
    let registry = flowscript_stdlib::registry();
    let folding: Vec<_> = registry.functions().iter().filter(|function| folds(function)).collect();
    assert!(folding.len() >= 5, "{} functions fold", folding.len());
    let without = folding.iter().filter(|function| !function.examples.iter().any(|one| is_over_records(function, one)));
    let missing: Vec<String> = without
        .map(|function| {
            let name = function.name;
            format!("{name} makes one value of rows: give it an example over records, such as `{name}([{{p: 2}}, {{p: 3}}], p)`")
        })
        .collect();
    assert!(missing.is_empty(), "\n{}", missing.join("\n"));
}

/// Does it make one value of rows, with an optional expression for each row?
fn folds(function: &Function) -> bool {
    let parameters = function.signature.parameters.as_slice();
    let is_shape = matches!(parameters, [rows, value]
        if rows.ty == ParameterType::Rows && value.ty == ParameterType::Expr && value.optional);
    function.facts.folds.is_some() || is_shape
}

/// Does the example call the function with records and an expression that names one of their fields?
fn is_over_records(function: &Function, example: &Example) -> bool {
    let parsed = parse::parse_expression(example.source);
    let ExprKind::Postfix { base, steps } = &parsed.tree.kind else { return false };
    let (ExprKind::Name(name), Some(step)) = (&base.kind, steps.first()) else { return false };
    let PostfixKind::Call { arguments, .. } = &step.kind else { return false };
    let (true, [rows, value]) = (function.name.eq_ignore_ascii_case(name), arguments.as_slice()) else { return false };
    let ExprKind::List(rows) = &rows.kind else { return false };
    let Some(ExprKind::Record(fields)) = rows.first().map(|row| &row.kind) else { return false };
    let mut words = value.span.text(example.source).split(|c: char| !c.is_alphanumeric() && c != '_');
    !example.fails && words.any(|word| fields.iter().any(|field| field.label.text == word))
}

fn difference(function: &Function, example: &Example) -> Option<String> {
    let name = function.name;
    let source = example.source;
    match (evaluate(source), example.fails) {
        (Ok(value), true) => Some(format!("{name}: {source} gives {}, but should fail.", value.to_literal(200))),
        (Err(message), true) if message.contains(example.result) => None,
        (Err(message), true) => Some(format!("{name}: {source} says {message:?}, not {:?}.", example.result)),
        (Err(message), false) => Some(format!("{name}: {source} fails: {message}")),
        (Ok(value), false) => match evaluate(example.result) {
            Ok(wanted) if equal(&value, &wanted, Conversion::None, &mut Unlimited).is_ok_and(|same| same) => None,
            Ok(wanted) => {
                Some(format!("{name}: {source} gives {}, not {}.", value.to_literal(200), wanted.to_literal(200)))
            }
            Err(message) => Some(format!("{name}: the result {} fails: {message}", example.result)),
        },
    }
}
