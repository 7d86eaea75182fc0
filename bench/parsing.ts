/**
 * Whether parsing is the bottleneck: where the processor time of the workers' threads goes during whole syncs.
 *
 *   node bench/parsing.ts [--days 48] [--per-day 4000]
 *
 * The shop's events are read into files and then read again, once as they come and once by a manifest that sets a field, for which
 * each record has to be parsed and written anew. V8's profiler samples the threads; idle samples and those of loading our own
 * sources are left out. Prints a table and, as the last line, the same as JSON: percent of the samples.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { tempDir } from '../test/support/temp-dir.ts'
import { openEngine } from './pipeline/engine.ts'
import { openShop, warmUp } from './pipeline/shop.ts'
import type { Workload } from './pipeline/workload.ts'

const { values } = parseArgs({
  options: {
    days: { type: 'string', default: '48' },
    'per-day': { type: 'string', default: '4000' },
  },
})

interface Node {
  id: number
  callFrame: { functionName: string; url: string }
  children?: number[]
}
/** Of V8's profile format: what the benchmark looks at. Times are µs. */
interface Profile {
  nodes: Node[]
  samples: number[]
  timeDeltas: number[]
}

/** Where time may go. A sample belongs to the innermost of its calls that is in one of these places. */
const places: [kind: string, place: RegExp][] = [
  [
    'loading sources',
    /node:internal\/(modules|bootstrap|deps\/amaro|per_context)|\/schema\/manifest\/(load|document|plain|merge|names|shape)/,
  ],
  ['parsing', /actors\/http\/(json|json-bytes|record-\w+)\.ts|connectors\/manifest\/(csv|xml)\.ts/],
  [
    'whose record, which fields',
    /connectors\/manifest\/(raw-|ownership|records|fields|value|window)|\/schema\/manifest\//,
  ],
  [
    'keys and rows',
    /destinations\/(key|row|raw|canonical|own-bytes|cursor|duplicates|occurrences|flagged)|\/(raw-)?encoder\.ts|(raw|previous)-rows|row-tail/,
  ],
  ['files', /node:(internal\/)?fs|destinations\/(local-file\/|spool)/],
  ['HTTP', /undici|node:(internal\/)?(_?http|net|tls|streams?|zlib|dns|timers)|actors\/http\//],
  ['messages and the rest of a range', /\/(actors|schema)\/|piscina|node:/],
]
const kinds = [...places.map(([kind]) => kind), 'collecting garbage', 'the machine itself']
type Shares = Record<string, number>

function kindOf(inner: Node, parents: Map<number, Node>): string | undefined {
  const { functionName } = inner.callFrame
  if (functionName === '(idle)') return undefined
  if (functionName === '(garbage collector)') return 'collecting garbage'
  let starting = false
  let found: string | undefined
  for (let at: Node | undefined = inner; at; at = parents.get(at.id)) {
    const { url } = at.callFrame
    const kind = url === '' ? undefined : places.find(([, place]) => place.test(url))?.[0]
    starting ||= kind === 'loading sources'
    found ??= kind
  }
  return starting ? 'loading sources' : (found ?? 'the machine itself')
}

/** µs of a thread's profile, by kind. */
function timesOf({ nodes, samples, timeDeltas }: Profile): Map<string, number> {
  const byId = new Map(nodes.map((node) => [node.id, node]))
  const parents = new Map(nodes.flatMap((node) => (node.children ?? []).map((id) => [id, node])))
  const kindById = new Map([...byId.values()].map((node) => [node.id, kindOf(node, parents)]))
  const times = new Map<string, number>()
  for (const [at, id] of samples.entries()) {
    const kind = kindById.get(id)
    if (kind) times.set(kind, (times.get(kind) ?? 0) + (timeDeltas[at] ?? 0))
  }
  return times
}

/** Percent of what the workers did in all, without what only a start from sources costs. */
function sharesOf(folder: string): Shares {
  const times = new Map<string, number>()
  for (const name of readdirSync(folder)) {
    // Thread 0 is the supervisor, which sees no record.
    if (!/\.cpuprofile$/.test(name) || /\.0\.\d+\.cpuprofile$/.test(name)) continue
    const profile = JSON.parse(readFileSync(join(folder, name), 'utf8')) as Profile
    for (const [kind, us] of timesOf(profile)) times.set(kind, (times.get(kind) ?? 0) + us)
  }
  times.delete('loading sources')
  const all = [...times.values()].reduce((sum, us) => sum + us, 0)
  const share = (kind: string): [string, number] => [
    kind,
    Math.round(((times.get(kind) ?? 0) / all) * 1_000) / 10,
  ]
  return Object.fromEntries(kinds.filter((kind) => kind !== 'loading sources').map(share))
}

/** Two syncs of one engine under the profiler. */
async function profiled(dir: string, workload: Workload, fields: boolean): Promise<Shares> {
  const profiles = join(dir, 'profiles')
  mkdirSync(profiles, { recursive: true })
  const engine = await openEngine({
    dir,
    workload,
    destination: { type: 'local_file', config: { path: join(dir, 'files') } },
    run: 'source',
    env: { NODE_OPTIONS: `--cpu-prof --cpu-prof-dir=${profiles}` },
  })
  try {
    if (fields) {
      const file = join(dir, 'manifests', 'bench_shop.yaml')
      const yaml = readFileSync(file, 'utf8')
      writeFileSync(
        file,
        yaml.replace('/v1/events\n', '/v1/events\n    fields: [{set: seen, to: true}]\n'),
      )
      await engine.derrick.api('GET', '/connectors')
    }
    await engine.sync()
    await engine.resync()
  } finally {
    await engine.stop()
  }
  return sharesOf(profiles)
}

const dir = tempDir('parsing')
const { shop, ranges } = await openShop({
  days: Number(values.days),
  perDay: Number(values['per-day']),
  compress: false,
})
try {
  const { url, apiKey } = shop
  const workload: Workload = { shop: { url, apiKey }, ranges, pageSize: 1000, inFlight: 8 }
  await warmUp(workload)
  const asTheyCome = await profiled(join(dir.path, 'plain'), workload, false)
  const parsed = await profiled(join(dir.path, 'parsed'), workload, true)
  process.stdout.write(`${'% of the workers’ time'.padEnd(36)}as they come  parsed\n`)
  for (const [kind, share] of Object.entries(asTheyCome)) {
    const other = parsed[kind]?.toFixed(1) ?? ''
    process.stdout.write(`${kind.padEnd(36)}${share.toFixed(1).padStart(12)}${other.padStart(8)}\n`)
  }
  process.stdout.write(`${JSON.stringify({ bench: 'parsing', asTheyCome, parsed })}\n`)
} finally {
  await shop.stop()
  dir.remove()
}
