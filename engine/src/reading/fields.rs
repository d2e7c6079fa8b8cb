//! Maps of the file: which keys they may have, and simple values.

use super::Reader;
use crate::config::duration;
use crate::script::Content;
use crate::yaml::problem::{Fix, Problem, codes};
use crate::yaml::{Core, Entry, Node, Place, Scalar};
use flowscript_lang::suggest::nearest;
use std::ops::RangeInclusive;
use std::time::Duration;

/// Words that are listed in a message.
const MOST_LISTED: usize = 30;

/// The entries of a map whose keys are known to be allowed.
pub struct Fields<'n> {
    entries: Vec<&'n Entry>,
    /// Keys were refused, so a missing one may only be misspelt.
    pub(super) refused: bool,
}

impl<'n> Fields<'n> {
    /// The entries of `node`. Keys outside `keys` are problems. `what` begins the messages: `A workflow`.
    pub fn of(node: &'n Node, what: &str, keys: &[&str]) -> (Option<Self>, Vec<Problem>) {
        let Some(entries) = node.entries() else {
            let message = format!("{what} must be a map with the keys {}, not {}", listed(keys), node.describe());
            return (None, vec![Problem::new(codes::WRONG_VALUE, node.place, message)]);
        };
        let mut problems = Vec::new();
        for entry in entries.iter().filter(|entry| !keys.contains(&entry.key.as_str())) {
            problems.push(refused(entry, what, keys));
        }
        let entries = entries.iter().filter(|entry| keys.contains(&entry.key.as_str())).collect();
        (Some(Self { entries, refused: !problems.is_empty() }), problems)
    }

    /// Were keys refused, so that a missing one may only be misspelt?
    pub fn has_refused(&self) -> bool {
        self.refused
    }

    /// A map without entries.
    pub fn empty() -> Self {
        Self { entries: Vec::new(), refused: false }
    }

    /// The entry of this key.
    pub fn get(&self, key: &str) -> Option<&'n Entry> {
        self.entries.iter().copied().find(|entry| entry.key == key)
    }

    /// The entry of this key, unless it is empty.
    pub fn take(&mut self, key: &str) -> Option<&'n Entry> {
        self.get(key).filter(|entry| !entry.value.is_null())
    }
}

/// The problem of a key that is not allowed.
pub fn refused(entry: &Entry, what: &str, keys: &[&str]) -> Problem {
    let key = &entry.key;
    unknown_key(entry, format!("{what} has no key `{key}`"), keys, || format!("Its keys are {}.", listed(keys)))
}

/// The problem of a key that is none of these; `hint` is given if none of them is similar.
pub fn unknown_key(entry: &Entry, message: String, keys: &[&str], hint: impl FnOnce() -> String) -> Problem {
    let key = &entry.key;
    let problem = Problem::new(codes::UNKNOWN_KEY, entry.place, message);
    match nearest(key, keys.iter().copied()) {
        Some(nearest) => {
            let end = Place { column: entry.place.column + key.chars().count() as u32, ..entry.place };
            // A quoted key begins with a quote, and is not written as its characters.
            let fix = entry.is_plain.then(|| Fix::replace(entry.place, end, nearest));
            problem.with_hint(format!("Did you mean `{nearest}`?")).with_fix(fix)
        }
        None => problem.with_hint(hint()),
    }
}

/// `a`, `b` and `c` as code.
pub fn listed(words: &[&str]) -> String {
    let more = words.len().saturating_sub(MOST_LISTED);
    let shown = words.iter().take(MOST_LISTED).map(|word| format!("`{word}`"));
    let words: Vec<String> = shown.chain((more > 0).then(|| format!("{more} more"))).collect();
    match words.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => words.join(""),
    }
}

impl Reader<'_> {
    /// The text of a key, if it is present.
    pub fn optional_text(&mut self, fields: &mut Fields<'_>, key: &str) -> Option<String> {
        let entry = fields.take(key)?;
        let text = entry.value.scalar().map(|scalar| scalar.text.clone());
        if text.is_none() {
            self.wrong(&entry.value, &format!("`{key}` must be a text"));
        }
        text
    }

    /// The boolean of a key, if it is present.
    pub fn optional_bool(&mut self, fields: &mut Fields<'_>, key: &str) -> Option<bool> {
        let entry = fields.take(key)?;
        let core = entry.value.scalar().map(Scalar::core);
        if let Some(Core::Bool(value)) = core {
            return Some(value);
        }
        self.wrong(&entry.value, &format!("`{key}` must be true or false"));
        None
    }

    /// One of some words, if the key is present.
    pub fn optional_word<T: Copy>(&mut self, fields: &mut Fields<'_>, key: &str, words: &[(&str, T)]) -> Option<T> {
        let entry = fields.take(key)?;
        self.word(&entry.value, key, words)
    }

    /// One of some words.
    pub fn word<T: Copy>(&mut self, node: &Node, key: &str, words: &[(&str, T)]) -> Option<T> {
        let given = node.scalar().map(|scalar| scalar.text.as_str());
        let found = words.iter().find(|(word, _)| given == Some(*word)).map(|(_, value)| *value);
        if found.is_none() {
            let names: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            let given = given.map_or_else(|| node.describe().to_owned(), |text| format!("`{text}`"));
            let message = format!("`{key}` is {given}; it can be {}", listed(&names).replace(" and ", " or "));
            self.report(Problem::new(codes::WRONG_VALUE, node.place, message));
        }
        found
    }

    /// A required entry; `why` is the message if it is missing.
    pub fn needed<'n>(&mut self, fields: &Fields<'n>, key: &str, place: Place, why: &str) -> Option<&'n Entry> {
        let entry = fields.get(key).filter(|entry| !entry.value.is_null());
        if entry.is_none() && !fields.refused {
            self.report(Problem::new(codes::MISSING_KEY, place, why));
        }
        entry
    }

    /// A whole number in a range.
    pub fn whole(&mut self, node: &Node, key: &str, range: RangeInclusive<u32>) -> Option<u32> {
        let number = match node.scalar().map(Scalar::core) {
            Some(Core::Number(number)) if number.is_whole() => number.to_i64().and_then(|n| u32::try_from(n).ok()),
            _ => None,
        };
        let fits = number.filter(|number| range.contains(number));
        if fits.is_none() {
            self.wrong(node, &format!("`{key}` must be a whole number from {} to {}", range.start(), range.end()));
        }
        fits
    }

    /// A map of names to templates; `None` if one is invalid.
    pub fn templates(&mut self, fields: &mut Fields<'_>, key: &str) -> Option<Vec<(String, Content)>> {
        let Some(entry) = fields.take(key) else { return Some(Vec::new()) };
        let Some(entries) = entry.value.entries() else {
            self.wrong(&entry.value, &format!("`{key}` must be a map from names to texts"));
            return None;
        };
        let templates: Vec<Option<(String, Content)>> =
            entries.iter().map(|entry| Some((entry.key.clone(), self.template(&entry.value)?))).collect();
        templates.into_iter().collect()
    }

    /// A span of time, at most `longest`.
    pub fn duration(&mut self, node: &Node, longest: Duration) -> Option<Duration> {
        let parsed = duration::parse(node.scalar().map_or("", |scalar| &scalar.text));
        let parsed = parsed.and_then(|span| {
            if span.is_zero() {
                Err("A duration of 0 leaves no time; write at least 1ms".to_owned())
            } else if span > longest {
                Err(format!("{} is too long; {} is the most", duration::format(span), duration::format(longest)))
            } else {
                Ok(span)
            }
        });
        match parsed {
            Ok(span) => Some(span),
            Err(message) => {
                self.report(Problem::new(codes::WRONG_VALUE, node.place, message));
                None
            }
        }
    }

    /// Reports that `node` is not what `wanted` describes.
    pub fn wrong(&mut self, node: &Node, wanted: &str) {
        let given = match node.scalar() {
            Some(scalar) if !node.is_null() => format!("`{}`", shortened(&scalar.text)),
            _ => node.describe().to_owned(),
        };
        self.report(Problem::new(codes::WRONG_VALUE, node.place, format!("{wanted}, not {given}")));
    }
}

fn shortened(text: &str) -> String {
    if text.chars().count() <= 40 { text.to_owned() } else { text.chars().take(39).chain(['…']).collect() }
}

/// The text of a scalar; empty for anything else.
pub fn text_of(node: &Node) -> &str {
    node.scalar().map_or("", |scalar| &scalar.text)
}
