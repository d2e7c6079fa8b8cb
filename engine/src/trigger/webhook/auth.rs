//! The authentication of a webhook, as configured in the file. Secrets are still references: their values are read when
//! the project is loaded.

use crate::yaml::Place;

/// The authentication of a webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Auth {
    /// Every caller.
    None,
    /// Callers with a key of the workflow.
    ApiKey {
        /// The query parameter that may hold the key, in addition to the headers.
        query: Option<String>,
    },
    /// Callers with a name and a password. Without them, the password is a key of the workflow.
    Basic(Option<Login>),
    /// Callers that sign with a secret.
    Signature(Signature),
}

impl Auth {
    /// The word in the file.
    pub fn name(&self) -> &'static str {
        match self {
            Self::None => "none",
            Self::ApiKey { .. } => "apiKey",
            Self::Basic(_) => "basic",
            Self::Signature(_) => "signature",
        }
    }

    /// Do keys of the workflow open it?
    pub fn takes_keys(&self) -> bool {
        match self {
            Self::ApiKey { .. } | Self::Basic(None) => true,
            Self::None | Self::Basic(Some(_)) | Self::Signature(_) => false,
        }
    }

    /// May everybody call it?
    pub fn is_open(&self) -> bool {
        match self {
            Self::None => true,
            Self::ApiKey { .. } | Self::Basic(_) | Self::Signature(_) => false,
        }
    }

    /// Do its callers sign their requests? The query of a request is not signed.
    pub fn is_signature(&self) -> bool {
        match self {
            Self::Signature(_) => true,
            Self::None | Self::ApiKey { .. } | Self::Basic(_) => false,
        }
    }

    /// The query parameter that may hold a key.
    pub fn key_parameter(&self) -> Option<&str> {
        match self {
            Self::ApiKey { query } => query.as_deref(),
            Self::None | Self::Basic(_) | Self::Signature(_) => None,
        }
    }
}

/// A name and a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    /// The name.
    pub username: SecretText,
    /// The password.
    pub password: SecretText,
}

/// How deliveries are signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// What is signed, and the place of the signature.
    pub scheme: Scheme,
    /// The live secrets; each of them is accepted.
    pub secrets: Vec<SecretText>,
}

/// What is signed, and the place of the signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// Standard Webhooks: `webhook-id`, `webhook-timestamp`, `webhook-signature`.
    Standard,
    /// `X-Hub-Signature-256`
    Github,
    /// `Stripe-Signature`
    Stripe,
    /// `X-Slack-Signature`, `X-Slack-Request-Timestamp`
    Slack,
    /// `X-Shopify-Hmac-Sha256`
    Shopify,
    /// An HMAC of the body in a header.
    Custom(CustomScheme),
}

/// An HMAC of the body in a header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CustomScheme {
    /// The header, in lower case.
    pub header: String,
    /// The hash.
    pub algorithm: Algorithm,
    /// The encoding of the bytes.
    pub encoding: Encoding,
    /// The prefix of the signature, such as `sha256=`.
    pub prefix: String,
}

/// The hash of an HMAC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// For old peers only.
    Sha1,
    /// The usual one.
    Sha256,
    /// The long one.
    Sha512,
}

/// The encoding of a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// Two digits a byte, in either case.
    Hex,
    /// Base64 with padding.
    Base64,
}

/// A secret as the file names it: text with `${env:NAME}` and `${file:path}`.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretText {
    /// The text.
    pub text: String,
    /// Its place in the file.
    pub place: Place,
}

impl std::fmt::Debug for SecretText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // It may be the secret itself.
        write!(f, "SecretText(…) at {:?}", self.place)
    }
}
