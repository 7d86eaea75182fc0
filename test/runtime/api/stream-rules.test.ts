import t from 'tap'
import { type Harness, makeStream, openHarness } from './harness.ts'

async function opened(test: Pick<typeof t, 'teardown'>): Promise<Harness> {
  const h = await openHarness()
  test.teardown(h.close)
  return h
}

const day = 86_400_000
const addRange = (h: Harness, stream: string): void => {
  h.deps.stores.ranges.insert(stream, [{ start: 0, end: day, lane: 'history' }])
}

t.test('newest_first needs an end filter; the defaults know that', async (t) => {
  const h = await opened(t)
  const { connection } = await makeStream(h)
  const { body: offered } = await h.call(
    'GET',
    `sources/${(await h.call('GET', 'sources')).body.data[0].id}/streams`,
  )
  const limited = offered.data.filter((stream: { newest_first: boolean }) => !stream.newest_first)
  t.ok(limited.length > 0, 'the demo shop has streams without an end filter')
  for (const { name } of limited) {
    const refused = await h.call('POST', 'streams', {
      body: { connection_id: connection, name, sync_strategy: 'newest_first' },
    })
    t.match(refused, {
      status: 422,
      body: { code: 'stream.strategy_unsupported', remedy: 'use oldest_first' },
    })
    const made = await h.call('POST', 'streams', { body: { connection_id: connection, name } })
    t.match(made, { status: 201, body: { sync_strategy: 'oldest_first' } }, made.text)
    const patched = await h.call('PATCH', `streams/${made.body.id}`, {
      body: { sync_strategy: 'newest_first' },
    })
    t.equal(patched.body.code, 'stream.strategy_unsupported')
  }
})

t.test('one table, topic or folder has one stream', async (t) => {
  const h = await opened(t)
  const ids = await makeStream(h)
  const second = await h.call('POST', 'connections', {
    body: {
      name: 'second',
      source_id: ids.source,
      destination_id: ids.destination,
      namespace: 'Shop',
    },
  })
  const stream = { connection_id: second.body.id, name: 'orders' }
  const taken = await h.call('POST', 'streams', { body: stream })
  t.match(taken, { status: 409, body: { code: 'stream.target_taken' } })
  t.match(taken.body.detail, 'shop-to-files/orders')
  t.equal(
    (
      await h.call('POST', 'streams', {
        body: { ...stream, name: 'sales', source_stream: 'orders' },
      })
    ).status,
    201,
  )
  await h.call('PATCH', `connections/${second.body.id}`, { body: { stream_prefix: 'b_' } })
  t.equal((await h.call('POST', 'streams', { body: stream })).status, 201, 'elsewhere it may')
  const back = await h.call('PATCH', `connections/${second.body.id}`, {
    body: { stream_prefix: '' },
  })
  t.match(back, { status: 409, body: { code: 'stream.target_taken' } })
  const twice = await h.call('POST', 'streams', {
    body: { connection_id: ids.connection, name: 'ORDERS', source_stream: 'orders' },
  })
  t.match(twice, { status: 409, body: { code: 'stream.name_taken' } })
})

t.test('what ranges are filed under can’t change under them', async (t) => {
  const h = await opened(t)
  const ids = await makeStream(h)
  const changes: [string, object][] = [
    [`streams/${ids.stream}`, { sync_granularity: 'hour' }],
    [`streams/${ids.stream}`, { primary_key: ['id', 'shop'] }],
    [`streams/${ids.stream}`, { source_stream: 'events' }],
    [`sources/${ids.source}`, { timezone: 'Asia/Kolkata' }],
    [`connections/${ids.connection}`, { namespace: 'elsewhere' }],
    [`connections/${ids.connection}`, { stream_prefix: 'p_' }],
    [`connections/${ids.connection}`, { name: 'renamed' }],
  ]
  addRange(h, ids.stream)
  for (const [path, body] of changes) {
    const before = await h.call('GET', path)
    const refused = await h.call('PATCH', path, { body })
    t.match(refused, { status: 409, body: { code: 'stream.needs_reset' } }, JSON.stringify(body))
    t.match(refused.body.detail, 'orders (1 ranges)')
    t.strictSame((await h.call('GET', path)).body, before.body)
  }
  t.equal(
    (await h.call('PATCH', `streams/${ids.stream}`, { body: { schedule: '*/5 * * * *' } })).status,
    200,
  )
  await h.call('POST', `streams/${ids.stream}/reset`, { body: { clear: true } })
  for (const [path, body] of changes) {
    const allowed = await h.call('PATCH', path, { body })
    t.equal(allowed.status, 200, allowed.text)
    t.match(allowed.body, body)
  }
})

t.test('windows, range actions, disabling', async (t) => {
  const h = await opened(t)
  const { stream, source } = await makeStream(h)
  await h.call('PATCH', `sources/${source}`, { body: { timezone: 'Asia/Kolkata' } })
  await h.call('POST', `streams/${stream}/sync`, {
    body: { from: '2026-03-01', to: '2026-03-02T00:00:00Z' },
  })
  t.strictSame(h.engine.calls.at(-1)?.[3], {
    from: Date.parse('2026-02-28T18:30:00Z'),
    to: Date.parse('2026-03-02T00:00:00Z'),
  })
  t.match(
    await h.call('POST', `streams/${stream}/sync`, {
      body: { from: '2026-03-02', to: '2026-03-01' },
    }),
    { status: 422, body: { code: 'window.empty' } },
  )
  const counted = await h.call('POST', `streams/${stream}/ranges`, {
    body: { action: 'resync', from: '2026-03-01', dry_run: true },
  })
  t.match(counted, { status: 200, body: { matched: 3, run_id: null } })
  const moved = await h.call('POST', `streams/${stream}/ranges`, {
    body: { action: 'retry', status: 'failed' },
  })
  t.match(moved, { status: 202, body: { matched: 3, run_id: /^run_/ } })
  t.match((await h.call('POST', `streams/${stream}/disable`)).body, { enabled: false })
  t.strictSame(h.engine.calls.at(-1), ['streamChanged', stream])
  t.match((await h.call('POST', `streams/${stream}/enable`)).body, { enabled: true })
})

t.test('the calendar: one letter a range, numbers as differences', async (t) => {
  const h = await opened(t)
  const { stream } = await makeStream(h)
  const empty = await h.call('GET', `streams/${stream}/calendar`)
  t.strictSame(empty.body, {
    stream_id: stream,
    granularity: 'day',
    timezone: 'UTC',
    starts: [],
    letters: '',
    first_range_id: null,
    ids: [],
  })
  const start = Date.parse('2026-01-01')
  const tiles = [2, 1, 0].map((i) => ({
    start: start + i * day,
    end: start + (i + 1) * day,
    lane: 'history' as const,
  }))
  h.deps.stores.ranges.insert(stream, tiles)
  t.match((await h.call('GET', `streams/${stream}/calendar`)).body, {
    starts: [start / 1_000, 86_400, 86_400],
    letters: 'ppp',
    first_range_id: 'rng_3',
    ids: [3, -1, -1],
  })
})

t.test('types of columns: kept, checked, handed to the destination', async (t) => {
  const h = await opened(t)
  const { stream } = await makeStream(h)
  const patch = (columns: unknown) => h.call('PATCH', `streams/${stream}`, { body: { columns } })
  t.same((await h.call('GET', `streams/${stream}`)).body.columns, {})
  const columns = { total_price: { type: 'number' }, constructor: { type: 'text' } }
  t.same((await patch(columns)).body.columns, columns)
  t.same((await h.call('GET', `streams/${stream}`)).body.columns, columns)
  t.match(await patch({ total_price: { type: 'money' } }), { status: 422 })
  const keyed = await patch({ id: { type: 'text' } })
  t.match(keyed, { status: 422, body: { errors: [{ pointer: '/columns/id' }] } })
  t.same((await h.call('GET', `streams/${stream}`)).body.columns, columns, 'nothing changed')
})
