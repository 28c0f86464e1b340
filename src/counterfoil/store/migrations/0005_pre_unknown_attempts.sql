-- Attempts that ended without knowing are counted apart: waiting for a busy system is no sign of trouble.
alter table commands add column unknowns integer not null default 0;
