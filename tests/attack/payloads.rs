//! The payloads: texts that are small compared with their decoded form, and compressed ones.

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder};
use std::fmt::Write as _;
use std::io::Write as _;

/// `count` parts, each made from its number, with `between` between them.
pub fn parts(count: usize, between: &str, part: impl Fn(usize) -> String) -> String {
    (0..count).fold(String::new(), |mut all, number| {
        let between = if number == 0 { "" } else { between };
        let _ = write!(all, "{between}{}", part(number));
        all
    })
}

/// JSON: rows of different names.
pub fn ragged(rows: usize) -> String {
    format!("[{}]", parts(rows, ",", |n| format!("{{\"k{n}\":1}}")))
}

/// JSON: rows that share a name and have one of their own.
pub fn half_ragged(rows: usize) -> String {
    format!("[{}]", parts(rows, ",", |n| format!("{{\"a\":{n},\"k{n}\":1}}")))
}

/// JSON: rows of `names` names each, every row one name further than the last.
pub fn sliding(rows: usize, names: usize) -> String {
    let row = |n: usize| format!("{{{}}}", parts(names, ",", |k| format!("\"k{}\":1", n + k)));
    format!("[{}]", parts(rows, ",", row))
}

/// JSON: tables of different names in the rows of a table.
pub fn nested_ragged(tables: usize, rows: usize) -> String {
    format!("[{}]", parts(tables, ",", |n| format!("{{\"t{n}\":{}}}", ragged(rows))))
}

/// JSON: one record of many keys.
pub fn wide(keys: usize) -> String {
    format!("{{{}}}", parts(keys, ",", |n| format!("\"k{n}\":1")))
}

/// JSON: one key many times.
pub fn same_key(times: usize) -> String {
    format!("{{{}}}", parts(times, ",", |_| "\"k\":1".into()))
}

/// JSON: the smallest values there are, many times.
pub fn many(value: &str, times: usize) -> String {
    format!("[{}]", parts(times, ",", |_| value.into()))
}

/// JSON: lists in lists.
pub fn deep(levels: usize) -> String {
    format!("{}{}", "[".repeat(levels), "]".repeat(levels))
}

/// JSON: records in records.
pub fn deep_records(levels: usize) -> String {
    format!("{}1{}", "{\"a\":".repeat(levels), "}".repeat(levels))
}

/// XML: rows of different names.
pub fn xml_ragged(rows: usize) -> String {
    format!("<r>{}</r>", parts(rows, "", |n| format!("<i><k{n}/></i>")))
}

/// XML: rows whose attributes have different names.
pub fn xml_ragged_attributes(rows: usize) -> String {
    format!("<r>{}</r>", parts(rows, "", |n| format!("<i k{n}=''/>")))
}

/// XML: many elements of different names.
pub fn xml_wide(elements: usize) -> String {
    format!("<r>{}</r>", parts(elements, "", |n| format!("<k{n}/>")))
}

/// XML: many attributes of one element.
pub fn xml_attributes(attributes: usize) -> String {
    format!("<r{}/>", parts(attributes, "", |n| format!(" k{n}=''")))
}

/// XML: elements in elements.
pub fn xml_deep(levels: usize) -> String {
    format!("{}{}", "<a>".repeat(levels), "</a>".repeat(levels))
}

/// XML: an element and text in turns.
pub fn xml_mixed(times: usize) -> String {
    format!("<r>{}</r>", parts(times, "", |_| "t<a/>".into()))
}

/// XML: entities that unfold to 10 to the power of 9.
pub fn xml_entities() -> String {
    let entities = parts(9, "", |n| format!("<!ENTITY e{} \"{}\">", n + 1, format!("&e{n};").repeat(10)));
    format!("<!DOCTYPE r [<!ENTITY e0 \"ha\">{entities}]><r>&e9;</r>")
}

/// CSV: a header of many names, and some rows.
pub fn csv_wide(columns: usize, rows: usize) -> String {
    let row = format!("{}\n", ",".repeat(columns - 1));
    format!("{}\n{}", parts(columns, ",", |n| format!("c{n}")), row.repeat(rows))
}

/// CSV: a header of one name many times, and a row.
pub fn csv_repeated(columns: usize) -> String {
    format!("{}\n{}\n", parts(columns, ",", |_| "c".into()), ",".repeat(columns - 1))
}

/// CSV: many rows of nothing.
pub fn csv_tall(rows: usize) -> String {
    format!("a,b\n{}", ",\n".repeat(rows))
}

/// A form of many names.
pub fn form_names(names: usize) -> String {
    parts(names, "&", |n| format!("k{n}="))
}

/// A form of one name many times.
pub fn form_repeated(times: usize) -> String {
    parts(times, "&", |_| "k=".into())
}

/// A form of many names, each twice, far from each other.
pub fn form_twice(names: usize) -> String {
    format!("{0}&{0}", form_names(names))
}

/// A form whose names are equal after decoding, in many spellings.
pub fn form_spelt(times: usize) -> String {
    parts(times, "&", |n| if n % 2 == 0 { "%6b=".into() } else { "k=".into() })
}

/// Compresses with gzip.
pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::best());
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}

/// This many MiB of zeros in deflate format: one compressed MiB, repeated.
pub fn deflate_zeros(mebibytes: usize) -> Vec<u8> {
    let mut packed = DeflateEncoder::new(Vec::new(), Compression::best());
    packed.write_all(&vec![0; 1 << 20]).unwrap();
    packed.flush().unwrap();
    let mut bytes = packed.get_ref().repeat(mebibytes);
    // The last block, which is empty.
    bytes.extend_from_slice(&[3, 0]);
    bytes
}

/// The same in gzip format, with a wrong checksum at the end, which must never be reached.
pub fn gzip_zeros(mebibytes: usize) -> Vec<u8> {
    [&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff], deflate_zeros(mebibytes).as_slice(), &[0; 8]].concat()
}

/// `blocks` blocks of 128 KiB of one byte each, in zstd format.
pub fn zstd(byte: u8, blocks: usize) -> Vec<u8> {
    // The magic number; an empty descriptor; a window of 128 KiB.
    let mut bytes = vec![0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x38];
    for block in 1..=blocks {
        // Whether it is the last one, a byte that is repeated, and how often.
        let head = u32::from(block == blocks) | 1 << 1 | (128 << 10) << 3;
        bytes.extend_from_slice(&head.to_le_bytes()[..3]);
        bytes.push(byte);
    }
    bytes
}

/// 64 MiB of zeros, in br format.
pub fn brotli_zeros() -> Vec<u8> {
    let text = "cbffff3ff82700e2b14020f7fe8fffff7ff04f00c4611180eefd1fffffffe09f0088c30200ddfb3ffeffffc13f0110870500baf77ffcffff837f02200e0b0074effff8ffff07ff04401c1600e8defff1ffff0ffe0980382c00d0bdffe3ffff1ffc1300715800a07bff37";
    hex::decode(text).unwrap()
}
