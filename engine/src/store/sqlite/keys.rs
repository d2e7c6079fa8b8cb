//! API keys, admin tokens, the store's secret.

use rusqlite::Connection;
use rusqlite::types::FromSqlError;
use uuid::Uuid;

use super::statement::{self, Columns, insert, query};
use super::tx::Tx;
use crate::store::{
    EndedSessions, Event, KeyRecord, NewKey, NewToken, Result, RunId, SESSION_HOURS, StoreError, Timestamp, TokenRecord,
};

/// Adds an API key, or one more workflow to it.
pub(super) fn add_key(tx: &mut Tx<'_>, key: &NewKey) -> Result<KeyRecord> {
    let id = match tx.first::<KeyRecord>([key.hash])? {
        Some(known) if known.revoked_at.is_some() => {
            let text = "this key was revoked: a revoked key never works again, make a new one";
            return Err(StoreError::Conflict(text.to_owned()));
        }
        Some(known) => known.id,
        None => {
            let id = Uuid::new_v4();
            insert!(
                tx,
                "api_keys" {
                    id: id.into_bytes(),
                    hash: key.hash,
                    label: key.label,
                    prefix: key.prefix,
                    hint: key.hint,
                    created_at: tx.now,
                    expires_at: key.expires_at,
                }
            )?;
            id
        }
    };
    insert!(
        tx,
        "api_key_workflows" { api_key: id.into_bytes(), workflow: key.workflow } "on conflict do nothing"
    )?;
    tx.effects.events.push(Event::Keys);
    tx.first([key.hash])?.ok_or_else(|| StoreError::Corrupt(format!("the key {id} was not kept")))
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

/// Deletes an API key.
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

/// Records when keys were used, to the minute.
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
    let NewToken { hash, label, role, expires_at } = token.clone();
    let kept = insert!(
        tx,
        "tokens" {
            id: id.into_bytes(),
            hash: hash,
            label: label,
            role: role,
            created_at: tx.now,
            expires_at: expires_at,
        } "on conflict (hash) do nothing"
    )?;
    if kept == 0 {
        return Err(StoreError::Conflict("this admin token is there already".to_owned()));
    }
    tx.effects.events.push(Event::Keys);
    Ok(TokenRecord { id, hash, label, role, created_at: tx.now, expires_at })
}

/// Deletes an admin token.
pub(super) fn delete_token(tx: &mut Tx<'_>, id: Uuid) -> Result<()> {
    if tx.execute("delete from tokens where id = ?1", [id.into_bytes()])? == 0 {
        return Err(StoreError::NotFound(format!("there is no admin token {id}")));
    }
    tx.effects.events.push(Event::Keys);
    Ok(())
}

query! {
    // API keys: all, or the one with the hash `?1`.
    for KeyRecord: "select" {
        id = "id" => uuid,
        hash,
        label,
        prefix,
        hint,
        workflows = "(select json_group_array(workflow order by workflow) from api_key_workflows where api_key = id)" => texts,
        created_at,
        last_used_at,
        expires_at,
        revoked_at,
    } "from api_keys where ?1 is null or hash = ?1 order by created_at, id"
}

/// Ends the sessions of a name, and forgets those that have expired by now.
pub(super) fn end_sessions(tx: &mut Tx<'_>, name: &str) -> Result<()> {
    let expired = tx.now.0 - SESSION_HOURS * 3_600_000;
    tx.execute("delete from ended_sessions where at < ?1", [expired])?;
    let sql = "insert into ended_sessions (name, at) values (?1, ?2) on conflict (name) do update set at = excluded.at";
    tx.execute(sql, (name, tx.now))?;
    tx.effects.events.push(Event::Keys);
    Ok(())
}

query! {
    for EndedSessions: "select" { name, at } "from ended_sessions order by name"
}

query! {
    for TokenRecord: "select" { id = "id" => uuid, hash, label, role, created_at, expires_at }
    "from tokens order by created_at, id"
}

fn uuid(columns: &mut Columns<'_>) -> rusqlite::Result<Uuid> {
    columns.next().map(Uuid::from_bytes)
}

/// Reads a JSON list of texts.
fn texts(columns: &mut Columns<'_>) -> rusqlite::Result<Vec<String>> {
    let json: String = columns.next()?;
    serde_json::from_str(&json).map_err(|error| FromSqlError::other(error).into())
}

/// All API keys.
pub(super) fn keys(conn: &Connection) -> Result<Vec<KeyRecord>> {
    statement::all(conn, [None::<[u8; 32]>])
}

/// All admin tokens.
pub(super) fn tokens(conn: &Connection) -> Result<Vec<TokenRecord>> {
    statement::all(conn, ())
}

/// The sessions that have ended before their time.
pub(super) fn ended_sessions(conn: &Connection) -> Result<Vec<EndedSessions>> {
    statement::all(conn, ())
}

/// Makes the store's secret when it has none.
pub(super) fn ensure_secret(tx: &Tx<'_>) -> Result<()> {
    let secret: [u8; 32] = rand::random();
    tx.execute("insert into settings (name, value) values ('secret', ?1) on conflict do nothing", [secret])?;
    Ok(())
}

/// Writes a row without meaning: can the store write?
pub(super) fn try_to_write(tx: &Tx<'_>) -> Result<()> {
    let sql =
        "insert into settings (name, value) values ('tried', ?1) on conflict do update set value = excluded.value";
    tx.execute(sql, [tx.now.0.to_be_bytes()])?;
    Ok(())
}

/// The newest instant that the store knows: of the last run, or of the last publication.
pub(super) fn newest(conn: &Connection) -> Result<Option<Timestamp>> {
    let run: Option<RunId> = statement::value(conn, "select id from runs order by id desc limit 1", ())?;
    let published: Option<Timestamp> = statement::single(conn, "select max(published_at) from workflows", ())?;
    Ok(run.map(RunId::accepted_at).max(published))
}

/// The store's secret.
pub(super) fn secret(conn: &Connection) -> Result<[u8; 32]> {
    let found = statement::value(conn, "select value from settings where name = 'secret'", ())?;
    found.ok_or_else(|| StoreError::Corrupt("the database has lost its secret: restore it from a copy".to_owned()))
}
