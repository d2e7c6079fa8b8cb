//! Secrets of configuration: texts that are never shown, and the masking of every text that could show one.

use crate::disk::{self, MOST_OF_SECRET};
use aho_corasick::{AhoCorasick, MatchKind};
use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use reqwest::Url;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock};

/// The replacement for a masked value.
pub const MASK: &str = "***";
/// Secrets shorter than this, in characters, are not searched in texts: they would occur everywhere.
const SHORTEST: usize = 4;
/// Words shorter than this, in bytes, are masked only as whole words: `flow` not inside `workflow`.
const LONG: usize = 8;
/// A segment of a path in a secret address that is long enough to be a secret of its own.
const LONG_STEP: usize = 12;
/// The most texts that are searched.
const MOST: usize = 10_000;
/// The characters encoded in parts of addresses.
const PART: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// The characters encoded in paths of addresses.
const PATH: &AsciiSet =
    &CONTROLS.add(b' ').add(b'"').add(b'#').add(b'<').add(b'>').add(b'?').add(b'`').add(b'{').add(b'}');
/// The characters encoded in logins of addresses.
const LOGIN: &AsciiSet =
    &PATH.add(b'/').add(b':').add(b';').add(b'=').add(b'@').add(b'[').add(b'\\').add(b']').add(b'^').add(b'|');

/// A text with secrets in it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret {
    text: String,
    shown: String,
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(MASK)
    }
}

impl Secret {
    /// The text with its `${env:NAME}` and `${file:path}` filled in; paths are relative to `project`.
    pub fn fill(text: &str, project: &Path) -> Result<Self, Unfilled> {
        let (mut filled, mut shown) = (String::new(), String::new());
        let mut at = 0;
        while let Some(start) = text.get(at..).and_then(|rest| rest.find("${")).map(|found| at + found) {
            let before = text.get(at..start).unwrap_or_default();
            let Some(end) = text.get(start..).and_then(|rest| rest.find('}')).map(|found| start + found) else {
                return Err(Unfilled { offset: start, message: "`${` is not closed by `}`".into(), may_pass: false });
            };
            let value = value(text.get(start + 2..end).unwrap_or_default(), project)
                .map_err(|(message, may_pass)| Unfilled { offset: start, message, may_pass })?;
            learn(&value);
            filled.extend([before, &value]);
            shown.extend([before, MASK]);
            at = end + 1;
        }
        let rest = text.get(at..).unwrap_or_default();
        filled.push_str(rest);
        shown.push_str(rest);
        Ok(Self { text: filled, shown })
    }

    /// The text itself, for its intended use.
    pub fn reveal(&self) -> &str {
        &self.text
    }

    /// The text for messages, with its secrets masked.
    pub fn shown(&self) -> &str {
        &self.shown
    }
}

/// Why a text has no value for one of its secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfilled {
    /// Where the secret is in the text, in bytes.
    pub offset: usize,
    /// The message.
    pub message: String,
    /// Its file exists and cannot be read now: the last known value still counts.
    pub may_pass: bool,
}

/// The value of `env:NAME` or `file:path`. The error says why it is missing, and whether that may be temporary.
fn value(inside: &str, project: &Path) -> Result<String, (String, bool)> {
    match inside.split_once(':') {
        Some(("env", name)) => std::env::var(name).map_err(|_| (format!("The environment has no `{name}`"), false)),
        Some(("file", path)) => {
            let file = project.join(path);
            let read = disk::read_text(&file, MOST_OF_SECRET);
            let known = read.as_deref().map(fingerprint).ok();
            KNOWN.write().unwrap_or_else(PoisonError::into_inner).files.insert(file, known);
            read.map(|text| text.trim_end_matches(['\r', '\n']).to_owned()).map_err(|unread| {
                (format!("`{path}` cannot be read: {unread}"), unread.may_pass() && !unread.is_missing())
            })
        }
        _ => Err((format!("`${{{inside}}}` is neither ${{env:NAME}} nor ${{file:path}}"), false)),
    }
}

/// The secrets of this process.
struct Known {
    texts: BTreeSet<String>,
    finder: Option<AhoCorasick>,
    /// The files of secrets, with the hash of their content when it was read; `None` if they could not be read.
    files: BTreeMap<PathBuf, Option<[u8; 32]>>,
}

static KNOWN: RwLock<Known> = RwLock::new(Known { texts: BTreeSet::new(), finder: None, files: BTreeMap::new() });

/// Masks this secret from now on, in each form that it may have in a text.
pub(crate) fn learn(secret: &str) {
    let forms = forms(secret);
    let mut known = KNOWN.write().unwrap_or_else(PoisonError::into_inner);
    let before = known.texts.len();
    known.texts.extend(forms.into_iter().filter(|form| form.chars().count() >= SHORTEST));
    if known.texts.len() > before && before < MOST {
        let mut finder = AhoCorasick::builder();
        finder.ascii_case_insensitive(true).match_kind(MatchKind::LeftmostLongest);
        known.finder = finder.build(&known.texts).ok();
    }
}

/// The forms of a secret in messages of others.
fn forms(secret: &str) -> Vec<String> {
    let decoded = percent_decode_str(secret).decode_utf8_lossy().into_owned();
    let mut parts = vec![secret.to_owned(), secret.trim().to_owned(), decoded];
    // A whole address contains logins and keys.
    if let Ok(url) = Url::parse(secret) {
        parts.extend([url.to_string(), url.username().to_owned(), url.password().unwrap_or_default().to_owned()]);
        parts.extend(
            url.path_segments().into_iter().flatten().filter(|step| step.len() >= LONG_STEP).map(str::to_owned),
        );
        parts.extend(url.query_pairs().map(|(_, value)| value.into_owned()));
    }
    let others = |part: &String| {
        [
            part.clone(),
            percent_decode_str(part).decode_utf8_lossy().into_owned(),
            part.escape_debug().to_string(),
            BASE64_STANDARD.encode(part),
            BASE64_STANDARD.encode(part).trim_end_matches('=').to_owned(),
            BASE64_URL_SAFE_NO_PAD.encode(part),
        ]
    };
    let encoded = |part: &String| others(part).into_iter().chain(in_addresses(part)).collect::<Vec<_>>();
    parts.iter().filter(|part| !part.is_empty()).flat_map(encoded).collect()
}

/// The forms of a text in an address: in a part, a path, a login, a form.
pub(crate) fn in_addresses(text: &str) -> [String; 5] {
    [
        utf8_percent_encode(text, NON_ALPHANUMERIC).to_string(),
        utf8_percent_encode(text, PART).to_string(),
        utf8_percent_encode(text, PATH).to_string(),
        utf8_percent_encode(text, LOGIN).to_string(),
        utf8_percent_encode(text, PART).to_string().replace("%20", "+"),
    ]
}

/// A text in which each secret is masked.
pub fn masked(text: &str) -> String {
    replaced(text, |_| true)
}

/// The value of a header of an answer, with each secret masked except those that only locate a server: the server may
/// redirect to its own address.
pub fn masked_header(value: &str) -> String {
    replaced(value, |found| {
        let is_host = value.get(..found.start).is_some_and(|before| before.ends_with("://"));
        !is_host && !value.get(found).is_some_and(is_plain_address)
    })
}

/// Is it an address of a server without a login, a query, and a part that could be a key?
fn is_plain_address(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| {
        let short = || url.path_segments().is_some_and(|mut steps| steps.all(|step| step.len() < LONG_STEP));
        url.has_host() && url.username().is_empty() && url.password().is_none() && url.query().is_none() && short()
    })
}

/// A text with those secrets masked that `wanted` selects.
fn replaced(text: &str, wanted: impl Fn(Range<usize>) -> bool) -> String {
    let known = KNOWN.read().unwrap_or_else(PoisonError::into_inner);
    let Some(finder) = &known.finder else { return text.to_owned() };
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for found in finder.find_iter(text) {
        let (before, secret) = (text.get(at..found.start()), text.get(found.range()));
        let (Some(before), Some(secret)) = (before, secret) else { continue };
        out.push_str(before);
        let is_word = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        let inside = is_word(text.get(..found.start()).and_then(|left| left.chars().next_back()))
            || is_word(text.get(found.end()..).and_then(|right| right.chars().next()));
        let alone = !inside || secret.len() >= LONG || !secret.chars().all(char::is_alphanumeric);
        out.push_str(if alone && wanted(found.range()) { MASK } else { secret });
        at = found.end();
    }
    out.push_str(text.get(at..).unwrap_or_default());
    out
}

/// The files that secrets were read from.
pub fn secret_files() -> Vec<PathBuf> {
    KNOWN.read().unwrap_or_else(PoisonError::into_inner).files.keys().cloned().collect()
}

/// Has a file of a secret changed since it was read?
pub fn secrets_changed() -> bool {
    let files = KNOWN.read().unwrap_or_else(PoisonError::into_inner).files.clone();
    files.iter().any(|(file, known)| disk::read_text(file, MOST_OF_SECRET).as_deref().map(fingerprint).ok() != *known)
}

/// Is there a secret whose file could not be read? It may be readable without a change that can be watched.
pub fn secrets_unread() -> bool {
    KNOWN.read().unwrap_or_else(PoisonError::into_inner).files.values().any(Option::is_none)
}

fn fingerprint(text: &str) -> [u8; 32] {
    Sha256::digest(text).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_masked_in_each_form() {
        learn("s3cret/of tests&");
        for text in [
            "s3cret/of tests&",
            "S3CRET/OF TESTS&",
            "s3cret%2fof%20tests%26",
            "s3cret/of%20tests&",
            "s3cret%2Fof+tests%26",
        ] {
            assert_eq!(masked(&format!("at http://h/{text}/x")), "at http://h/***/x", "{text}");
        }
        assert_eq!(masked(&format!("Basic {}", BASE64_STANDARD.encode("s3cret/of tests&"))), "Basic ***");
        learn("postgres://deep:l0gin%40word@db.example.com/base?key=qu3ryk3y");
        assert_eq!(masked("no `deep` with l0gin@word, qu3ryk3y"), "no `***` with ***, ***");
    }

    #[test]
    fn short_words_are_masked_where_they_stand_alone() {
        learn("brw");
        learn("zebr");
        assert_eq!(masked("brw zebr zebra 'zebr'"), "brw *** zebra '***'");
    }

    #[test]
    fn headers_may_lead_to_the_address_of_a_connection() {
        learn("https://api.headers.example/v1");
        learn("headers2.example");
        learn("k3y-0f-the-headers");
        assert_eq!(masked_header("https://api.headers.example/v1/items/5"), "https://api.headers.example/v1/items/5");
        assert_eq!(masked_header("http://headers2.example/k3y-0f-the-headers/5"), "http://headers2.example/***/5");
        assert_eq!(masked("GET https://api.headers.example/v1/x"), "GET ***/x");
    }

    #[test]
    fn a_filled_text_hides_what_was_filled_in() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("key"), "ab\n").unwrap();
        let secret = Secret::fill("http://h/${file:key}/x", folder.path()).unwrap();
        assert_eq!(
            (secret.reveal(), secret.shown(), format!("{secret:?}").as_str()),
            ("http://h/ab/x", "http://h/***/x", "***")
        );
    }
}
