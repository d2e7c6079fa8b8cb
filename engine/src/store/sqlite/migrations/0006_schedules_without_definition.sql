-- The key of a schedule says all that the store needs: its definition is in the text of the version.
alter table schedules drop column definition;
