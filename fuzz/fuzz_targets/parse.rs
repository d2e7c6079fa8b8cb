//! Any text is parsed: as script, expression, template and type.
#![no_main]

use flowscript_lang::parse;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|source: &str| {
    let script = parse::parse_script(source);
    for finding in &script.diagnostics {
        assert!(source.get(finding.span.start as usize..finding.span.end as usize).is_some(), "{finding:?}");
    }
    parse::parse_expression(source);
    parse::parse_template(source);
    parse::parse_type(source);
});
