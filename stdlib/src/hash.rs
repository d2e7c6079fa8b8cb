//! Checksums and signatures, as lower-case hexadecimal digits.

use crate::arguments::bytes;
use crate::row::{Row, gives, row};
use flowscript_lang::budget::Paid;
use flowscript_lang::function::{Call, NativeResult};
use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256};

pub(crate) const ROWS: &[Row] = &[
    row("Hash.Sha256(x: any) -> text", "The SHA-256 checksum of bytes, or of a text in UTF-8.", sha256)
        .pays_itself()
        .examples(&[gives("Hash.Sha256('abc')", "'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'")]),
    row("Hash.Sha1(x: any) -> text", "The SHA-1 checksum of bytes, or of a text in UTF-8.", sha1)
        .pays_itself()
        .rules("For systems that ask for it; it is not protection.")
        .examples(&[gives("Hash.Sha1('abc')", "'a9993e364706816aba3e25717850c26c9cd0d89d'")]),
    row("Hash.Md5(x: any) -> text", "The MD5 checksum of bytes, or of a text in UTF-8.", md5)
        .pays_itself()
        .rules("For systems that ask for it; it is not protection.")
        .examples(&[gives("Hash.Md5('abc')", "'900150983cd24fb0d6963f7d28e17f72'")]),
    row(
        "Hash.HmacSha256(key: any, x: any) -> text",
        "The HMAC-SHA-256 signature of bytes, or of a text in UTF-8, under a key.",
        hmac_sha256,
    )
    .pays_itself()
    .examples(&[gives(
        "Hash.HmacSha256('key', 'msg')",
        "'2d93cbc1be167bcb1637a4a23cbff01a7878f0c50ee833954ea5221bb1b8c628'",
    )]),
];

fn sha256(call: &mut Call<'_>) -> NativeResult {
    digest::<Sha256>(call)
}

fn sha1(call: &mut Call<'_>) -> NativeResult {
    digest::<Sha1>(call)
}

fn md5(call: &mut Call<'_>) -> NativeResult {
    digest::<Md5>(call)
}

/// Bytes that are processed before they are paid for.
const PIECE: usize = 64 << 10;

/// The cost of a byte, in bytes looked at.
const HASHING: usize = 8;

/// Hands the bytes of an argument on, piece by piece.
fn hashed(call: &mut Call<'_>, position: usize, take: &mut dyn FnMut(&[u8])) -> Paid {
    let bytes = bytes(call, position)?;
    for piece in bytes.chunks(PIECE) {
        call.budget().scan(piece.len() * HASHING)?;
        take(piece);
    }
    Ok(())
}

fn digest<D: Digest>(call: &mut Call<'_>) -> NativeResult {
    let mut digest = D::new();
    hashed(call, 0, &mut |piece| digest.update(piece))?;
    Ok(hex::encode(digest.finalize()).into())
}

fn hmac_sha256(call: &mut Call<'_>) -> NativeResult {
    let key = bytes(call, 0)?;
    // A long key counts as its checksum (RFC 2104).
    let mut digest = Sha256::new();
    let key: Vec<u8> = if key.len() > PIECE {
        hashed(call, 0, &mut |piece| digest.update(piece))?;
        digest.finalize().to_vec()
    } else {
        key.to_vec()
    };
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).map_err(|_| call.refuse(0, "a key"))?;
    hashed(call, 1, &mut |piece| mac.update(piece))?;
    Ok(hex::encode(mac.finalize().into_bytes()).into())
}
