//! What the runs of a workflow leave behind: which diagnostics, what of it is masked; and what they may use up.

use ecow::EcoString;
use flowscript_lang::value::{Record, Rows, Value, to_text};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use utoipa::ToSchema;

/// When a part of a run's diagnostics is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Keep {
    /// Never.
    Off,
    /// Where the run fails.
    Failures,
    /// Always.
    On,
}

impl Keep {
    /// The words of the file.
    pub const WORDS: [(&str, Self); 3] = [("off", Self::Off), ("failures", Self::Failures), ("on", Self::On)];

    /// Is it kept for a run that ended like this?
    pub fn keeps(self, failed: bool) -> bool {
        self == Self::On || (self == Self::Failures && failed)
    }
}

/// The diagnostics that are kept of each run. A retry never depends on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Diagnostics {
    /// The inputs.
    pub input: Keep,
    /// The output.
    pub output: Keep,
    /// The variables before and after each step.
    pub variables: Keep,
}

impl Default for Diagnostics {
    fn default() -> Self {
        Self { input: Keep::On, output: Keep::On, variables: Keep::Failures }
    }
}

/// Diagnostics as they were switched while the engine runs; a part that is missing follows the file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DiagnosticsSwitch {
    /// The inputs.
    pub input: Option<Keep>,
    /// The output.
    pub output: Option<Keep>,
    /// The variables before and after each step.
    pub variables: Option<Keep>,
}

impl DiagnosticsSwitch {
    /// What is in force where the file says `file`.
    pub fn over(self, file: Diagnostics) -> Diagnostics {
        Diagnostics {
            input: self.input.unwrap_or(file.input),
            output: self.output.unwrap_or(file.output),
            variables: self.variables.unwrap_or(file.variables),
        }
    }

    /// The bytes for the store; nothing where all is as the file says.
    pub fn encode(self) -> Option<Vec<u8>> {
        (self != Self::default()).then(|| serde_json::to_vec(&self).unwrap_or_default())
    }

    /// The switch in bytes of the store. The error says what is wrong with them.
    pub fn decode(bytes: &[u8]) -> Result<Self, String> {
        serde_json::from_slice(bytes).map_err(|error| format!("stored diagnostics settings are damaged: {error}"))
    }
}

/// What runs of one workflow may use up; where nothing is said, the settings of the engine hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RunLimits {
    /// How long a run may take, without queueing and waits.
    pub run: Option<Duration>,
    /// Steps of one script.
    pub script_steps: Option<u64>,
    /// Bytes of the live values of one script.
    pub script_memory: Option<usize>,
    /// Lines of a run's log.
    pub log_lines: Option<u32>,
    /// Queued runs.
    pub queue: Option<u32>,
}

/// What stands for a masked value.
pub const MASK: &str = "***";
/// Texts shorter than this, in characters, are not looked for in other texts: they would be found everywhere.
const SHORTEST_SECRET: usize = 4;

/// So many texts are looked for at most.
pub const MOST_SECRETS: usize = 10_000;

/// The values that nobody is shown, as paths: a variable, then fields. Through lists a path goes into each element.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Redact {
    /// The names of each path; none is empty.
    pub paths: Vec<Vec<EcoString>>,
}

impl Redact {
    /// Is nothing masked?
    pub fn is_empty(&self) -> bool {
        self.paths.is_empty()
    }

    /// Does it mask the variable `name`, or something in it?
    pub fn touches(&self, name: &str) -> bool {
        self.below(name).next().is_some()
    }

    /// The value of the variable `name` with what is masked in it.
    pub fn mask(&self, name: &str, value: &Value) -> Value {
        self.below(name).fold(value.clone(), |value, path| masked(&value, path))
    }

    /// A record of variables by name.
    pub fn mask_fields(&self, fields: &Record) -> Record {
        Record::from_fields(fields.iter().map(|(name, value)| (name.clone(), self.mask(name, &value))))
    }

    /// The texts that masked values of the variable `name` would show, for looking them up in other texts.
    pub fn secrets(&self, name: &str, value: &Value, into: &mut Vec<String>) {
        self.below(name).for_each(|path| collect(value, path, into));
    }

    fn below<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [EcoString]> {
        self.paths.iter().filter_map(move |path| path.split_first().filter(|(first, _)| *first == name).map(|(_, p)| p))
    }
}

fn masked(value: &Value, path: &[EcoString]) -> Value {
    let Some((field, rest)) = path.split_first() else {
        return if value.is_null() { Value::Null } else { Value::text(MASK) };
    };
    match value {
        Value::Record(record) => match record.get(field) {
            Some(inner) => {
                let mut record = record.clone().with(field, masked(&inner, rest));
                // The result of a request holds its body three times.
                if field == "json" {
                    for raw in ["text", "body"].map(EcoString::from) {
                        if record.get(&raw).is_some_and(|raw| !raw.is_null()) {
                            record = record.with(&raw, Value::text(MASK));
                        }
                    }
                }
                Value::Record(record)
            }
            None => value.clone(),
        },
        value => match Rows::of(value) {
            Some(rows) => Value::list(rows.iter().map(|row| masked(&row, path)).collect()),
            None => value.clone(),
        },
    }
}

fn collect(value: &Value, path: &[EcoString], into: &mut Vec<String>) {
    if into.len() >= MOST_SECRETS {
        return;
    }
    if let Some(rows) = Rows::of(value) {
        rows.iter().for_each(|row| collect(&row, path, into));
    } else if let Value::Record(record) = value {
        match path.split_first() {
            Some((field, rest)) => record.get(field).iter().for_each(|inner| collect(inner, rest, into)),
            None => record.iter().for_each(|(_, inner)| collect(&inner, path, into)),
        }
    } else if path.is_empty()
        && let Ok(text) = to_text(value)
        && text.chars().count() >= SHORTEST_SECRET
    {
        into.push(text.to_string());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redact(paths: &[&str]) -> Redact {
        Redact { paths: paths.iter().map(|path| path.split('.').map(EcoString::from).collect()).collect() }
    }

    fn sample() -> Value {
        let card = |number: &str| Value::record([("number", Value::text(number)), ("kind", Value::text("visa"))]);
        Value::record([
            ("name", Value::text("Ann")),
            ("cards", Value::list(vec![card("4111-1111"), card("4222-2222")])),
        ])
    }

    #[test]
    fn paths_go_through_records_and_lists() {
        let masks = redact(&["customer.cards.number"]);
        let masked = crate::script::encode_json(&masks.mask("customer", &sample())).unwrap();
        assert_eq!(masked, r#"{"name":"Ann","cards":[{"number":"***","kind":"visa"},{"number":"***","kind":"visa"}]}"#);
        assert!(masks.touches("customer") && !masks.touches("order"));
        let whole = redact(&["customer"]).mask("customer", &sample());
        assert!(matches!(whole, Value::Text(text) if text == MASK));
        assert!(redact(&["customer"]).mask("customer", &Value::Null).is_null());
    }

    #[test]
    fn secrets_are_found_in_texts() {
        let mut secrets = Vec::new();
        redact(&["customer.cards.number", "customer.name"]).secrets("customer", &sample(), &mut secrets);
        // A short text is found everywhere: it is left alone.
        assert_eq!(secrets, ["4111-1111", "4222-2222"]);
    }

    #[test]
    fn a_switch_wins_over_the_file() {
        let switch = DiagnosticsSwitch { variables: Some(Keep::On), ..DiagnosticsSwitch::default() };
        let there = DiagnosticsSwitch::decode(&switch.encode().unwrap()).unwrap();
        assert_eq!(there.over(Diagnostics::default()), Diagnostics { variables: Keep::On, ..Diagnostics::default() });
        assert_eq!(DiagnosticsSwitch::default().encode(), None);
    }
}
