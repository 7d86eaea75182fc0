-- What is left of each source's rate limits, as JSON of the governor; a restart must not spend it twice.
create table source_budgets (
  source_id text primary key references sources (id) on delete cascade,
  memory text not null,
  saved_at integer not null
) strict, without rowid;
