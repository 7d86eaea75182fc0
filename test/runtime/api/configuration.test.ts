import t from 'tap'
import { type Harness, makeStream, openHarness, secretKey } from './harness.ts'

async function opened(test: Pick<typeof t, 'teardown'>): Promise<Harness> {
  const h = await openHarness()
  test.teardown(h.close)
  return h
}

const day = 86_400_000
const addRange = (h: Harness, stream: string): void => {
  h.deps.stores.ranges.insert(stream, [{ start: 0, end: day, lane: 'history' }])
}

t.test('the whole path: source, destination, connection, stream, sync', async (t) => {
  const h = await opened(t)
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

t.test(
  'secrets in a patch: absent stays, null deletes, what was read means unchanged',
  async (t) => {
    const h = await opened(t)
    const { source } = await makeStream(h)
    const config = async (): Promise<unknown> => {
      await h.call('POST', `sources/${source}/check`)
      return h.engine.calls.at(-1)?.[2]
    }
    const patch = (body: object) => h.call('PATCH', `sources/${source}`, { body })
    await patch({ config: { base_url: 'http://127.0.0.1:2' } })
    t.strictSame(await config(), { base_url: 'http://127.0.0.1:2', api_key: secretKey })
    await patch({ config: (await h.call('GET', `sources/${source}`)).body.config })
    t.strictSame(await config(), { base_url: 'http://127.0.0.1:2', api_key: secretKey })
    t.match(await patch({ config: { api_key: null } }), {
      status: 422,
      body: { errors: [{ pointer: '/config/api_key' }] },
    })
    await patch({ config: { api_key: 'another' } })
    t.strictSame(await config(), { base_url: 'http://127.0.0.1:2', api_key: 'another' })
    t.strictSame((await h.call('GET', `sources/${source}`)).body.config.api_key, { set: true })
  },
)

t.test('a Postgres URL is a secret; its hint shows where, not who', async (t) => {
  const h = await opened(t)
  const url = 'postgres://etl:hunter2hunter2@db.example.com:5432/warehouse'
  const made = await h.call('POST', 'destinations', {
    body: { name: 'pg', type: 'postgres', config: { url } },
  })
  t.strictSame(made.body.config.url, {
    set: true,
    hint: 'postgres://…@db.example.com:5432/warehouse',
  })
  await h.call('POST', `destinations/${made.body.id}/check`)
  t.strictSame(h.engine.calls.at(-1), ['checkDestination', 'postgres', { url }])
  t.equal(
    (
      await h.call('PATCH', `destinations/${made.body.id}`, {
        body: { config: { commit_slots: 2 } },
      })
    ).status,
    200,
  )
  t.match(h.engine.calls.at(-1), ['destinationChanged', made.body.id])
  const tried = await h.call('POST', 'destinations/check', {
    body: { type: 'postgres', config: { url } },
  })
  t.equal(tried.body.ok, true)
  t.equal(
    (await h.call('POST', 'destinations/check', { body: { type: 'postgres', config: {} } })).status,
    422,
  )
})

t.test('new credentials end the pause that the old ones caused', async (t) => {
  const h = await opened(t)
  const { source } = await makeStream(h)
  const reason = {
    category: 'auth',
    code: 'http.status_401',
    message: 'no',
    retryable: false,
  } as const
  h.deps.stores.sources.pause(source, reason)
  t.match((await h.call('GET', `sources/${source}`)).body, {
    state: 'paused',
    state_reason: reason,
  })
  const patched = await h.call('PATCH', `sources/${source}`, {
    body: { config: { api_key: 'fresh' } },
  })
  t.match(patched.body, { state: 'active', state_reason: null })
  t.match(h.engine.calls.at(-1), ['sourceChanged', source])
})

t.test(
  'what is in use stays; deleting a connection cancels first and keeps runs and data',
  async (t) => {
    const h = await opened(t)
    const ids = await makeStream(h)
    const used = await h.call('DELETE', `sources/${ids.source}`)
    t.match(used, { status: 409, body: { code: 'source.in_use' } })
    t.match(used.body.detail, 'shop-to-files')
    t.match(await h.call('DELETE', `destinations/${ids.destination}`), {
      status: 409,
      body: { code: 'destination.in_use' },
    })
    addRange(h, ids.stream)
    const run = (await h.call('POST', `streams/${ids.stream}/sync`)).body.id
    t.equal((await h.call('DELETE', `connections/${ids.connection}`)).status, 204)
    t.equal((await h.call('GET', `runs/${run}`)).body.status, 'cancelled')
    t.equal((await h.call('GET', `streams/${ids.stream}`)).status, 404)
    t.notOk(
      h.engine.calls.some(([name]) => name === 'resetStream'),
      'no data was touched',
    )
    t.equal((await h.call('DELETE', `sources/${ids.source}`)).status, 204)
    t.equal((await h.call('DELETE', `destinations/${ids.destination}`)).status, 204)
  },
)

t.test('settings hold at once', async (t) => {
  const h = await opened(t)
  t.strictSame((await h.call('GET', 'settings')).body, {
    max_concurrent_syncs: 4,
    max_concurrent_syncs_per_source: 2,
  })
  const changed = { max_concurrent_syncs: 9, max_concurrent_syncs_per_source: 2 }
  t.strictSame(
    (await h.call('PATCH', 'settings', { body: { max_concurrent_syncs: 9 } })).body,
    changed,
  )
  t.strictSame(h.engine.calls.at(-1), ['settingsChanged', changed])
  t.equal((await h.call('PATCH', 'settings', { body: { max_concurrent_syncs: 0 } })).status, 422)
  t.strictSame((await h.call('GET', 'settings')).body, changed)
})
