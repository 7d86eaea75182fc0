/**
 * Memory of the executable while the records of a sync grow a hundredfold: one stream, 30 days, parallel ranges.
 *
 *   node bench/memory.ts [--days 30]
 *
 * Prints a table and, as the last line, the same as JSON. Linux only (memory comes from /proc).
 */
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { startDerrick } from '../test/support/derrick.ts'
import { startShop } from '../test/support/simulator.ts'
import { tempDir } from '../test/support/temp-dir.ts'

const { values } = parseArgs({ options: { days: { type: 'string', default: '30' } } })
const days = Number(values.days)
const dayMs = 86_400_000
const nowMs = Date.UTC(2026, 5, 1)
const perDay = [300, 3_000, 30_000]
const sampleEveryMs = 50
const print = (line: string): boolean => process.stdout.write(`${line}\n`)

interface Row {
  records: number
  seconds: number
  peak_rss_mb: number
  peak_anonymous_mb: number
}

const status = (pid: number, field: string): number => {
  const line = readFileSync(`/proc/${pid}/status`, 'utf8')
    .split('\n')
    .find((one) => one.startsWith(`${field}:`))
  return Number(/\d+/.exec(line ?? '')?.[0] ?? 0) / 1024
}

async function measure(eventsPerDay: number): Promise<Row> {
  const dir = tempDir('bench')
  const shop = await startShop({
    startMs: nowMs - days * dayMs,
    nowMs,
    maxPageSize: 1000,
    streams: { events: { perDay: eventsPerDay } },
  })
  const derrick = await startDerrick({ dataDir: `${dir.path}/data` })
  try {
    const id = (body: unknown) => (body as { id: string }).id
    const source = id(
      await derrick.api('POST', '/sources', {
        name: 'shop',
        connector: 'demo_shop',
        config: { base_url: shop.url, api_key: shop.apiKey },
        start_date: new Date(nowMs - days * dayMs).toISOString(),
      }),
    )
    const destination = id(
      await derrick.api('POST', '/destinations', {
        name: 'files',
        type: 'local_file',
        config: { path: `${dir.path}/files` },
      }),
    )
    const connection = id(
      await derrick.api('POST', '/connections', {
        name: 'shop',
        source_id: source,
        destination_id: destination,
        namespace: 'shop',
      }),
    )
    const stream = id(
      await derrick.api('POST', '/streams', { connection_id: connection, name: 'events' }),
    )
    const pid = derrick.child.process.pid as number
    const began = performance.now()
    const run = id(await derrick.api('POST', `/streams/${stream}/sync`, {}))
    let rss = 0
    let anonymous = 0
    for (;;) {
      rss = Math.max(rss, status(pid, 'VmRSS'))
      anonymous = Math.max(anonymous, status(pid, 'RssAnon'))
      const now = await derrick.api<{ status: string; records: number }>('GET', `/runs/${run}`)
      if (!['queued', 'running'].includes(now.status)) {
        const seconds = (performance.now() - began) / 1000
        return {
          records: now.records,
          seconds: Number(seconds.toFixed(1)),
          peak_rss_mb: Math.round(rss),
          peak_anonymous_mb: Math.round(anonymous),
        }
      }
      await new Promise((resolve) => setTimeout(resolve, sampleEveryMs))
    }
  } finally {
    await derrick.stop()
    await shop.stop()
    dir.remove()
  }
}

const rows: Row[] = []
for (const count of perDay) rows.push(await measure(count))
print('   records   seconds  peak RSS MB  peak anonymous MB')
for (const row of rows) {
  print(
    `${String(row.records).padStart(10)}${String(row.seconds).padStart(10)}${String(row.peak_rss_mb).padStart(13)}${String(row.peak_anonymous_mb).padStart(19)}`,
  )
}
print(JSON.stringify({ bench: 'memory', days, rows }))
