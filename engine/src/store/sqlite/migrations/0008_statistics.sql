-- What was counted in a minute or, later, in an hour of a workflow: one row is written for all runs of a commit.
create table statistics (
    workflow integer not null,      -- workflows.key
    width    integer not null,      -- of the stretch of time, in milliseconds: a minute or an hour
    start    integer not null,
    tally    blob not null,
    primary key (workflow, width, start)
) strict, without rowid;
