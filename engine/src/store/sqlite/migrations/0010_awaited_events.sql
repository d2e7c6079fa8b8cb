-- The runs that wait for an event.
create index runs_awaits on runs (id) where awaits <> '[]';
