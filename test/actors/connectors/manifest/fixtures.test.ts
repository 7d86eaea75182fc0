import t from 'tap'
import { makeStreamReader } from '../../../../actors/connectors/manifest/reader.ts'
import { enabledStreams } from '../../../../schema/manifest/capabilities.ts'
import { loadFixture } from '../../../schema/manifest/support.ts'
import { type ApiAnswer, type ApiRequest, connect } from '../built-in/simulated-api.ts'
import { makeWorld } from '../built-in/world.ts'
import { jumpingClock } from '../test-api.ts'

const day = { start: Date.UTC(2026, 2, 3), end: Date.UTC(2026, 2, 4) }
const time = '2026-03-03T12:00:00+00:00'

/** Reads every stream of a fixture from an API that answers like this; gives the rows by stream. */
async function readFixture(
  name: string,
  config: Record<string, unknown>,
  hosts: string[],
  answer: (request: ApiRequest) => ApiAnswer,
): Promise<Record<string, unknown[]>> {
  const manifest = loadFixture(name)
  const connected = await connect({ world: makeWorld(), faults: {}, answer }, hosts)
  const clock = jumpingClock(day.end)
  const rows: Record<string, unknown[]> = {}
  for (const streamName of enabledStreams(manifest, config)) {
    const http = connected.http(clock.now)
    const reader = makeStreamReader({
      manifest,
      streamName,
      config,
      http,
      clock,
      random: () => 0.5,
    })
    const request = { window: day, signal: new AbortController().signal, onWait: () => {} }
    const found: unknown[] = []
    for await (const { records } of reader.pages(request)) found.push(...records)
    rows[streamName] = found
  }
  t.same(connected.strays, [])
  return rows
}

const link = (path: string, page: number) => ({
  link: `<https://s.example.com${path}?page_info=${page}>; rel="next"`,
})

t.test('a REST shop: client credentials, Link paging, records in records, a parent', async (t) => {
  const config = { shop: 's', client_id: 'i', client_secret: 'c' }
  const rows = await readFixture(
    'storefront',
    config,
    ['s.example.com'],
    ({ path, query, headers }) => {
      if (path === '/oauth/token') return { body: { access_token: 'token-1', expires_in: 3_600 } }
      if (headers['x-access-token'] !== 'token-1') return { status: 401, body: {} }
      if (path.endsWith('/transactions.json'))
        return path.includes('/2/')
          ? { status: 404, body: {} }
          : { body: { transactions: [{ id: 9 }] } }
      if (path === '/api/locations.json') return { body: { locations: [{ id: 3 }] } }
      const page = Number(query.get('page_info') ?? 0)
      const order = { id: page + 1, updated_at: time, refunds: [{ id: 70 + page }] }
      return { body: { orders: [order] }, headers: page === 0 ? link(path, 1) : {} }
    },
  )
  t.match(rows.orders, [{ id: 1 }, { id: 2 }])
  t.same(rows.order_refunds, [
    { updated_at: time, id: 70 },
    { updated_at: time, id: 71 },
  ])
  t.same(rows.order_transactions, [{ id: 9, order_id: 1 }])
  t.same(rows.locations, [{ id: 3 }])
})

t.test(
  'the same by GraphQL: cursors in variables, a limit that comes with status 200',
  async (t) => {
    let throttled = false
    const config = { shop: 's', access_token: 'a' }
    const rows = await readFixture('storefront_graphql', config, ['s.example.com'], ({ body }) => {
      const { query, variables } = JSON.parse(body)
      t.match(query, /orders\(first: \$first/)
      t.equal(
        variables.q,
        "updated_at:>='2026-03-03T00:00:00Z' AND updated_at:<'2026-03-04T00:00:00Z'",
      )
      if (variables.after === 'c1' && !throttled) {
        throttled = true
        return { body: { errors: [{ message: 'Throttled', extensions: { code: 'THROTTLED' } }] } }
      }
      const isLast = variables.after === 'c1'
      const pageInfo = { hasNextPage: !isLast, endCursor: isLast ? 'c2' : 'c1' }
      return {
        body: { data: { orders: { pageInfo, nodes: [{ id: isLast ? 2 : 1, updatedAt: time }] } } },
      }
    })
    t.match(rows.orders, [{ id: 1 }, { id: 2 }])
  },
)

t.test('a marketing API: products of lists, feeds, a report in packed CSV', async (t) => {
  const config = { api_key: 'pk_1', region: 'eu', with_reports: true }
  const seen: string[] = []
  const rows = await readFixture(
    'newsletter',
    config,
    ['api.eu.example.com'],
    ({ path, query }) => {
      seen.push(`${path} ${query.get('filter') ?? ''}`)
      if (path === '/api/reports') return { body: { id: 'r1' } }
      if (path === '/api/reports/r1')
        return { body: { status: 'ready', result: { url: 'https://api.eu.example.com/files/r1' } } }
      if (path === '/files/r1') return { body: 'date,Campaign ID,cost\n2026-03-03,c1,-\n' }
      const name = path.slice('/api/'.length)
      const field = name === 'events' ? 'datetime' : name === 'campaigns' ? 'updated_at' : 'updated'
      return { body: { data: [{ id: name, at: time, attributes: { [field]: time } }], links: {} } }
    },
  )
  for (const name of ['events', 'profiles', 'lists']) t.match(rows[name], [{ id: name }], name)
  t.match(rows.audit_log, [{ id: 'audit' }])
  t.equal(rows.campaigns?.length, 4, 'two channels, archived or not')
  t.same(rows.daily_report, [
    { date: '2026-03-03', campaign_id: 'c1', cost: null, loaded_for: '2026-03-03' },
  ])
  const filters = seen.filter((line) => line.startsWith('/api/campaigns'))
  t.equal(new Set(filters).size, 4)
})
