-- By how many milliseconds the wall clock was set back while the run slept: its own instants are that much too late.
alter table runs add column set_back integer;
