import t, { type Test } from 'tap'
import { checkSource } from '../../../../actors/connectors/manifest/check.ts'
import { makeStreamReader } from '../../../../actors/connectors/manifest/reader.ts'
import { enabledStreams } from '../../../../schema/manifest/capabilities.ts'
import { loadFixture } from '../../../schema/manifest/support.ts'
import { connect } from '../built-in/simulated-api.ts'
import type { ApiAnswer, ApiRequest } from '../built-in/vendor.ts'
import { iso, type Json, makeWorld } from '../built-in/world.ts'
import { jumpingClock } from '../test-api.ts'
import {
  graphqlVendor,
  marketingVendor,
  ranges,
  shopVendor,
  times,
  type Vendor,
} from './vendors.ts'

const shopNames = {
  host: 's.example.com',
  base: '/api',
  tokenPath: '/oauth/token',
  tokenHeader: 'x-access-token',
  limitHeader: 'x-call-limit',
}

/** Of the rows of each range, what tells them apart. */
type Rows = Record<string, Json[][]>

/**
 * Checks a fixture's source and reads every stream of it, range by range, from a server that answers as the vendor does.
 * @param extra answers for what this vendor does not have
 */
async function readFixture(
  t: Test,
  name: string,
  { hosts, config, answer }: Vendor,
  extra: (request: ApiRequest) => ApiAnswer | null = () => null,
): Promise<Rows> {
  const manifest = loadFixture(name)
  const world = makeWorld()
  const connected = await connect(
    { world, faults: {}, answer: (request) => extra(request) ?? answer(request) },
    hosts,
  )
  const clock = jumpingClock(ranges[1]?.end)
  const source = { manifest, config, http: connected.http(clock.now), clock, random: () => 0.5 }
  const check = await checkSource(source)
  t.ok(check.ok, JSON.stringify(check))
  const found: Rows = {}
  for (const streamName of enabledStreams(manifest, config)) {
    const byRange: Json[][] = []
    for (const window of ranges) {
      const reader = makeStreamReader({ ...source, streamName })
      const rows: Json[] = []
      const request = { window, signal: new AbortController().signal, onWait: () => {} }
      for await (const page of reader.pages(request)) {
        t.equal(page.rejects, undefined)
        rows.push(...(page.records as Json[]))
      }
      byRange.push(rows)
    }
    found[streamName] = byRange
  }
  t.same(connected.strays, [], 'nobody else was asked')
  return found
}

/** Places of the times that each range owns. */
const owned = ranges.map(({ start, end }) =>
  times.flatMap((ms, n) => (ms >= start && ms < end ? [n] : [])),
)
const sorted = (numbers: unknown[]): number[] => numbers.map(Number).sort((a, b) => a - b)
const ids = (rows: Json[][] | undefined) => rows?.map((range) => sorted(range.map(({ id }) => id)))

t.test('a REST shop: client credentials, Link paging, records in records, a parent', async (t) => {
  const rows = await readFixture(t, 'storefront', shopVendor(shopNames))
  t.same(
    ids(rows.orders),
    owned.map((range) => range.map((n) => n + 1)),
    'closed ones too, each in one range',
  )
  const refunds = owned.map((range) =>
    sorted(range.flatMap((n) => (n % 3 === 0 ? [] : [100 + n, 200 + n]))),
  )
  t.same(ids(rows.order_refunds), refunds)
  for (const row of rows.order_refunds?.flat() ?? []) {
    const parent = times[Number(row.id) % 100] as number
    t.same(row, { id: row.id, updated_at: iso(parent) }, 'kept')
  }
  const transactions = rows.order_transactions?.map((range) =>
    range.toSorted((a, b) => Number(a.order_id) - Number(b.order_id)),
  )
  const paid = owned.map((range) => range.map((n) => n + 1).filter((id) => id !== 2))
  t.same(
    transactions,
    paid.map((range) => range.map((id) => ({ id: 500 + id, order_id: id }))),
    'of the orders that changed; one has none',
  )
  t.same(
    rows.locations,
    ranges.map(() => [{ id: 3 }, { id: 4 }]),
  )
})

t.test('the same shop with a token of its own', async (t) => {
  const vendor = shopVendor(shopNames)
  const config = { shop: 's', auth_method: 'token', access_token: 'shpat_1' }
  const rows = await readFixture(t, 'storefront', { ...vendor, config }, ({ path }) =>
    path === shopNames.tokenPath ? { status: 500, body: {} } : null,
  )
  t.equal(rows.orders?.flat().length, owned.flat().length)
})

t.test('by GraphQL: cursors in variables, limits and errors with status 200', async (t) => {
  const vendor = graphqlVendor(shopNames)
  const rows = await readFixture(t, 'storefront_graphql', vendor)
  const names = rows.orders?.map((range) => range.map(({ id }) => Number(String(id).slice(1))))
  t.same(
    names?.map((range) => sorted(range)),
    owned,
  )
  const broken = readFixture(t, 'storefront_graphql', vendor, ({ body }) =>
    JSON.parse(body).variables.after === null
      ? null
      : { body: { errors: [{ message: "Field 'nodes' doesn't exist" }] } },
  )
  await t.rejects(broken, { message: /doesn't exist/ })
})

/** What the marketing API has beside its lists: a feed without a filter, and reports. */
function reports({ path, body }: ApiRequest): ApiAnswer | null {
  const host = 'https://api.eu.example.com'
  if (path === '/api/audit') {
    const data = times.map((ms, n) => ({ id: n, at: new Date(ms).toISOString() }))
    const newestFirst = data.sort((a, b) => b.at.localeCompare(a.at))
    return { body: { data: newestFirst, links: { next: null } } }
  }
  if (path === '/api/reports') return { body: { id: JSON.parse(body).from } }
  const day = /\/(2026-\d\d-\d\d)$/.exec(path)?.[1]
  if (path.startsWith('/api/reports/'))
    return { body: { status: 'ready', result: { url: `${host}/files/${day}` } } }
  if (path.startsWith('/files/')) return { body: `date,Campaign ID,cost\n${day},c1,-\n` }
  return null
}

t.test('a marketing API: functions as filters, products of lists, feeds, reports', async (t) => {
  const vendor = marketingVendor({
    host: 'api.eu.example.com',
    scheme: 'Newsletter-Key',
    key: 'pk_1',
  })
  const config = { api_key: 'pk_1', region: 'eu', with_reports: true }
  const rows = await readFixture(t, 'newsletter', { ...vendor, config }, reports)
  for (const name of ['events', 'profiles', 'lists', 'campaigns', 'audit_log']) {
    const numbers = rows[name]?.map((range) =>
      sorted(range.map(({ id }) => String(id).replace(`${name}-`, ''))),
    )
    t.same(numbers, owned, `${name}: each in one range`)
  }
  t.match(rows.events?.[0]?.[0], {
    included: { metric: { attributes: { name: 'the metric' } }, profile: { type: 'profile' } },
  })
  t.same(
    rows.daily_report,
    ['2026-03-03', '2026-03-04'].map((date) => [
      { date, campaign_id: 'c1', cost: null, loaded_for: date },
    ]),
  )
})
