//! Masks for the values of a run that are never shown.

pub use crate::secret::MASK;
use ecow::EcoString;
use flowscript_lang::value::{Record, Rows, Value, to_text};

/// Texts shorter than this, in characters, are not searched in other texts: they would occur everywhere.
const SHORTEST_SECRET: usize = 4;

/// The most texts that are searched.
pub const MOST_SECRETS: usize = 10_000;

/// The values that are never shown, as paths: a variable, then fields. Through lists a path goes into each element.
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

    /// The value of the variable `name`, masked.
    pub fn mask(&self, name: &str, value: &Value) -> Value {
        self.below(name).fold(value.clone(), |value, path| masked(&value, path))
    }

    /// A record of variables by name.
    pub fn mask_fields(&self, fields: &Record) -> Record {
        Record::from_fields(fields.iter().map(|(name, value)| (name.clone(), self.mask(name, &value))))
    }

    /// The texts of masked values of the variable `name`, to be searched in other texts.
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
                // The result of a request contains its body three times.
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
        // A short text occurs everywhere: it is left alone.
        assert_eq!(secrets, ["4111-1111", "4222-2222"]);
    }
}
