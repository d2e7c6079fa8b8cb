//! Any text is checked.
#![no_main]

use flowscript_lang::function::Effect;
use flowscript_lang::{CompileOptions, Mode, NoModules, compile};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|source: &str| {
    let registry = flowscript_stdlib::registry();
    let options = CompileOptions {
        mode: Mode::Script,
        variables: &[],
        registry: &registry,
        modules: &NoModules,
        effect: Effect::Outside,
    };
    let compiled = compile(source, &options);
    assert_eq!(compiled.program.is_none(), compiled.has_errors());
});
