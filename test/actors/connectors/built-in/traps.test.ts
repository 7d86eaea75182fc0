import t from 'tap'
import { builtIns } from './built-ins.ts'
import { idsOf, open, rangeOf, read } from './conformance.ts'
import { issued } from './shopify-api.ts'
import type { ApiAnswer, BuiltIn } from './vendor.ts'
import { oauthToken } from './zendesk-api.ts'

const { github, intercom, klaviyo, mailchimp, shopify, zendesk } = builtIns

/** Reads a stream whose API answers `answer` to the request of that number, and tells how it went. */
async function withAnswer(builtIn: BuiltIn, name: string, nth: number, answer: ApiAnswer) {
  const bench = await open(builtIn, name)
  bench.connected.interject = (at) => (at === nth ? answer : null)
  const got = await read(bench, rangeOf(bench))
  const isWhole = JSON.stringify(got.ids.sort()) === JSON.stringify([...idsOf(bench)].sort())
  return { ...got, isWhole, calls: bench.connected.calls }
}

t.test('Klaviyo: a bad key may be a 400, a retired revision is told', async (t) => {
  const detail = 'The API key specified is invalid.'
  const key = await withAnswer(klaviyo, 'events', 0, {
    status: 400,
    body: { errors: [{ detail }] },
  })
  t.equal(key.failure?.category, 'auth')
  const gone = await withAnswer(klaviyo, 'events', 0, { status: 410, body: { errors: [] } })
  t.match(gone.failure, { category: 'unknown', message: /newer version of the connector/ })
})

t.test('Shopify: both ways to sign in', async (t) => {
  const bench = await open(shopify, 'orders')
  const config = { shop: 'fine-goods', auth_method: 'token', access_token: issued }
  const got = await read(bench, rangeOf(bench), { config })
  t.same(got.ids.sort(), [...bench.expected.first].sort())
  t.notOk(bench.connected.calls.some(({ url }) => url.includes('oauth')))
})

t.test(
  'Shopify: the token is fetched once, and once more when it ends before its time',
  async (t) => {
    const ended = { status: 401, body: { errors: '[API] Invalid API key or access token' } }
    const got = await withAnswer(shopify, 'orders', 3, ended)
    t.ok(got.isWhole, got.said)
    t.equal(got.calls.filter(({ url }) => url.endsWith('/oauth/access_token')).length, 2)
  },
)

t.test('Shopify: a page that is too heavy is asked for in half', async (t) => {
  const got = await withAnswer(shopify, 'orders', 2, { status: 502, body: 'Bad Gateway' })
  t.ok(got.isWhole, got.said)
  const limits = got.calls.map(({ url }) => new URL(url).searchParams.get('limit'))
  t.same(limits.slice(1, 4), ['2', '2', '1'])
})

t.test('Zendesk: an OAuth token, too', async (t) => {
  const bench = await open(zendesk, 'tickets')
  const config = { subdomain: 'acme', auth_method: 'oauth_token', access_token: oauthToken }
  const got = await read(bench, rangeOf(bench), { config })
  t.same(got.ids.sort(), [...bench.expected.first].sort())
})

t.test('Zendesk: nothing is older than a minute yet, so there is nothing', async (t) => {
  const bench = await open(zendesk, 'tickets')
  const now = Date.UTC(2026, 2, 6)
  const got = await read(bench, { start: now - 30_000, end: now + 86_400_000 })
  t.same([got.ids, got.failure], [[], null], got.said)
})

t.test('Mailchimp: a bare 403 is a matter of load, one with JSON of the key', async (t) => {
  const bare = await withAnswer(mailchimp, 'campaigns', 1, { status: 403, body: '' })
  t.ok(bare.isWhole, bare.said)
  const html = await withAnswer(mailchimp, 'campaigns', 1, { status: 403, body: '<html></html>' })
  t.ok(html.isWhole, html.said)
})

t.test(
  'Intercom: a scroll that is open elsewhere is waited for, a broken one begins anew',
  async (t) => {
    const error = (code: string) => ({
      body: { type: 'error.list', errors: [{ code, message: code }] },
    })
    const open = await withAnswer(intercom, 'companies', 0, {
      status: 400,
      ...error('scroll_exists'),
    })
    t.ok(open.isWhole, open.said)
    t.same(open.waits[0], 20_000)
    const broken = await withAnswer(intercom, 'companies', 1, {
      status: 500,
      ...error('server_error'),
    })
    t.match(broken.failure, { category: 'network', retryable: true })
  },
)

t.test('GitHub: empty repositories and ones without issues have nothing', async (t) => {
  for (const [name, repository] of [
    ['commits', 'empty'],
    ['issues', 'quiet'],
  ] as const) {
    const bench = await open(github, name)
    const got = await read(bench, rangeOf(bench), {
      config: { ...github.config, repositories: [repository] },
    })
    t.same([got.ids, got.failure], [[], null], got.said)
  }
})
