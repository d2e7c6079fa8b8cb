-- What filters look for; the plain completed webhook run that took less than a second is in none of them.
create index runs_workflow_state on runs (workflow, state, id) where state <> 'completed';
create index runs_slow on runs (id) where ended_at - started_at >= 1000;
create index runs_with_errors on runs (id) where with_errors = 1;
