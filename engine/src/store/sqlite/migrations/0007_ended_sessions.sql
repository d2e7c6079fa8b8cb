-- Sessions of the dashboard are signed, not stored; a row ends all of its name that were started until an instant. The
-- name is that of a session, or of the token whose holder signed out everywhere.
create table ended_sessions (
    name text primary key not null,
    at   integer not null
) strict, without rowid;
