import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import t from 'tap'
import { checkSource } from '../../../../actors/connectors/manifest/check.ts'
import { makeStreamReader } from '../../../../actors/connectors/manifest/reader.ts'
import { DerrickError } from '../../../../schema/error.ts'
import { enabledStreams, streamCapabilities } from '../../../../schema/manifest/capabilities.ts'
import { checkConfig } from '../../../../schema/manifest/config.ts'
import { loadManifest } from '../../../../schema/manifest/load.ts'
import type { Manifest } from '../../../../schema/manifest/manifest.ts'
import { jumpingClock } from '../test-api.ts'
import { builtIns } from './built-ins.ts'
import { type ConnectedApi, connect } from './simulated-api.ts'
import type { BuiltIn } from './vendor.ts'
import { makeWorld } from './world.ts'

t.setTimeout(180_000)
const all = Object.values(builtIns)
const start = Date.UTC(2026, 2, 3)
const window = { start, end: start + 86_400_000 }
/** A mutant that asks for more is stopped; that it would go on is no fault of it. */
const mostRequests = 6

const apis = new Map<string, ConnectedApi>()
for (const builtIn of all) {
  const api = builtIn.makeApi(makeWorld())
  for (const { seed } of Object.values(builtIn.streams))
    for (const n of [0, 1, 2]) seed(api.world, n, start + n * 3_600_000)
  apis.set(builtIn.id, await connect(api, builtIn.hosts))
}

const textOf = (id: string): string =>
  readFileSync(new URL(`../../../../manifests/${id}.yaml`, import.meta.url), 'utf8')
const texts = new Map(all.map(({ id }) => [id, textOf(id)]))

/** Words of the language, so that many mutants still load. */
const words =
  `true false null none all asc desc inclusive exclusive updates creation report second hour day
  page offset cursor next_url link last_record list object values scalars table empty short token fail retry
  skip empty reauth smaller_page restart 0 1 2 100 1s 30d id data updated_at created window.start window.end_ms config.owner
  each.repository page.token response.x record.id now header query body GET POST epoch iso date %Y-%m-%d`.split(
    /\s+/,
  )
const edit = fc.record({
  at: fc.double({ min: 0, max: 1, noNaN: true }),
  kind: fc.constantFrom('word', 'word', 'word', 'cut', 'line', 'swap', 'text'),
  word: fc.constantFrom(...words),
  text: fc.string({ unit: 'binary', maxLength: 4 }),
  length: fc.nat(6),
})
type Edit = typeof edit extends fc.Arbitrary<infer T> ? T : never

/** One change to a manifest's text: a word for another, a line less, two lines swapped, some characters. */
function mutate(text: string, { at, kind, word, text: typed, length }: Edit): string {
  const place = Math.floor(at * text.length)
  if (kind === 'cut') return text.slice(0, place) + text.slice(place + length)
  if (kind === 'text') return text.slice(0, place) + typed + text.slice(place + length)
  if (kind === 'word') {
    const from = text.slice(place).search(/[A-Za-z_0-9.]+/)
    if (from < 0) return text
    const begin = place + from
    const rest = text.slice(begin).replace(/^[A-Za-z_0-9.]+/, word)
    return text.slice(0, begin) + rest
  }
  const lines = text.split('\n')
  const line = Math.floor(at * (lines.length - 1))
  if (kind === 'line') lines.splice(line, 1)
  else lines.splice(line, 2, lines[line + 1] ?? '', lines[line] ?? '')
  return lines.join('\n')
}

/** Whatever ends a read must be a failure with a category, never an error of our own code. */
function judge(error: unknown, abort: AbortController): void {
  if (error instanceof DerrickError) return
  if (abort.signal.aborted && error === abort.signal.reason) return
  if (/the test has no host/.test(String(error))) return
  throw error
}

async function run(manifest: Manifest, builtIn: BuiltIn, name: string): Promise<number> {
  const abort = new AbortController()
  const clock = jumpingClock(start + 3 * 86_400_000)
  const http = (apis.get(builtIn.id) as ConnectedApi).http(clock.now)
  let requests = 0
  const counted: typeof http = {
    send(request) {
      requests += 1
      if (requests > mostRequests) abort.abort(new Error('enough'))
      return http.send(request)
    },
  }
  const options = { manifest, config: builtIn.config, http: counted, clock, random: () => 0.5 }
  let rows = 0
  try {
    const reader = makeStreamReader({ ...options, streamName: name })
    const signal = abort.signal
    for await (const page of reader.pages({ window, signal, onWait: () => {} }))
      rows += page.records.length
  } catch (error) {
    judge(error, abort)
  }
  return rows
}

t.test('a thousand mutants of the built-in connectors crash nothing', async (t) => {
  const seen = { refused: 0, loaded: 0, rows: 0, unhandled: 0 }
  const onUnhandled = (): void => {
    seen.unhandled += 1
  }
  process.on('unhandledRejection', onUnhandled)
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...all),
      fc.array(edit, { minLength: 1, maxLength: 3 }),
      fc.nat(),
      async (builtIn, edits, pick) => {
        const text = edits.reduce(mutate, texts.get(builtIn.id) as string)
        const { manifest } = loadManifest(text, 'mutant.yaml')
        if (!manifest) {
          seen.refused += 1
          return
        }
        seen.loaded += 1
        checkConfig(manifest, builtIn.config)
        enabledStreams(manifest, builtIn.config)
        const names = Object.keys(manifest.streams)
        for (const name of names) streamCapabilities(manifest, name, builtIn.config)
        seen.rows += await run(manifest, builtIn, names[pick % names.length] as string)
        if (pick % 4 > 0) return
        const { clock, http } = outside(builtIn)
        await checkSource({ manifest, config: builtIn.config, http, clock, random: () => 0.5 })
      },
    ),
    { numRuns: 1_000 },
  )
  process.off('unhandledRejection', onUnhandled)
  t.ok(seen.loaded > 150 && seen.refused > 150 && seen.rows > 50, JSON.stringify(seen))
  t.equal(seen.unhandled, 0)
})

function outside({ id }: BuiltIn) {
  const clock = jumpingClock(start)
  return { clock, http: (apis.get(id) as ConnectedApi).http(clock.now) }
}
