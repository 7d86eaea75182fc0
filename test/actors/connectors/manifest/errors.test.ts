import type { ServerResponse } from 'node:http'
import fc from 'fast-check'
import t from 'tap'
import { waitAfter, waitOf } from '../../../../actors/connectors/manifest/retry.ts'
import { systemClock } from '../../../../actors/connectors/manifest/sleep.ts'
import { failureOf, ids, jumpingClock, manifestOf, readAll, startApi } from '../test-api.ts'

const secret = 'sk-canary-secret'
const manifest = (url: string, more = '') =>
  manifestOf(`
config: {key: {secret: true}}
api: {base_url: "${url}", timeout: 20s}
auth: {type: bearer, token: "{{ config.key }}"}
streams:
  items:
    path: /items
    key: [id]
    records: {at: data}
    ${more}
`)
const config = { key: secret }
const good = { data: [{ id: 1 }] }

/** Answers with each status in turn, then well. */
function answers(statuses: number[], headers: Record<string, string> = {}) {
  let at = 0
  return (_call: unknown, response: ServerResponse): unknown => {
    const status = statuses[at++]
    if (status === undefined) return good
    response.statusCode = status
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
    return { error: `token ${secret} is bad` }
  }
}

t.test('what passes is waited out, with a back-off that doubles', async (t) => {
  const api = await startApi(answers([500, 503, 408, 425, 520]))
  const clock = jumpingClock()
  const told: string[] = []
  const onWait = (_until: number, reason: string): void => void told.push(reason)
  const result = await readAll({ manifest: manifest(api.url), config, clock, onWait })
  t.same(ids(result.records), [1])
  t.equal(result.requests, 6)
  t.same(clock.waits, [500, 1_000, 2_000, 4_000, 8_000], 'half of 1, 2, 4, 8, 16 s')
  t.equal(told.length, 5)
})

t.test('tries are bounded by the manifest', async (t) => {
  const api = await startApi(answers(Array(20).fill(500)))
  const failure = await failureOf(
    readAll({ manifest: manifest(api.url, 'retry: {attempts: 2}'), config }),
  )
  t.equal(api.calls.length, 3)
  t.match(failure, { category: 'network', code: 'http.status_500', retryable: true })
})

t.test('statuses have categories, and texts hold no secret', async (t) => {
  const table: [number, Record<string, string>, object, number][] = [
    [400, {}, { category: 'unknown', code: 'http.status_400' }, 1],
    [401, {}, { category: 'auth', code: 'http.status_401', retryable: false }, 1],
    [403, {}, { category: 'auth', code: 'http.status_403', retryable: false }, 1],
    [403, { 'x-ratelimit-remaining': '0' }, { category: 'rate_limit', retryable: true }, 6],
    [404, {}, { category: 'unknown', code: 'http.status_404' }, 1],
    [429, {}, { category: 'rate_limit', code: 'http.status_429', retryable: true }, 6],
    [502, {}, { category: 'network' }, 6],
  ]
  for (const [status, headers, expected, calls] of table) {
    const api = await startApi(answers(Array(20).fill(status), headers))
    const failure = await failureOf(readAll({ manifest: manifest(api.url), config }))
    t.match(failure, expected, String(status))
    t.equal(api.calls.length, calls, `${status}: calls`)
    t.notMatch(JSON.stringify(failure), secret)
    t.match(failure.message, `answered ${status}`)
    await api.close()
  }
})

t.test('Retry-After is obeyed: seconds and dates; garbage is not', async (t) => {
  const now = Date.UTC(2026, 0, 10)
  const forms: [string, number][] = [
    ['7', 7_000],
    [new Date(now + 90_000).toUTCString(), 90_000],
    ['soon', 500],
    ['-5', 500],
    ['0', 500],
  ]
  for (const [header, expected] of forms) {
    const api = await startApi(answers([429], { 'retry-after': header }))
    const clock = jumpingClock(now)
    await readAll({ manifest: manifest(api.url), config, clock })
    t.equal(clock.waits[0], expected, header)
    await api.close()
  }
})

t.test('a wait over the bound fails the range with the time, and is not slept', async (t) => {
  for (const status of [429, 503]) {
    const api = await startApi(answers([status], { 'retry-after': '7200' }))
    const clock = jumpingClock()
    const failure = await failureOf(readAll({ manifest: manifest(api.url), config, clock }))
    t.match(failure, { category: 'rate_limit', retry_after_ms: 7_200_000, retryable: true })
    t.same(clock.waits, [])
    await api.close()
  }
})

t.test('other headers that name a time', async (t) => {
  const now = Date.UTC(2026, 0, 10)
  const table: [Record<string, string>, number | null][] = [
    [{ 'x-ratelimit-reset': String(now / 1_000 + 30) }, 30_000],
    [{ 'x-ratelimit-reset': '30' }, 30_000],
    [{ 'ratelimit-reset': '12' }, 12_000],
    [{ ratelimit: '"default";r=0;t=45' }, 45_000],
    [{ ratelimit: 'limit=100, remaining=0, reset=50' }, 50_000],
    [{ 'x-own': '3' }, 3_000],
    [{ 'x-until': String(now + 4_000) }, 4_000],
    [{ 'x-until': new Date(now + 5_000).toISOString() }, 5_000],
    [{}, null],
  ]
  const retry = {
    attempts: 5,
    base_ms: 1_000,
    max_wait_ms: 300_000,
    jitter: false,
    wait_header: 'X-Own',
    until_header: 'X-Until',
  }
  for (const [headers, expected] of table) {
    const wait = waitAfter(1, retry, headers, { now, random: 0.5 })
    t.same(wait, expected === null ? { ms: 1_000, asked: false } : { ms: expected, asked: true })
  }
})

t.test('the wait of any header is never negative nor NaN', async (_t) => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.double().map(String), fc.date().map(String)), (text) => {
      const wait = waitOf(text, 1.7e12)
      return wait === null || (Number.isFinite(wait) && wait >= 0)
    }),
  )
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 30 }),
      fc.double({ min: 0, max: 0.999, noNaN: true }),
      (tries, random) => {
        const retry = { attempts: 20, base_ms: 1_000, max_wait_ms: 300_000, jitter: true }
        const { ms } = waitAfter(tries, retry, null, { now: 0, random })
        return ms >= 0 && ms <= 300_000
      },
    ),
  )
})

t.test('rules of the manifest come first', async (t) => {
  const api = await startApi(({ query }, response) => {
    const status = Number(query.get('s'))
    response.statusCode = status
    if (status === 200) return { code: 7, message: 'busy, try again' }
    return { error: { detail: 'no such plan' } }
  })
  const ask = (status: number, rules: string) =>
    readAll({
      manifest: manifest(api.url, `query: {s: "${status}"}\n    errors: ${rules}`),
      config,
    })
  t.same((await ask(404, '[{when: {status: 404}, then: empty}]')).records, [])
  t.same((await ask(410, '[{when: {status: 4xx}, then: empty}]')).records, [])
  t.match(
    await failureOf(
      ask(
        402,
        '[{when: {status: 402}, then: fail, category: auth, message: "{{ response.error.detail }}"}]',
      ),
    ),
    { category: 'auth', message: 'no such plan', retryable: false },
  )
  t.match(
    await failureOf(
      ask(
        200,
        '[{when: {if: "response.code != 0"}, then: fail, message: "code {{ response.code }}"}]',
      ),
    ),
    {
      category: 'unknown',
      message: 'code 7',
    },
  )
  const before = api.calls.length
  t.match(await failureOf(ask(200, '[{when: {text: busy}, then: rate_limit}]')), {
    category: 'rate_limit',
  })
  t.equal(api.calls.length - before, 6)
  t.match(await failureOf(ask(403, '[{when: {if: "response.nothing.there"}, then: empty}]')), {
    code: 'http.status_403',
  })
})

t.test('a body that is not what it should be never passes for an empty page', async (t) => {
  let body: string | Buffer = ''
  let status = 200
  const api = await startApi((_call, response) => {
    response.statusCode = status
    response.end(body)
  })
  const table: [string | Buffer, string][] = [
    ['', 'json.empty'],
    ['<html>login</html>', 'json.html'],
    ['{"data":[{"id":1}', 'json.cut'],
    ['{"error":"no"}', 'records.missing'],
    ['{"data":{"id":1}}', 'records.shape'],
    ['{"data":[1,2]}', 'records.not_objects'],
    ['[]', 'records.missing'],
    ['null', 'records.missing'],
  ]
  for (const [text, code] of table) {
    body = text
    t.equal((await failureOf(readAll({ manifest: manifest(api.url), config }))).code, code)
  }
  body = '{"data":null}'
  t.same((await readAll({ manifest: manifest(api.url), config })).records, [], 'null is empty')
  status = 204
  body = ''
  t.same((await readAll({ manifest: manifest(api.url), config })).records, [], 'so is 204')
})

t.test('an abort ends waits and stalls at once', async (t) => {
  const waits = await startApi(answers(Array(9).fill(429), { 'retry-after': '100' }))
  const stalls = await startApi(() => undefined)
  for (const api of [waits, stalls]) {
    const abort = new AbortController()
    const reason = new Error('cancelled')
    const stop = (): void => abort.abort(reason)
    setTimeout(stop, 100)
    const reading = readAll({
      manifest: manifest(api.url),
      config,
      clock: systemClock,
      signal: abort.signal,
    })
    await t.rejects(reading, { message: 'cancelled' })
  }
})
