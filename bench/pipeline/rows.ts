import { appendFile } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import { firstUrl, type Workload } from './workload.ts'

export type Row = Record<string, unknown>
export type To = { folder: string } | { url: string; table: string }

const rowsAtOnce = 500
const columns = ['id', 'type', 'created_at', 'customer_id', 'session', 'value', 'properties']

/** The pages of a range as anybody reads them first: fetch and json(). */
export async function* fetchedPages(
  workload: Workload,
  { start, end }: Workload['ranges'][number],
): AsyncGenerator<Row[]> {
  let url: string | null = firstUrl(workload, start, end - 1000)
  while (url) {
    const answer: Response = await fetch(url, {
      headers: { authorization: `Bearer ${workload.shop.apiKey}` },
    })
    const page = (await answer.json()) as { data: Row[]; links: { next: string | null } }
    yield page.data
    url = page.links.next
  }
}

export interface RowWriter {
  /** Rows of one page of the range that starts then. */
  write(rows: Row[], start: number): Promise<void>
  close(): Promise<void>
}

/** Writes rows as anybody does first: lines appended to a file, or rows inserted 500 at a time. */
export function openRows(to: To, inFlight: number): RowWriter {
  if ('folder' in to) {
    return {
      write: (rows, start) => {
        const text = rows.map((row) => JSON.stringify(row)).join('\n')
        return appendFile(join(to.folder, `${start}.jsonl`), `${text}\n`)
      },
      close: async () => {},
    }
  }
  const pool = new pg.Pool({ connectionString: to.url, max: inFlight })
  return {
    write: async (rows) => {
      for (let at = 0; at < rows.length; at += rowsAtOnce) {
        await insert(pool, rows.slice(at, at + rowsAtOnce), to.table)
      }
    },
    close: () => pool.end(),
  }
}

async function insert(pool: pg.Pool, rows: Row[], table: string): Promise<void> {
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
  await pool.query(
    `insert into ${table} (${columns.join(',')}) values ${places.join(',')}
     on conflict (id) do update set ${updates.join(',')}`,
    values,
  )
}
