//! Addresses for events of runs: signed, so that nothing need be stored before an event arrives.

use crate::script::encoding;
use crate::store::RunId;
use flowscript_lang::value::Value;
use hmac::{Hmac, KeyInit, Mac};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use sha2::Sha256;

/// All characters that are not unreserved in RFC 3986.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The address of the event `name` for a run, of an engine at `base`.
pub fn url(base: &str, secret: &[u8; 32], run: RunId, name: &str) -> String {
    let mac = hex::encode(sign(secret, run, name).finalize().into_bytes());
    format!("{base}/callbacks/{run}/{}/{mac}", utf8_percent_encode(name, ENCODED))
}

/// Was this address made with the secret? Compared in constant time.
pub fn is_signed(secret: &[u8; 32], run: RunId, name: &str, mac: &str) -> bool {
    hex::decode(mac).is_ok_and(|bytes| sign(secret, run, name).verify_slice(&bytes).is_ok())
}

fn sign(secret: &[u8; 32], run: RunId, name: &str) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("HMAC takes a key of any length");
    mac.update(run.to_string().as_bytes());
    mac.update(&[0]);
    mac.update(name.as_bytes());
    mac
}

/// The decoded body of an event in stored form.
pub fn encode(event: &Value) -> Vec<u8> {
    encoding::encode(event)
}

/// The value of a stored event for its wait.
pub fn decode(bytes: &[u8]) -> Result<Value, String> {
    encoding::decode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;

    #[test]
    fn addresses_are_signed_for_one_run_and_one_name() {
        let (run, other) = (RunId::new(Timestamp(1)), RunId::new(Timestamp(1)));
        let secret = [7; 32];
        let address = url("https://example.com", &secret, run, "paid/now");
        let mac = address.rsplit('/').next().unwrap();
        assert!(address.starts_with(&format!("https://example.com/callbacks/{run}/paid%2Fnow/")), "{address}");
        assert!(is_signed(&secret, run, "paid/now", mac));
        assert!(!is_signed(&secret, other, "paid/now", mac));
        assert!(!is_signed(&secret, run, "paid", mac));
        assert!(!is_signed(&[8; 32], run, "paid/now", mac));
        for wrong in ["", "é", &mac[1..], &format!("{mac}0")] {
            assert!(!is_signed(&secret, run, "paid/now", wrong), "{wrong}");
        }
    }
}
