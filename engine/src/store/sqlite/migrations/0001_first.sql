-- Times are milliseconds since 1970 in UTC. Hashes, ids and bodies are bytes.

create table settings (
    name  text primary key not null,
    value blob not null
) strict, without rowid;

-- The text of a workflow with everything it reaches, for as long as a run or a workflow refers to it.
create table versions (
    key        integer primary key,
    workflow   integer not null,        -- workflows.key
    hash       blob not null,
    text       blob not null,
    retired_at integer,                 -- since when it is nobody's current version
    unique (hash, workflow)
) strict;

create table workflows (
    key          integer primary key,
    id           text not null unique,
    version      integer not null references versions (key),
    published_at integer not null,
    present      integer not null,      -- its file is there
    file_active  integer not null,      -- `active` of the file
    switch       integer,               -- the switch at run time, until the file's value changes
    concurrency  integer,               -- slots
    diagnostics  blob                   -- settings at run time
) strict;

create table schedules (
    key           integer primary key,
    workflow      integer not null references workflows (key),
    name          text not null,
    definition    blob not null,
    present       integer not null,
    paused        integer not null default 0,
    settled_until integer not null,
    skipped_run   integer,              -- runs.seq of the row that the next skip for the same reason makes longer
    unique (workflow, name)
) strict;

create table lanes (
    key      integer primary key,
    workflow integer not null references workflows (key),
    kind     text not null,             -- webhook, schedule
    name     text not null,             -- the key of the messages
    tail     integer not null,          -- the last place that was given out
    unique (workflow, kind, name)
) strict;
create index lanes_name on lanes (name collate nocase);

-- Small columns first: lists read a row without its bodies. Bodies of more than 1 KiB stand in `parts`, so that a
-- change of state does not write them again. No foreign keys here: this is the row that every message pays for.
create table runs (
    seq              integer primary key,   -- the order of the accepting commits
    id               blob not null,         -- UUIDv7: also the time of acceptance
    workflow         integer not null,      -- workflows.key
    version          integer,               -- versions.key; null before the first start
    trigger          text not null,
    state            text not null,
    with_errors      integer not null default 0,
    fence            integer not null default 0,
    owner            blob,                  -- who holds the claim
    due              integer,               -- claimable from then, 0 at once; null: claimed, behind another, ended
    lane             integer,               -- lanes.key
    place            integer,               -- in the lane
    pause            integer,               -- a failure holds the lane
    in_lane          integer,               -- 1 while it takes its place: unfinished, or failed and holding; else null
    revision         integer not null default 0,
    retries          integer not null default 0,
    cancel_requested integer not null default 0,
    responded        integer not null default 0,
    masked           integer not null default 0,
    schedule         integer,               -- schedules.key
    scheduled_for    integer,
    started_at       integer,
    ended_at         integer,
    on_failure       text,
    cause            blob,                  -- id of the run it follows
    awaits           text,                  -- JSON list of names of events, while it waits
    skip_reason      text,                  -- of a schedule's skipped stretch
    skip_count       integer,
    skip_first       integer,
    skip_last        integer,
    error_kind       text,
    error_message    text collate nocase,
    error_status     integer,
    error_position   text,
    label            text collate nocase,
    payload          blob,
    input            blob,
    output           blob,
    answer           blob,
    trace            blob
) strict;
create unique index runs_id on runs (id);
create index runs_workflow on runs (workflow, id);
-- What may be claimed, what is claimed, what stands in lanes: small, whatever the history.
create index runs_due on runs (workflow, due) where due is not null;
create index runs_owner on runs (workflow) where owner is not null;
create unique index runs_in_lane on runs (lane, place) where in_lane = 1;
create index runs_schedule on runs (schedule) where schedule is not null and ended_at is null;
-- What lists look for; the plain completed webhook run is in none of them.
create index runs_state on runs (state, id) where state <> 'completed';
create index runs_trigger on runs (trigger, id) where trigger <> 'webhook';
create index runs_lane on runs (lane, id) where lane is not null;
create index runs_label on runs (label, id) where label is not null;
create index runs_error on runs (error_message, id) where error_message is not null;

-- Bodies of more than 1 KiB: key is 8 * runs.seq + the number of the part.
create table parts (
    key   integer primary key,
    bytes blob not null
) strict;

create table steps (
    key            integer primary key,     -- the order of the starts
    run            integer not null references runs (seq) on delete cascade,
    position       text not null,
    attempt        integer not null,
    kind           text not null,
    state          text not null,           -- started, completed, failed
    started_at     integer not null,
    ended_at       integer,
    error_kind     text,
    error_message  text,
    error_status   integer,
    error_position text,
    result         blob,
    diagnostics    blob,
    unique (run, position, attempt)
) strict;

-- What a resume needs, by the engine's keys; gone when the run can never go on.
create table kept (
    run   integer not null references runs (seq) on delete cascade,
    name  text not null,
    value blob not null,
    primary key (run, name)
) strict;

create table events (
    run  integer not null references runs (seq) on delete cascade,
    name text not null,
    body blob not null,
    primary key (run, name)
) strict;

create table log (
    run      integer not null references runs (seq) on delete cascade,
    number   integer not null,
    at       integer not null,
    level    text not null,
    message  text not null,
    position text,
    primary key (run, number)
) strict, without rowid;

-- Rows are in the order of their expiry, since every key lives equally long.
create table idempotency (
    key        integer primary key,
    digest     blob not null unique,        -- of scope and key
    request    blob not null,
    run        blob not null,               -- runs.id
    expires_at integer not null
) strict;

create table api_keys (
    id           blob primary key not null,
    hash         blob not null unique,
    label        text not null,
    prefix       text not null,
    hint         text not null,
    created_at   integer not null,
    last_used_at integer,
    expires_at   integer,
    revoked_at   integer
) strict;

create table api_key_workflows (
    api_key  blob not null references api_keys (id) on delete cascade,
    workflow text not null,
    primary key (api_key, workflow)
) strict, without rowid;

create table tokens (
    id         blob primary key not null,
    hash       blob not null unique,
    label      text not null,
    role       text not null,
    created_at integer not null,
    expires_at integer
) strict;
