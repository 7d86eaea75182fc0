import { readFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import { checkSource } from '../../../../actors/connectors/manifest/check.ts'
import { makeLocalGovernor } from '../../../../actors/connectors/manifest/limits.ts'
import { makeStreamReader } from '../../../../actors/connectors/manifest/reader.ts'
import { type Failure, toFailure } from '../../../../schema/error.ts'
import { streamCapabilities } from '../../../../schema/manifest/capabilities.ts'
import { loadManifest } from '../../../../schema/manifest/load.ts'
import {
  type Manifest,
  type ManifestStream,
  streamOf,
} from '../../../../schema/manifest/manifest.ts'
import { jumpingClock } from '../test-api.ts'
import { type ConnectedApi, connect } from './simulated-api.ts'
import type { BuiltIn, SimulatedApi, StreamCase } from './vendor.ts'
import { type Json, makeWorld, type World } from './world.ts'

const dayMs = 86_400_000
/** A day, and the one after it; the API holds more on both sides. */
const [from, middle, until] = [0, 1, 2].map((day) => Date.UTC(2026, 2, 3) + day * dayMs) as [
  number,
  number,
  number,
]
const smallPage = 2

/** The shipped manifest. */
export function manifestOfBuiltIn(id: string): Manifest {
  const file = new URL(`../../../../manifests/${id}.yaml`, import.meta.url)
  const { manifest, issues } = loadManifest(readFileSync(file, 'utf8'), `${id}.yaml`)
  if (!manifest) throw new Error(JSON.stringify(issues, null, 2))
  return manifest
}

/** The same manifest asking for small pages, so that a few dozen records need several. */
function withSmallPages(manifest: Manifest): Manifest {
  const copy = structuredClone(manifest)
  for (const { paging } of Object.values(copy.streams)) {
    if (paging.type !== 'none' && paging.size) paging.size.value = smallPage
  }
  return copy
}

/** One stream against one API, freshly started. */
export interface Bench {
  builtIn: BuiltIn
  name: string
  stream: ManifestStream
  spec: StreamCase
  manifest: Manifest
  api: SimulatedApi
  connected: ConnectedApi
  /** ids of what lies in each range */
  expected: { first: string[]; second: string[]; all: string[] }
  /** ids by their time */
  times: { ms: number; ids: string[] }[]
}

/** @param change edits the manifest before it is used */
export async function open(
  builtIn: BuiltIn,
  name: string,
  change: (manifest: Manifest) => void = () => {},
): Promise<Bench> {
  const manifest = withSmallPages(manifestOfBuiltIn(builtIn.id))
  change(manifest)
  const stream = streamOf(manifest, name)
  const spec = builtIn.streams[name]
  if (!stream || !spec) throw new Error(`no stream ${name}`)
  const api = builtIn.makeApi(makeWorld())
  const connected = await connect(api, builtIn.hosts)
  const times = fill(api.world, spec)
  const within = (start: number, end: number): string[] =>
    times.flatMap(({ ms, ids }) => (ms >= start && ms < end ? ids : []))
  const expected = {
    first: within(from, middle),
    second: within(middle, until),
    all: within(0, Number.POSITIVE_INFINITY),
  }
  return { builtIn, name, stream, spec, manifest, api, connected, expected, times }
}

/** Records on every edge and beside it, and enough between them for several pages. */
function fill(world: World, spec: StreamCase): Bench['times'] {
  const tick = spec.tickMs ?? 1_000
  const edges = [from, middle, until].flatMap((edge) => [edge - tick, edge, edge + tick])
  const inner = Array.from({ length: 16 }, (_, at) => [
    from + (at + 1) * 4_321_000,
    middle + (at + 1) * 4_567_000,
  ]).flat()
  return [...edges, ...inner].map((ms, n) => ({ ms, ids: spec.seed(world, n, ms) }))
}

interface Reading {
  ids: string[]
  failure: Failure | null
  /** all that was said meanwhile */
  said: string
  waits: number[]
}

/** Reads a stream, or one range of it. Never throws. */
export async function read(
  bench: Bench,
  window: { start: number; end: number } | null,
  options: { manifest?: Manifest; config?: Json } = {},
): Promise<Reading> {
  const { builtIn, connected, name, spec } = bench
  connected.reset()
  const clock = jumpingClock(until + dayMs)
  const said: string[] = []
  const ids: string[] = []
  let failure: Failure | null = null
  try {
    const reader = makeStreamReader({
      manifest: options.manifest ?? bench.manifest,
      streamName: name,
      config: options.config ?? builtIn.config,
      http: connected.http(clock.now),
      clock,
      random: () => 0.5,
    })
    const signal = new AbortController().signal
    const onWait = (_: number, reason: string) => said.push(reason)
    for await (const page of reader.pages({ window, signal, onWait })) {
      for (const row of page.records) ids.push(spec.rowId(row))
      if (page.rejects) said.push(JSON.stringify(page.rejects))
    }
  } catch (error) {
    failure = toFailure(error)
    said.push(JSON.stringify(failure), String((error as Error).stack))
  }
  return {
    ids: spec.mayRepeat ? [...new Set(ids)] : ids,
    failure,
    said: said.join('\n'),
    waits: clock.waits,
  }
}

/** The range that most tests read. */
export const rangeOf = ({ stream }: Bench) => (stream.window ? first : null)
/** What that range must give. */
export const idsOf = (bench: Bench): string[] =>
  bench.stream.window ? bench.expected.first : bench.expected.all

const first = { start: from, end: middle }
const second = { start: middle, end: until }

/** Every stream of a built-in connector against its vendor's API. */
export function conform(builtIn: BuiltIn): void {
  t.setTimeout(120_000)
  const manifest = manifestOfBuiltIn(builtIn.id)
  t.test('the suite knows every stream, and which can be read newest first', async (t) => {
    t.same(Object.keys(builtIn.streams).sort(), Object.keys(manifest.streams).sort())
    const names = Object.keys(manifest.streams)
    const able = names.filter((name) => streamCapabilities(manifest, name)?.newest_first)
    t.same(able.sort(), [...builtIn.newestFirst].sort())
  })
  t.test('the connection test tells right from wrong credentials', (t) => checks(t, builtIn))
  const asked = new Map<string, string>()
  for (const name of Object.keys(builtIn.streams)) {
    t.test(name, async (t) => {
      const bench = await open(builtIn, name)
      if (bench.stream.window) await windowed(t, bench)
      else await whole(t, bench)
      await refusals(t, bench)
      await limits(t, bench)
      await paging(t, bench)
      for (const { url } of bench.connected.calls) asked.set(new URL(url).pathname, name)
      await echoes(t, bench)
      t.same(bench.connected.strays, [], 'nobody else was asked')
    })
  }
  t.test('what the vendor allows is kept, however many requests there are', (t) =>
    budgets(t, builtIn, manifest, asked),
  )
}

/** @param asked the stream that each path was asked for */
async function budgets(
  t: Test,
  { allows }: BuiltIn,
  { api, streams }: Manifest,
  asked: Map<string, string>,
): Promise<void> {
  const base = /^[^/]+\/\/[^/]+(\/.*)?$/.exec(api.base_url)?.[1] ?? ''
  for (const { match, requests, perMs } of allows) {
    const paths = [...asked].filter(([path]) => match.test(path))
    t.ok(paths.length > 0, `${match} is asked`)
    for (const [path, name] of paths.slice(0, 3)) {
      const clock = jumpingClock()
      const own = streams[name]?.limits ?? []
      const governor = makeLocalGovernor({
        limits: api.limits,
        maxInFlight: api.max_in_flight,
        clock,
      }).ofStream(name, own)
      const times: number[] = []
      const signal = new AbortController().signal
      for (let n = 0; n < 2 * requests + 1; n += 1) {
        const leave = await governor.enter(path.replace(base, ''), signal)
        times.push(clock.now())
        leave({ status: 200, headers: {}, response: null })
      }
      const spans = times.slice(requests).map((time, at) => time - (times[at] as number))
      t.ok(Math.min(...spans) >= perMs, `${path}: ${requests} in ${Math.min(...spans)} ms`)
    }
  }
}

/** An API that repeats what it was sent in its errors, credentials too: they are told to nobody. */
async function echoes(t: Test, bench: Bench): Promise<void> {
  const { builtIn, connected } = bench
  const credentials: string[] = []
  connected.interject = (_, { headers, path, query, body }) => {
    if (path.includes('/oauth/')) return null
    credentials.push(headers.authorization?.split(' ').at(-1) ?? '')
    const message = `bad request ${JSON.stringify({ headers, body })} ${query}`
    return { status: 400, body: { message, error: { message }, errors: [{ message }] } }
  }
  const got = await read(bench, rangeOf(bench))
  connected.interject = () => null
  t.ok(got.failure, 'it fails')
  silent(t, builtIn, got.said)
  for (const credential of credentials.filter(({ length }) => length > 8))
    t.notOk(got.said.includes(credential), 'nor what was made of it')
}

async function checks(t: Test, builtIn: BuiltIn): Promise<void> {
  const [name] = Object.keys(builtIn.streams)
  const bench = await open(builtIn, name as string)
  const clock = jumpingClock(until + dayMs)
  const check = (config: Json) =>
    checkSource({
      manifest: manifestOfBuiltIn(builtIn.id),
      config,
      http: bench.connected.http(clock.now),
      clock,
      random: () => 0.5,
    })
  const good = await check(builtIn.config)
  t.ok(good.ok, JSON.stringify(good))
  if (!builtIn.wrongConfig) return
  const bad = await check(builtIn.wrongConfig)
  t.notOk(bad.ok)
  t.equal(bad.steps.find(({ ok }) => !ok)?.name, 'sign-in', JSON.stringify(bad))
  silent(t, builtIn, JSON.stringify(bad))
}

const hourMs = 3_600_000
/** Other bounds than those of UTC's days. */
const oddRanges: [string, number, number][] = [
  ['an hour', from + hourMs, from + 2 * hourMs],
  ['a day of New York', from + 5 * hourMs, middle + 5 * hourMs],
  ['what came since the last look', from + 7 * hourMs + 123, middle],
]

/** Two ranges side by side: each record is of exactly one, and the API was told where they end. */
async function windowed(t: Test, bench: Bench): Promise<void> {
  const { expected, spec, stream, api } = bench
  for (const range of [first, second]) {
    api.world.served.length = 0
    const got = await read(bench, range)
    t.equal(got.failure, null, got.said)
    const wanted = range === first ? expected.first : expected.second
    t.same(got.ids.sort(), [...wanted].sort(), 'what is of the range, once')
    if (!spec.unpaged) t.ok(api.world.served.length > 1, 'in several pages')
    told(t, bench, range)
  }
  for (const [what, start, end] of oddRanges) {
    const got = await read(bench, { start, end })
    const wanted = bench.times.flatMap(({ ms, ids }) => (ms >= start && ms < end ? ids : []))
    t.same(got.ids.sort(), wanted.sort(), what)
  }
  if (stream.window?.end_filter === false) return
  const plain = await read(bench, first, { manifest: manifestOfBuiltIn(bench.builtIn.id) })
  t.same(plain.ids.sort(), [...expected.first].sort(), 'with pages of the usual size')
}

/** No record was sent in vain but those at the edges; without an end filter, no page after the first that was past it. */
function told(t: Test, { stream, spec, api }: Bench, range: { start: number; end: number }): void {
  const { window } = stream
  const pages = api.world.served.filter((page) => page.length > 0)
  if (!window) return
  const slack = spec.slackMs ?? 1_000
  const tooLate = pages.filter((page) => page.every((ms) => ms > range.end + slack))
  const tooEarly = pages.filter((page) => page.every((ms) => ms < range.start - slack))
  if (window.end_filter) {
    const stray = pages.flat().filter((ms) => ms < range.start - slack || ms > range.end + slack)
    t.same(stray, [], 'start and end are honoured')
  } else if (window.order === 'asc') t.ok(tooLate.length <= 1 && tooEarly.length === 0)
  else t.ok(tooEarly.length <= 1)
}

async function whole(t: Test, bench: Bench): Promise<void> {
  const got = await read(bench, null)
  t.equal(got.failure, null, got.said)
  t.same(got.ids.sort(), [...bench.expected.all].sort(), 'all there is, once')
  const plain = await read(bench, null, { manifest: manifestOfBuiltIn(bench.builtIn.id) })
  t.same(plain.ids.sort(), [...bench.expected.all].sort(), 'with pages of the usual size')
}

/** Credentials that are wrong or not enough are the account's matter, and no message tells them. */
async function refusals(t: Test, bench: Bench): Promise<void> {
  const { builtIn, connected } = bench
  if (builtIn.wrongConfig) {
    const refused = await read(bench, rangeOf(bench), { config: builtIn.wrongConfig })
    t.equal(refused.failure?.category, 'auth', refused.said)
    silent(t, builtIn, refused.said)
  }
  if (builtIn.forbidden) {
    const { forbidden } = builtIn
    connected.interject = (_, { path }) => (path.includes('/oauth/') ? null : forbidden)
    const refused = await read(bench, rangeOf(bench))
    connected.interject = () => null
    t.equal(refused.failure?.category, 'auth', refused.said)
    silent(t, builtIn, refused.said)
  }
}

/** "Too many" is waited out, and what the vendor allows is kept from the start. */
async function limits(t: Test, bench: Bench): Promise<void> {
  const { builtIn, connected } = bench
  let asked = 0
  connected.interject = (_, { path }) => {
    if (!path.includes('/oauth/')) asked += 1
    return asked === (bench.spec.unpaged ? 1 : 2) ? builtIn.tooMany : null
  }
  const got = await read(bench, rangeOf(bench))
  connected.interject = () => null
  t.equal(got.failure, null, got.said)
  t.same(got.ids.sort(), [...idsOf(bench)].sort(), 'nothing is lost to "too many"')
  silent(t, builtIn, got.said)
  const { calls } = connected
  const refused = calls.findIndex(({ status }) => status === builtIn.tooMany.status)
  if (refused >= 0) {
    const waited = (calls[refused + 1]?.at ?? 0) - (calls[refused]?.at ?? 0)
    t.ok(waited >= (builtIn.tooManyWaitMs ?? 1), `waited ${waited} ms`)
  }
  for (const { match, requests, perMs } of builtIn.allows) {
    const times = calls.filter(({ url }) => match.test(new URL(url).pathname)).map(({ at }) => at)
    for (const [at, time] of times.entries()) {
      const next = times[at + requests]
      if (next !== undefined) t.ok(next - time >= perMs, `${match} ${requests} in ${perMs} ms`)
    }
  }
}

/** A circle of pages ends, and credentials never follow a next address to another host. */
async function paging(t: Test, bench: Bench): Promise<void> {
  const { api, spec, stream, connected } = bench
  const { type } = stream.paging
  if (spec.unpaged || type === 'none') return
  api.faults.loop = true
  const circle = await read(bench, rangeOf(bench))
  delete api.faults.loop
  t.equal(circle.failure?.code, spec.loopCode ?? 'paging.loop', circle.said)
  t.ok(connected.calls.length < 20, `${connected.calls.length} requests`)
  if (type !== 'next_url' && type !== 'link') return
  api.faults.nextHost = 'elsewhere.example'
  const astray = await read(bench, rangeOf(bench))
  delete api.faults.nextHost
  t.equal(astray.failure?.code, 'paging.host', astray.said)
}

function silent(t: Test, builtIn: BuiltIn, said: string): void {
  for (const secret of builtIn.secrets) t.notOk(said.includes(secret), 'no secret is told')
}
