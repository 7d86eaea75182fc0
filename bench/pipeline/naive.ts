/**
 * The pipeline that anybody writes first: fetch, json(), one page after the other in each range; lines appended to a file,
 * or rows inserted 500 at a time. Keeps no promise: no fence, no check, nothing is atomic.
 *
 *   node bench/pipeline/naive.ts '{"workload":…,"to":{"folder":…}|{"url":…,"table":…}}'
 */
import { appendFile } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import { eachRange, firstUrl, report, type Workload } from './workload.ts'

type Row = Record<string, unknown>
type To = { folder: string } | { url: string; table: string }

const rowsAtOnce = 500
const columns = ['id', 'type', 'created_at', 'customer_id', 'session', 'value', 'properties']

const { workload, to } = JSON.parse(process.argv[2] ?? '') as { workload: Workload; to: To }
const pool =
  'url' in to ? new pg.Pool({ connectionString: to.url, max: workload.inFlight }) : undefined

async function write(rows: Row[], start: number): Promise<void> {
  if ('folder' in to) {
    const text = rows.map((row) => JSON.stringify(row)).join('\n')
    await appendFile(join(to.folder, `${start}.jsonl`), `${text}\n`)
    return
  }
  for (let at = 0; at < rows.length; at += rowsAtOnce) {
    await insert(rows.slice(at, at + rowsAtOnce), to.table)
  }
}

async function insert(rows: Row[], table: string): Promise<void> {
  const values: unknown[] = []
  const places = rows.map((row) => {
    const cells = columns.map((name) => {
      const value = row[name]
      values.push(typeof value === 'object' && value !== null ? JSON.stringify(value) : value)
      return `$${values.length}`
    })
    return `(${cells.join(',')})`
  })
  const updates = columns.slice(1).map((name) => `${name} = excluded.${name}`)
  await pool?.query(
    `insert into ${table} (${columns.join(',')}) values ${places.join(',')}
     on conflict (id) do update set ${updates.join(',')}`,
    values,
  )
}

await report(async () => {
  let records = 0
  await eachRange(workload, async ({ start, end }) => {
    let url: string | null = firstUrl(workload, start, end - 1000)
    while (url) {
      const answer: Response = await fetch(url, {
        headers: { authorization: `Bearer ${workload.shop.apiKey}` },
      })
      const page = (await answer.json()) as { data: Row[]; links: { next: string | null } }
      if (page.data.length > 0) await write(page.data, start)
      records += page.data.length
      url = page.links.next
    }
  })
  return { records }
})
await pool?.end()
