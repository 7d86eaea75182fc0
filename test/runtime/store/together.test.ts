import type Sqlite from 'better-sqlite3'
import t from 'tap'
import { makeRangeStore } from '../../../runtime/store/ranges.ts'
import { makeStreamStampStore } from '../../../runtime/store/stream-stamps.ts'
import { insertStream, makeContext, openDatabase } from '../engine/harness.ts'

function opened() {
  const db = openDatabase()
  insertStream(db, makeContext({}, 0))
  const ranges = makeRangeStore(db)
  ranges.insert('str_0', [{ start: 0, end: 1, lane: 'history' }])
  const id = ranges.all('str_0')[0]?.id ?? 0
  const pending = (): unknown =>
    db.prepare('select count_pending from streams where id = ?').pluck().get('str_0')
  return { db, ranges, id, pending }
}

const claim = { kind: 'claim', fence: 1, runId: 'run_1' } as const

t.test('what is done together is in the ledger together, or not at all', async (t) => {
  const { ranges, id, pending } = opened()
  const fail = () =>
    ranges.together(() => {
      ranges.change(id, claim)
      throw new Error('the disk is full')
    })
  t.throws(fail, { message: 'the disk is full' })
  t.match(ranges.get(id), { status: 'pending', fence: 0 })
  t.equal(pending(), 1)
  ranges.together(() => ranges.together(() => ranges.change(id, claim)))
  t.match(ranges.get(id), { status: 'running', fence: 1 })
  t.equal(pending(), 0)
})

t.test('of several transitions at once none is written when one is illegal', async (t) => {
  const { ranges, id } = opened()
  t.throws(() => ranges.change(id, [claim, { kind: 'retry', resetFailures: true }]))
  t.throws(() =>
    ranges.together(() => ranges.change(id, [claim, { kind: 'reopen', lane: 'repair' }])),
  )
  t.match(ranges.get(id), { status: 'pending' })
  t.match(ranges.change(id, [claim, { kind: 'fence', fence: 7 }]), { status: 'running', fence: 7 })
})

t.test('a look at a stream is not planned anew each time', async (t) => {
  const seen: string[] = []
  const prepare = (sql: string) => ({ get: () => seen.push(sql) })
  makeStreamStampStore({ prepare } as unknown as Sqlite.Database).find('str_0')
  t.equal(seen.length, 1)
  t.notMatch(seen[0], /\?(?! \|\|)/, 'SQLite plans a join with a bare parameter at each binding')
})
