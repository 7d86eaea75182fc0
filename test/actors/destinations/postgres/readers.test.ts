import pg from 'pg'
import t from 'tap'
import type { Row } from '../../../../actors/destinations/writer.ts'
import { startPostgres } from '../../../support/postgres.ts'
import { day, Scene } from './scene.ts'

const postgres = await startPostgres()
t.teardown(() => postgres.remove())

const rowsOf = (n: number, version: number, first = 0): Row[] =>
  Array.from({ length: n }, (_, i) => ({
    id: `k${first + i}`,
    updated_at: '2026-01-01T01:00:00Z',
    version,
    filling: 'x'.repeat(100),
  }))

t.test('a reader never sees two versions of a range, nor a part of it', async (t) => {
  const scene = await new Scene(postgres.url, 'mixed', { tracks: 'report', deletes: 'hard' }).open()
  t.teardown(() => scene.close())
  let { fence } = await scene.sync([rowsOf(3000, 0)])
  let isDone = false
  const syncing = (async () => {
    for (let version = 1; version <= 12; version += 1) {
      const rows = rowsOf(version % 2 ? 300 : 3000, version, version % 3)
      const options = { range: { committedFence: fence } }
      // Every other one has far fewer rows: read twice, as its loss is large.
      const receipt = await scene.sync([rows], options).catch(() => scene.sync([rows], options))
      fence = receipt.fence
    }
    isDone = true
  })()
  let looks = 0
  const reader = new pg.Client({ connectionString: postgres.url })
  await reader.connect()
  t.teardown(() => reader.end())
  while (!isDone) {
    await reader.query('begin isolation level repeatable read')
    const { rows: one } = await reader.query(
      `select version, count(*) as n from ${scene.table} group by 1`,
    )
    const { rows: two } = await reader.query(
      `select version, count(*) as n from ${scene.table} group by 1`,
    )
    await reader.query('commit')
    looks += 1
    const isWhole = one.length === 1 && ['300', '3000'].includes(one[0].n)
    if (!isWhole || JSON.stringify(one) !== JSON.stringify(two)) t.fail(JSON.stringify([one, two]))
  }
  await syncing
  t.ok(looks > 5, `${looks} looks`)
})

t.test('an unchanged range read again writes next to nothing', async (t) => {
  const scene = await new Scene(postgres.url, 'wal').open()
  t.teardown(() => scene.close())
  const lsn = async (): Promise<bigint> => {
    const { rows } = await scene.client.query(
      `select pg_current_wal_insert_lsn() - '0/0'::pg_lsn as at`,
    )
    return BigInt(rows[0].at)
  }
  await scene.sync([rowsOf(1, 0)], { range: day(1) })
  const before = await lsn()
  const first = await scene.sync([rowsOf(10_000, 0)])
  const loaded = await lsn()
  const again = await scene.sync([rowsOf(10_000, 0)], {
    range: { committedFence: first.fence },
    fetchedFrom: Date.UTC(2026, 6, 1),
  })
  const read = await lsn()
  t.equal(again.rowsChanged, 0)
  const [load, resync] = [Number(loaded - before), Number(read - loaded)]
  t.ok(resync * 20 < load, `${resync} bytes after ${load}`)
})

t.test('the first delete by range of a large table makes an index, once', async (t) => {
  const scene = await new Scene(postgres.url, 'indexed', {
    tracks: 'creation',
    deletes: 'hard',
  }).open()
  t.teardown(() => scene.close())
  const indexes = async () =>
    (
      await scene.client.query(
        `select indexname from pg_indexes where schemaname = 'indexed' and tablename = 'orders' and indexdef like '%(_derrick_range)%'`,
      )
    ).rows
  const first = await scene.sync([rowsOf(60_000, 0)])
  t.equal((await indexes()).length, 0)
  let { fence } = first
  for (const version of [1, 2]) {
    fence = (await scene.sync([rowsOf(59_990, version)], { range: { committedFence: fence } }))
      .fence
    t.equal((await indexes()).length, 1)
  }
  t.strictSame(await scene.rows('count(*) as n, max(version) as v'), [{ n: '59990', v: '2' }])
})
