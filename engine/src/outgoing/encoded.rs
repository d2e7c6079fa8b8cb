//! Content encodings of answers: gzip, deflate, br and zstd, each with a bounded result.

use flate2::read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use std::io::Read;

/// The encodings that requests accept.
pub const ACCEPTED: &str = "gzip, deflate, br, zstd";
/// The most encodings that one body may have, each around the one before.
const MOST: usize = 4;
/// The largest window of zstd, as a power of two: 8 MiB, the most that RFC 9659 lets servers use.
const WINDOW: u32 = 23;

/// Undoes the encodings of a body, as `Content-Encoding` lists them. The error is a message about "it", the answer.
pub fn expand(body: Vec<u8>, encodings: &str, limit: usize) -> Result<Vec<u8>, String> {
    let names = encodings.split(',').map(|name| name.trim().to_ascii_lowercase());
    let names: Vec<String> = names.filter(|name| !matches!(name.as_str(), "" | "identity")).collect();
    if names.len() > MOST {
        return Err(format!("it has {} encodings; the limit is {MOST}", names.len()));
    }
    if body.is_empty() {
        return Ok(body);
    }
    names.iter().rev().try_fold(body, |body, name| once(&body, name, limit))
}

/// Does a list of encodings name one?
pub fn is_encoded(encodings: &str) -> bool {
    encodings.split(',').any(|name| !matches!(name.trim().to_ascii_lowercase().as_str(), "" | "identity"))
}

fn once(body: &[u8], name: &str, limit: usize) -> Result<Vec<u8>, String> {
    let broken = |error: std::io::Error| format!("it says that it is {name}, but cannot be decoded: {error}");
    let read: Box<dyn Read + '_> = match name {
        "gzip" | "x-gzip" => Box::new(MultiGzDecoder::new(body)),
        // The name means zlib, but many servers send raw deflate.
        "deflate" if is_zlib(body) => Box::new(ZlibDecoder::new(body)),
        "deflate" => Box::new(DeflateDecoder::new(body)),
        "br" => Box::new(brotli_decompressor::Decompressor::new(body, 4096)),
        "zstd" => {
            let mut decoder = zstd::stream::read::Decoder::new(body).map_err(broken)?;
            decoder.window_log_max(WINDOW).map_err(broken)?;
            Box::new(decoder)
        }
        other => return Err(format!("it is encoded as `{other}`, which is not known here; there are {ACCEPTED}")),
    };
    let mut expanded = Vec::new();
    // One byte more than allowed reveals a larger body.
    read.take(limit as u64 + 1).read_to_end(&mut expanded).map_err(broken)?;
    if expanded.len() > limit {
        return Err(format!("it is larger than {limit} bytes once it is decoded"));
    }
    Ok(expanded)
}

/// The two bytes at the start of zlib data.
fn is_zlib(body: &[u8]) -> bool {
    matches!(body, [method, flags, ..] if method & 15 == 8 && (u16::from(*method) << 8 | u16::from(*flags)) % 31 == 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
    use std::io::Write;

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn zlib(text: &[u8]) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn raw(text: &[u8]) -> Vec<u8> {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn zstd(text: &[u8]) -> Vec<u8> {
        zstd::stream::encode_all(text, 3).unwrap()
    }

    /// `hello hello hello` in brotli.
    const BROTLI: &[u8] = &[27, 16, 0, 248, 141, 148, 110, 222, 68, 85, 134, 150, 108, 32, 111, 1, 79, 28, 96, 28];

    #[test]
    fn encodings_are_undone() {
        let text = b"hello hello hello";
        let check = |body: Vec<u8>, encodings: &str| {
            assert_eq!(expand(body, encodings, 100).as_deref(), Ok(text.as_slice()), "{encodings}");
        };
        check(text.to_vec(), "");
        check(text.to_vec(), "identity");
        check(gzip(text), "gzip");
        check(gzip(text), " X-GZIP ");
        check([gzip(b"hello "), gzip(b"hello hello")].concat(), "gzip");
        check(zlib(text), "deflate");
        check(raw(text), "deflate");
        check(BROTLI.to_vec(), "br");
        check(zstd(text), "zstd");
        check(zstd(&gzip(text)), "gzip, zstd");
        check(gzip(&zlib(&zstd(text))), "zstd, deflate, identity,, gzip");
        assert_eq!(expand(Vec::new(), "gzip", 100), Ok(Vec::new()), "HEAD, 204 and 304 have no body");
    }

    #[test]
    fn what_cannot_be_undone_is_told() {
        let text = b"hello hello hello";
        let fails = |body: Vec<u8>, encodings: &str, part: &str| {
            let error = expand(body, encodings, 100).unwrap_err();
            assert!(error.contains(part), "{encodings}: {error}");
        };
        fails(text.to_vec(), "compress", "`compress`, which is not known");
        fails(text.to_vec(), "gzip, secret", "`secret`, which is not known");
        fails(gzip(text), "gzip, gzip, gzip, gzip, gzip", "5 encodings");
        for (body, name) in [
            (gzip(text), "gzip"),
            (zlib(text), "deflate"),
            (raw(text), "deflate"),
            (BROTLI.to_vec(), "br"),
            (zstd(text), "zstd"),
        ] {
            fails(text.to_vec(), name, "cannot be decoded");
            fails(body.get(..body.len() - 3).unwrap().to_vec(), name, "cannot be decoded");
        }
        let zeros = vec![0; 1 << 20];
        for (bomb, name) in [
            (gzip(&zeros), "gzip"),
            (zlib(&zeros), "deflate"),
            (zstd(&zeros), "zstd"),
            (gzip(&gzip(&zeros)), "gzip, gzip"),
        ] {
            let error = expand(bomb, name, 1 << 16).unwrap_err();
            assert!(error.contains("larger than 65536 bytes"), "{error}");
        }
    }
}
