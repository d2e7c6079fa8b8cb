//! Any template and any expression runs with a record, within its limits.
#![no_main]

mod still;

use flowscript_lang::function::Effect;
use flowscript_lang::types::Type;
use flowscript_lang::value::Value;
use flowscript_lang::{CompileOptions, Limits, Mode, NoModules, Settings, Variable, compile};
use libfuzzer_sys::fuzz_target;
use still::StillHost;

fuzz_target!(|source: &str| {
    let registry = flowscript_stdlib::registry();
    let variables = [Variable { name: "order".into(), ty: Type::Any, writable: false }];
    let line = Value::record([("sku", "A".into()), ("qty", 2.into())]);
    let order = Value::record([("id", 7.into()), ("lines", Value::list(vec![line.clone(), line]))]);
    for mode in [Mode::Template, Mode::Expression] {
        let options = CompileOptions {
            mode,
            variables: &variables,
            registry: &registry,
            modules: &NoModules,
            effect: Effect::Outside,
        };
        let Some(program) = compile(source, &options).program else { continue };
        let limits =
            Limits { steps: Some(20_000), memory: 16 << 20, text: 1 << 20, cells: 100_000, ..Limits::default() };
        let settings = Settings { limits, ..Settings::default() };
        let _ = program.run(vec![order.clone()], &settings, &StillHost);
    }
});
