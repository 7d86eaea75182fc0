import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { type Violation, violation } from './judge.ts'
import { namespace } from './place.ts'

const everyMs = 5
/** Streams whose records never move on: a range holds what its last commit brought, and nothing else. */
const streams = [
  { name: 'refunds', key: 'id' },
  { name: 'products', key: 'sku' },
] as const

export interface Poller {
  looks(): number
  /** Ends it; what it saw that no reader should see. */
  stop(): Promise<Violation[]>
}

interface Look {
  start: string
  fence: string
  expected: string
  found: string
  content: string
}

/** For each range the number of its last commit, how many rows that brought, and what is there now. */
const lookSql = (name: string, key: string): string => `
  select l.range_start::text as start, l.committed::text as fence, l.rows::text as expected,
    count(t._derrick_synced_at)::text as found, md5(coalesce(string_agg(t::text, ',' order by t.${key}), '')) as content
  from ${namespace}._derrick_ranges l left join ${namespace}.${name} t
    on coalesce(t._derrick_range, '-infinity') = l.range_start
  where l.table_name = '${name}' and l.committed is not null group by 1, 2, 3`

/**
 * A user's dashboard: looks for as much as half of the time, wherever other transactions are visible than at its last look, two
 * times in one repeatable read transaction. A commit must be there as a whole: its rows with its number, the same rows for the same number for ever.
 */
export function pollDatabase(url: string): Poller {
  const found: Violation[] = []
  const contents = new Map<string, string>()
  /** by stream: which transactions were visible at the last look */
  const snapshots = new Map<string, string>()
  let isOver = false
  let turn = 0
  let looks = 0
  const judge = (name: string, rows: Look[], again: Look[]): void => {
    if (JSON.stringify(rows) !== JSON.stringify(again)) {
      found.push(violation('mixed-versions', name, '', 'two looks in one transaction differ'))
    }
    for (const { start, fence, expected, found: count, content } of rows) {
      const id = `${name} ${start} ${fence}`
      const before = contents.get(id) ?? content
      contents.set(id, content)
      if (count !== expected || content !== before) {
        const detail = `commit ${fence} has ${count} of ${expected} rows, ${before} became ${content}`
        found.push(violation('mixed-versions', name, start, detail))
      }
    }
  }
  const lookOnce = async (client: pg.Client): Promise<void> => {
    turn += 1
    const { name, key } = streams[turn % streams.length] as (typeof streams)[number]
    await client.query('begin isolation level repeatable read read only')
    const { rows: seen } = await client.query('select pg_current_snapshot()::text as snapshot')
    // The same transactions are visible as before, so the same rows are.
    if (snapshots.get(name) === seen[0].snapshot) return void (await client.query('commit'))
    const { rows: one } = await client.query(lookSql(name, key))
    const { rows: two } = await client.query(lookSql(name, key))
    await client.query('commit')
    looks += 1
    judge(name, one as Look[], two as Look[])
    snapshots.set(name, seen[0].snapshot)
  }
  const run = async (): Promise<void> => {
    while (!isOver) {
      const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 })
      client.on('error', () => {})
      try {
        await client.connect()
        snapshots.clear()
        while (!isOver) {
          const beganAt = performance.now()
          await lookOnce(client)
          // As long again as it looked: it is to see the program at work, not to take its processor.
          await delay(Math.max(everyMs, performance.now() - beganAt))
        }
      } catch {
        // No server or no table just now.
        await delay(everyMs)
      } finally {
        await client.end().catch(() => {})
      }
    }
  }
  const running = run()
  return {
    looks: () => looks,
    async stop() {
      isOver = true
      await running
      return found
    },
  }
}
