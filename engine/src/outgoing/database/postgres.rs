//! PostgreSQL servers.

use super::tls::{self, Tls, Wish};
use super::values::Collected;
use super::{SqlCall, Trouble, affected, bound};
use crate::script::{decode_json, encode_json};
use crate::workflow::model::SqlWork;
use chrono::{NaiveDate, NaiveDateTime, NaiveTime, Utc};
use deadpool_postgres::{Manager, ManagerConfig, Pool, PoolError, RecyclingMethod, Runtime};
use flowscript_lang::types::Type as Known;
use flowscript_lang::value::{DateTime, Number, Rows, Value, Zone, to_boolean, to_datetime, to_number, to_text};
use std::error::Error;
use std::fmt::Write;
use std::path::Path;
use std::time::Duration;
use tokio_postgres::types::private::BytesMut;
use tokio_postgres::types::{FromSql, IsNull, Kind, ToSql, Type};
use tokio_postgres::{Config, Row, Statement, Transaction};

/// How long connecting may take.
const CONNECT: Duration = Duration::from_secs(10);
/// What follows the step's time before the server itself ends a statement.
const SERVER_GRACE: Duration = Duration::from_millis(200);

/// A server and the connections to it that are open.
pub struct Postgres {
    pool: Pool,
    tls: Tls,
}

impl std::fmt::Debug for Postgres {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Postgres").field("open", &self.pool.status().size).finish_non_exhaustive()
    }
}

impl Postgres {
    pub(super) fn new(url: &str, pool: usize, project: &Path) -> Result<Self, String> {
        let Wish { mode, tls, url } = tls::wish(url, project)?;
        let mut config: Config = url.parse().map_err(|error| format!("`url` cannot be read: {error}"))?;
        config.connect_timeout(CONNECT).application_name("flowscript").ssl_mode(mode);
        let manager =
            Manager::from_config(config, tls.clone(), ManagerConfig { recycling_method: RecyclingMethod::Fast });
        let pool = Pool::builder(manager).max_size(pool).runtime(Runtime::Tokio1).build();
        Ok(Self { pool: pool.map_err(|error| error.to_string())?, tls })
    }

    pub(super) async fn check(&self) -> Result<(), String> {
        let client = self.pool.get().await.map_err(|error| reason(&error))?;
        client.simple_query("select 1").await.map(|_| ()).map_err(|error| reason(&error))
    }

    pub(super) async fn run(&self, call: SqlCall) -> Result<Value, Trouble> {
        let late = |_| Trouble::Late;
        let deadline = tokio::time::Instant::now() + call.timeout;
        let client = tokio::time::timeout_at(deadline, self.pool.get()).await.map_err(late)?;
        let mut client = client.map_err(|error| Trouble::Refused(reason(&error)))?;
        let cancel = client.cancel_token();
        let mut given_up = GivenUp(Some((cancel, self.tls.clone())));
        let work = async {
            let reads = matches!(call.work, SqlWork::Query(_));
            let transaction = client.build_transaction().read_only(reads).start().await.map_err(told)?;
            let limit = (call.timeout + SERVER_GRACE).as_millis();
            transaction.batch_execute(&format!("set local statement_timeout = {limit}")).await.map_err(told)?;
            let value = perform(&transaction, &call).await?;
            transaction.commit().await.map_err(told)?;
            Ok(value)
        };
        let done = tokio::time::timeout_at(deadline, work).await.map_err(late)?;
        given_up.0 = None;
        done
    }
}

/// Ends the statement of a call that nobody waits for any more.
struct GivenUp(Option<(tokio_postgres::CancelToken, Tls)>);

impl Drop for GivenUp {
    fn drop(&mut self) {
        if let Some((token, tls)) = self.0.take()
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            runtime.spawn(async move { token.cancel_query(tls).await });
        }
    }
}

async fn perform(transaction: &Transaction<'_>, call: &SqlCall) -> Result<Value, Trouble> {
    let bind = |statement: &Statement, values: Vec<Value>| -> Vec<Bound> {
        values.into_iter().take(statement.params().len()).map(|value| Bound { value, zone: call.zone }).collect()
    };
    match &call.work {
        SqlWork::Query(statement) => {
            let prepared = transaction.prepare(&statement.numbered).await.map_err(told)?;
            let bound = bind(&prepared, bound(statement, &call.params));
            let params: Vec<&(dyn ToSql + Sync)> = bound.iter().map(|bound| bound as &(dyn ToSql + Sync)).collect();
            let rows = transaction.query(&prepared, &params).await.map_err(told)?;
            let columns = prepared.columns();
            let names = columns.iter().map(|column| column.name().into()).collect();
            let types = columns.iter().map(|column| known(column.type_())).collect();
            let mut collected = Collected::new(names, types)?;
            for row in &rows {
                collected.push(values(row, call.zone)?)?;
            }
            Ok(collected.finish())
        }
        SqlWork::Execute { statements, is_list } => {
            let mut counts = Vec::with_capacity(statements.len());
            for (number, statement) in (1..).zip(statements) {
                let told = |error| told(error).of_statement(is_list.then_some(number));
                let prepared = transaction.prepare(&statement.numbered).await.map_err(told)?;
                let bound = bind(&prepared, bound(statement, &call.params));
                let params: Vec<&(dyn ToSql + Sync)> = bound.iter().map(|bound| bound as &(dyn ToSql + Sync)).collect();
                counts.push(transaction.execute(&prepared, &params).await.map_err(told)?);
            }
            Ok(affected(counts, *is_list))
        }
    }
}

/// What a column of this type holds.
fn known(ty: &Type) -> Known {
    match *ty {
        Type::BOOL => Known::Bool,
        Type::INT2 | Type::INT4 | Type::INT8 | Type::OID | Type::FLOAT4 | Type::FLOAT8 | Type::NUMERIC => Known::Number,
        Type::TIMESTAMP | Type::TIMESTAMPTZ | Type::DATE => Known::DateTime,
        Type::BYTEA => Known::Binary,
        Type::JSON | Type::JSONB => Known::Any,
        ref ty if matches!(ty.kind(), Kind::Array(_)) => Known::Any,
        _ => Known::Text,
    }
}

fn values(row: &Row, zone: Zone) -> Result<Vec<Value>, Trouble> {
    (0..row.len())
        .map(|at| {
            let got: Option<Got> = row.try_get(at).map_err(|error| {
                let name = row.columns().get(at).map_or("", |column| column.name());
                Trouble::Unfit(format!("the column `{name}`: {}", reason(&error)))
            })?;
            Ok(got.map_or(Value::Null, |got| got.value(zone)))
        })
        .collect()
}

/// A cell as it came.
enum Got {
    Value(Value),
    Instant(chrono::DateTime<Utc>),
    Local(NaiveDateTime),
    List(Vec<Option<Got>>),
}

impl Got {
    fn value(self, zone: Zone) -> Value {
        match self {
            Self::Value(value) => value,
            Self::Instant(at) => DateTime::from_unix_in(at.timestamp(), at.timestamp_subsec_nanos(), zone)
                .map_or(Value::Null, Value::DateTime),
            Self::Local(local) => DateTime::from_local_in(local, zone).map_or(Value::Null, Value::DateTime),
            Self::List(items) => {
                Value::list(items.into_iter().map(|item| item.map_or(Value::Null, |item| item.value(zone))).collect())
            }
        }
    }
}

type Failed = Box<dyn Error + Sync + Send>;

impl<'a> FromSql<'a> for Got {
    fn from_sql(ty: &Type, raw: &'a [u8]) -> Result<Self, Failed> {
        let float = |number: f64| match Number::from_f64(number) {
            Some(number) => Ok(Self::Value(Value::Number(number))),
            None => Err(Failed::from(format!("the number {number} is one that FlowScript does not have"))),
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
            Type::NUMERIC => Self::Value(Value::Number(numeric(raw)?)),
            Type::BYTEA => Self::Value(Value::binary(raw.to_vec())),
            Type::TIMESTAMPTZ => Self::Instant(chrono::DateTime::<Utc>::from_sql(ty, raw)?),
            Type::TIMESTAMP => Self::Local(NaiveDateTime::from_sql(ty, raw)?),
            Type::DATE => Self::Local(NaiveDate::from_sql(ty, raw)?.and_time(NaiveTime::MIN)),
            Type::TIME => Self::Value(Value::text(NaiveTime::from_sql(ty, raw)?.to_string())),
            Type::UUID => Self::Value(Value::text(uuid::Uuid::from_sql(ty, raw)?.to_string())),
            Type::JSON => Self::Value(decode_json(std::str::from_utf8(raw)?)?),
            // The first byte is the version of the format.
            Type::JSONB => Self::Value(decode_json(std::str::from_utf8(raw.get(1..).unwrap_or_default())?)?),
            ref ty => match ty.kind() {
                Kind::Array(_) => Self::List(Vec::<Option<Got>>::from_sql(ty, raw)?),
                Kind::Domain(inner) => Got::from_sql(inner, raw)?,
                Kind::Enum(_) => Self::Value(Value::text(std::str::from_utf8(raw)?)),
                _ if <&str as FromSql>::accepts(ty) => Self::Value(Value::text(<&str>::from_sql(ty, raw)?)),
                _ => return Err(format!("the type {} is not known here; cast it to text", ty.name()).into()),
            },
        })
    }

    fn accepts(_ty: &Type) -> bool {
        true
    }
}

/// A decimal as the server sends it: digits of base 10,000.
fn numeric(raw: &[u8]) -> Result<Number, Failed> {
    let word = |at: usize| -> Result<i16, Failed> {
        let bytes: [u8; 2] = raw.get(at * 2..at * 2 + 2).ok_or("a number is cut off")?.try_into()?;
        Ok(i16::from_be_bytes(bytes))
    };
    let (digits, weight, sign, scale) = (word(0)? as u16, word(1)?, word(2)? as u16, word(3)? as u16);
    if sign & 0x8000 != 0 {
        return Err("NaN and infinite numbers are none that FlowScript has".into());
    }
    let digit = |position: i32| -> Result<i16, Failed> {
        let at = i32::from(weight) - position;
        if (0..i32::from(digits)).contains(&at) { word(4 + at as usize) } else { Ok(0) }
    };
    let mut text = String::from(if sign == 0x4000 { "-0" } else { "0" });
    for position in (0..=i32::from(weight.max(0))).rev() {
        write!(text, "{:04}", digit(position)?)?;
    }
    if scale > 0 {
        text.push('.');
        let mut fraction = String::new();
        for position in 1..=i32::from(scale.div_ceil(4)) {
            write!(fraction, "{:04}", digit(-position)?)?;
        }
        text.push_str(fraction.get(..usize::from(scale)).unwrap_or(&fraction));
    }
    Number::parse(&text).ok_or_else(|| format!("the number {text} has more digits than FlowScript keeps").into())
}

/// A value on its way to the server, as the parameter's type wants it.
#[derive(Debug)]
struct Bound {
    value: Value,
    zone: Zone,
}

impl ToSql for Bound {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Failed> {
        let value = &self.value;
        if value.is_null() {
            return Ok(IsNull::Yes);
        }
        let unfit = |wanted: &str| Failed::from(format!("{} is not {wanted}", value.to_literal(60)));
        let number = || to_number(value).map_err(|_| unfit("a number"));
        let whole =
            || number().and_then(|n| n.to_i64().filter(|_| n.is_whole()).ok_or_else(|| unfit("a whole number")));
        let datetime = || to_datetime(value, self.zone).map_err(|_| unfit("a datetime"));
        match *ty {
            Type::BOOL => to_boolean(value).map_err(|_| unfit("a boolean"))?.to_sql(ty, out),
            Type::INT2 => i16::try_from(whole()?).map_err(|_| unfit("a smallint"))?.to_sql(ty, out),
            Type::INT4 => i32::try_from(whole()?).map_err(|_| unfit("an integer"))?.to_sql(ty, out),
            Type::INT8 => whole()?.to_sql(ty, out),
            Type::OID => u32::try_from(whole()?).map_err(|_| unfit("an oid"))?.to_sql(ty, out),
            Type::FLOAT4 => (number()?.to_f64() as f32).to_sql(ty, out),
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
                let at = datetime()?;
                let at = chrono::DateTime::<Utc>::from_timestamp(at.unix_seconds(), at.nanos());
                at.ok_or_else(|| unfit("a datetime of the database"))?.to_sql(ty, out)
            }
            Type::TIMESTAMP => datetime()?.in_zone(self.zone).unwrap_or(datetime()?).local().to_sql(ty, out),
            Type::DATE => datetime()?.in_zone(self.zone).unwrap_or(datetime()?).local().date().to_sql(ty, out),
            Type::TIME => {
                let text = to_text(value).map_err(|_| unfit("a time"))?;
                text.parse::<NaiveTime>().map_err(|_| unfit("a time such as 06:30:00"))?.to_sql(ty, out)
            }
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
                (Kind::Array(_), Some(rows)) => {
                    let items: Vec<Self> = rows.iter().map(|value| Self { value, zone: self.zone }).collect();
                    items.to_sql(ty, out)
                }
                (Kind::Domain(inner), _) => self.to_sql(inner, out),
                _ => {
                    let text = to_text(value).map_err(|_| unfit("a simple value"))?;
                    out.extend_from_slice(text.as_bytes());
                    Ok(IsNull::No)
                }
            },
        }
    }

    fn accepts(_ty: &Type) -> bool {
        true
    }

    tokio_postgres::types::to_sql_checked!();
}

/// The digits of a decimal as the server wants them.
fn write_numeric(text: &str, out: &mut BytesMut) {
    let (sign, text) = text.strip_prefix('-').map_or((0_u16, text), |rest| (0x4000, rest));
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let whole = format!("{}{whole}", "0".repeat((4 - whole.len() % 4) % 4));
    let padded = format!("{fraction}{}", "0".repeat((4 - fraction.len() % 4) % 4));
    let digits: Vec<i16> = whole
        .as_bytes()
        .chunks(4)
        .chain(padded.as_bytes().chunks(4))
        .map(|four| four.iter().fold(0, |value, digit| value * 10 + i16::from(digit - b'0')))
        .collect();
    let weight = (whole.len() / 4) as i16 - 1;
    for word in [digits.len() as u16, weight as u16, sign, fraction.len() as u16] {
        out.extend_from_slice(&word.to_be_bytes());
    }
    digits.iter().for_each(|digit| out.extend_from_slice(&digit.to_be_bytes()));
}

fn told(error: tokio_postgres::Error) -> Trouble {
    let code = error.code().cloned();
    if code == Some(tokio_postgres::error::SqlState::QUERY_CANCELED) {
        return Trouble::Late;
    }
    Trouble::Refused(reason(&error))
}

/// An error with its causes, and what the server says about it.
fn reason(error: &(dyn Error + 'static)) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut next = Some(error);
    while let Some(error) = next {
        next = error.source();
        if next.is_some() && error.is::<PoolError>() {
            continue; // it says no more than that there was an error
        }
        let text = match error.downcast_ref::<tokio_postgres::error::DbError>() {
            Some(db) => format!("{} ({})", db.message(), db.code().code()),
            None => tls::explained(error).unwrap_or_else(|| error.to_string()),
        };
        if !parts.iter().any(|part| part.contains(&text)) {
            parts.push(text);
        }
    }
    let mut text = parts.join(": ");
    if text.ends_with("server does not support TLS") {
        text.push_str(" (turn it on there, or connect without it: `sslmode=disable` in `url`)");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_come_back_with_all_digits() {
        for text in ["0", "1", "-1", "12345.6789", "0.0001", "10000", "-0.5", "79228162514264337593543950335", "1.50"] {
            let mut bytes = BytesMut::new();
            write_numeric(text, &mut bytes);
            let back = numeric(&bytes).unwrap();
            assert_eq!(back, Number::parse(text).unwrap(), "{text}");
        }
    }
}
