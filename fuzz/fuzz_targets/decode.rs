//! Any text is decoded as JSON, XML or CSV within a budget; the result can be written and read again.
#![no_main]

use flowscript_lang::Limits;
use flowscript_lang::budget::Allowance;
use flowscript_lang::value::{Conversion, Value, equal, live_size};
use flowscript_stdlib::csv::Dialect;
use flowscript_stdlib::{csv, json, xml};
use libfuzzer_sys::fuzz_target;

/// The most bytes that a byte of text may become, and the size of the smallest value.
const MULTIPLE: usize = 100;
const LEAST: usize = 4_096;

fn allowance() -> Allowance<'static> {
    let limits = Limits { steps: Some(5_000_000), memory: 64 << 20, ..Limits::default() };
    Allowance::new("The text", limits, &|| None)
}

fn check(text: &str, value: &Value) {
    let size = live_size([value]);
    assert!(size <= text.len() * MULTIPLE + LEAST, "{size} bytes of {} of text", text.len());
}

fuzz_target!(|input: (u8, &str)| {
    let (format, text) = input;
    match format % 3 {
        0 => {
            let Ok(value) = json::decode(text, &mut allowance()) else { return };
            check(text, &value);
            let written = json::encode(&value, &mut allowance()).expect("it came from a text");
            let again = json::decode(&written, &mut allowance()).expect("it was written");
            assert!(equal(&value, &again, Conversion::None, &mut allowance()).expect("no limit"), "{written}");
        }
        1 => {
            let Ok(record) = xml::decode(text, &mut allowance()) else { return };
            check(text, &Value::Record(record.clone()));
            for (root, value) in record.iter() {
                if let Value::Record(value) = &value {
                    let written = xml::encode(value, root, &mut allowance()).expect("it came from a text");
                    xml::decode(&written, &mut allowance()).expect("it was written");
                }
            }
        }
        _ => {
            let Ok(table) = csv::decode(text, Dialect::default(), &mut allowance()) else { return };
            check(text, &Value::table(table.clone()));
            csv::encode(&table, Dialect::default(), &mut allowance()).expect("it came from a text");
        }
    }
});
