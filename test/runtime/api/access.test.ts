import t from 'tap'
import type { Role } from '../../../schema/api-key.ts'
import { type Harness, makeStream, openHarness, secretKey } from './harness.ts'

interface Route {
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  path: string
}

/** Every route, from the OpenAPI document that the routes themselves make. */
async function allRoutes(h: Harness): Promise<Route[]> {
  const { body } = await h.call('GET', 'openapi.json', { key: '' })
  return Object.entries(body.paths as Record<string, object>).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => ({
      method: method.toUpperCase() as Route['method'],
      path,
    })),
  )
}

const isPublic = ({ method, path }: Route): boolean =>
  (path === '/api/v1/session' && method !== 'GET') ||
  // Who comes back from an API's page proves by the state that we sent them.
  path === '/api/v1/oauth/callback'

/** What each route asks for, said once more: a new route must be added here, too. */
const operatorRoutes = [
  'POST /api/v1/sources/{id}/check',
  'POST /api/v1/sources/{id}/preview',
  'POST /api/v1/destinations/{id}/check',
  'POST /api/v1/connections/{id}/sync',
  'POST /api/v1/connections/{id}/cancel',
  'POST /api/v1/streams/{id}/sync',
  'POST /api/v1/streams/{id}/cancel',
  'POST /api/v1/streams/{id}/enable',
  'POST /api/v1/streams/{id}/disable',
  'POST /api/v1/streams/{id}/ranges',
  'POST /api/v1/runs/{id}/cancel',
  'POST /api/v1/ranges/{id}/retry',
  'POST /api/v1/notifications/{id}/read',
  'POST /api/v1/notifications/read_all',
]
const viewerWrites = ['POST /api/v1/connectors/validate']
const adminReads = [
  'GET /api/v1/sources/{id}/authorize',
  'GET /api/v1/api_keys',
  'GET /api/v1/api_keys/{id}',
]

function neededRole({ method, path }: Route): Role {
  const name = `${method} ${path}`
  if (operatorRoutes.includes(name)) return 'operator'
  if (viewerWrites.includes(name)) return 'viewer'
  if (adminReads.includes(name)) return 'admin'
  return method === 'GET' ? 'viewer' : 'admin'
}

const anyId: Record<string, string> = {
  sources: 'src_0',
  destinations: 'dst_0',
  connections: 'con_0',
  streams: 'str_0',
  runs: 'run_0',
  ranges: 'rng_0',
  api_keys: 'key_0',
  notifications: 'ntf_0',
  workspaces: 'ws_0',
}
const concrete = (path: string): string =>
  path.replace('{id}', anyId[path.split('/')[3] ?? ''] ?? 'x').replace('{name}', 'demo_shop')

t.test(
  'without a key, or with a wrong one, every route answers 401 and nothing else',
  async (t) => {
    const h = await openHarness()
    t.teardown(h.close)
    const routes = (await allRoutes(h)).filter((route) => !isPublic(route))
    t.ok(routes.length > 50)
    const wrong = ['', `dk_live_${'0'.repeat(32)}`, 'dk_live_', 'x'.repeat(5000)]
    for (const { method, path } of routes) {
      for (const key of wrong) {
        const answer = await h.call(method, concrete(path), { key })
        t.equal(answer.status, 401, `${method} ${path} ${key.slice(0, 12)}`)
        t.equal(answer.body.code, 'auth.required')
      }
    }
    t.strictSame(h.engine.calls, [])
  },
)

t.test('each role may do what it may do and no more', async (t) => {
  const h = await openHarness()
  t.teardown(h.close)
  const keys: Record<Role, string> = {
    viewer: h.key('viewer'),
    operator: h.key('operator'),
    admin: h.key('admin'),
  }
  const rank: Role[] = ['viewer', 'operator', 'admin']
  for (const route of (await allRoutes(h)).filter((one) => !isPublic(one))) {
    if (route.path === '/api/v1/events') continue // an open stream; tested over a socket
    const needed = neededRole(route)
    for (const role of rank) {
      const answer = await h.call(route.method, concrete(route.path), {
        key: keys[role],
        body: route.method === 'GET' || route.method === 'DELETE' ? undefined : {},
      })
      const isAllowed = rank.indexOf(role) >= rank.indexOf(needed)
      t.equal(
        answer.status === 403,
        !isAllowed,
        `${role} ${route.method} ${route.path}: ${answer.status}`,
      )
    }
  }
})

t.test('what belongs to another workspace is not there', async (t) => {
  const h = await openHarness()
  t.teardown(h.close)
  const other = (await h.call('POST', 'workspaces', { body: { name: 'other' } })).body.id
  const mine = await makeStream(h)
  const run = (await h.call('POST', `streams/${mine.stream}/sync`)).body.id
  h.deps.stores.ranges.insert(mine.stream, [{ start: 0, end: 86_400_000, lane: 'history' }])
  const range = (await h.call('GET', `streams/${mine.stream}/ranges`)).body.data[0].id
  const { deps } = h
  const workspaceId = (await h.call('GET', 'session')).body.workspace.id
  const ntf = deps.stores.notifications.add(
    {
      id: deps.newId('ntf'),
      workspaceId,
      kind: 'sync_failed',
      dedupKey: 'x',
      title: 'mine',
      detail: {},
      streamId: null,
    },
    deps.now(),
  ).id
  const foreignKeyId = (await h.call('GET', 'api_keys')).body.data[0].id
  const ids: Record<string, string> = {
    sources: mine.source,
    destinations: mine.destination,
    connections: mine.connection,
    streams: mine.stream,
    runs: run,
    ranges: range,
    notifications: ntf,
    api_keys: foreignKeyId,
    workspaces: workspaceId,
  }
  const callers = [
    { key: h.key('admin', other), query: '' },
    { key: h.key('admin'), query: `?workspace_id=${other}` },
  ]
  for (const route of await allRoutes(h)) {
    const id = ids[route.path.split('/')[3] ?? '']
    if (!route.path.includes('{id}') || id === undefined) continue
    for (const { key, query } of callers) {
      // Keys and workspaces are not in a workspace: an unbound admin sees them all.
      if (query !== '' && /api_keys|workspaces/.test(route.path)) continue
      const body = bodies[`${route.method} ${route.path}`] ?? {}
      const answer = await h.call(route.method, `${route.path.replace('{id}', id)}${query}`, {
        key,
        ...(route.method === 'GET' || route.method === 'DELETE' ? {} : { body }),
      })
      const isUnboundOnly = /workspaces/.test(route.path) && route.method !== 'GET'
      t.equal(answer.status, isUnboundOnly ? 403 : 404, `${route.method} ${route.path}${query}`)
      t.notMatch(answer.text, /shop|orders|mine|canary/)
    }
  }
  for (const list of [
    'sources',
    'destinations',
    'connections',
    'streams',
    'runs',
    'activity',
    'notifications',
  ]) {
    for (const { key, query } of callers) {
      const answer = await h.call('GET', `${list}${query}`, { key })
      t.strictSame(answer.body.data, [], list)
    }
  }
  t.equal((await h.call('GET', `streams/${mine.stream}`)).status, 200, 'still there for its owner')
})

t.test('a workspace is named by id or name; others’ are not there and can’t be used', async (t) => {
  const h = await openHarness()
  t.teardown(h.close)
  const other = (await h.call('POST', 'workspaces', { body: { name: 'other' } })).body.id
  const mine = await makeStream(h)
  const workspaceId = (await h.call('GET', 'session')).body.workspace.id
  const callers = [{ key: h.key('admin', other) }]
  const asked = await h.call('GET', `sources?workspace_id=${workspaceId}`, {
    key: callers[0]?.key ?? '',
  })
  t.match(asked, { status: 404, body: { code: 'workspace.not_found' } })
  for (const name of ['default', 'nowhere']) {
    const named = await h.call('GET', `sources?workspace_id=${name}`, {
      key: callers[0]?.key ?? '',
    })
    t.equal(named.status, 404, 'whether it exists is not told')
  }
  const byName = await h.call('GET', 'sources?workspace_id=Default')
  t.equal(byName.body.data.length, 1, 'a name will do')
  const stolen = await h.call('POST', `connections?workspace_id=${other}`, {
    body: { name: 'x', source_id: mine.source, destination_id: mine.destination },
  })
  t.equal(stolen.status, 422)
  t.strictSame(
    stolen.body.errors.map((error: { pointer: string }) => error.pointer),
    ['/source_id', '/destination_id'],
  )
})

const bodies: Record<string, object> = {
  'POST /api/v1/sources/{id}/preview': { stream: 'orders' },
  'POST /api/v1/streams/{id}/ranges': { action: 'retry' },
  'PATCH /api/v1/workspaces/{id}': { name: 'taken over' },
}

t.test('a bound key manages keys of its workspace and nothing of the installation', async (t) => {
  const h = await openHarness()
  t.teardown(h.close)
  const other = (await h.call('POST', 'workspaces', { body: { name: 'other' } })).body.id
  const key = h.key('admin', other)
  t.equal(
    (await h.call('PATCH', 'settings', { key, body: { max_concurrent_syncs: 9 } })).status,
    403,
  )
  t.equal((await h.call('POST', 'workspaces', { key, body: { name: 'third' } })).status, 403)
  const listed = await h.call('GET', 'workspaces', { key })
  t.match(listed.body.data, [{ id: other, name: 'other' }])
  t.equal(listed.body.data.length, 1)
  const made = await h.call('POST', 'api_keys', { key, body: { name: 'helper', role: 'operator' } })
  t.match(made, { status: 201, body: { workspace_id: other, role: 'operator' } })
  for (const workspace_id of [null, (await h.call('GET', 'session')).body.workspace.id]) {
    const refused = await h.call('POST', 'api_keys', {
      key,
      body: { name: 'x', role: 'admin', workspace_id },
    })
    t.equal(refused.status, 422)
  }
  const names = (await h.call('GET', 'api_keys', { key })).body.data.map(
    (one: { name: string }) => one.name,
  )
  t.strictSame(names.sort(), ['admin key', 'helper'])
})

t.test('keys: shown once, refused at once after deletion; the last admin key stays', async (t) => {
  const h = await openHarness()
  t.teardown(h.close)
  const made = await h.call('POST', 'api_keys', { body: { name: 'second', role: 'admin' } })
  t.match(made.body.key, /^dk_live_[0-9a-f]{32}$/)
  t.equal(made.body.hint, made.body.key.slice(-4))
  const read = await h.call('GET', `api_keys/${made.body.id}`)
  t.notOk('key' in read.body)
  t.equal((await h.call('GET', 'sources', { key: made.body.key })).status, 200)
  const first = (await h.call('GET', 'api_keys')).body.data[0].id
  t.equal((await h.call('DELETE', `api_keys/${first}`)).status, 204)
  t.equal((await h.call('GET', 'sources')).status, 401, 'the deleted key is refused')
  const last = await h.call('DELETE', `api_keys/${made.body.id}`, { key: made.body.key })
  t.match(last, { status: 409, body: { code: 'api_key.last_admin' } })
})

t.test('secrets never leave: not in answers, not in the log, not in the database', async (t) => {
  const h = await openHarness()
  t.teardown(h.close)
  const ids = await makeStream(h)
  const seen: string[] = []
  for (const path of [
    'sources',
    `sources/${ids.source}`,
    'connectors',
    'streams',
    'activity',
    `sources/${ids.source}/streams`,
  ]) {
    seen.push((await h.call('GET', path)).text)
  }
  const bad = { config: { api_key: [secretKey] } }
  seen.push((await h.call('PATCH', `sources/${ids.source}`, { body: bad })).text)
  seen.push(
    (await h.call('PATCH', `sources/${ids.source}`, { body: { config: { nonsense: secretKey } } }))
      .text,
  )
  seen.push(h.logged.join(''))
  seen.push(h.db.full.serialize().toString('latin1'))
  for (const encoded of [secretKey, Buffer.from(secretKey).toString('base64').slice(0, -4)]) {
    t.notOk(seen.join('\n').includes(encoded))
  }
  const call = await h.call('POST', `sources/${ids.source}/check`)
  t.equal(call.status, 200)
  t.match(h.engine.calls.at(-1), ['checkSource', 'demo_shop', { api_key: secretKey }])
})
