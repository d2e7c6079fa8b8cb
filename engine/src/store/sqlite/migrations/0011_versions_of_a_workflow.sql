-- The versions of a workflow, without going through those of all others.
create index versions_workflow on versions (workflow);
