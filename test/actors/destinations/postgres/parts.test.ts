/** Reads of a part of a range, how final a range is, and what users see of both in `_derrick_ranges`. */
import t, { type Test } from 'tap'
import type { Row } from '../../../../actors/destinations/writer.ts'
import type { JobRange, Target } from '../../../../schema/protocol.ts'
import { startPostgres } from '../../../support/postgres.ts'
import { failureCode } from '../attempts.ts'
import { day, fullRange, Scene } from './scene.ts'

t.setTimeout(120_000)
const postgres = await startPostgres()
t.teardown(() => postgres.remove())

const hourMs = 3_600_000
let scenes = 0
async function openScene(t: Test, target: Partial<Target> = {}): Promise<Scene> {
  scenes += 1
  const scene = await new Scene(postgres.url, `parts_${scenes}`, target).open()
  t.teardown(() => scene.close())
  return scene
}
const rowsOf = (from: number, to: number, v = 'a'): Row[] =>
  Array.from({ length: to - from }, (_, i) => ({ id: from + i, v }))
const ledger = async (scene: Scene, columns: string) =>
  (await scene.client.query(`select ${columns} from "${scene.namespace}"._derrick_ranges`)).rows

for (const size of [40, 700]) {
  t.test(`a part is merged, and deletes nothing (${size} rows)`, async (t) => {
    const scene = await openScene(t, { tracks: 'creation', deletes: 'hard' })
    const first = await scene.sync([rowsOf(0, size)], { fetchedFrom: day(0).start + hourMs })
    t.match(await ledger(scene, 'rows, state'), [{ rows: String(size), state: 'open' }])
    const part = scene.attempt({
      range: { committedFence: first.fence },
      fetchedFrom: day(0).start + 2 * hourMs,
      isPart: true,
    })
    t.equal((await part.begin()).holds, first.fence)
    await part.write([...rowsOf(size - 5, size, 'b'), ...rowsOf(size, size + 10)])
    const receipt = await part.commit()
    t.match(receipt, { records: size + 10, rowsChanged: 15 })
    t.strictSame(await scene.rows('count(*)::int as n'), [{ n: size + 10 }])
    t.match(await ledger(scene, 'rows, rows_changed, state'), [
      { rows: String(size + 10), rows_changed: '15', state: 'open' },
    ])
    const whole = { range: { committedFence: receipt.fence }, fetchedFrom: day(1).start }
    await scene.sync([rowsOf(0, size - 5)], whole)
    t.strictSame(await scene.rows('count(*)::int as n'), [{ n: size - 5 }], 'the whole range may')
    t.match(await ledger(scene, 'rows, state'), [{ rows: String(size - 5), state: 'final' }])
  })
}

t.test('rows without a key take no parts', async (t) => {
  const scene = await openScene(t, { primaryKey: [] })
  const attempt = scene.attempt({ isPart: true })
  await attempt.begin()
  await attempt.write(rowsOf(0, 3))
  t.equal(await failureCode(attempt.commit()), 'destination.part')
})

t.test('open, settling, final', async (t) => {
  const scene = await openScene(t)
  const rules = { settleMs: 2 * hourMs, lookbackMs: 48 * hourMs, untilUnchanged: true }
  const { end } = day(0)
  let before: { fence: number; fetchedFrom: number } | null = null
  let unchanged = 0
  const stateAfter = async (hours: number, v: string): Promise<string> => {
    const range: Partial<JobRange> = {
      committedFence: before?.fence ?? null,
      finality: { ...rules, fetchedFrom: before?.fetchedFrom ?? null, unchanged },
    }
    before = await scene.sync([rowsOf(0, 3, v)], { range, fetchedFrom: end + hours * hourMs })
    return String((await ledger(scene, 'state'))[0]?.state)
  }
  t.equal(await stateAfter(1, 'a'), 'open', 'it has not settled')
  t.equal(await stateAfter(3, 'b'), 'settling', 'look-back reads it again')
  unchanged = 1
  t.equal(await stateAfter(7, 'c'), 'settling', 'it changed')
  t.equal(await stateAfter(25, 'c'), 'final', 'it stopped changing')
  unchanged = 0
  t.equal(await stateAfter(49, 'd'), 'final', 'the look-back is over')
})

t.test('a full read that lost most rows is believed when somebody says so', async (t) => {
  const scene = await openScene(t, { tracks: 'none', cursorField: null, deletes: 'hard' })
  const first = await scene.sync([rowsOf(0, 60)], { range: fullRange() })
  const few = (force: boolean) =>
    scene.sync([rowsOf(0, 2)], { range: fullRange({ committedFence: first.fence, force }) })
  t.equal(await failureCode(few(false)), 'destination.shrunk')
  t.equal(await failureCode(few(false)), 'destination.shrunk', 'however often')
  t.strictSame(await scene.rows('count(*)::int as n'), [{ n: 60 }])
  await few(true)
  t.strictSame(await scene.rows('count(*)::int as n'), [{ n: 2 }])
  t.match(await ledger(scene, 'state'), [{ state: 'final' }])
})

t.test('the ledger is for users: its names stay', async (t) => {
  const scene = await openScene(t)
  await scene.sync([rowsOf(0, 3)])
  const { rows } = await scene.client.query(
    `select attname as name from pg_attribute where attrelid = $1::regclass and attnum > 0 and not attisdropped order by attnum`,
    [`"${scene.namespace}"._derrick_ranges`],
  )
  t.strictSame(
    rows.map(({ name }) => name),
    [
      ...['stream_key', 'table_name', 'range_start', 'range_end', 'state', 'claimed', 'committed'],
      ...['rows', 'rows_changed', 'bytes', 'checksum', 'fetched_from', 'committed_at', 'table_id'],
      'shrunk_to',
    ],
  )
  const full = await openScene(t, { tracks: 'none', cursorField: null })
  await full.sync([rowsOf(0, 3)], { range: fullRange() })
  t.strictSame(await ledger(full, "range_start = '-infinity' as s, range_end = 'infinity' as e"), [
    { s: true, e: true },
  ])
})
