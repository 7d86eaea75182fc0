/** What a merging destination does with records that the source marks as deleted. */
import t, { type Test } from 'tap'
import type { Row } from '../../../../actors/destinations/writer.ts'
import type { Target } from '../../../../schema/protocol.ts'
import { startPostgres } from '../../../support/postgres.ts'
import { day, Scene } from './scene.ts'

t.setTimeout(120_000)
const postgres = await startPostgres()
t.teardown(() => postgres.remove())

let scenes = 0
async function openScene(t: Test, target: Partial<Target>): Promise<Scene> {
  scenes += 1
  const scene = await new Scene(postgres.url, `flags_${scenes}`, target).open()
  t.teardown(() => scene.close())
  return scene
}

const at = (n: number): string => new Date(day(n).start + 3_600_000).toISOString()
const person = (id: number, n: number, deleted = false): Row => ({ id, updated_at: at(n), deleted })
const filling = (n: number, count: number): Row[] =>
  Array.from({ length: count }, (_, i) => person(1_000_000 * (n + 1) + i, n))

for (const count of [0, 700]) {
  const size = count === 0 ? 'one statement' : 'staged'
  const sync = (scene: Scene, n: number, rows: Row[]) =>
    scene.sync([[...rows, ...filling(n, count)]], {
      range: day(n, { committedFence: Infinity }),
      fetchedFrom: Date.UTC(2026, 6, 1) + n,
    })
  const ids = async (scene: Scene, columns = 'id::int') =>
    (
      await scene.client.query(
        `select ${columns} from ${scene.table} where id < 1000000 order by id`,
      )
    ).rows

  t.test(`a mark reaches the row that another range wrote (${size})`, async (t) => {
    const scene = await openScene(t, { deletes: 'hard' })
    await sync(scene, 0, [person(1, 0), person(2, 0)])
    const receipt = await sync(scene, 3, [person(1, 3, true), person(3, 3)])
    t.equal(receipt.rowsChanged, 2 + count, 'one came, one went')
    t.strictSame(await ids(scene), [{ id: 2 }, { id: 3 }])
    // Day 3 again: nothing is there to be removed.
    t.equal((await sync(scene, 3, [person(1, 3, true), person(3, 3)])).rowsChanged, 0)
  })

  t.test(`a newer version outlives an older mark, whatever the order (${size})`, async (t) => {
    const scene = await openScene(t, { deletes: 'hard' })
    await sync(scene, 4, [person(1, 4)])
    await sync(scene, 2, [person(1, 2, true)])
    t.strictSame(await ids(scene), [{ id: 1 }])
    const soft = await openScene(t, { deletes: 'soft' })
    await sync(soft, 4, [person(1, 4)])
    await sync(soft, 2, [person(1, 2, true), person(2, 2, true)])
    t.strictSame(await ids(soft, 'id::int, _derrick_deleted_at as at'), [
      { id: 1, at: null },
      { id: 2, at: new Date(at(2)) },
    ])
    await sync(soft, 5, [person(2, 5)])
    t.strictSame(await ids(soft, '_derrick_deleted_at as at'), [{ at: null }, { at: null }])
  })
}

t.test('marks in ranges that share a transaction', async (t) => {
  const scene = await openScene(t, { deletes: 'hard' })
  await scene.sync([[1, 2, 3, 4, 5].map((id) => person(id, 0))], { range: day(0) })
  const attempts = await Promise.all(
    [1, 2, 3].map(async (n) => {
      const attempt = scene.attempt({ range: day(n), fetchedFrom: Date.UTC(2026, 6, 1) })
      await attempt.begin()
      await attempt.write([person(n, n, true), person(n + 100, n)])
      return attempt
    }),
  )
  const receipts = await Promise.all(attempts.map((attempt) => attempt.commit()))
  t.strictSame(
    receipts.map(({ rowsChanged }) => rowsChanged),
    [2, 2, 2],
  )
  const { rows } = await scene.client.query(
    `select count(distinct xmin::text)::int as n from "${scene.namespace}"._derrick_ranges`,
  )
  t.strictSame(rows, [{ n: 2 }])
  t.strictSame(await scene.rows('id::int', 'id'), [
    { id: 4 },
    { id: 5 },
    { id: 101 },
    { id: 102 },
    { id: 103 },
  ])
})
