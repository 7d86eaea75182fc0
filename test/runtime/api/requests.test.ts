import t from 'tap'
import { ApiProblem } from '../../../runtime/api/problem.ts'
import { makeStream, openHarness } from './harness.ts'

t.test('lists: pages follow each other without gap or repeat', async (t) => {
  const h = await openHarness()
  t.teardown(h.close)
  const made: string[] = []
  for (let i = 0; i < 7; i += 1) {
    const answer = await h.call('POST', 'destinations', {
      body: { name: `d${i}`, type: 'local_file', config: { path: h.dir } },
    })
    made.push(answer.body.id)
  }
  const seen: string[] = []
  let cursor = ''
  for (let pages = 1; ; pages += 1) {
    const { body } = await h.call('GET', `destinations?limit=3${cursor}`)
    seen.push(...body.data.map((one: { id: string }) => one.id))
    if (body.next_cursor === null) {
      t.equal(pages, 3)
      break
    }
    cursor = `&cursor=${body.next_cursor}`
  }
  t.strictSame(seen, made)
  t.equal(
    (await h.call('GET', 'destinations?name=D3')).body.data[0].id,
    made[3],
    'names ignore case',
  )
})

t.test('runs and ranges page backwards in time', async (t) => {
  const h = await openHarness()
  t.teardown(h.close)
  const { stream } = await makeStream(h)
  const day = 86_400_000
  const tiles = Array.from({ length: 5 }, (_, i) => ({
    start: i * day,
    end: (i + 1) * day,
    lane: 'history' as const,
  }))
  h.deps.stores.ranges.insert(stream, tiles)
  const first = await h.call('GET', `streams/${stream}/ranges?limit=3`)
  const rest = await h.call(
    'GET',
    `streams/${stream}/ranges?limit=3&cursor=${first.body.next_cursor}`,
  )
  const starts = [...first.body.data, ...rest.body.data].map(
    (range: { start: string }) => Date.parse(range.start) / day,
  )
  t.strictSame(starts, [4, 3, 2, 1, 0])
  t.equal(rest.body.next_cursor, null)
  t.strictSame(
    (await h.call('GET', `streams/${stream}/ranges?status=failed,running`)).body.data,
    [],
  )
  const range = first.body.data[0]
  t.strictSame((await h.call('GET', `ranges/${range.id}`)).body, range)
  t.strictSame((await h.call('GET', `ranges/${range.id}/attempts`)).body, {
    data: [],
    next_cursor: null,
  })
  const run = (await h.call('POST', `ranges/${range.id}/retry`)).body
  t.equal(run.stream_id, stream)
  const { activity } = h.deps.stores
  for (const message of ['a', 'b', 'c']) {
    activity.add({
      at: 1,
      workspaceId: run.workspace_id,
      level: 'info',
      kind: 'x',
      message,
      runId: run.id,
      rangeId: 35,
    })
  }
  const log = await h.call('GET', `runs/${run.id}/log?limit=2`)
  t.match(log.body.data, [{ message: 'a', range_id: 'rng_z' }, { message: 'b' }])
  const tail = await h.call('GET', `runs/${run.id}/log?limit=2&cursor=${log.body.next_cursor}`)
  t.match(tail.body, { data: [{ message: 'c' }], next_cursor: null })
  t.match((await h.call('GET', 'activity')).body.data, [
    { message: 'c' },
    { message: 'b' },
    { message: 'a' },
  ])
  t.match((await h.call('GET', `runs?stream_id=${stream}&status=queued`)).body.data, [
    { id: run.id },
  ])
  t.equal((await h.call('POST', `runs/${run.id}/cancel`)).status, 202)
  t.match(await h.call('GET', `runs?from=2027-01-01T00:00:00Z`), { body: { data: [] } })
})

t.test('If-Match: honoured, never demanded', async (t) => {
  const h = await openHarness()
  t.teardown(h.close)
  const ids = await makeStream(h)
  for (const path of Object.entries(ids).map(([kind, id]) => `${kind}s/${id}`)) {
    const { headers } = await h.call('GET', path)
    t.match(headers.etag, /^"/, path)
    const stale = { 'if-match': '"999"' }
    t.match(await h.call('PATCH', path, { body: {}, headers: stale }), {
      status: 412,
      body: { code: 'precondition.failed' },
    })
    t.equal((await h.call('DELETE', path, { headers: stale })).status, 412)
    const fresh = await h.call('PATCH', path, {
      body: {},
      headers: { 'if-match': String(headers.etag) },
    })
    t.equal(fresh.status, 200)
    t.not(fresh.headers.etag, headers.etag)
    t.equal((await h.call('GET', path)).headers.etag, fresh.headers.etag)
    t.equal((await h.call('PATCH', path, { body: {}, headers: { 'if-match': '*' } })).status, 200)
  }
})

t.test('Idempotency-Key: done once, answered alike', async (t) => {
  const h = await openHarness()
  t.teardown(h.close)
  const headers = { 'idempotency-key': 'once' }
  const body = { name: 'robot', role: 'viewer' }
  const first = await h.call('POST', 'api_keys', { body, headers })
  const again = await h.call('POST', 'api_keys', { body, headers })
  t.equal(first.status, 201)
  t.strictSame(
    [again.status, again.body, again.headers.location],
    [201, first.body, first.headers.location],
  )
  t.equal(again.headers['idempotent-replayed'], 'true')
  t.equal(
    (await h.call('GET', 'api_keys')).body.data.filter(
      (key: { name: string }) => key.name === 'robot',
    ).length,
    1,
  )
  t.notOk(h.db.full.serialize().includes(first.body.key), 'the stored answer is sealed')
  const other = await h.call('POST', 'api_keys', { body: { ...body, name: 'other' }, headers })
  t.match(other, { status: 422, body: { code: 'idempotency.other_body' } })
  const elsewhere = await h.call('POST', 'workspaces', { body: { name: 'w' }, headers })
  t.equal(elsewhere.status, 201, 'another path is another request')
  const stranger = await h.call('POST', 'api_keys', { body, headers, key: h.key('admin') })
  t.not(stranger.body.id, first.body.id, 'another caller, too')
  h.clock.now += 25 * 3_600_000
  t.not(
    (await h.call('POST', 'api_keys', { body, headers })).body.id,
    first.body.id,
    'kept for a day',
  )
  t.equal(
    (
      await h.call('POST', 'workspaces', {
        body: {},
        headers: { 'idempotency-key': 'x'.repeat(256) },
      })
    ).status,
    400,
  )
})

t.test(
  'Idempotency-Key: in flight is a conflict, a failure on our side may be repeated',
  async (t) => {
    const h = await openHarness()
    t.teardown(h.close)
    const { source } = await makeStream(h)
    const gate = Promise.withResolvers<void>()
    const entered = Promise.withResolvers<void>()
    h.engine.checkSource = async () => {
      entered.resolve()
      await gate.promise
      throw new Error('a worker went away')
    }
    const headers = { 'idempotency-key': 'check' }
    const slow = h.call('POST', `sources/${source}/check`, { headers })
    await entered.promise
    t.match(await h.call('POST', `sources/${source}/check`, { headers }), {
      status: 409,
      body: { code: 'idempotency.in_flight' },
    })
    gate.resolve()
    t.equal((await slow).status, 500)
    h.engine.checkSource = async () => ({ ok: true, steps: [] })
    t.equal((await h.call('POST', `sources/${source}/check`, { headers })).status, 200)
  },
)

t.test('our own faults are logged and not told', async (t) => {
  const h = await openHarness()
  t.teardown(h.close)
  const { source } = await makeStream(h)
  h.engine.checkSource = async () => {
    throw new Error('secret detail')
  }
  const answer = await h.call('POST', `sources/${source}/check`)
  t.match(answer, { status: 500, body: { code: 'internal', status: 500, title: 'Internal error' } })
  t.notMatch(answer.text, 'secret detail')
  t.match(h.logged.join(''), 'secret detail')
  h.engine.checkSource = async () => {
    throw new ApiProblem(503, 'server.stopping', 'stopping', { remedy: 'later' })
  }
  t.match(await h.call('POST', `sources/${source}/check`), {
    status: 503,
    body: { detail: 'stopping', remedy: 'later' },
  })
})

t.test('the OpenAPI document describes every route', async (t) => {
  const h = await openHarness()
  t.teardown(h.close)
  const { body, status } = await h.call('GET', 'openapi.json', { key: '' })
  t.equal(status, 200)
  t.match(body.openapi, /^3\.1\./)
  const ids = new Set<string>()
  for (const [path, methods] of Object.entries(body.paths as Record<string, object>)) {
    const names = [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1])
    for (const [method, operation] of Object.entries(methods)) {
      t.match(
        operation,
        { operationId: String, summary: String, tags: Array, responses: Object },
        `${method} ${path}`,
      )
      t.notOk(ids.has(operation.operationId), operation.operationId)
      ids.add(operation.operationId)
      const declared = (operation.parameters ?? []).filter(
        (one: { in: string }) => one.in === 'path',
      )
      t.strictSame(
        declared.map((one: { name: string }) => one.name),
        names,
      )
      t.ok(Object.keys(operation.responses).some((code) => /^[23]/.test(code)))
    }
  }
  const text = JSON.stringify(body)
  for (const [, ref] of text.matchAll(/"\$ref":"#\/([^"]+)"/g)) {
    const found = (ref as string)
      .split('/')
      .reduce<unknown>((node, key) => (node as Record<string, unknown>)?.[key], body)
    t.ok(found, String(ref))
  }
})

t.test('health answers without a key; readiness tells a stuck scheduler', async (t) => {
  const h = await openHarness()
  t.teardown(h.close)
  for (const path of ['/livez', '/healthz', '/readyz'])
    t.equal((await h.call('GET', path, { key: '' })).status, 200)
  h.engine.schedulerState = () => ({
    global: { limit: 4, in_use: 0 },
    queued: 0,
    last_tick_at: new Date(h.clock.now - 90_000).toISOString(),
  })
  const stuck = await h.call('GET', '/readyz', { key: '' })
  t.match(stuck, {
    status: 503,
    body: { ready: false, checks: { database: 'ok', scheduler: /90 s ago/ } },
  })
})

t.test('status and stats count from the streams’ own counters', async (t) => {
  const h = await openHarness()
  t.teardown(h.close)
  const { stream } = await makeStream(h)
  h.deps.stores.ranges.insert(stream, [{ start: 0, end: 1, lane: 'fresh' }])
  await h.call('POST', `streams/${stream}/sync`)
  t.match((await h.call('GET', 'status')).body, {
    scheduler: { global: { limit: 4 } },
    progress: [],
    streams: { streams: 1, enabled: 1, pending: 1 },
  })
  t.match((await h.call('GET', 'stats')).body, {
    last_day: { runs: 1, failed: 0 },
    hours: [{ hour: '2026-03-10T12:00:00.000Z', runs: 1 }],
  })
})

t.test('notifications count up until they are read', async (t) => {
  const h = await openHarness()
  t.teardown(h.close)
  const workspaceId = (await h.call('GET', 'session')).body.workspace.id
  const add = (dedupKey: string) =>
    h.deps.stores.notifications.add(
      {
        id: h.deps.newId('ntf'),
        workspaceId,
        kind: 'sync_failed',
        dedupKey,
        title: dedupKey,
        detail: {},
        streamId: null,
      },
      h.clock.now,
    )
  add('a')
  add('a')
  const b = add('b')
  t.match((await h.call('GET', 'notifications')).body, {
    unread: 2,
    data: [
      { title: 'b', count: 1 },
      { title: 'a', count: 2, read: false },
    ],
  })
  t.match((await h.call('POST', `notifications/${b.id}/read`)).body, { read: true })
  t.match((await h.call('GET', 'notifications?unread=true')).body, {
    unread: 1,
    data: [{ title: 'a' }],
  })
  t.strictSame((await h.call('POST', 'notifications/read_all')).body, { read: 1 })
  t.not(add('a').count, 3, 'a read one does not count on')
})
