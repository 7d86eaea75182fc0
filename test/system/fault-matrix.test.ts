/** Each fault of an API or a destination: its category, how often and with which waits it is tried, and what comes of it. */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import t from 'tap'
import { makeStreamReader } from '../../actors/connectors/manifest/reader.ts'
import { postgresError } from '../../actors/destinations/postgres/errors.ts'
import { makeHttpClient } from '../../actors/http/client.ts'
import type { ResolveName } from '../../actors/http/connector.ts'
import { type Failure, toFailure } from '../../schema/error.ts'
import { loadManifest } from '../../schema/manifest/load.ts'
import { jumpingClock } from '../actors/connectors/test-api.ts'
import { failWith, makeHarness, noon, type Script, succeed } from '../runtime/engine/harness.ts'
import { destinationFaults } from './destination-faults.ts'
import { type ApiFault, apiFaults, type Verdict } from './fault-table.ts'

t.setTimeout(180_000)

const manifestFor = (url: string) => {
  const text = `
derrick: 1
id: faulty
version: 1.0.0
api: {base_url: "${url}", timeout: 300ms, max_body: 100KB}
auth: {type: none}
streams:
  items:
    path: /items
    key: [id]
    retry: {attempts: 2, max_wait: 60s}
    records: {at: data}
`
  const { manifest, issues } = loadManifest(text, 'faulty.yaml')
  if (!manifest) throw new Error(JSON.stringify(issues))
  return manifest
}

const resolve: ResolveName = (hostname, callback) => {
  if (hostname === 'rebound.test')
    return callback(null, [{ address: '169.254.169.254', family: 4 }])
  const code = hostname === 'away.test' ? 'EAI_AGAIN' : 'ENOTFOUND'
  callback(Object.assign(new Error(code), { code }), [])
}

/** One attempt at a range of an API with this fault. */
async function read(fault: ApiFault) {
  let requests = 0
  const server = createServer((request, response) => {
    requests += 1
    fault.serve?.(response, request.socket)
  })
  const url = fault.url ?? (await listen(server))
  const http = makeHttpClient({ allowPrivateNetworks: true, resolve, totalTimeoutMs: 1_000 })
  const clock = jumpingClock()
  const reader = makeStreamReader({
    manifest: manifestFor(url),
    streamName: 'items',
    config: {},
    http,
    clock,
    random: () => 0.5,
  })
  const request = { window: null, signal: new AbortController().signal, onWait: () => {} }
  let failure: Failure | null = null
  try {
    for await (const _page of reader.pages(request));
  } catch (error) {
    failure = toFailure(error)
  }
  server.closeAllConnections()
  server.close()
  await http.close()
  return { failure, requests, waits: clock.waits }
}

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** What the engine does with a range that fails so, five times on end and then no more. */
async function verdictOf(failure: Failure): Promise<Verdict> {
  const script: Script = (job, actor) =>
    (h.jobs.length > 5 ? succeed : failWith(failure))(job, actor)
  const h = makeHarness(script, [{ start: noon }])
  h.engine.syncStream('str_0', 'manual')
  const status = await h.ended('str_0')
  const stream = h.deps.config.stream('str_0')
  if (stream?.source.paused) return 'pauses the source'
  if (stream?.pausedReason) return 'pauses the stream'
  if (status === 'complete') return 'waits'
  const [row] = h.deps.ranges.failed('str_0')
  if (h.jobs.length === 1 && row?.failures === 1) return 'gives up'
  return h.jobs.length === 3 && row?.failures === 3 ? 'tries again' : 'is read'
}

const nameOf = (failure: Failure | null): string =>
  failure ? `${failure.category} ${failure.code}` : 'ok'

t.test('faults of APIs', async (t) => {
  for (const fault of apiFaults) {
    const { failure, requests, waits } = await read(fault)
    const verdict = failure ? await verdictOf(failure) : 'is read'
    const found = { is: nameOf(failure), requests, waits, verdict }
    const { is, verdict: wanted } = fault
    t.same(
      found,
      { is, requests: fault.requests, waits: fault.waits ?? [], verdict: wanted },
      fault.name,
    )
  }
})

t.test('faults of destinations', async (t) => {
  for (const { name, error, of, is, verdict } of destinationFaults) {
    const failure = toFailure(of === 'postgres' ? postgresError(error) : error)
    t.same({ is: nameOf(failure), verdict: await verdictOf(failure) }, { is, verdict }, name)
  }
})

t.test('the table is long enough to mean something', async (t) => {
  t.ok(apiFaults.length + destinationFaults.length >= 70)
  t.equal(new Set(apiFaults.map(({ name }) => name)).size, apiFaults.length)
})

t.test('tries and their waits survive a restart', async (t) => {
  const cut = { ...toFailure(new Error('cut')), category: 'network', code: 'network.cut' } as const
  const h = makeHarness(failWith(cut), [{ start: noon }])
  h.deps.wakeAt = () => () => {}
  h.engine.syncStream('str_0', 'manual')
  const failed = () => h.deps.ranges.failed('str_0')[0]
  for (let i = 0; i < 2_000 && !failed(); i++) await new Promise(setImmediate)
  const before = failed()
  t.match(before, { failures: 1, error: { code: 'network.cut' } })
  h.abandon()
  const again = h.restart(succeed)
  t.match(again.deps.ranges.failed('str_0')[0], { failures: 1, dueAt: before?.dueAt })
  again.engine.start()
  t.equal(await again.ended('str_0'), 'complete')
  t.ok(again.clock.now >= (before?.dueAt ?? Infinity), 'not before it was due')
})
