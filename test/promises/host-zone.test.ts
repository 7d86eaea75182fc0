/**
 * P13: the zone of the machine decides nothing. Over the days on which clocks change, the program plans the same ranges and
 * writes the same files wherever it runs. More machines: `node test/promises/host-zone.test.ts --zones all`.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import t from 'tap'
import { readLedger } from '../kill/ledger.ts'
import { countingManifest, startCountingApi } from '../support/counting-api.ts'
import { type Derrick, startDerrick } from '../support/derrick.ts'
import { createConnection, createFiles, runToEnd } from '../support/setup.ts'
import { tempDir } from '../support/temp-dir.ts'

const { values } = parseArgs({ options: { zones: { type: 'string', default: 'few' } } })
const few = ['UTC', 'America/St_Johns', 'Pacific/Apia']
const all = [
  ...few,
  'Europe/Berlin',
  'Australia/Lord_Howe',
  'Asia/Kathmandu',
  'America/Los_Angeles',
  'Pacific/Kiritimati',
]
const machines = values.zones === 'all' ? all : few
t.setTimeout(machines.length * 60_000)

/** Clocks change by an hour at two in the one zone, by half an hour in the other. */
const sources = [
  { timezone: 'Europe/Berlin', days: ['2026-03-29', '2025-10-26'] },
  { timezone: 'Australia/Lord_Howe', days: ['2026-04-05', '2025-10-05'] },
]
const granularities = ['day', 'hour'] as const

/** That day by the source's own clock, and with days also the one before and the one after. */
function windowOf(day: string, zone: string, around: number): { from: string; to: string } {
  const at = (shift: number) =>
    Temporal.PlainDate.from(day).add({ days: shift }).toZonedDateTime(zone).toInstant().toString()
  return { from: at(-around), to: at(1 + around) }
}

/** What a machine in that zone makes of it: ranges, paths and rows, without when each was written. */
async function playIn(zone: string, apiUrl: string): Promise<Record<string, unknown>> {
  using home = tempDir('host-zone')
  const manifests = join(home.path, 'manifests')
  mkdirSync(manifests)
  writeFileSync(join(manifests, 'counting.yaml'), countingManifest('[]'))
  const derrick = await startDerrick({
    dataDir: join(home.path, 'data'),
    env: { TZ: zone, DERRICK_MANIFESTS_DIR: manifests, DERRICK_WORKERS: '1' },
  })
  try {
    const next: unknown[] = []
    const folder = join(home.path, 'files')
    const destination_id = await createFiles(derrick, folder)
    const runs: Promise<string[]>[] = []
    for (const { timezone, days } of sources) {
      const name = timezone.replace('/', '-')
      const { id: source_id } = await derrick.api<{ id: string }>('POST', '/sources', {
        name,
        connector: 'counting',
        config: { base_url: apiUrl },
        start_date: '2025-10-01',
        timezone,
      })
      const connection = { name, source_id, destination_id, namespace: name }
      const made = granularities.map((sync_granularity) => ({
        name: sync_granularity,
        source_stream: 'days',
        sync_granularity,
        parallel_ranges: 8,
        schedule: '30 2 29 3 *',
        schedule_timezone: timezone,
      }))
      for (const [stream, id] of await createConnection(derrick, connection, made)) {
        next.push((await derrick.api<{ next_run_at: string }>('GET', `/streams/${id}`)).next_run_at)
        const around = stream === 'day' ? 1 : 0
        runs.push(
          syncAll(
            derrick,
            id,
            days.map((day) => windowOf(day, timezone, around)),
          ),
        )
      }
    }
    const ends = await Promise.all(runs)
    const { ranges } = readLedger(join(home.path, 'data'))
    const bounds = ranges.map(({ stream, start, end, status }) => [stream, start, end, status])
    return { bounds, next, ends, files: filesOf(folder) }
  } finally {
    await derrick.kill9()
  }
}

async function syncAll(derrick: Derrick, id: string, windows: object[]): Promise<string[]> {
  const ends: string[] = []
  for (const window of windows) {
    const run = await derrick.api<{ id: string }>('POST', `/streams/${id}/sync`, window)
    ends.push((await runToEnd(derrick, run.id)).status)
  }
  return ends
}

function filesOf(folder: string): [path: string, rows: string[]][] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.jsonl') && !path.includes('_derrick'))
    .sort()
    .map((path) => {
      const text = readFileSync(join(folder, path), 'utf8')
      return [path, text.replaceAll(/"_derrick_synced_at":"[^"]+"/g, '""').split('\n')]
    })
}

const api = await startCountingApi()
t.teardown(() => api.close())
const [here, ...others] = await Promise.all(
  machines.map(async (zone) => ({ zone, made: await playIn(zone, api.url) })),
)

t.test('days on which clocks change have the hours they have', (t) => {
  const bounds = here?.made.bounds as [stream: string, start: number, end: number, status: string][]
  t.ok(bounds.every(([, , , status]) => status === 'complete'))
  const lengths = (stream: string) =>
    bounds.filter(([name]) => name === stream).map(([, start, end]) => (end - start) / 3_600_000)
  const odd = lengths('day').filter((hours) => hours !== 24)
  t.same(odd.sort(), [23, 23.5, 24.5, 25], 'each zone has a short day and a long one')
  t.equal(lengths('day').length, 12)
  t.equal(sum(lengths('hour')), 23 + 25 + 23.5 + 24.5)
  t.equal((here?.made.files as unknown[] | undefined)?.length, bounds.length, 'a file a range')
  t.end()
})

for (const { zone, made } of others) {
  t.test(`a machine in ${zone} plans and writes the same as one in ${here?.zone}`, (t) => {
    t.strictSame(made, here?.made)
    t.end()
  })
}

function sum(numbers: number[]): number {
  return numbers.reduce((all, one) => all + one, 0)
}
