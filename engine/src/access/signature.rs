//! Signatures of deliveries: what each scheme signs, where it puts the signature, and for how long it is valid.

use crate::trigger::webhook::auth::{Algorithm, Encoding, Scheme};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::{Sha256, Sha512};
use subtle::{Choice, ConstantTimeEq};

/// How far the time of a delivery may be from now, in seconds, if its scheme has a time.
pub const WINDOW: i64 = 300;

/// The shortest secret of a signature, in bytes: a shorter one can be found by trying.
const LEAST_SECRET: usize = 16;

/// The most signatures of one delivery that are checked.
const MAX_SIGNATURES: usize = 16;

/// Checks signatures with the live secrets of a webhook.
#[derive(Clone)]
pub struct Verifier {
    scheme: Scheme,
    secrets: Vec<Vec<u8>>,
}

impl std::fmt::Debug for Verifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Verifier").field("scheme", &self.scheme).finish_non_exhaustive()
    }
}

/// The signatures of a delivery, and the text that they sign before its body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    prefix: Vec<u8>,
    signatures: Vec<Vec<u8>>,
}

/// Where a delivery has its id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// In the first of these headers that is present.
    Headers(&'static [&'static str]),
    /// In a field of its body.
    Field {
        /// The field.
        name: &'static str,
        /// Another field that may differ when the delivery is sent again.
        varies: Option<&'static str>,
    },
}

impl Verifier {
    /// A verifier without secrets: it accepts nothing.
    pub fn new(scheme: Scheme) -> Self {
        Self { scheme, secrets: Vec::new() }
    }

    /// Adds a live secret in the form its owner shows. The error says which form the scheme requires, or that it is too
    /// short.
    pub fn add_secret(&mut self, secret: &str) -> Result<(), String> {
        let key = self.key(secret)?;
        if key.len() < LEAST_SECRET {
            let decoded = if self.scheme == Scheme::Standard { " after decoding its base64" } else { "" };
            return Err(format!(
                "The secret has {} bytes{decoded}; a signature needs {LEAST_SECRET} at least, and 32 random ones are good",
                key.len()
            ));
        }
        self.secrets.push(key);
        Ok(())
    }

    /// The key that a secret encodes.
    fn key(&self, secret: &str) -> Result<Vec<u8>, String> {
        if self.scheme != Scheme::Standard {
            return Ok(secret.as_bytes().to_vec());
        }
        let encoded = secret.strip_prefix("whsec_").unwrap_or(secret);
        BASE64_STANDARD
            .decode(encoded)
            .map_err(|_| "A secret of Standard Webhooks is base64, mostly with `whsec_` in front".to_owned())
    }

    /// The place of the delivery's id, which its sender repeats when it sends again; `None` if the scheme has no id.
    pub fn delivery(&self) -> Option<Delivery> {
        Some(match &self.scheme {
            Scheme::Standard => Delivery::Headers(&["webhook-id"]),
            Scheme::Github => Delivery::Headers(&["x-github-delivery"]),
            // An event that several subscriptions bring has one event id, and its deliveries differ.
            Scheme::Shopify => Delivery::Headers(&["x-shopify-webhook-id", "x-shopify-event-id"]),
            Scheme::Stripe => Delivery::Field { name: "id", varies: Some("pending_webhooks") },
            Scheme::Slack => Delivery::Field { name: "event_id", varies: None },
            Scheme::Custom(_) => return None,
        })
    }

    /// The header that holds the signature, in lower case.
    pub fn header(&self) -> &str {
        match &self.scheme {
            Scheme::Standard => "webhook-signature",
            Scheme::Github => "x-hub-signature-256",
            Scheme::Stripe => "stripe-signature",
            Scheme::Slack => "x-slack-signature",
            Scheme::Shopify => "x-shopify-hmac-sha256",
            Scheme::Custom(custom) => &custom.header,
        }
    }

    /// What a delivery's headers claim at `now`, in seconds since 1970; `None` if a header is missing or malformed, or
    /// its time is too far away. This does not need the body.
    pub fn claim<'h>(&self, header: impl Fn(&str) -> Option<&'h str>, now: i64) -> Option<Claim> {
        let signature = header(self.header())?;
        let timed = |time: &str| time.parse::<i64>().ok().filter(|time| now.abs_diff(*time) <= WINDOW.unsigned_abs());
        let (prefix, signatures) = match &self.scheme {
            Scheme::Standard => {
                let (id, time) = (header("webhook-id")?, header("webhook-timestamp")?);
                timed(time)?;
                let versioned = signature.split(' ').filter_map(|part| part.strip_prefix("v1,"));
                (format!("{id}.{time}."), decoded(versioned, Encoding::Base64))
            }
            Scheme::Github => (String::new(), decoded(signature.strip_prefix("sha256="), Encoding::Hex)),
            Scheme::Stripe => {
                let parts = || signature.split(',').filter_map(|part| part.trim().split_once('='));
                let time = parts().find(|(name, _)| *name == "t").map(|(_, time)| time)?;
                timed(time)?;
                let versioned = parts().filter(|(name, _)| *name == "v1").map(|(_, signature)| signature);
                (format!("{time}."), decoded(versioned, Encoding::Hex))
            }
            Scheme::Slack => {
                let time = header("x-slack-request-timestamp")?;
                timed(time)?;
                (format!("v0:{time}:"), decoded(signature.strip_prefix("v0="), Encoding::Hex))
            }
            Scheme::Shopify => (String::new(), decoded([signature], Encoding::Base64)),
            Scheme::Custom(custom) => {
                (String::new(), decoded(signature.strip_prefix(custom.prefix.as_str()), custom.encoding))
            }
        };
        (!signatures.is_empty()).then(|| Claim { prefix: prefix.into_bytes(), signatures })
    }

    /// Is one of the signatures made with one of the secrets, over the body as received? Takes equally long wherever
    /// they differ.
    pub fn holds(&self, claim: &Claim, body: &[u8]) -> bool {
        let algorithm = match &self.scheme {
            Scheme::Custom(custom) => custom.algorithm,
            Scheme::Standard | Scheme::Github | Scheme::Stripe | Scheme::Slack | Scheme::Shopify => Algorithm::Sha256,
        };
        let mut holds = Choice::from(0);
        for secret in &self.secrets {
            let right = hmac_of(algorithm, secret, &[&claim.prefix, body]);
            for signature in &claim.signatures {
                holds |= right.ct_eq(signature);
            }
        }
        holds.into()
    }
}

fn decoded<'s>(signatures: impl IntoIterator<Item = &'s str>, encoding: Encoding) -> Vec<Vec<u8>> {
    let bytes = |text: &str| match encoding {
        Encoding::Hex => hex::decode(text).ok(),
        Encoding::Base64 => BASE64_STANDARD.decode(text).ok(),
    };
    signatures.into_iter().take(MAX_SIGNATURES).filter_map(bytes).collect()
}

fn hmac_of(algorithm: Algorithm, secret: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    match algorithm {
        Algorithm::Sha1 => mac::<Hmac<Sha1>>(secret, parts),
        Algorithm::Sha256 => mac::<Hmac<Sha256>>(secret, parts),
        Algorithm::Sha512 => mac::<Hmac<Sha512>>(secret, parts),
    }
}

fn mac<M: Mac + KeyInit>(secret: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    let mut mac = <M as KeyInit>::new_from_slice(secret).expect("an HMAC takes keys of any length");
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trigger::webhook::auth::CustomScheme;

    /// A delivery of some scheme.
    struct Delivery {
        scheme: Scheme,
        secret: &'static str,
        headers: Vec<(&'static str, String)>,
        body: &'static str,
        time: i64,
    }

    impl Delivery {
        fn passes(&self, secrets: &[&str], body: &str, now: i64) -> bool {
            let mut verifier = Verifier::new(self.scheme.clone());
            // Some published examples are shorter than the limit here.
            secrets.iter().for_each(|secret| verifier.secrets.push(verifier.key(secret).unwrap()));
            let header = |name: &str| self.headers.iter().find(|(known, _)| *known == name).map(|(_, v)| v.as_str());
            verifier.claim(header, now).is_some_and(|claim| verifier.holds(&claim, body.as_bytes()))
        }
    }

    fn delivery(
        scheme: Scheme,
        secret: &'static str,
        headers: &[(&'static str, &str)],
        body: &'static str,
    ) -> Delivery {
        let headers = headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        Delivery { scheme, secret, headers, body, time: 0 }
    }

    /// The vector that the libraries of Standard Webhooks share
    /// (<https://github.com/standard-webhooks/standard-webhooks>, the test of `sign` in `libraries/`).
    fn standard() -> Delivery {
        let headers = [
            ("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"),
            ("webhook-timestamp", "1614265330"),
            ("webhook-signature", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="),
        ];
        let body = "{\"test\": 2432232314}";
        let made = delivery(Scheme::Standard, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", &headers, body);
        Delivery { time: 1_614_265_330, ..made }
    }

    /// The values that GitHub gives for testing
    /// (<https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries>).
    fn github() -> Delivery {
        let signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
        let headers = [("x-hub-signature-256", signature)];
        delivery(Scheme::Github, "It's a Secret to Everybody", &headers, "Hello, World!")
    }

    /// Slack's worked example (<https://docs.slack.dev/authentication/verifying-requests-from-slack>).
    fn slack() -> Delivery {
        let headers = [
            ("x-slack-request-timestamp", "1531420618"),
            ("x-slack-signature", "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"),
        ];
        let body = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&\
                    channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&\
                    response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlg\
                    cZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
        let made = delivery(Scheme::Slack, "8f742231b10e8888abcd99yyyzzz85a5", &headers, body);
        Delivery { time: 1_531_420_618, ..made }
    }

    /// Stripe and Shopify publish how to sign (<https://docs.stripe.com/webhooks/signature>,
    /// <https://shopify.dev/docs/apps/build/webhooks>) but no secret with its signature: these were signed with
    /// `openssl dgst -sha256 -hmac`.
    fn stripe() -> Delivery {
        let headers = [(
            "stripe-signature",
            "t=1492774577,v0=00,v1=799c4ba7bb339f3c8601adfd112f0e477c930a268be1243d341abb8286501c2f",
        )];
        let made = delivery(Scheme::Stripe, "whsec_test_secret", &headers, "{\"id\":\"evt_1\"}");
        Delivery { time: 1_492_774_577, ..made }
    }

    fn shopify() -> Delivery {
        let headers = [("x-shopify-hmac-sha256", "VnKUjZsLuN5iZWjn5EntcBVCF9kMN43LglzCE1/GSeY=")];
        delivery(Scheme::Shopify, "hush", &headers, "{\"id\":1}")
    }

    /// The second case of RFC 2202 (SHA-1) and of RFC 4231 (SHA-256, SHA-512), as a custom scheme.
    fn custom(algorithm: Algorithm, signature: &'static str) -> Delivery {
        let custom =
            CustomScheme { header: "x-sign".into(), algorithm, encoding: Encoding::Hex, prefix: "sig:".into() };
        delivery(Scheme::Custom(custom), "Jefe", &[("x-sign", signature)], "what do ya want for nothing?")
    }

    fn all() -> Vec<Delivery> {
        vec![
            standard(),
            github(),
            slack(),
            stripe(),
            shopify(),
            custom(Algorithm::Sha1, "sig:effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"),
            custom(Algorithm::Sha256, "sig:5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
            custom(
                Algorithm::Sha512,
                "sig:164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdc\
                 aeab1a34d4a6b4b636e070a38bce737",
            ),
        ]
    }

    #[test]
    fn short_secrets_are_refused() {
        let add = |scheme: Scheme, secret: &str| Verifier::new(scheme).add_secret(secret);
        for (scheme, secret, part) in [
            (Scheme::Standard, "whsec_", "0 bytes after decoding its base64"),
            (Scheme::Standard, "whsec_b3RoZXI=", "5 bytes"),
            (Scheme::Standard, "whsec_!", "is base64"),
            (Scheme::Github, "15 bytes long..", "15 bytes"),
        ] {
            let error = add(scheme, secret).unwrap_err();
            assert!(error.contains(part) && !error.contains("b3RoZXI"), "{error}");
        }
        assert_eq!(add(Scheme::Github, "16 bytes long..."), Ok(()));
        assert_eq!(add(Scheme::Standard, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), Ok(()));
    }

    #[test]
    fn published_deliveries_hold() {
        for delivery in all() {
            let Delivery { scheme, secret, body, time, .. } = &delivery;
            assert!(delivery.passes(&[secret], body, *time), "{scheme:?}");
            let other = if *scheme == Scheme::Standard { "whsec_b3RoZXI=" } else { "another" };
            assert!(delivery.passes(&[other, secret], body, *time), "one of two secrets: {scheme:?}");
            assert!(!delivery.passes(&[other], body, *time), "another secret: {scheme:?}");
            assert!(!delivery.passes(&[], body, *time), "no secret: {scheme:?}");
            assert!(!delivery.passes(&[secret], &format!("{body} "), *time), "another body: {scheme:?}");
        }
    }

    #[test]
    fn old_and_early_deliveries_do_not() {
        for delivery in [standard(), slack(), stripe()] {
            let passes = |now| delivery.passes(&[delivery.secret], delivery.body, now);
            assert!(passes(delivery.time + WINDOW) && passes(delivery.time - WINDOW), "{:?}", delivery.scheme);
            assert!(
                !passes(delivery.time + WINDOW + 1) && !passes(delivery.time - WINDOW - 1),
                "{:?}",
                delivery.scheme
            );
            assert!(!passes(i64::MAX) && !passes(i64::MIN), "{:?}", delivery.scheme);
        }
    }

    #[test]
    fn broken_headers_hold_nothing() {
        for delivery in all() {
            let time = delivery.time;
            for at in 0..delivery.headers.len() {
                for broken in ["", "sha256=", "v1,", "t=1,v1=zz", "sig:", "v0=0", "=", ",,,", "9999999999999999999"] {
                    let mut headers = delivery.headers.clone();
                    headers[at].1 = broken.into();
                    let copy = Delivery { scheme: delivery.scheme.clone(), headers, ..delivery };
                    assert!(!copy.passes(&[copy.secret], copy.body, time), "{:?}: {broken}", copy.scheme);
                }
            }
        }
    }

    #[test]
    fn one_of_several_signatures_is_enough() {
        let mut delivery = standard();
        let right = delivery.headers[2].1.clone();
        delivery.headers[2].1 = format!("v1,AAAA v1a,xxxx {right}");
        assert!(delivery.passes(&[delivery.secret], delivery.body, delivery.time));
        delivery.headers[2].1 = format!("{}{right}", "v1,AAAA ".repeat(MAX_SIGNATURES));
        assert!(!delivery.passes(&[delivery.secret], delivery.body, delivery.time), "not more than are looked at");
    }

    #[test]
    fn secrets_have_their_form() {
        let mut verifier = Verifier::new(Scheme::Standard);
        assert!(verifier.add_secret("whsec_not base64").is_err());
        assert!(verifier.add_secret("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").is_ok());
    }
}
