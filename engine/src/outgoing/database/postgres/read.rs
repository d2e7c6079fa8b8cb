//! From PostgreSQL's wire format to values.

use super::local::wall_clock;
use super::numeric::read_numeric;
use super::reason::reason;
use crate::outgoing::database::trouble::Trouble;
use crate::script::{NoForm, decode_json_within};
use chrono::{NaiveDate, NaiveDateTime, NaiveTime, Utc};
use fallible_iterator::FallibleIterator;
use flowscript_lang::budget::Budget;
use flowscript_lang::error::ErrorKind;
use flowscript_lang::types::Type as Known;
use flowscript_lang::value::{DateTime, Number, Value, Zone};
use postgres_protocol::types::{array_from_sql, date_from_sql, inet_from_sql, time_from_sql, timestamp_from_sql};
use std::error::Error;
use tokio_postgres::types::{FromSql, Kind, Type};
use tokio_postgres::{Column, Row};

type Failed = Box<dyn Error + Sync + Send>;

/// Is a column of this type decoded from its binary form? All others are read as texts.
pub(super) fn is_read(ty: &Type) -> bool {
    match *ty {
        Type::BOOL | Type::INT2 | Type::INT4 | Type::INT8 | Type::OID | Type::FLOAT4 | Type::FLOAT8 | Type::NUMERIC => {
            true
        }
        Type::TIMESTAMP | Type::TIMESTAMPTZ | Type::DATE | Type::TIME => true,
        Type::BYTEA | Type::UUID | Type::JSON | Type::JSONB | Type::INET | Type::CIDR => true,
        ref ty => match ty.kind() {
            Kind::Array(inner) | Kind::Domain(inner) => is_read(inner),
            Kind::Enum(_) => true,
            _ => <&str as FromSql>::accepts(ty),
        },
    }
}

/// The value type of a column of this type.
pub(super) fn known(ty: &Type) -> Known {
    match *ty {
        Type::BOOL => Known::Bool,
        Type::INT2 | Type::INT4 | Type::INT8 | Type::OID | Type::FLOAT4 | Type::FLOAT8 | Type::NUMERIC => Known::Number,
        Type::TIMESTAMP | Type::TIMESTAMPTZ | Type::DATE => Known::DateTime,
        Type::BYTEA => Known::Binary,
        Type::JSON | Type::JSONB => Known::Any,
        ref ty => match ty.kind() {
            Kind::Array(_) => Known::Any,
            Kind::Domain(inner) => known(inner),
            _ => Known::Text,
        },
    }
}

/// The values of a row; the budget pays for those in JSON. Its columns have the types of the statement, or are their
/// texts.
pub(super) fn values(
    row: &Row,
    columns: &[Column],
    zone: Zone,
    budget: &mut dyn Budget,
) -> Result<Vec<Value>, Trouble> {
    let unfit = |at: usize, reason: String| {
        let name = columns.get(at).map_or("", |column| column.name());
        Trouble::Unfit(format!("the column `{name}`: {reason}"))
    };
    (0..row.len())
        .map(|at| {
            let got: Option<Got<'_>> = row.try_get(at).map_err(|error| unfit(at, reason(&error)))?;
            let value = got.map_or(Ok(Value::Null), |got| got.value(zone, budget));
            value.map_err(|error| match error {
                NoForm::Wrong(reason) => unfit(at, reason),
                NoForm::Stopped(stopped) if stopped.kind == ErrorKind::Cancelled => Trouble::Late,
                NoForm::Stopped(stopped) => Trouble::TooMuch(stopped.message),
            })
        })
        .collect()
}

/// A cell as received.
enum Got<'a> {
    Value(Value),
    Json(&'a str),
    Instant(chrono::DateTime<Utc>),
    Local(NaiveDateTime),
    List(Vec<Option<Got<'a>>>),
}

impl Got<'_> {
    fn value(self, zone: Zone, budget: &mut dyn Budget) -> Result<Value, NoForm> {
        let beyond = |at: String| NoForm::Wrong(format!("{at} is not a datetime of FlowScript; cast it to text"));
        match self {
            Self::Value(value) => Ok(value),
            Self::Json(text) => decode_json_within(text, budget),
            Self::Instant(at) => DateTime::from_unix_in(at.timestamp(), at.timestamp_subsec_nanos(), zone)
                .map(Value::DateTime)
                .ok_or_else(|| beyond(at.to_string())),
            Self::Local(local) => wall_clock(local, zone).map(Value::DateTime).ok_or_else(|| beyond(local.to_string())),
            Self::List(items) => {
                let values =
                    items.into_iter().map(|item| item.map_or(Ok(Value::Null), |item| item.value(zone, budget)));
                Ok(Value::list(values.collect::<Result<_, _>>()?))
            }
        }
    }
}

impl<'a> FromSql<'a> for Got<'a> {
    fn from_sql(ty: &Type, raw: &'a [u8]) -> Result<Self, Failed> {
        let float = |number: f64| match Number::from_f64(number) {
            Some(number) => Ok(Self::Value(Value::Number(number))),
            None => Err(Failed::from(format!("{number} is not a number of FlowScript; cast it to text"))),
        };
        Ok(match *ty {
            Type::BOOL => Self::Value(bool::from_sql(ty, raw)?.into()),
            Type::INT2 => Self::Value(i64::from(i16::from_sql(ty, raw)?).into()),
            Type::INT4 => Self::Value(i64::from(i32::from_sql(ty, raw)?).into()),
            Type::INT8 => Self::Value(i64::from_sql(ty, raw)?.into()),
            Type::OID => Self::Value(i64::from(u32::from_sql(ty, raw)?).into()),
            // The shortest text of the 32 bits: 0.1 stays 0.1.
            Type::FLOAT4 => float(f32::from_sql(ty, raw)?.to_string().parse()?)?,
            Type::FLOAT8 => float(f64::from_sql(ty, raw)?)?,
            Type::NUMERIC => Self::Value(Value::Number(read_numeric(raw)?)),
            Type::BYTEA => Self::Value(Value::binary(raw.to_vec())),
            Type::TIMESTAMPTZ => {
                finite(timestamp_from_sql(raw)?, i64::MIN, i64::MAX)?;
                Self::Instant(chrono::DateTime::<Utc>::from_sql(ty, raw)?)
            }
            Type::TIMESTAMP => {
                finite(timestamp_from_sql(raw)?, i64::MIN, i64::MAX)?;
                Self::Local(NaiveDateTime::from_sql(ty, raw)?)
            }
            Type::DATE => {
                finite(date_from_sql(raw)?, i32::MIN, i32::MAX)?;
                Self::Local(NaiveDate::from_sql(ty, raw)?.and_time(NaiveTime::MIN))
            }
            Type::TIME => Self::Value(Value::text(time(time_from_sql(raw)?))),
            Type::UUID => Self::Value(Value::text(uuid::Uuid::from_sql(ty, raw)?.to_string())),
            Type::JSON => Self::Json(std::str::from_utf8(raw)?),
            // The first byte is the version of the format.
            Type::JSONB => Self::Json(std::str::from_utf8(raw.get(1..).unwrap_or_default())?),
            Type::INET | Type::CIDR => Self::Value(Value::text(network(raw, *ty == Type::CIDR)?)),
            ref ty => match ty.kind() {
                Kind::Array(inner) => Self::list(inner, raw)?,
                Kind::Domain(inner) => Got::from_sql(inner, raw)?,
                Kind::Enum(_) => Self::Value(Value::text(std::str::from_utf8(raw)?)),
                _ if <&str as FromSql>::accepts(ty) => Self::Value(Value::text(<&str>::from_sql(ty, raw)?)),
                _ => return Err(format!("the type {} is not read here; cast it to text", ty.name()).into()),
            },
        })
    }

    fn accepts(_ty: &Type) -> bool {
        true
    }
}

impl<'a> Got<'a> {
    /// An array; one of several dimensions becomes lists in a list.
    fn list(inner: &Type, raw: &'a [u8]) -> Result<Self, Failed> {
        let array = array_from_sql(raw)?;
        let lengths: Vec<usize> = array.dimensions().map(|dimension| Ok(dimension.len.max(0) as usize)).collect()?;
        let cells = array.values().map(|cell| cell.map(|raw| Got::from_sql(inner, raw)).transpose());
        let mut cells: Vec<Option<Got<'a>>> = cells.collect()?;
        // The last dimension changes fastest.
        for length in lengths.iter().skip(1).rev().filter(|length| **length > 0) {
            let mut rest = cells.into_iter();
            cells = Vec::new();
            while rest.len() > 0 {
                cells.push(Some(Self::List(rest.by_ref().take(*length).collect())));
            }
        }
        Ok(Self::List(cells))
    }
}

/// The server has two instants that do not exist as datetimes.
fn finite<T: PartialEq>(at: T, least: T, most: T) -> Result<(), Failed> {
    let name = if at == most { "infinity" } else { "-infinity" };
    if at == least || at == most {
        return Err(format!("{name} is not a datetime of FlowScript; cast it to text").into());
    }
    Ok(())
}

/// A time of the day in the server's format, including `24:00:00`.
fn time(micros: i64) -> String {
    let (seconds, micros) = (micros / 1_000_000, micros % 1_000_000);
    let fraction = format!(".{micros:06}");
    let fraction = fraction.trim_end_matches('0').trim_end_matches('.');
    format!("{:02}:{:02}:{:02}{fraction}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

/// An address in the server's format: a whole one of `inet` without its length.
fn network(raw: &[u8], always: bool) -> Result<String, Failed> {
    let inet = inet_from_sql(raw)?;
    let whole = if inet.addr().is_ipv4() { 32 } else { 128 };
    let is_whole = inet.netmask() == whole && !always;
    Ok(if is_whole { inet.addr().to_string() } else { format!("{}/{}", inet.addr(), inet.netmask()) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use flowscript_lang::budget::Allowance;
    use flowscript_lang::host::Interrupt;
    use flowscript_lang::program::Limits;

    #[test]
    fn json_is_read_within_a_budget() {
        let text = format!("[{}1]", "[],".repeat(100_000));
        let mut binary = vec![1];
        binary.extend_from_slice(text.as_bytes());
        // An array of one dimension with one element.
        let mut array = Vec::new();
        for number in [1_i32, 0, 114, 1, 1, text.len() as i32] {
            array.extend_from_slice(&number.to_be_bytes());
        }
        array.extend_from_slice(text.as_bytes());
        let columns = [(Type::JSON, text.as_bytes()), (Type::JSONB, &binary), (Type::JSON_ARRAY, &array)];
        for (ty, raw) in columns {
            let read = |limits: Limits, stop: &dyn Fn() -> Option<Interrupt>| {
                let got = Got::from_sql(&ty, raw).expect("it is well-formed");
                got.value(Zone::UTC, &mut Allowance::new("The row", limits, stop))
            };
            let kind = |read: Result<Value, NoForm>| match read {
                Err(NoForm::Stopped(error)) => Some(error.kind),
                _ => None,
            };
            assert!(read(Limits::default(), &|| None).is_ok(), "{ty}");
            let little = Limits { memory: 100_000, ..Limits::default() };
            assert_eq!(kind(read(little, &|| None)), Some(ErrorKind::Limit), "{ty}");
            let stopped = read(Limits::default(), &|| Some(Interrupt::Cancelled));
            assert_eq!(kind(stopped), Some(ErrorKind::Cancelled), "{ty}");
        }
    }

    #[test]
    fn times_look_as_the_server_shows_them() {
        assert_eq!(time(0), "00:00:00");
        assert_eq!(time(86_400_000_000), "24:00:00");
        assert_eq!(time(23_400_500_000), "06:30:00.5");
        assert_eq!(time(1), "00:00:00.000001");
    }
}
