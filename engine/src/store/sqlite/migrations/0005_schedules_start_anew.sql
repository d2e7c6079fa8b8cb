-- When the schedule last started anew because the wall clock was set back, and up to where it was settled then: of what
-- lies before, only what ran is decided.
alter table schedules add column anew_at integer;
alter table schedules add column anew_from integer;
