//! `auth` and `cors` of a webhook.

use super::Reader;
use super::fields::{Fields, listed};
use crate::workflow::auth::{Algorithm, Auth, CustomScheme, Encoding, Login, Scheme, SecretText, Signature};
use crate::workflow::problem::{Problem, codes};
use crate::yaml::Node;

/// The schemes that have a name.
const SCHEMES: [(&str, Scheme); 5] = [
    ("standard", Scheme::Standard),
    ("github", Scheme::Github),
    ("stripe", Scheme::Stripe),
    ("slack", Scheme::Slack),
    ("shopify", Scheme::Shopify),
];
/// The most secrets that may be live at a time.
const MAX_SECRETS: usize = 8;

impl Reader<'_> {
    /// `apiKey`, `none`, `basic`, or a map with the settings of one of them or of a signature.
    pub(super) fn auth(&mut self, node: &Node) -> Option<Auth> {
        let words = [("apiKey", 0), ("none", 1), ("basic", 2)];
        if node.entries().is_none() {
            return Some(match self.word(node, "auth", &words)? {
                0 => Auth::ApiKey { query: None },
                1 => Auth::None,
                _ => Auth::Basic(None),
            });
        }
        let mut fields = self.fields(node, "`auth`", &["apiKey", "basic", "signature", "secret"], &[])?;
        let kinds = ["apiKey", "basic", "signature"];
        let mut given = kinds.iter().filter_map(|kind| fields.get(kind));
        let (Some(kind), None) = (given.next(), given.next()) else {
            if !fields.refused {
                self.wrong(
                    node,
                    &format!("`auth` must have one of the keys {}", listed(&kinds).replace(" and ", " or ")),
                );
            }
            return None;
        };
        match kind.key.as_str() {
            "apiKey" => {
                let mut settings = self.fields(&kind.value, "`apiKey`", &["query"], &[])?;
                let query = self.optional_text(&mut settings, "query");
                if query.as_deref().is_some_and(|name| name.is_empty() || name.contains(['&', '=', '+', '%', '#'])) {
                    self.wrong(&kind.value, "`query` must be the name of a parameter");
                    return None;
                }
                Some(Auth::ApiKey { query })
            }
            "basic" => {
                let mut login = self.fields(&kind.value, "`basic`", &["username", "password"], &[])?;
                let username = self.needed_secret(&mut login, &kind.value, "username")?;
                let password = self.needed_secret(&mut login, &kind.value, "password")?;
                if !password.text.contains("${") {
                    self.warn_of_secret(&password);
                }
                Some(Auth::Basic(Some(Login { username, password })))
            }
            // `auth: { signature: github, secret: … }`, or all of it below `signature`.
            _ if kind.value.entries().is_none() => {
                let scheme = self.word(&kind.value, "signature", &scheme_words())?;
                let secrets = self.secrets(&mut fields, node)?;
                Some(Auth::Signature(Signature { scheme: scheme_at(scheme), secrets }))
            }
            _ => self.signature(&kind.value).map(Auth::Signature),
        }
    }

    /// `{ scheme, secret }` or `{ header, algorithm, encoding, prefix, secret }`
    fn signature(&mut self, node: &Node) -> Option<Signature> {
        let keys = ["scheme", "header", "algorithm", "encoding", "prefix", "secret"];
        let mut fields = self.fields(node, "`signature`", &keys, &[])?;
        let scheme = match fields.take("scheme") {
            Some(entry) => {
                let extra = ["header", "algorithm", "encoding", "prefix"].into_iter().find_map(|key| fields.get(key));
                if let Some(extra) = extra {
                    let message = format!("`{}` is for signatures of your own; `scheme` has settled it", extra.key);
                    self.report(Problem::new(codes::WRONG_VALUE, extra.place, message));
                    return None;
                }
                scheme_at(self.word(&entry.value, "scheme", &scheme_words())?)
            }
            None => Scheme::Custom(self.custom_scheme(&mut fields, node)?),
        };
        let secrets = self.secrets(&mut fields, node)?;
        Some(Signature { scheme, secrets })
    }

    fn custom_scheme(&mut self, fields: &mut Fields<'_>, node: &Node) -> Option<CustomScheme> {
        let Some(header) = self.optional_text(fields, "header") else {
            if !fields.refused {
                let message = format!("A signature needs a `scheme` ({}) or the `header` it stands in", names());
                self.report(Problem::new(codes::MISSING_KEY, node.place, message));
            }
            return None;
        };
        if header.is_empty() || !header.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_')) {
            self.wrong(node, "`header` must be the name of a header");
            return None;
        }
        let algorithms = [("sha256", Algorithm::Sha256), ("sha512", Algorithm::Sha512), ("sha1", Algorithm::Sha1)];
        let algorithm = match fields.get("algorithm") {
            Some(_) => self.optional_word(fields, "algorithm", &algorithms)?,
            None => Algorithm::Sha256,
        };
        let encoding = match fields.get("encoding") {
            Some(_) => {
                self.optional_word(fields, "encoding", &[("hex", Encoding::Hex), ("base64", Encoding::Base64)])?
            }
            None => Encoding::Hex,
        };
        let prefix = self.optional_text(fields, "prefix").unwrap_or_default();
        Some(CustomScheme { header: header.to_ascii_lowercase(), algorithm, encoding, prefix })
    }

    /// `secret`: one, or a list of those that are live.
    fn secrets(&mut self, fields: &mut Fields<'_>, node: &Node) -> Option<Vec<SecretText>> {
        let Some(entry) = fields.take("secret") else {
            if !fields.refused {
                let message = "A signature needs a `secret`, such as ${env:WEBHOOK_SECRET}";
                self.report(Problem::new(codes::MISSING_KEY, node.place, message));
            }
            return None;
        };
        let nodes = entry.value.elements().unwrap_or(std::slice::from_ref(&entry.value));
        if nodes.is_empty() || nodes.len() > MAX_SECRETS {
            self.wrong(&entry.value, &format!("`secret` must be a secret, or a list of 1 to {MAX_SECRETS}"));
            return None;
        }
        let secrets: Vec<SecretText> = nodes.iter().map(|node| self.secret(node)).collect::<Option<_>>()?;
        for secret in secrets.iter().filter(|secret| !secret.text.contains("${")) {
            self.warn_of_secret(secret);
        }
        Some(secrets)
    }

    fn needed_secret(&mut self, fields: &mut Fields<'_>, node: &Node, key: &str) -> Option<SecretText> {
        match fields.take(key) {
            Some(entry) => self.secret(&entry.value),
            None => {
                if !fields.refused {
                    let message = format!("`basic` needs `username` and `password`; `{key}` is missing");
                    self.report(Problem::new(codes::MISSING_KEY, node.place, message));
                }
                None
            }
        }
    }

    fn secret(&mut self, node: &Node) -> Option<SecretText> {
        let text = node.scalar().filter(|scalar| !scalar.text.is_empty()).map(|scalar| scalar.text.clone());
        if text.is_none() || node.is_null() {
            // The value is not told: it may be a secret.
            self.report(Problem::new(codes::WRONG_VALUE, node.place, "A secret must be a text that is not empty"));
            return None;
        }
        text.map(|text| SecretText { text, place: node.place })
    }

    fn warn_of_secret(&mut self, secret: &SecretText) {
        let message = "The secret itself stands in the file, and in every version of it that the store keeps";
        let problem = Problem::new(codes::SECRET_IN_FILE, secret.place, message);
        let hint = "Write ${env:NAME} or ${file:path} and put the secret there.";
        self.report(Problem { warning: true, ..problem.with_hint(hint) });
    }

    /// `cors`: origins such as `https://shop.example.com`, or `*`.
    pub(super) fn cors(&mut self, node: &Node) -> Vec<String> {
        let Some(elements) = node.elements().filter(|elements| !elements.is_empty()) else {
            self.wrong(node, "`cors` must be a list of origins such as https://shop.example.com");
            return Vec::new();
        };
        let mut origins = Vec::new();
        for element in elements {
            match element.scalar().map(|scalar| scalar.text.as_str()).filter(|text| is_origin(text)) {
                Some(origin) => origins.push(origin.to_ascii_lowercase()),
                None => self.wrong(element, "An origin is a scheme, a host and perhaps a port, without a path, or `*`"),
            }
        }
        origins
    }
}

/// As browsers send them: `https://host`, `http://host:8080`.
fn is_origin(text: &str) -> bool {
    let Some(host) = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")) else { return text == "*" };
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | ':' | '[' | ']');
    !host.is_empty() && host.chars().all(allowed)
}

fn scheme_words() -> [(&'static str, usize); 5] {
    std::array::from_fn(|at| (SCHEMES.get(at).map_or("", |(name, _)| name), at))
}

fn scheme_at(at: usize) -> Scheme {
    SCHEMES.get(at).map_or(Scheme::Standard, |(_, scheme)| scheme.clone())
}

fn names() -> String {
    let names: Vec<&str> = SCHEMES.iter().map(|(name, _)| *name).collect();
    listed(&names).replace(" and ", " or ")
}
