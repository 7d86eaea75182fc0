import t from 'tap'
import { failure } from '../../schema/error.ts'
import type { Progress } from '../../schema/event.ts'
import type { Range } from '../../schema/range.ts'
import type { Run } from '../../schema/run.ts'
import type { Stream } from '../../schema/stream.ts'
import { applyEvent, emptyWorld, maxRuns, putRun, runOf } from '../../web/store/world.ts'

const run = (changes: Partial<Run> = {}): Run => ({
  id: 'run_001',
  workspace_id: 'ws_1',
  stream_id: 'str_1',
  connection_id: 'con_1',
  trigger: 'manual',
  status: 'running',
  ranges: { total: 10, complete: 0, failed: 0 },
  records: 0,
  bytes: 0,
  pages: 0,
  created_at: '2026-01-01T00:00:00Z',
  started_at: null,
  finished_at: null,
  error: null,
  ...changes,
})
const stream = (changes: Partial<Stream> = {}): Stream =>
  ({
    id: 'str_1',
    connection_id: 'con_1',
    name: 'orders',
    enabled: true,
    ranges: { pending: 1, running: 0, complete: 0, failed: 0, total: 1 },
    active_run_id: null,
    ...changes,
  }) as Stream
const progress = (done: number): Progress => ({
  run_id: 'run_001',
  stream_id: 'str_1',
  records: done,
  bytes: 0,
  pages: 0,
  records_per_second: 5,
  bytes_per_second: 0,
  ranges_done: done,
  ranges_total: 100,
  in_flight: 1,
})

t.test('a thing that changes stays the same object', async (t) => {
  const world = emptyWorld()
  applyEvent(world, { topic: 'stream', data: stream() }, 0)
  const before = world.streams.str_1
  applyEvent(world, { topic: 'stream', data: stream({ name: 'renamed' }) }, 0)
  t.equal(world.streams.str_1, before, 'so that what is open in its row stays open')
  t.equal(world.streams.str_1?.name, 'renamed')
})

t.test('fields that went away are gone', async (t) => {
  const world = emptyWorld()
  putRun(world, run({ status: 'queued', waiting_for: 'a permit' }))
  putRun(world, run({ status: 'running' }))
  t.notOk(Object.hasOwn(world.runs.run_001 as Run, 'waiting_for'))
})

t.test('an older state never brings a run back to life', async (t) => {
  const world = emptyWorld()
  putRun(world, run({ status: 'complete' }))
  putRun(world, run({ status: 'running' }))
  t.equal(world.runs.run_001?.status, 'complete')
  applyEvent(world, { topic: 'progress', data: progress(5) }, 0)
  t.equal(world.progress.str_1, undefined)
})

t.test('progress goes with its run', async (t) => {
  const world = emptyWorld()
  putRun(world, run())
  applyEvent(world, { topic: 'progress', data: progress(5) }, 1_000)
  t.equal(world.progress.str_1?.ranges_done, 5)
  t.equal(world.pace.str_1?.marks.length, 1)
  putRun(world, run({ status: 'failed' }))
  t.equal(world.progress.str_1, undefined)
  t.equal(world.pace.str_1, undefined)
})

t.test('the active run is shown, else the newest', async (t) => {
  const world = emptyWorld()
  putRun(world, run({ id: 'run_002', status: 'complete', created_at: '2026-01-02T00:00:00Z' }))
  putRun(world, run({ id: 'run_001', status: 'failed', created_at: '2026-01-01T00:00:00Z' }))
  t.equal(runOf(world, stream())?.id, 'run_002')
  putRun(world, run({ id: 'run_003', created_at: '2026-01-03T00:00:00Z' }))
  t.equal(runOf(world, stream({ active_run_id: 'run_003' }))?.id, 'run_003')
})

t.test('runs are bounded, the last of each stream is kept', async (t) => {
  const world = emptyWorld()
  putRun(world, run({ id: 'run_000000', stream_id: 'str_old', status: 'complete' }))
  for (let i = 1; i <= maxRuns + 50; i++) {
    putRun(world, run({ id: `run_${String(i).padStart(6, '0')}`, status: 'complete' }))
  }
  t.ok(Object.keys(world.runs).length <= maxRuns + 1)
  t.ok(world.runs.run_000000)
  t.notOk(world.runs.run_000001)
})

t.test('a stream shows its latest failure until that range is well again', async (t) => {
  const world = emptyWorld()
  const error = failure('auth', 'http.status_401', 'refused')
  const range = { id: 'rng_1', stream_id: 'str_1', status: 'failed', error, finished_at: null }
  applyEvent(world, { topic: 'range', data: range as Range }, 0)
  t.equal(world.failures.str_1?.failure.message, 'refused')
  const other = { ...range, id: 'rng_2', status: 'complete', error: null }
  applyEvent(world, { topic: 'range', data: other as Range }, 0)
  t.ok(world.failures.str_1, 'another range says nothing about it')
  applyEvent(world, { topic: 'range', data: { ...other, id: 'rng_1' } as Range }, 0)
  t.equal(world.failures.str_1, undefined)
  applyEvent(world, { topic: 'range', data: range as Range }, 0)
  applyEvent(world, { topic: 'stream', data: stream() }, 0)
  t.equal(world.failures.str_1, undefined, 'nothing has failed any more')
})
