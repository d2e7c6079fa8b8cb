//! Any bytes are the body of a request of any type, as they are or in gzip.
#![no_main]

use bytes::Bytes;
use flowscript_engine::trigger::webhook::{decode_body, expand, parameter};
use flowscript_lang::Limits;
use flowscript_lang::budget::Allowance;
use flowscript_lang::value::live_size;
use libfuzzer_sys::fuzz_target;

const TYPES: &[&str] = &[
    "application/json",
    "application/x-www-form-urlencoded",
    "application/x-www-form-urlencoded; charset=iso-8859-1",
    "text/csv",
    "application/xml",
    "text/xml; charset=utf-16",
    "text/plain; charset=shift_jis",
    "",
    "application/octet-stream",
    "application/problem+json",
];

const MOST: usize = 1 << 20;

/// The most bytes that a byte of a body may become, and the size of the smallest value.
const MULTIPLE: usize = 100;
const LEAST: usize = 4_096;

fuzz_target!(|input: (u8, bool, &[u8])| {
    let (which, packed, raw) = input;
    let mut taken = 0;
    let grow = |bytes: usize| {
        taken += bytes;
        Ok(())
    };
    let expanded = expand(Bytes::copy_from_slice(raw), packed.then_some("gzip"), MOST, grow);
    assert!(taken <= 2 * MOST);
    let Ok(body) = expanded else { return };
    assert!(body.len() <= MOST);
    let ty = TYPES.get(usize::from(which) % TYPES.len()).copied();
    let limits = Limits { steps: Some(5_000_000), memory: 64 << 20, ..Limits::default() };
    if let Ok(value) = decode_body(&body, ty, &mut Allowance::new("The body", limits, &|| None)) {
        let size = live_size([&value]);
        assert!(size <= body.len() * MULTIPLE + LEAST, "{size} bytes of {}", body.len());
    }
    if let Ok(text) = std::str::from_utf8(&body) {
        let _ = parameter(text, "key");
    }
});
