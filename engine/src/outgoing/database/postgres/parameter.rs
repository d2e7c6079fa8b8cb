//! Parameters of a statement, of which large ones are encoded outside the async threads.

use super::write::Bound;
use crate::outgoing::database::trouble::Trouble;
use crate::script::weigh;
use std::error::Error;
use tokio_postgres::types::private::BytesMut;
use tokio_postgres::types::{Format, IsNull, ToSql, Type};

/// A value of more bytes is encoded outside the async threads.
const LARGE: usize = 64 << 10;

/// A parameter that can be sent.
#[derive(Debug)]
pub(super) enum Parameter {
    /// Encoded when it is sent.
    Small(Bound),
    /// Encoded before.
    Encoded(Encoded),
}

/// A parameter in the format of the server.
#[derive(Debug)]
pub(super) struct Encoded {
    /// Its bytes; `None` for null. The error says why it does not fit.
    bytes: Result<Option<BytesMut>, String>,
    format: Format,
}

impl Encoded {
    fn of(bound: &Bound, ty: &Type) -> Self {
        let mut out = BytesMut::new();
        let bytes = match bound.to_sql(ty, &mut out) {
            Ok(IsNull::No) => Ok(Some(out)),
            Ok(IsNull::Yes) => Ok(None),
            Err(error) => Err(error.to_string()),
        };
        Self { bytes, format: bound.encode_format(ty) }
    }
}

/// The parameters for these values, whose types the server has given.
pub(super) async fn parameters(values: Vec<Bound>, types: &[Type]) -> Result<Vec<Parameter>, Trouble> {
    let mut parameters = Vec::with_capacity(values.len());
    for (bound, ty) in values.into_iter().zip(types) {
        parameters.push(if weigh(&bound.value, LARGE).is_some() {
            Parameter::Small(bound)
        } else {
            let ty = ty.clone();
            let encoded = tokio::task::spawn_blocking(move || Encoded::of(&bound, &ty)).await;
            Parameter::Encoded(encoded.map_err(|error| Trouble::Refused(error.to_string()))?)
        });
    }
    Ok(parameters)
}

impl ToSql for Parameter {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        let encoded = match self {
            Self::Small(bound) => return bound.to_sql(ty, out),
            Self::Encoded(encoded) => encoded,
        };
        match &encoded.bytes {
            Ok(Some(bytes)) => {
                out.extend_from_slice(bytes);
                Ok(IsNull::No)
            }
            Ok(None) => Ok(IsNull::Yes),
            Err(reason) => Err(reason.clone().into()),
        }
    }

    fn accepts(_ty: &Type) -> bool {
        true
    }

    fn encode_format(&self, ty: &Type) -> Format {
        match self {
            Self::Small(bound) => bound.encode_format(ty),
            Self::Encoded(encoded) => encoded.format,
        }
    }

    tokio_postgres::types::to_sql_checked!();
}

#[cfg(test)]
mod tests {
    use super::*;
    use flowscript_lang::value::{Value, Zone};

    fn bound(value: Value) -> Bound {
        Bound { value, zone: Zone::UTC }
    }

    #[tokio::test]
    async fn large_values_are_sent_as_small_ones() {
        let words = Value::list((0..20_000).map(|n| Value::text(format!("word {n}"))).collect());
        let large = [
            (words.clone(), Type::JSONB),
            (words.clone(), Type::TEXT_ARRAY),
            (Value::text("x".repeat(LARGE + 1)), Type::TEXT),
            (Value::text("x".repeat(LARGE + 1)), Type::INT4),
            (words, Type::TEXT),
        ];
        let small = [(Value::from(7_i64), Type::INT4), (Value::Null, Type::JSON)];
        for (is_large, cases) in [(true, large.as_slice()), (false, small.as_slice())] {
            for (value, ty) in cases {
                let parameters = parameters(vec![bound(value.clone())], std::slice::from_ref(ty)).await.unwrap();
                let [parameter] = parameters.as_slice() else { panic!("{parameters:?}") };
                assert_eq!(matches!(parameter, Parameter::Encoded(_)), is_large, "{ty}");
                let written = |what: &dyn ToSql| {
                    let mut out = BytesMut::new();
                    let done = what.to_sql_checked(ty, &mut out).map_err(|error| error.to_string());
                    (done.map(|null| matches!(null, IsNull::Yes)), out)
                };
                assert_eq!(written(parameter), written(&bound(value.clone())), "{ty}");
                let formats = (parameter.encode_format(ty), bound(value.clone()).encode_format(ty));
                assert_eq!(matches!(formats.0, Format::Text), matches!(formats.1, Format::Text), "{ty}");
            }
        }
    }
}
