-- What decides when a range is final, and what its next read may do.
alter table ranges add column unchanged integer not null default 0; -- reads in a row that found nothing changed
alter table ranges add column force integer not null default 0;     -- 1: a far smaller read is believed
-- A run that takes longer is ended; null: it may take as long as it does.
alter table streams add column max_run_minutes integer;
