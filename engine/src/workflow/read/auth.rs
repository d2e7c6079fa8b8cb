//! `auth` and `cors` of a webhook.

use crate::reading::{Fields, Key, Reader, Takes, listed, optional};
use crate::trigger::webhook::auth::{Algorithm, Auth, CustomScheme, Encoding, Login, Scheme, SecretText, Signature};
use crate::yaml::Node;
use crate::yaml::problem::{Problem, codes};

/// `auth` of a webhook.
pub(super) const TAKES: Takes = Takes::Either(&[Takes::Word(&["apiKey", "none", "basic"]), Takes::Map(AUTH)]);
const AUTH: &[Key] = &[
    optional("apiKey", Takes::Map(API_KEY)),
    optional("basic", Takes::Map(BASIC)),
    optional("signature", Takes::Either(&[NAMED_SCHEME, Takes::Map(SIGNATURE)])),
    optional("secret", Takes::OneOrMore(&Takes::Text)),
];
const API_KEY: &[Key] = &[optional("query", Takes::Text)];
const BASIC: &[Key] = &[optional("username", Takes::Text), optional("password", Takes::Text)];
const SIGNATURE: &[Key] = &[
    optional("scheme", NAMED_SCHEME),
    optional("header", Takes::Text),
    optional("algorithm", Takes::Word(&["sha256", "sha512", "sha1"])),
    optional("encoding", Takes::Word(&["hex", "base64"])),
    optional("prefix", Takes::Text),
    optional("secret", Takes::OneOrMore(&Takes::Text)),
];
const NAMED_SCHEME: Takes = Takes::Word(&["standard", "github", "stripe", "slack", "shopify"]);
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

/// `apiKey`, `none`, `basic`, or a map with the settings of one of them or of a signature.
pub(super) fn auth(reader: &mut Reader<'_>, node: &Node) -> Option<Auth> {
    let words = [("apiKey", 0), ("none", 1), ("basic", 2)];
    if node.entries().is_none() {
        return Some(match reader.word(node, "auth", &words)? {
            0 => Auth::ApiKey { query: None },
            1 => Auth::None,
            _ => Auth::Basic(None),
        });
    }
    let mut fields = reader.fields(node, "`auth`", AUTH)?;
    let kinds = ["apiKey", "basic", "signature"];
    let mut given = kinds.iter().filter_map(|kind| fields.get(kind));
    let (Some(kind), None) = (given.next(), given.next()) else {
        if !fields.has_refused() {
            reader
                .wrong(node, &format!("`auth` must have one of the keys {}", listed(&kinds).replace(" and ", " or ")));
        }
        return None;
    };
    match kind.key.as_str() {
        "apiKey" => {
            let mut settings = reader.fields(&kind.value, "`apiKey`", API_KEY)?;
            let query = reader.optional_text(&mut settings, "query");
            if query.as_deref().is_some_and(|name| name.is_empty() || name.contains(['&', '=', '+', '%', '#'])) {
                reader.wrong(&kind.value, "`query` must be the name of a parameter");
                return None;
            }
            Some(Auth::ApiKey { query })
        }
        "basic" => {
            let mut login = reader.fields(&kind.value, "`basic`", BASIC)?;
            let username = needed_secret(reader, &mut login, &kind.value, "username")?;
            let password = needed_secret(reader, &mut login, &kind.value, "password")?;
            if !password.text.contains("${") {
                warn_of_secret(reader, &password);
            }
            Some(Auth::Basic(Some(Login { username, password })))
        }
        // `auth: { signature: github, secret: … }`, or all of it below `signature`.
        _ if kind.value.entries().is_none() => {
            let scheme = reader.word(&kind.value, "signature", &scheme_words())?;
            let secrets = secrets(reader, &mut fields, node)?;
            Some(Auth::Signature(Signature { scheme: scheme_at(scheme), secrets }))
        }
        _ => signature(reader, &kind.value).map(Auth::Signature),
    }
}

/// `{ scheme, secret }` or `{ header, algorithm, encoding, prefix, secret }`
fn signature(reader: &mut Reader<'_>, node: &Node) -> Option<Signature> {
    let mut fields = reader.fields(node, "`signature`", SIGNATURE)?;
    let scheme = match fields.take("scheme") {
        Some(entry) => {
            let extra = ["header", "algorithm", "encoding", "prefix"].into_iter().find_map(|key| fields.get(key));
            if let Some(extra) = extra {
                let message = format!("`{}` is for signatures of your own; `scheme` has settled it", extra.key);
                reader.report(Problem::new(codes::WRONG_VALUE, extra.place, message));
                return None;
            }
            scheme_at(reader.word(&entry.value, "scheme", &scheme_words())?)
        }
        None => Scheme::Custom(custom_scheme(reader, &mut fields, node)?),
    };
    let secrets = secrets(reader, &mut fields, node)?;
    Some(Signature { scheme, secrets })
}

fn custom_scheme(reader: &mut Reader<'_>, fields: &mut Fields<'_>, node: &Node) -> Option<CustomScheme> {
    let Some(header) = reader.optional_text(fields, "header") else {
        if !fields.has_refused() {
            let message = format!("A signature needs a `scheme` ({}) or the `header` that contains it", names());
            reader.report(Problem::new(codes::MISSING_KEY, node.place, message));
        }
        return None;
    };
    if header.is_empty() || !header.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_')) {
        reader.wrong(node, "`header` must be the name of a header");
        return None;
    }
    let algorithms = [("sha256", Algorithm::Sha256), ("sha512", Algorithm::Sha512), ("sha1", Algorithm::Sha1)];
    let algorithm = match fields.get("algorithm") {
        Some(_) => reader.optional_word(fields, "algorithm", &algorithms)?,
        None => Algorithm::Sha256,
    };
    let encoding = match fields.get("encoding") {
        Some(_) => reader.optional_word(fields, "encoding", &[("hex", Encoding::Hex), ("base64", Encoding::Base64)])?,
        None => Encoding::Hex,
    };
    let prefix = reader.optional_text(fields, "prefix").unwrap_or_default();
    Some(CustomScheme { header: header.to_ascii_lowercase(), algorithm, encoding, prefix })
}

/// `secret`: one, or a list of live ones.
fn secrets(reader: &mut Reader<'_>, fields: &mut Fields<'_>, node: &Node) -> Option<Vec<SecretText>> {
    let Some(entry) = fields.take("secret") else {
        if !fields.has_refused() {
            let message = "A signature needs a `secret`, such as ${env:WEBHOOK_SECRET}";
            reader.report(Problem::new(codes::MISSING_KEY, node.place, message));
        }
        return None;
    };
    let nodes = entry.value.elements().unwrap_or(std::slice::from_ref(&entry.value));
    if nodes.is_empty() || nodes.len() > MAX_SECRETS {
        reader.wrong(&entry.value, &format!("`secret` must be a secret, or a list of 1 to {MAX_SECRETS}"));
        return None;
    }
    let secrets: Vec<SecretText> = nodes.iter().map(|node| secret(reader, node)).collect::<Option<_>>()?;
    for secret in secrets.iter().filter(|secret| !secret.text.contains("${")) {
        warn_of_secret(reader, secret);
    }
    Some(secrets)
}

fn needed_secret(reader: &mut Reader<'_>, fields: &mut Fields<'_>, node: &Node, key: &str) -> Option<SecretText> {
    match fields.take(key) {
        Some(entry) => secret(reader, &entry.value),
        None => {
            if !fields.has_refused() {
                let message = format!("`basic` needs `username` and `password`; `{key}` is missing");
                reader.report(Problem::new(codes::MISSING_KEY, node.place, message));
            }
            None
        }
    }
}

fn secret(reader: &mut Reader<'_>, node: &Node) -> Option<SecretText> {
    let text = node.scalar().filter(|scalar| !scalar.text.is_empty()).map(|scalar| scalar.text.clone());
    if text.is_none() || node.is_null() {
        // The value is not shown: it may be a secret.
        reader.report(Problem::new(codes::WRONG_VALUE, node.place, "A secret must be a text that is not empty"));
        return None;
    }
    text.map(|text| SecretText { text, place: node.place })
}

fn warn_of_secret(reader: &mut Reader<'_>, secret: &SecretText) {
    let message = "The file contains the secret itself, and so does every version of it that the store keeps";
    let hint = "Write ${env:NAME} or ${file:path} and put the secret there.";
    reader.report(Problem::warning(codes::SECRET_IN_FILE, secret.place, message).with_hint(hint));
}

/// `cors`: origins such as `https://shop.example.com`, or `*`.
pub(super) fn cors(reader: &mut Reader<'_>, node: &Node) -> Vec<String> {
    let Some(elements) = node.elements().filter(|elements| !elements.is_empty()) else {
        reader.wrong(node, "`cors` must be a list of origins such as https://shop.example.com");
        return Vec::new();
    };
    let mut origins = Vec::new();
    for element in elements {
        match element.scalar().map(|scalar| scalar.text.as_str()).filter(|text| is_origin(text)) {
            Some(origin) => origins.push(origin.to_ascii_lowercase()),
            None => reader.wrong(element, "An origin is a scheme, a host and perhaps a port, without a path, or `*`"),
        }
    }
    origins
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
