/** Full reads that were cut go on where they ended. */
import { join } from 'node:path'
import t from 'tap'
import { makeStreamReader } from '../../actors/connectors/manifest/reader.ts'
import type { StreamReader } from '../../actors/connectors/reader.ts'
import { ResumeLog } from '../../actors/resume-log.ts'
import { isWorthKeeping, resumedReader } from '../../actors/resumed-reader.ts'
import { tempDir } from '../support/temp-dir.ts'
import {
  failureOf,
  http,
  ids,
  jumpingClock,
  manifestOf,
  numbered,
  startApi,
} from './connectors/test-api.ts'

const total = 3_000
const size = 100

/** An API of 30 pages that ends answering well at page `until`, and may refuse tokens. */
async function openApi(paging: string, key = '[id]') {
  const state = { until: Number.POSITIVE_INFINITY, refuses: false, asked: [] as string[] }
  const api = await startApi((call, response): unknown => {
    const at = Number(call.query.get('token') ?? call.query.get('offset') ?? 0)
    state.asked.push(String(at / size))
    if (at / size >= state.until) response.statusCode = 503
    else if (state.refuses && at > 0) response.statusCode = 400
    else {
      const next = at + size < total ? at + size : null
      return { data: numbered(at, at + size), next, total }
    }
    return { error: 'no' }
  })
  const manifest = manifestOf(`
api: {base_url: "${api.url}"}
streams:
  items:
    path: /items
    key: ${key}
    records: {at: data}
    retry: {attempts: 1}
    paging: ${paging}
`)
  const reader = makeStreamReader({
    manifest,
    streamName: 'items',
    config: {},
    http,
    clock: jumpingClock(),
    random: () => 0.5,
  })
  return { state, reader }
}

async function readWith(reader: StreamReader, log: ResumeLog): Promise<unknown[]> {
  const found: unknown[] = []
  const request = { window: null, signal: new AbortController().signal, onWait: () => {} }
  try {
    for await (const page of resumedReader(reader, log).pages(request))
      found.push(...ids(page.records))
    await log.close(false)
  } catch (error) {
    await log.close(isWorthKeeping(error, false))
    throw error
  }
  return found
}

const cursor = '{type: cursor, name: token, at: next}'
const everything = numbered(0, total).map(({ id }) => id)

for (const paging of [
  cursor,
  '{type: offset, name: offset, total: total, resumable: true, size: {name: limit, value: 100}}',
]) {
  t.test(`what came before the cut is not asked for again: ${paging.slice(0, 14)}`, async (t) => {
    using home = tempDir('resumed')
    const { state, reader } = await openApi(paging)
    const open = () => ResumeLog.open(join(home.path, '1.pages'), 'x', Date.now())
    t.equal(reader.isResumable, true)
    state.until = 23
    const cut = await failureOf(readWith(reader, await open()))
    t.equal(cut.retryable, true)
    state.until = Number.POSITIVE_INFINITY
    state.asked.length = 0
    t.same(await readWith(reader, await open()), everything)
    t.equal(state.asked[0], '23')
    t.equal(state.asked.length, 7)
    state.asked.length = 0
    await readWith(reader, await open())
    t.equal(state.asked.length, 30, 'a read that ended leaves nothing')
  })
}

t.test('a page token that is refused costs one try, and the read begins anew', async (t) => {
  using home = tempDir('resumed')
  const { state, reader } = await openApi(cursor)
  const open = () => ResumeLog.open(join(home.path, '1.pages'), 'x', Date.now())
  state.until = 12
  await failureOf(readWith(reader, await open()))
  state.until = Number.POSITIVE_INFINITY
  state.refuses = true
  t.match(await failureOf(readWith(reader, await open())), {
    code: 'source.resume_refused',
    retryable: true,
  })
  state.refuses = false
  state.asked.length = 0
  t.same(await readWith(reader, await open()), everything)
  t.equal(state.asked.length, 30)
})

t.test('reads that can not be gone on with say so', async (t) => {
  const offset = '{type: offset, name: offset, size: {name: limit, value: 100}}'
  t.equal((await openApi(offset)).reader.isResumable, false, 'offsets move')
  t.equal((await openApi(cursor, '[]')).reader.isResumable, false, 'copies would stay')
  t.equal((await openApi('{type: none}')).reader.isResumable, false)
})
