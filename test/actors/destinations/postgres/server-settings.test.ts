import pg from 'pg'
import t from 'tap'
import type { Row } from '../../../../actors/destinations/writer.ts'
import { startPostgres } from '../../../support/postgres.ts'
import { day, Scene } from './scene.ts'

const postgres = await startPostgres()
t.teardown(() => postgres.remove())
const admin = new pg.Client({ connectionString: postgres.url })
await admin.connect()
t.teardown(() => admin.end())

const rowsOf = (n: number, v: string): Row[] =>
  Array.from({ length: n }, (_, id) => ({
    id,
    v: `${v} \\ ' " é`,
    n: 1.5,
    at: '2026-02-03T04:05:06Z',
    updated_at: '2026-01-01T04:05:06+02:00',
    j: { a: "\\'" },
  }))

t.test(
  'a database with settings of its own, and a user who owns nothing but a schema',
  async (t) => {
    await admin.query('create database odd')
    for (const setting of [
      `timezone = 'America/New_York'`,
      `datestyle = 'German, DMY'`,
      `intervalstyle = 'sql_standard'`,
      'standard_conforming_strings = off',
      'backslash_quote = off',
      `search_path = ''`,
      `default_transaction_isolation = 'serializable'`,
      `statement_timeout = '20s'`,
      'extra_float_digits = 0',
      'enable_hashjoin = off',
    ]) {
      await admin.query(`alter database odd set ${setting}`)
    }
    await admin.query(`create role loader login password 'x'`)
    const url = postgres.url.replace(/\/postgres$/, '/odd')
    const owner = new pg.Client({ connectionString: url })
    await owner.connect()
    await owner.query('create schema odd authorization loader')
    await owner.end()
    const scene = await new Scene(url.replace('derrick:derrick', 'loader:x'), 'odd', {
      deletes: 'hard',
      tracks: 'report',
    }).open()
    t.teardown(() => scene.close())
    for (const [n, size] of [2, 700].entries()) {
      const first = await scene.sync([rowsOf(size, 'a')], { range: day(n) })
      const again = await scene.sync([rowsOf(size - 1, 'b')], {
        range: day(n, { committedFence: first.fence }),
        fetchedFrom: Date.UTC(2026, 5, 2),
      })
      t.equal(again.rowsChanged, size)
      // The later range takes over what the first one had: the cursors are equal, its read is later.
      t.match(await scene.rows(`v, n, at, j->>'a' as a`, 'id limit 1'), [
        { v: `b \\ ' " é`, n: '1.5', at: '2026-02-03T04:05:06Z', a: "\\'" },
      ])
      t.equal((await scene.rows('id')).length, size - 1)
      const ranges = await scene.client.query(
        `select distinct extract(epoch from _derrick_range)::bigint as at from ${scene.table}`,
      )
      t.strictSame(ranges.rows, [{ at: String(day(n).start / 1000) }])
    }
    await scene.writer.clear(scene.target)
    t.equal((await scene.rows('id')).length, 0)
  },
)
