import t from 'tap'
import { makeStream, openHarness } from './harness.ts'

t.test('the whole path: source, destination, connection, stream, sync', async (t) => {
  const h = await openHarness()
  t.teardown(h.close)
  const ids = await makeStream(h)
  const source = await h.call('GET', `sources/${ids.source}`)
  t.match(source.body, {
    name: 'shop',
    connector: 'demo_shop',
    timezone: 'UTC',
    start_date: '2026-02-08',
    state: 'active',
    config: { base_url: 'http://127.0.0.1:1', api_key: { set: true, hint: '…nary' } },
  })
  const connection = await h.call('GET', `connections/${ids.connection}`)
  t.match(connection.body, { namespace: 'shop', stream_prefix: '' })
  const stream = await h.call('GET', `streams/${ids.stream}`)
  t.match(stream.body, {
    name: 'orders',
    source_stream: 'orders',
    path: '/v1/orders',
    primary_key: ['id'],
    sync_strategy: 'newest_first',
    sync_granularity: 'day',
    start_date: '2026-02-08',
    write_mode: 'upsert',
    retry: { max_attempts: 5, backoff_seconds: 2 },
    enabled: true,
    ranges: { total: 0 },
    active_run_id: null,
  })
  const sync = await h.call('POST', `streams/${ids.stream}/sync`, { body: {} })
  t.equal(sync.status, 202)
  t.match(sync.body, { stream_id: ids.stream, status: 'queued', joined: false })
  t.equal(sync.headers.location, `/api/v1/runs/${sync.body.id}`)
  const again = await h.call('POST', `streams/${ids.stream}/sync`)
  t.match(again.body, { id: sync.body.id, joined: true })
  t.equal((await h.call('GET', `streams/${ids.stream}`)).body.active_run_id, sync.body.id)
})
