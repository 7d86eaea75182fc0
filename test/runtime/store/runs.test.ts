import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import t from 'tap'
import { makeRunStore } from '../../../runtime/store/runs.ts'

const migration = join(import.meta.dirname, '../../../schema/migrations/0001_init.sql')

function open(count: number) {
  const db = new Sqlite(':memory:')
  db.exec(readFileSync(migration, 'utf8'))
  const runs = makeRunStore(db)
  for (let i = 0; i < count; i++) {
    const id = `run_${String(i).padStart(4, '0')}`
    const of = { workspaceId: 'ws_1', streamId: `str_${i}`, connectionId: 'con_1' }
    runs.insert({ id, ...of, trigger: 'schedule', createdAt: i })
    const row = runs.get(id)
    if (row && i !== 3) runs.save({ ...row, status: 'complete', finishedAt: i })
  }
  return { runs, left: () => db.prepare('select id from runs order by id').pluck().all() }
}

t.test('old runs are forgotten some at a time, those that are active never', async (t) => {
  const { runs, left } = open(20)
  t.equal(runs.prune(10, 1_000, 5), 4)
  t.equal(left().length, 16)
  while (runs.prune(10, 1_000, 5) > 0);
  t.same(left(), [
    'run_0003',
    ...Array.from({ length: 10 }, (_, i) => `run_${String(i + 10).padStart(4, '0')}`),
  ])
})

t.test('beyond a number the oldest go whatever their age', async (t) => {
  const { runs, left } = open(20)
  while (runs.prune(0, 6, 50) > 0);
  t.equal(left().length, 7, 'six, and the one that is active')
})
