import t from 'tap'
import { openHarness } from './harness.ts'

t.test('/metrics has figures of each stream, and asks who wants them', async (t) => {
  const h = await openHarness()
  t.teardown(h.close)
  const make = async (path: string, body: object): Promise<string> => {
    const made = await h.call('POST', path, { body })
    t.equal(made.status, 201, JSON.stringify(made.body))
    return made.body.id
  }
  const config = { base_url: 'http://127.0.0.1:1', api_key: 'x' }
  const source = await make('sources', { name: 'shop', connector: 'demo_shop', config })
  const files = { name: 'files', type: 'local_file', config: { path: '/tmp/x' } }
  const destination = await make('destinations', files)
  const ends = { source_id: source, destination_id: destination }
  const connection = await make('connections', { name: 'a "b"', ...ends })
  const stream = await make('streams', { connection_id: connection, name: 'orders' })
  h.deps.stores.ranges.insert(stream, [{ start: 0, end: 1, lane: 'fresh' }])
  const insert = (id: string, status: 'complete' | 'failed', at: number): void => {
    const { workspaceId } = h.deps.stores.streams.find(stream) ?? { workspaceId: '' }
    const run = { id, workspaceId, streamId: stream, connectionId: connection, createdAt: at }
    h.deps.stores.runs.insert({ ...run, trigger: 'manual' })
    const row = h.deps.stores.runs.get(id)
    if (row) h.deps.stores.runs.save({ ...row, status, finishedAt: at + 500 })
  }
  insert('run_1', 'complete', 1_000)
  insert('run_2', 'complete', 2_000)
  insert('run_3', 'failed', 3_000)

  const answer = await h.call('GET', '/metrics', { key: h.key('viewer') })
  t.equal(answer.status, 200)
  t.match(answer.headers['content-type'], /^text\/plain; version=0\.0\.4/)
  const labels = '{workspace="default",connection="a \\"b\\"",stream="orders"'
  const lines = answer.text.split('\n')
  t.ok(lines.includes(`derrick_ranges${labels},status="pending"} 1`), answer.text)
  t.ok(lines.includes(`derrick_stream_last_complete_timestamp_seconds${labels}} 2.5`))
  t.ok(lines.includes('derrick_syncs_limit 4'))
  t.ok(lines.includes('# TYPE derrick_records gauge'))
  t.match(answer.text, /^derrick_build_info\{version="[^"]+"\} 1$/m)

  t.equal((await h.call('GET', '/metrics', { key: '' })).status, 401)
  const other = await make('workspaces', { name: 'other' })
  const bound = await h.call('GET', '/metrics', { key: h.key('viewer', other) })
  t.notMatch(bound.text, 'orders', 'a bound key sees its own workspace')
})
