//! From values to PostgreSQL's wire format.

use super::local::wall_clock;
use super::numeric::write_numeric;
use crate::script::encode_json;
use chrono::Utc;
use flowscript_lang::value::{Rows, Value, Zone, to_boolean, to_datetime, to_number, to_text};
use std::error::Error;
use tokio_postgres::types::private::BytesMut;
use tokio_postgres::types::{Format, FromSql, IsNull, Kind, ToSql, Type};

type Failed = Box<dyn Error + Sync + Send>;

/// A value for the server, to be written in the parameter's type.
#[derive(Debug)]
pub(super) struct Bound {
    /// The value.
    pub value: Value,
    /// The zone of local times.
    pub zone: Zone,
}

/// Is a value of this type written in its binary form? All others are texts, which the server reads.
fn is_written(ty: &Type) -> bool {
    match *ty {
        Type::BOOL | Type::INT2 | Type::INT4 | Type::INT8 | Type::OID | Type::FLOAT4 | Type::FLOAT8 | Type::NUMERIC => {
            true
        }
        Type::TIMESTAMP | Type::TIMESTAMPTZ | Type::DATE | Type::BYTEA | Type::UUID | Type::JSON | Type::JSONB => true,
        ref ty => match ty.kind() {
            Kind::Domain(inner) => is_written(inner),
            // The binary form of `ltree` is not its text.
            Kind::Simple => <&str as FromSql>::accepts(ty) && !ty.name().starts_with('l'),
            Kind::Enum(_) => true,
            _ => false,
        },
    }
}

/// The type of the elements, where a value of this type is an array itself.
fn inner_array(ty: &Type) -> Option<&Type> {
    match ty.kind() {
        Kind::Array(inner) => Some(inner),
        Kind::Domain(inner) => inner_array(inner),
        _ => None,
    }
}

impl Bound {
    /// Is it a list of simple values, for an array of a type that is written in its binary form?
    fn is_plain_list(&self, element: &Type) -> bool {
        let json = matches!(*element, Type::JSON | Type::JSONB);
        let plain = |value: Value| json || Rows::of(&value).is_none();
        is_written(element) && Rows::of(&self.value).is_some_and(|rows| rows.iter().all(plain))
    }

    /// The array as a text for the server.
    fn array_text(&self, element: &Type, rows: &Rows) -> Result<String, Failed> {
        let delimiter = if *element == Type::BOX { ";" } else { "," };
        let items: Result<Vec<String>, Failed> = rows.iter().map(|value| self.element_text(element, value)).collect();
        Ok(format!("{{{}}}", items?.join(delimiter)))
    }

    fn element_text(&self, element: &Type, value: Value) -> Result<String, Failed> {
        if value.is_null() {
            return Ok("NULL".to_owned());
        }
        let json = matches!(*element, Type::JSON | Type::JSONB);
        let quoted = |text: &str| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
        if let Some(rows) = Rows::of(&value).filter(|_| !json) {
            return match inner_array(element) {
                // An array inside an array is one more dimension, but in a domain or a vector it is a value.
                None => self.array_text(element, &rows),
                Some(_) if matches!(*element, Type::INT2_VECTOR | Type::OID_VECTOR) => {
                    let items: Result<Vec<String>, Failed> =
                        rows.iter().map(|item| self.text(element, &item)).collect();
                    Ok(quoted(&items?.join(" ")))
                }
                Some(inner) => Ok(quoted(&self.array_text(inner, &rows)?)),
            };
        }
        let text = if json { encode_json(&value)? } else { self.text(element, &value)? };
        Ok(quoted(&text))
    }

    /// The text of a simple value.
    fn text(&self, ty: &Type, value: &Value) -> Result<String, Failed> {
        let unfit = |wanted: &str| Failed::from(format!("{} is not {wanted}", value.to_literal(60)));
        match value {
            Value::Binary(bytes) if *ty == Type::BYTEA => Ok(format!("\\x{}", hex::encode(bytes))),
            Value::Binary(_) => Err(unfit(&format!("a value of the type {}", ty.name()))),
            Value::DateTime(_) if matches!(*ty, Type::TIMESTAMP | Type::DATE) => {
                let local = self.wall_clock(value)?;
                Ok(local.format("%Y-%m-%d %H:%M:%S%.f").to_string())
            }
            value => to_text(value).map(|text| text.to_string()).map_err(|_| unfit("a simple value")),
        }
    }

    /// The local time in the zone of the run.
    fn wall_clock(&self, value: &Value) -> Result<chrono::NaiveDateTime, Failed> {
        let unfit = || Failed::from(format!("{} is not a datetime", value.to_literal(60)));
        let at = to_datetime(value, self.zone).map_err(|_| unfit())?;
        // A local time in a gap came from the database: it is returned unchanged.
        if wall_clock(at.local(), self.zone) == Some(at) {
            return Ok(at.local());
        }
        Ok(at.in_zone(self.zone).local())
    }
}

impl ToSql for Bound {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Failed> {
        let value = &self.value;
        if value.is_null() {
            return Ok(IsNull::Yes);
        }
        let unfit = |wanted: &str| Failed::from(format!("{} is not {wanted}", value.to_literal(60)));
        let number = || to_number(value).map_err(|_| unfit("a number"));
        let whole = |name: &str| {
            let number = number()?;
            let whole = number.is_whole().then(|| number.to_string().parse::<i64>().ok()).flatten();
            whole.ok_or_else(|| unfit(if number.is_whole() { name } else { "a whole number" }))
        };
        match *ty {
            Type::BOOL => to_boolean(value).map_err(|_| unfit("a boolean"))?.to_sql(ty, out),
            Type::INT2 => i16::try_from(whole("a smallint")?).map_err(|_| unfit("a smallint"))?.to_sql(ty, out),
            Type::INT4 => i32::try_from(whole("an integer")?).map_err(|_| unfit("an integer"))?.to_sql(ty, out),
            Type::INT8 => whole("a bigint")?.to_sql(ty, out),
            Type::OID => u32::try_from(whole("an oid")?).map_err(|_| unfit("an oid"))?.to_sql(ty, out),
            Type::FLOAT4 => {
                let near = number()?.to_f64() as f32;
                if near.is_finite() { near.to_sql(ty, out) } else { Err(unfit("a real")) }
            }
            Type::FLOAT8 => number()?.to_f64().to_sql(ty, out),
            Type::NUMERIC => {
                write_numeric(&number()?.to_string(), out);
                Ok(IsNull::No)
            }
            Type::BYTEA => match value {
                Value::Binary(bytes) => (&**bytes as &[u8]).to_sql(ty, out),
                _ => Err(unfit("binary")),
            },
            Type::TIMESTAMPTZ => {
                let at = to_datetime(value, self.zone).map_err(|_| unfit("a datetime"))?;
                let at = chrono::DateTime::<Utc>::from_timestamp(at.unix_seconds(), at.nanos());
                at.ok_or_else(|| unfit("a datetime of the database"))?.to_sql(ty, out)
            }
            Type::TIMESTAMP => self.wall_clock(value)?.to_sql(ty, out),
            Type::DATE => self.wall_clock(value)?.date().to_sql(ty, out),
            Type::UUID => {
                let text = to_text(value).map_err(|_| unfit("a UUID"))?;
                text.parse::<uuid::Uuid>().map_err(|_| unfit("a UUID"))?.to_sql(ty, out)
            }
            Type::JSON | Type::JSONB => {
                if *ty == Type::JSONB {
                    out.extend_from_slice(&[1]);
                }
                out.extend_from_slice(encode_json(value)?.as_bytes());
                Ok(IsNull::No)
            }
            ref ty => match (ty.kind(), Rows::of(value)) {
                (Kind::Array(element), Some(rows)) if self.is_plain_list(element) => {
                    let items: Vec<Self> = rows.iter().map(|value| Self { value, zone: self.zone }).collect();
                    items.to_sql(ty, out)
                }
                (Kind::Array(element), Some(rows)) => {
                    out.extend_from_slice(self.array_text(element, &rows)?.as_bytes());
                    Ok(IsNull::No)
                }
                (Kind::Domain(inner), _) => self.to_sql(inner, out),
                _ => {
                    out.extend_from_slice(self.text(ty, value)?.as_bytes());
                    Ok(IsNull::No)
                }
            },
        }
    }

    fn accepts(_ty: &Type) -> bool {
        true
    }

    fn encode_format(&self, ty: &Type) -> Format {
        let binary = match ty.kind() {
            Kind::Array(element) => self.is_plain_list(element),
            Kind::Domain(inner) if matches!(inner.kind(), Kind::Array(_) | Kind::Domain(_)) => {
                return self.encode_format(inner);
            }
            _ => is_written(ty),
        };
        if binary { Format::Binary } else { Format::Text }
    }

    tokio_postgres::types::to_sql_checked!();
}
