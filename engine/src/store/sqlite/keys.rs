//! API keys, admin tokens, the store's secret.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, Row};
use uuid::Uuid;

use super::tx::Tx;
use crate::store::{Event, KeyRecord, NewKey, NewToken, Result, RunId, StoreError, Timestamp, TokenRecord};

/// Adds an API key, or one more workflow to it.
pub(super) fn add_key(tx: &mut Tx<'_>, key: &NewKey) -> Result<KeyRecord> {
    let known: Option<([u8; 16], Option<Timestamp>)> =
        tx.row("select id, revoked_at from api_keys where hash = ?1", [key.hash], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
    let id = match known {
        Some((_, Some(_))) => {
            let text = "this key was revoked: a revoked key never works again, make a new one";
            return Err(StoreError::Conflict(text.to_owned()));
        }
        Some((id, None)) => id,
        None => {
            let id = Uuid::new_v4().into_bytes();
            let sql = "insert into api_keys (id, hash, label, prefix, hint, created_at, expires_at)
                       values (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
            tx.execute(sql, (id, key.hash, &key.label, &key.prefix, &key.hint, tx.now, key.expires_at))?;
            id
        }
    };
    let sql = "insert into api_key_workflows (api_key, workflow) values (?1, ?2) on conflict do nothing";
    tx.execute(sql, (id, &key.workflow))?;
    tx.effects.events.push(Event::Keys);
    key_by_hash(tx.conn, key.hash)?.ok_or_else(|| StoreError::Other("the key was not kept".to_owned()))
}

/// A new label for an API key.
pub(super) fn rename_key(tx: &mut Tx<'_>, id: Uuid, label: &str) -> Result<()> {
    let changed = tx.execute("update api_keys set label = ?2 where id = ?1", (id.into_bytes(), label))?;
    changed_key(tx, changed, id)
}

/// An API key stops working.
pub(super) fn revoke_key(tx: &mut Tx<'_>, id: Uuid) -> Result<()> {
    let sql = "update api_keys set revoked_at = coalesce(revoked_at, ?2) where id = ?1";
    let changed = tx.execute(sql, (id.into_bytes(), tx.now))?;
    changed_key(tx, changed, id)
}

/// An API key goes.
pub(super) fn delete_key(tx: &mut Tx<'_>, id: Uuid) -> Result<()> {
    let changed = tx.execute("delete from api_keys where id = ?1", [id.into_bytes()])?;
    changed_key(tx, changed, id)
}

fn changed_key(tx: &mut Tx<'_>, changed: usize, id: Uuid) -> Result<()> {
    if changed == 0 {
        return Err(StoreError::NotFound(format!("there is no API key {id}")));
    }
    tx.effects.events.push(Event::Keys);
    Ok(())
}

/// Notes when keys were used, to the minute.
pub(super) fn keys_used(tx: &Tx<'_>, used: &[(Uuid, Timestamp)]) -> Result<()> {
    for (id, at) in used {
        let minute = at.0 - at.0.rem_euclid(60_000);
        let sql = "update api_keys set last_used_at = ?2 where id = ?1 and coalesce(last_used_at, ?2 - 1) < ?2";
        tx.execute(sql, (id.into_bytes(), minute))?;
    }
    Ok(())
}

/// Adds an admin token.
pub(super) fn add_token(tx: &mut Tx<'_>, token: &NewToken) -> Result<TokenRecord> {
    let id = Uuid::new_v4();
    let sql = "insert into tokens (id, hash, label, role, created_at, expires_at) values (?1, ?2, ?3, ?4, ?5, ?6)
               on conflict (hash) do nothing";
    let NewToken { hash, label, role, expires_at } = token.clone();
    if tx.execute(sql, (id.into_bytes(), hash, &label, role, tx.now, expires_at))? == 0 {
        return Err(StoreError::Conflict("this admin token is there already".to_owned()));
    }
    tx.effects.events.push(Event::Keys);
    Ok(TokenRecord { id, hash, label, role, created_at: tx.now, expires_at })
}

/// An admin token goes.
pub(super) fn delete_token(tx: &mut Tx<'_>, id: Uuid) -> Result<()> {
    if tx.execute("delete from tokens where id = ?1", [id.into_bytes()])? == 0 {
        return Err(StoreError::NotFound(format!("there is no admin token {id}")));
    }
    tx.effects.events.push(Event::Keys);
    Ok(())
}

const SELECT_KEYS: &str =
    "select id, hash, label, prefix, hint, created_at, last_used_at, expires_at, revoked_at from api_keys";

/// All API keys.
pub(super) fn keys(conn: &Connection) -> Result<Vec<KeyRecord>> {
    let mut opens: HashMap<[u8; 16], Vec<String>> = HashMap::new();
    let mut statement =
        conn.prepare_cached("select api_key, workflow from api_key_workflows order by api_key, workflow")?;
    let mut rows = statement.query(())?;
    while let Some(row) = rows.next()? {
        opens.entry(row.get(0)?).or_default().push(row.get(1)?);
    }
    let mut statement = conn.prepare_cached(&format!("{SELECT_KEYS} order by created_at, id"))?;
    let keys = statement.query_map((), read_key)?;
    keys.map(|key| {
        let key = key?;
        Ok(KeyRecord { workflows: opens.remove(key.id.as_bytes()).unwrap_or_default(), ..key })
    })
    .collect()
}

/// The API key with a hash.
pub(super) fn key_by_hash(conn: &Connection, hash: [u8; 32]) -> Result<Option<KeyRecord>> {
    let mut statement = conn.prepare_cached(&format!("{SELECT_KEYS} where hash = ?1"))?;
    let Some(key) = statement.query_row([hash], read_key).optional()? else { return Ok(None) };
    let mut statement =
        conn.prepare_cached("select workflow from api_key_workflows where api_key = ?1 order by workflow")?;
    let workflows = statement.query_map([key.id.into_bytes()], |row| row.get(0))?;
    Ok(Some(KeyRecord { workflows: workflows.collect::<rusqlite::Result<_>>()?, ..key }))
}

fn read_key(row: &Row<'_>) -> rusqlite::Result<KeyRecord> {
    Ok(KeyRecord {
        id: Uuid::from_bytes(row.get(0)?),
        hash: row.get(1)?,
        label: row.get(2)?,
        prefix: row.get(3)?,
        hint: row.get(4)?,
        workflows: Vec::new(),
        created_at: row.get(5)?,
        last_used_at: row.get(6)?,
        expires_at: row.get(7)?,
        revoked_at: row.get(8)?,
    })
}

/// All admin tokens.
pub(super) fn tokens(conn: &Connection) -> Result<Vec<TokenRecord>> {
    let mut statement = conn
        .prepare_cached("select id, hash, label, role, created_at, expires_at from tokens order by created_at, id")?;
    let tokens = statement.query_map((), |row| {
        Ok(TokenRecord {
            id: Uuid::from_bytes(row.get(0)?),
            hash: row.get(1)?,
            label: row.get(2)?,
            role: row.get(3)?,
            created_at: row.get(4)?,
            expires_at: row.get(5)?,
        })
    })?;
    Ok(tokens.collect::<rusqlite::Result<_>>()?)
}

/// Makes the store's secret when it has none.
pub(super) fn ensure_secret(tx: &Tx<'_>) -> Result<()> {
    let secret: [u8; 32] = rand::random();
    tx.execute("insert into settings (name, value) values ('secret', ?1) on conflict do nothing", [secret])?;
    Ok(())
}

/// Writes something that means nothing: can the store keep anything?
pub(super) fn try_to_write(tx: &Tx<'_>) -> Result<()> {
    let sql =
        "insert into settings (name, value) values ('tried', ?1) on conflict do update set value = excluded.value";
    tx.execute(sql, [tx.now.0.to_be_bytes()])?;
    Ok(())
}

/// The newest instant that the store knows: of the last run, or of the last publication.
pub(super) fn newest(conn: &Connection) -> Result<Option<Timestamp>> {
    let run: Option<RunId> =
        conn.query_row("select id from runs order by id desc limit 1", (), |row| row.get(0)).optional()?;
    let published: Option<Timestamp> =
        conn.query_row("select max(published_at) from workflows", (), |row| row.get(0)).optional()?.flatten();
    Ok(run.map(RunId::accepted_at).max(published))
}

/// The store's secret.
pub(super) fn secret(conn: &Connection) -> Result<[u8; 32]> {
    let found = conn.query_row("select value from settings where name = 'secret'", (), |row| row.get(0)).optional()?;
    found.ok_or_else(|| StoreError::Corrupt("the database has lost its secret: restore it from a copy".to_owned()))
}
