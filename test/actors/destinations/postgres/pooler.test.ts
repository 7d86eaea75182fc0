/** Behind PgBouncer in transaction mode: no session outlives a transaction, and several clients share one. */
import pg from 'pg'
import t from 'tap'
import { checkDatabase } from '../../../../actors/destinations/postgres/check.ts'
import { PostgresWriter } from '../../../../actors/destinations/postgres/writer.ts'
import type { Row } from '../../../../actors/destinations/writer.ts'
import { type Pooler, startPooler } from '../../../support/pgbouncer.ts'
import { type Postgres, startPostgres } from '../../../support/postgres.ts'
import { missingServices } from '../../../support/services.ts'
import { conformance } from '../conformance.ts'
import { postgresConformance } from './place.ts'
import { day, Scene } from './scene.ts'

const skip = missingServices('postgres', 'pgbouncer')
let server: Postgres
let pooler: Pooler
t.setTimeout(120_000)

if (!skip) {
  server = await startPostgres()
  pooler = await startPooler(server)
  t.teardown(async () => {
    await pooler.stop()
    await server.remove()
  })
}

const rowsOf = (n: number, v: string, first = 0): Row[] =>
  Array.from({ length: n }, (_, i) => ({ id: first + i, updated_at: '2026-01-01T01:00:00Z', v }))

t.test('the check passes', { skip }, async (t) => {
  const { ok, steps } = await checkDatabase({ url: pooler.url })
  t.ok(ok, JSON.stringify(steps.at(-1)))
})

t.test(
  'ranges of all sizes, many at once, by more clients than there are sessions',
  { skip },
  async (t) => {
    const scene = await new Scene(pooler.url, 'pooled', {
      tracks: 'report',
      deletes: 'hard',
    }).open()
    t.teardown(() => scene.close())
    const sizes = [3, 40, 700, 1500]
    const fences = new Map<number, number>()
    for (const v of ['a', 'b']) {
      await Promise.all(
        Array.from({ length: 24 }, async (_, n) => {
          const size = sizes[n % sizes.length] as number
          const rows = rowsOf(v === 'a' ? size : size - 1, v, n * 10_000)
          const { fence } = await scene.sync([rows], {
            range: day(n, { committedFence: fences.get(n) ?? null }),
          })
          fences.set(n, fence)
        }),
      )
    }
    const expected = Array.from({ length: 24 }, (_, n) => (sizes[n % sizes.length] as number) - 1)
    t.strictSame(await scene.rows('min(v) as v, max(v) as w, count(*)::int as n'), [
      { v: 'b', w: 'b', n: expected.reduce((sum, n) => sum + n, 0) },
    ])
  },
)

t.test('chunks of a large range', { skip }, async (t) => {
  const scene = await new Scene(pooler.url, 'chunks').open()
  const writer = new PostgresWriter({ url: pooler.url }, { chunkBytes: 10_000 })
  t.teardown(async () => {
    await writer.close()
    await scene.close()
  })
  const pages = Array.from({ length: 10 }, (_, n) => rowsOf(200, 'x'.repeat(40), n * 200))
  t.equal((await scene.sync(pages, { writer })).records, 2000)
  t.strictSame(await scene.rows('count(*)::int as n'), [{ n: 2000 }])
})

t.test('a session that a pooler hides is not taken for lost', { skip }, async (t) => {
  const scene = await new Scene(pooler.url, 'hidden').open()
  const patience = { silentMs: 200, lockMs: 60_000, blindMs: 60_000 }
  const writer = new PostgresWriter({ url: pooler.url }, { patience })
  t.teardown(async () => {
    await writer.close()
    await scene.close()
  })
  const first = await scene.sync([rowsOf(10, 'a')], { writer })
  await scene.client.query(`create function hidden.wait() returns trigger language plpgsql as
    $$ begin perform pg_sleep(2); return null; end $$;
    create trigger wait after update on ${scene.table} execute function hidden.wait()`)
  const options = { writer, range: { committedFence: first.fence } }
  t.equal((await scene.sync([rowsOf(10, 'b')], options)).rowsChanged, 10)
})

t.test(
  'the index for deletes leaves nothing in the sessions that others get',
  { skip },
  async (t) => {
    const scene = await new Scene(pooler.url, 'index', {
      tracks: 'creation',
      deletes: 'hard',
    }).open()
    const others = Array.from({ length: 4 }, () => new pg.Client({ connectionString: pooler.url }))
    t.teardown(async () => {
      await Promise.all(others.map((client) => client.end()))
      await scene.close()
    })
    await Promise.all(others.map((client) => client.connect()))
    const first = await scene.sync([rowsOf(60_000, 'x'.repeat(100))])
    // Others who keep the sessions busy, so that statements wander between them.
    let isOver = false
    const seen = new Set<string>()
    const busy = others.map(async (client) => {
      while (!isOver) {
        const { rows } = await client.query(
          `select current_setting('lock_timeout') as t from pg_sleep(0.002)`,
        )
        seen.add(String(rows[0].t))
      }
    })
    await scene.sync([rowsOf(59_990, 'y')], { range: { committedFence: first.fence } })
    const { rows: indexes } = await scene.client.query(
      `select 1 from pg_indexes where schemaname = 'index' and indexdef like '%(_derrick_range)%'`,
    )
    t.equal(indexes.length, 1, 'the index is there')
    isOver = true
    await Promise.all(busy)
    t.strictSame([...seen], ['0'], 'nobody met a timeout that is not his')
    const { rows: locks } = await scene.client.query(
      `select 1 from pg_locks where locktype = 'advisory'`,
    )
    t.equal(locks.length, 0, 'and no lock was left')
  },
)

t.test('the conformance suite', { skip }, async (t) => {
  conformance(t, postgresConformance(pooler.url, server.url))
})
