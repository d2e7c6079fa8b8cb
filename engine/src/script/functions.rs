//! The functions that workflows have in addition to those of the library.

use flowscript_lang::error::ErrorKind;
use flowscript_lang::function::{Call, Cost, Effect, Example, Function, NativeResult, Registry};
use std::sync::{Arc, OnceLock};

/// All functions of workflows.
pub(super) fn registry() -> Arc<Registry> {
    static REGISTRY: OnceLock<Arc<Registry>> = OnceLock::new();
    let all = || {
        let library = flowscript_stdlib::registry();
        let library = library.functions().iter().map(|function| Function::clone(function));
        Arc::new(Registry::new(library.chain([callback_url()])))
    };
    REGISTRY.get_or_init(all).clone()
}

fn callback_url() -> Function {
    const EXAMPLES: &[Example] =
        &[Example { source: "callbackUrl('paid')", result: "can reach runs of workflows only", fails: true }];
    fn native(call: &mut Call<'_>) -> NativeResult {
        let url = call.context.host().callback_url(call.text(0));
        url.map(Into::into).map_err(|reason| call.error(ErrorKind::Io, reason))
    }
    Function {
        section: "Workflows",
        summary: "The address that wakes the run from `wait: { event: name }`.",
        rules: "It can be used before the run waits. It needs `publicUrl` in flowscript.toml.",
        examples: EXAMPLES,
        effect: Effect::Host,
        cost: Cost::Fixed,
        ..Function::new("callbackUrl(name: text) -> text", native).expect("a test parses it")
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_functions_of_workflows_are_found() {
        assert!(super::registry().find("callbackurl").is_some());
        assert!(super::registry().find("Round").is_some());
    }
}
