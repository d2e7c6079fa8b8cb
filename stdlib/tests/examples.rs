//! Every example of the registration table runs as a script and gives what the table says.

mod support;

use flowscript_lang::budget::Unlimited;
use flowscript_lang::function::{Example, Function};
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
