//! Workflows: publication, switches, settings, schedules' pauses.

use std::collections::HashSet;

use rusqlite::Connection;

use super::statement::{self, insert, query, update};
use super::tx::Tx;
use crate::store::{
    Event, LoadedSchedule, LoadedWorkflow, Publication, Published, Result, ScheduleId, ScheduleRecord, StoreError,
    VersionHash, WorkflowRecord,
};

query! {
    /// A workflow's row before a publication.
    struct Before: "select" {
        key: i64 = "w.key",
        hash: VersionHash = "v.hash",
        version: i64 = "w.version",
        present: bool = "w.present",
        file_active: bool = "w.file_active",
        switch: Option<bool> = "w.switch",
        concurrency: Option<u32> = "w.concurrency",
    } "from workflows w join versions v on v.key = w.version where w.id = ?1"
}

query! {
    /// Every workflow that was ever published.
    struct Known: "select" { key: i64, id: String, present: bool } "from workflows order by id"
}

impl Before {
    fn is_active(&self) -> bool {
        self.present && self.switch.unwrap_or(self.file_active)
    }
}

/// Publishes a loaded folder.
pub(super) fn publish(tx: &mut Tx<'_>, publication: &Publication) -> Result<Published> {
    let mut published = Published::default();
    let mut changed = false;
    for loaded in &publication.loaded {
        match before(tx, &loaded.id)? {
            None => {
                insert(tx, loaded)?;
                published.changed.push(loaded.id.clone());
                changed = true;
            }
            Some(before) => {
                if before.hash != loaded.version {
                    switch_version(tx, loaded, &before)?;
                    published.changed.push(loaded.id.clone());
                    changed = true;
                }
                changed |= update(tx, loaded, &before)?;
            }
        }
    }
    let named: HashSet<&str> = publication
        .loaded
        .iter()
        .map(|loaded| loaded.id.as_str())
        .chain(publication.kept.iter().map(String::as_str))
        .collect();
    for Known { key, id, present } in tx.all(())? {
        let is_named = named.contains(id.as_str());
        if present && !is_named {
            tx.execute("update workflows set present = 0 where key = ?1", [key])?;
            published.removed.push(id);
            changed = true;
        } else if !present && is_named {
            // Kept, and back again: the loaded ones have been seen to above.
            tx.execute("update workflows set present = 1 where key = ?1", [key])?;
            settle_schedules(tx, key)?;
            changed = true;
        }
    }
    if changed {
        tx.effects.workflows_changed = true;
        tx.effects.ready = true;
        tx.effects.events.push(Event::Workflows);
    }
    Ok(published)
}

fn before(tx: &Tx<'_>, id: &str) -> Result<Option<Before>> {
    tx.first([id])
}

fn insert(tx: &Tx<'_>, loaded: &LoadedWorkflow) -> Result<()> {
    // The version needs the workflow's key and the workflow the version's: the key is chosen first.
    let key: i64 = tx.single("select coalesce(max(key), 0) + 1 from workflows", ())?;
    let version = keep_version(tx, key, loaded)?;
    insert!(
        tx,
        "workflows" {
            key: key,
            id: loaded.id,
            version: version,
            published_at: tx.now,
            present: true,
            file_active: loaded.active,
            concurrency: loaded.concurrency,
        }
    )?;
    for schedule in &loaded.schedules {
        put_schedule(tx, key, schedule)?;
    }
    Ok(())
}

fn switch_version(tx: &Tx<'_>, loaded: &LoadedWorkflow, before: &Before) -> Result<()> {
    let version = keep_version(tx, before.key, loaded)?;
    update!(tx, "workflows" { version: version, published_at: tx.now } where { key: before.key })?;
    update!(tx, "versions" { retired_at: tx.now } where { key: before.version })?;
    Ok(())
}

/// The key of a version's text, stored if it is new.
fn keep_version(tx: &Tx<'_>, workflow: i64, loaded: &LoadedWorkflow) -> Result<i64> {
    let sql = "insert into versions (workflow, hash, text) values (?1, ?2, ?3)
               on conflict (hash, workflow) do update set retired_at = null
               returning key";
    let key = tx.value(sql, (workflow, loaded.version, &loaded.text))?;
    key.ok_or_else(|| StoreError::Corrupt("the version got no key".to_owned()))
}

/// Writes the changes apart from the version; returns whether there were any.
fn update(tx: &Tx<'_>, loaded: &LoadedWorkflow, before: &Before) -> Result<bool> {
    let mut changed = false;
    // The switch has precedence until the file's value changes.
    let switch = before.switch.filter(|_| before.file_active == loaded.active);
    if (before.present, before.file_active, before.switch, before.concurrency)
        != (true, loaded.active, switch, loaded.concurrency)
    {
        update!(
            tx,
            "workflows" {
                present: true,
                file_active: loaded.active,
                switch: switch,
                concurrency: loaded.concurrency,
            }
            where { key: before.key }
        )?;
        changed = true;
    }
    let sql = "select name from schedules where workflow = ?1 and present = 1";
    let known: Vec<String> = tx.values(sql, [before.key])?;
    for name in &known {
        if !loaded.schedules.iter().any(|schedule| schedule.key == *name) {
            tx.execute("update schedules set present = 0 where workflow = ?1 and name = ?2", (before.key, name))?;
            changed = true;
        }
    }
    for schedule in &loaded.schedules {
        if !known.contains(&schedule.key) {
            put_schedule(tx, before.key, schedule)?;
            changed = true;
        }
    }
    if !before.is_active() && switch.unwrap_or(loaded.active) {
        settle_schedules(tx, before.key)?;
    }
    Ok(changed)
}

/// Adopts a schedule. A new or restored one counts from now; an existing one keeps its place.
fn put_schedule(tx: &Tx<'_>, workflow: i64, schedule: &LoadedSchedule) -> Result<()> {
    let sql = "
        insert into schedules (workflow, name, present, settled_until) values (?1, ?2, 1, ?3)
        on conflict (workflow, name) do update
        set present = 1,
            settled_until = case present when 1 then settled_until else max(settled_until, excluded.settled_until) end";
    tx.execute(sql, (workflow, &schedule.key, tx.now))?;
    Ok(())
}

/// Occurrences during the inactivity of a workflow or schedule do not count as missed.
fn settle_schedules(tx: &Tx<'_>, workflow: i64) -> Result<()> {
    let sql = "update schedules set settled_until = max(settled_until, ?2), skipped_run = null where workflow = ?1";
    tx.execute(sql, (workflow, tx.now))?;
    Ok(())
}

/// The switch of a workflow.
pub(super) fn switch(tx: &mut Tx<'_>, workflow: &str, active: Option<bool>) -> Result<()> {
    let before = before(tx, workflow)?.ok_or_else(|| no_workflow(workflow))?;
    tx.execute("update workflows set switch = ?2 where key = ?1", (before.key, active))?;
    if !before.is_active() && before.present && active.unwrap_or(before.file_active) {
        settle_schedules(tx, before.key)?;
    }
    tx.effects.events.push(Event::Workflows);
    Ok(())
}

/// Diagnostics settings of a workflow.
pub(super) fn set_diagnostics(tx: &mut Tx<'_>, workflow: &str, settings: Option<&Vec<u8>>) -> Result<()> {
    if tx.execute("update workflows set diagnostics = ?2 where id = ?1", (workflow, settings))? == 0 {
        return Err(no_workflow(workflow));
    }
    tx.effects.events.push(Event::Workflows);
    Ok(())
}

/// Pauses or resumes a schedule; occurrences in between do not count as missed.
pub(super) fn pause_schedule(tx: &mut Tx<'_>, schedule: &ScheduleId, paused: bool) -> Result<()> {
    let key = tx.workflow(&schedule.workflow)?.key;
    let sql = "
        update schedules
        set paused = ?3, settled_until = case when ?3 = 0 and paused = 1 then max(settled_until, ?4) else settled_until end
        where workflow = ?1 and name = ?2 and present = 1";
    if tx.execute(sql, (key, &schedule.key, paused, tx.now))? == 0 {
        let ScheduleId { workflow, key } = schedule;
        return Err(StoreError::NotFound(format!("workflow '{workflow}' has no schedule '{key}'")));
    }
    tx.effects.events.push(Event::Workflows);
    Ok(())
}

query! {
    for WorkflowRecord: "select" {
        id = "w.id",
        version = "v.hash",
        published_at = "w.published_at",
        present = "w.present",
        active = "w.present = 1 and coalesce(w.switch, w.file_active) = 1",
        switched = "w.switch is not null",
        concurrency = "w.concurrency",
        diagnostics = "w.diagnostics",
    } "from workflows w join versions v on v.key = w.version order by w.id"
}

/// All workflows.
pub(super) fn workflows(conn: &Connection) -> Result<Vec<WorkflowRecord>> {
    statement::all(conn, ())
}

/// The text of a version.
pub(super) fn version_text(conn: &Connection, version: VersionHash) -> Result<Vec<u8>> {
    let text = statement::value(conn, "select text from versions where hash = ?1 limit 1", [version])?;
    text.ok_or_else(|| StoreError::NotFound(format!("version {version} is no longer kept: no run refers to it")))
}

query! {
    for ScheduleRecord: "select" {
        workflow = "w.id",
        key = "s.name",
        paused = "s.paused",
        settled_until = "s.settled_until",
        anew_at = "s.anew_at",
    } "from schedules s join workflows w on w.key = s.workflow
       where s.present = 1 and w.present = 1 and coalesce(w.switch, w.file_active) = 1
       order by w.id, s.name"
}

/// The active schedules.
pub(super) fn schedules(conn: &Connection) -> Result<Vec<ScheduleRecord>> {
    statement::all(conn, ())
}

fn no_workflow(id: &str) -> StoreError {
    StoreError::NotFound(format!("there is no workflow '{id}'"))
}
