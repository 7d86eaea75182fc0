/** Picking the next range is one seek, however many rows wait: the planner must use the index for the order as well. */
import Sqlite from 'better-sqlite3'
import t from 'tap'
import { builtInMigrations } from '../../../runtime/store/migrate.ts'
import { makeRangeStore } from '../../../runtime/store/ranges.ts'

function open(): Sqlite.Database {
  const db = new Sqlite(':memory:')
  for (const { sql } of builtInMigrations()) db.exec(sql)
  db.pragma('foreign_keys = off')
  return db
}

t.test('no strategy sorts', async (t) => {
  const db = open()
  const seen: string[] = []
  const prepare = db.prepare.bind(db)
  db.prepare = ((sql: string) => {
    if (sql.includes('indexed by ranges_pending')) seen.push(sql)
    return prepare(sql)
  }) as typeof db.prepare
  makeRangeStore(db)
  t.ok(seen.length >= 2)
  for (const sql of seen) {
    t.notMatch(sql, /\?(?! (\|\||\+))/, 'a bare parameter has the statement planned anew each time')
    const plan = prepare(`explain query plan ${sql.replaceAll('?', '0')}`).all() as {
      detail: string
    }[]
    const text = plan.map(({ detail }) => detail).join('; ')
    t.match(text, /using .*index ranges_pending/i)
    t.notMatch(text, /temp b-tree/i, text)
  }
})

t.test(
  'newest first goes lane by lane, newest range first; oldest first in order of time',
  async (t) => {
    const db = open()
    const ranges = makeRangeStore(db)
    ranges.insert('str', [
      { start: 1, end: 2, lane: 'fresh' },
      { start: 5, end: 6, lane: 'history' },
      { start: 3, end: 4, lane: 'fresh' },
      { start: 0, end: 1, lane: 'repair' },
    ])
    t.equal(ranges.next('str', 'newest_first', 0, 0)?.start, 3)
    t.equal(ranges.next('str', 'newest_first', 0b001, 0)?.start, 5, 'a held lane is passed over')
    t.equal(ranges.next('str', 'newest_first', 0b011, 0)?.start, 0)
    t.equal(ranges.next('str', 'oldest_first', 0, 0)?.start, 0)
    t.equal(ranges.next('str', 'oldest_first', 0b111, 0), undefined)
  },
)
