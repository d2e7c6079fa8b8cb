-- When the run was first claimed since it was last retried.
alter table runs add column try_started_at integer;

-- The ends that retries have followed: a retry clears them in the run's own row.
create table tries (
    run            integer not null references runs (seq) on delete cascade,
    number         integer not null,    -- counted from 1
    state          text not null,
    started_at     integer,
    ended_at       integer,
    error_kind     text,
    error_message  text,
    error_status   integer,
    error_position text,
    primary key (run, number)
) strict, without rowid;
