import t from 'tap'
import { type Answer, type Harness, makeStream, openHarness } from './harness.ts'

const pointers = (answer: Answer): string[] =>
  (answer.body.errors as { pointer: string }[]).map((error) => error.pointer).sort()

async function opened(test: Pick<typeof t, 'teardown'>): Promise<Harness> {
  const h = await openHarness()
  test.teardown(h.close)
  return h
}

const CON = 'con_'

/** Path, body, and the fields that the answer must name; CON stands for a connection that exists. */
const badBodies: [string, object, string[]][] = [
  ['sources', {}, ['/connector', '/name']],
  [
    'sources',
    { name: '', connector: 5, zzz: 1, limits: { max_in_flight: 0, q: 1 } },
    ['/connector', '/limits/max_in_flight', '/limits/q', '/name', '/zzz'],
  ],
  [
    'sources',
    {
      name: 'x',
      connector: 'demo_shop',
      config: { base_url: 'ftp://x', nope: 1 },
      timezone: 'Mars/Olympus',
    },
    ['/config/api_key', '/config/base_url', '/config/nope', '/timezone'],
  ],
  ['sources', { name: 'x', connector: 'demo_shopp' }, ['/connector']],
  [
    'sources',
    {
      name: 'x',
      connector: 'demo_shop',
      config: { base_url: 'http://x', api_key: { $secret: 'v1.a.b.c' } },
    },
    ['/config/api_key', '/config/api_key'],
  ],
  [
    'sources',
    {
      name: 'x',
      connector: 'demo_shop',
      config: { base_url: 'http://x', api_key: 'k' },
      start_date: '2024-02-31',
    },
    ['/start_date'],
  ],
  ['destinations', { name: 'x', type: 'floppy', config: {} }, ['/type']],
  [
    'destinations',
    { name: 'x', type: 'postgres', config: { ssl: 'maybe', port: 1 } },
    ['/config/port', '/config/ssl', '/config/url'],
  ],
  ['streams', { connection_id: CON, name: 'ordrs' }, ['/name']],
  ['streams', { connection_id: CON, name: 'o', source_stream: 'ordrs' }, ['/source_stream']],
  [
    'streams',
    { connection_id: CON, name: 'events', schedule: 'often', start_date: '2024-02-30' },
    ['/schedule', '/start_date'],
  ],
  [
    'streams',
    {
      connection_id: CON,
      name: 'events',
      schedule_timezone: 'Nowhere',
      write_mode: 'upsert',
      primary_key: [],
    },
    ['/schedule_timezone', '/write_mode'],
  ],
  ['streams', { connection_id: 'con_0', name: 'events' }, ['/connection_id']],
  [
    'streams',
    { connection_id: CON, name: 'events', parallel_ranges: 0, retry: { tries: 1 } },
    ['/parallel_ranges', '/retry/tries'],
  ],
  [
    'connections',
    { name: 'a/b', source_id: 'src_0', destination_id: 'x' },
    ['/destination_id', '/name'],
  ],
  ['api_keys', { name: 'x', role: 'king' }, ['/role']],
]
t.test('every bad field of a body is named at once', async (t) => {
  const h = await opened(t)
  const { connection } = await makeStream(h)
  for (const [path, body, expected] of badBodies) {
    const named = JSON.parse(JSON.stringify(body).replace(`"${CON}"`, `"${connection}"`))
    const answer = await h.call('POST', path, { body: named })
    t.equal(answer.status, 422, `${path} ${JSON.stringify(body)}: ${answer.text}`)
    t.strictSame(pointers(answer), expected, answer.text)
    t.match(answer.headers['content-type'], /^application\/problem\+json/)
  }
  const misspelt = await h.call('POST', 'sources', { body: { name: 'x', connector: 'demo_shopp' } })
  t.equal(misspelt.body.errors[0].remedy, 'did you mean demo_shop?')
})

t.test('malformed requests are the caller’s fault and say so', async (t) => {
  const h = await opened(t)
  const admin = { authorization: `Bearer ${h.key('admin')}` }
  const post = (payload: string, type: string) =>
    h.app.inject({
      method: 'POST',
      url: '/api/v1/sources',
      payload,
      headers: { ...admin, 'content-type': type },
    })
  t.equal((await post('{"name":', 'application/json')).statusCode, 400)
  t.equal((await post('{"__proto__": {"a": 1}}', 'application/json')).statusCode, 400)
  t.equal((await post('name=x', 'application/x-www-form-urlencoded')).statusCode, 415)
  t.equal((await post('{"name":"x"}', 'text/plain')).statusCode, 415)
  t.equal(
    (await post(JSON.stringify({ name: 'x'.repeat(2_000_000) }), 'application/json')).statusCode,
    413,
  )
  t.match(await h.call('GET', 'nowhere'), { status: 404, body: { code: 'route.not_found' } })
  t.equal((await h.call('GET', 'sources/not-an-id')).status, 404)
  t.equal((await h.call('GET', 'sources?limit=0')).status, 422)
  t.equal((await h.call('GET', 'sources?limit=201')).status, 422)
  t.equal((await h.call('GET', 'sources?cursor=x')).status, 422)
  t.equal((await h.call('GET', 'sources?nonsense=1')).status, 422)
  t.equal((await h.call('GET', 'runs?status=complete,odd')).status, 422)
})
