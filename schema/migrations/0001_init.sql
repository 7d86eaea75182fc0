-- Times are epoch milliseconds. Ids are the texts that users see, ranges alone are numbered.
-- JSON columns hold what TypeBox schemas in schema/ describe.

create table meta (
  key text primary key,
  value text not null
) strict, without rowid;

create table workspaces (
  id text primary key,
  name text not null unique collate nocase,
  created_at integer not null
) strict;

create table api_keys (
  id text primary key,
  name text not null,
  role text not null check (role in ('admin', 'operator', 'viewer')),
  workspace_id text references workspaces (id),
  hash text not null unique,           -- SHA-256 of the key, hex
  hint text not null,                  -- its last four characters
  created_at integer not null,
  last_used_at integer
) strict;

create table sessions (
  id text primary key,
  hash text not null unique,           -- SHA-256 of the cookie's value
  key_id text references api_keys (id) on delete cascade,
  role text not null,
  workspace_id text references workspaces (id),
  created_at integer not null,
  expires_at integer not null
) strict;

create table login_links (             -- one use each
  hash text primary key,
  role text not null,
  expires_at integer not null
) strict, without rowid;

create table settings (
  key text primary key,
  value text not null                  -- JSON
) strict, without rowid;

create table sources (
  id text primary key,
  workspace_id text not null references workspaces (id),
  name text not null collate nocase,
  connector text not null,
  config text not null,                -- JSON; secrets are {"$secret": "…"} (AES-256-GCM)
  start_date text,
  timezone text not null,
  limits text not null default '{}',
  state text not null default 'active' check (state in ('active', 'paused')),
  state_reason text,                   -- JSON Failure
  paused_until integer,                -- asked for by the API (Retry-After), survives restarts
  version integer not null default 1,
  created_at integer not null,
  updated_at integer not null,
  unique (workspace_id, name)
) strict;

create table destinations (
  id text primary key,
  workspace_id text not null references workspaces (id),
  name text not null collate nocase,
  type text not null,
  config text not null,
  version integer not null default 1,
  created_at integer not null,
  updated_at integer not null,
  unique (workspace_id, name)
) strict;

create table connections (
  id text primary key,
  workspace_id text not null references workspaces (id),
  name text not null collate nocase,
  source_id text not null references sources (id),
  destination_id text not null references destinations (id),
  namespace text not null,
  stream_prefix text not null,
  version integer not null default 1,
  created_at integer not null,
  updated_at integer not null,
  unique (workspace_id, name)
) strict;
create index connections_by_source on connections (source_id);
create index connections_by_destination on connections (destination_id);

create table streams (
  id text primary key,
  workspace_id text not null references workspaces (id),
  connection_id text not null references connections (id),
  name text not null collate nocase,
  source_stream text not null,
  primary_key text not null,           -- JSON list
  sync_strategy text not null check (sync_strategy in ('oldest_first', 'newest_first')),
  sync_granularity text not null check (sync_granularity in ('day', 'hour')),
  start_date text,
  schedule text,
  schedule_timezone text not null,
  settle text,
  lookback text,
  retry text not null,                 -- JSON Retry
  parallel_ranges text not null,       -- JSON: "auto" or a number
  write_mode text not null,
  deletes text not null,
  enabled integer not null check (enabled in (0, 1)),
  -- the part of time that has rows: [frontier_from, frontier_to), null before the first plan
  frontier_from integer,
  frontier_to integer,
  frontier_zone text,
  frontier_granularity text,
  -- lanes held by a cancel until a manual trigger: bit 1 fresh, 2 history, 4 repair
  held_lanes integer not null default 0,
  paused_reason text,                  -- JSON Failure, e.g. 403 on this stream alone
  -- counters kept in the transaction that moves a range
  count_pending integer not null default 0,
  count_running integer not null default 0,
  count_complete integer not null default 0,
  count_failed integer not null default 0,
  records integer not null default 0,
  last_scheduled_at integer,
  version integer not null default 1,  -- of what people configure, not of the counters
  created_at integer not null,
  updated_at integer not null,
  unique (connection_id, name)
) strict;

create table runs (
  id text primary key,
  workspace_id text not null,
  stream_id text not null,
  connection_id text not null,
  trigger text not null check (trigger in ('manual', 'schedule', 'retry', 'api')),
  status text not null check (status in ('queued', 'running', 'complete', 'partial', 'failed', 'cancelled')),
  ranges_total integer not null default 0,
  ranges_complete integer not null default 0,
  ranges_failed integer not null default 0,
  records integer not null default 0,
  bytes integer not null default 0,
  pages integer not null default 0,
  created_at integer not null,
  started_at integer,
  finished_at integer,
  error text
) strict;
create unique index runs_one_active on runs (stream_id) where status in ('queued', 'running');
create index runs_by_time on runs (workspace_id, created_at desc, id desc);
create index runs_by_stream on runs (stream_id, created_at desc, id desc);

create table ranges (
  id integer primary key,
  stream_id text not null references streams (id),
  kind integer not null,               -- 0 window, 1 full
  start integer not null,              -- half-open; facts that are never recomputed; 0 and 0 for a full read
  "end" integer not null,
  status integer not null,             -- 0 pending, 1 running, 2 complete, 3 failed
  lane integer not null,               -- 0 fresh, 1 history, 2 repair
  due_at integer not null default 0,
  failures integer not null default 0, -- counted tries since the last success
  crashes integer not null default 0,  -- workers that died with it
  fence integer not null default 0,    -- of the last attempt
  run_id text,
  committed_at integer,                -- null: nothing of this range is in the destination
  committed_fence integer,
  fetched_from integer,
  sealed integer not null default 0,
  records integer not null default 0,
  bytes integer not null default 0,
  pages integer not null default 0,
  rejects integer not null default 0,
  checksum text,
  error text,
  started_at integer,
  finished_at integer,
  unique (stream_id, start, kind)
) strict;
-- Literal states: with bound parameters the planner can't use a partial index.
create index ranges_pending on ranges (stream_id, start) where status = 0;
create index ranges_pending_by_lane on ranges (stream_id, lane, start) where status = 0;
create index ranges_running on ranges (stream_id) where status = 1;
create index ranges_failed on ranges (stream_id, due_at) where status = 3;
create index ranges_open on ranges (stream_id, "end") where status = 2 and sealed = 0;

create table attempts (
  id integer primary key,
  range_id integer not null,
  run_id text not null,
  fence integer not null,
  outcome text not null check (outcome in ('running', 'complete', 'recovered', 'failed', 'cancelled', 'interrupted')),
  started_at integer not null,
  finished_at integer,
  records integer not null default 0,
  bytes integer not null default 0,
  pages integer not null default 0,
  requests integer not null default 0,
  dropped integer not null default 0,
  error text
) strict;
create index attempts_by_range on attempts (range_id, id desc);

create table rejects (
  id integer primary key,
  range_id integer not null,
  fence integer not null,
  reason text not null,
  place text not null,
  sample text not null,
  created_at integer not null
) strict;
create index rejects_by_range on rejects (range_id, id);

create table activity (                -- bounded by age and count
  id integer primary key autoincrement,
  at integer not null,
  workspace_id text not null,
  level text not null,
  kind text not null,
  message text not null,
  stream_id text,
  run_id text,
  range_id integer,
  data text not null default '{}'
) strict;
create index activity_by_workspace on activity (workspace_id, id desc);
create index activity_by_run on activity (run_id, id) where run_id is not null;

create table notifications (
  id text primary key,
  workspace_id text not null,
  kind text not null,
  dedup_key text not null,
  title text not null,
  detail text not null,
  stream_id text,
  count integer not null default 1,
  read_at integer,
  created_at integer not null,
  updated_at integer not null
) strict;
create unique index notifications_unread on notifications (workspace_id, dedup_key) where read_at is null;

create table idempotency_keys (
  key text not null,
  scope text not null,                 -- api key or session, method and path
  body_hash text not null,
  status integer,
  response text,
  created_at integer not null,
  primary key (scope, key)
) strict, without rowid;
