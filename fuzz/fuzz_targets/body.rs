//! Any bytes are the body of a request of any type, as they are or in gzip.
#![no_main]

use bytes::Bytes;
use flowscript_engine::trigger::webhook::{decode_body, expand, parameter};
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

fuzz_target!(|input: (u8, bool, &[u8])| {
    let (which, packed, raw) = input;
    let Ok(body) = expand(Bytes::copy_from_slice(raw), packed.then_some("gzip"), MOST) else { return };
    assert!(body.len() <= MOST);
    let ty = TYPES.get(usize::from(which) % TYPES.len()).copied();
    let _ = decode_body(&body, ty);
    if let Ok(text) = std::str::from_utf8(&body) {
        let _ = parameter(text, "key");
    }
});
