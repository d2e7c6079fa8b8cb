-- A workflow's runs by a rare trigger, without going through all its runs by webhook.
create index runs_workflow_trigger on runs (workflow, trigger, id) where trigger <> 'webhook';
