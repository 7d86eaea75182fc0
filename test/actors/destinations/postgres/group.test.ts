/** Small ranges that share a transaction: each keeps its own fence, ledger row and failures. */
import { setImmediate as nextTurn } from 'node:timers/promises'
import pg from 'pg'
import t, { type Test } from 'tap'
import type { PostgresWriter } from '../../../../actors/destinations/postgres/writer.ts'
import type { Row } from '../../../../actors/destinations/writer.ts'
import { CommitSlots } from '../../../../runtime/engine/commit-slots.ts'
import type { Target } from '../../../../schema/protocol.ts'
import { startPostgres } from '../../../support/postgres.ts'
import { waitFor } from '../../../support/wait.ts'
import { failureCode } from '../attempts.ts'
import { type Attempt, day, Scene } from './scene.ts'

t.setTimeout(120_000)
const postgres = await startPostgres()
t.teardown(() => postgres.remove())

let scenes = 0
async function openScene(t: Test, target: Partial<Target> = {}): Promise<Scene> {
  scenes += 1
  const scene = await new Scene(postgres.url, `group_${scenes}`, target).open()
  t.teardown(() => scene.close())
  return scene
}

const at = (n: number): string => new Date(day(n).start + 3_600_000).toISOString()
const rowsOf = (n: number, count = 5): Row[] =>
  Array.from({ length: count }, (_, i) => ({ id: n * 100 + i, updated_at: at(n), v: `${n}-${i}` }))

/** Attempts at days 0 to `count`, read to their end. */
async function readAll(
  scene: Scene,
  count: number,
  more: { slots?: CommitSlots; writer?: PostgresWriter; rows?: (n: number) => Row[] } = {},
): Promise<Attempt[]> {
  const { rows = rowsOf, ...options } = more
  const days = Array.from({ length: count }, (_, n) => n)
  return Promise.all(
    days.map(async (n) => {
      const attempt = scene.attempt({
        range: day(n),
        fetchedFrom: Date.UTC(2030, 0, 1),
        ...options,
      })
      await attempt.begin()
      await attempt.write(rows(n))
      return attempt
    }),
  )
}

/** Ranges by the transaction that wrote their row. */
async function transactions(scene: Scene): Promise<number> {
  const { rows } = await scene.client.query(
    `select count(distinct xmin::text) as n from "${scene.namespace}"._derrick_ranges where committed is not null`,
  )
  return Number(rows[0].n)
}

t.test('a thousand ranges of five rows: few transactions, a ledger row each', async (t) => {
  const scene = await openScene(t)
  const slots = new CommitSlots()
  const attempts = await readAll(scene, 1000, { slots })
  const receipts = await Promise.all(attempts.map((attempt) => attempt.commit()))
  t.ok(receipts.every(({ records, rowsChanged }) => records === 5 && rowsChanged === 5))
  t.equal(new Set(receipts.map(({ checksum }) => checksum)).size, 1000)
  t.strictSame(await scene.rows('count(*) as n, count(distinct _derrick_range) as ranges'), [
    { n: '5000', ranges: '1000' },
  ])
  const { rows } = await scene.client.query(
    `select count(*) as n, sum(rows) as rows, count(distinct range_start) as starts
     from "${scene.namespace}"._derrick_ranges where state = 'final' and committed = claimed and rows_changed = 5`,
  )
  t.strictSame(rows, [{ n: '1000', rows: '5000', starts: '1000' }])
  const count = await transactions(scene)
  t.ok(count < 100, `${count} transactions`)
})

t.test('ranges that come one by one do not wait for others', async (t) => {
  const scene = await openScene(t)
  const slots = new CommitSlots()
  for (const n of [0, 1, 2]) {
    await scene.sync([rowsOf(n)], { range: day(n), slots })
    t.equal(await transactions(scene), n + 1)
  }
})

t.test('the one that was overtaken fails, the others land', async (t) => {
  const scene = await openScene(t)
  await scene.sync([rowsOf(99)], { range: day(99) })
  const attempts = await readAll(scene, 10, { slots: new CommitSlots() })
  const young = scene.attempt({ range: day(4), offered: 5000 })
  await young.begin()
  const outcomes = await Promise.all(attempts.map((attempt) => failureCode(attempt.commit())))
  t.strictSame(
    outcomes,
    outcomes.map((_, n) => (n === 4 ? 'destination.fenced' : null)),
  )
  t.strictSame(await scene.rows('count(*) as n'), [{ n: String(10 * 5) }])
  t.equal(await transactions(scene), 2, 'all of them in one')
  await young.write(rowsOf(4))
  await young.commit()
  t.strictSame(await scene.rows('count(*) as n'), [{ n: String(11 * 5) }])
})

t.test('rows that the server refuses are the trouble of their own range', async (t) => {
  const scene = await openScene(t)
  await scene.sync([rowsOf(99)], { range: day(99) })
  await scene.client.query(`alter table ${scene.table} add check (v <> '3-2')`)
  const attempts = await readAll(scene, 8, { slots: new CommitSlots() })
  const outcomes = await Promise.all(attempts.map((attempt) => failureCode(attempt.commit())))
  t.strictSame(
    outcomes,
    outcomes.map((_, n) => (n === 3 ? 'postgres.23514' : null)),
  )
  t.strictSame(await scene.rows('count(*) as n'), [{ n: String(8 * 5) }])
})

t.test('columns and kinds that only some of them have', async (t) => {
  const scene = await openScene(t)
  const rows = (n: number): Row[] => [
    {
      id: n,
      updated_at: at(n),
      ...(n % 2 ? { odd: n + 0.5 } : { even: [n] }),
      kind: n % 3 ? n : `t${n}`,
    },
  ]
  const attempts = await readAll(scene, 6, { slots: new CommitSlots(), rows })
  await Promise.all(attempts.map((attempt) => attempt.commit()))
  t.strictSame(await scene.rows('id, odd, even, kind', 'id'), [
    { id: '0', odd: null, even: [0], kind: 't0' },
    { id: '1', odd: '1.5', even: null, kind: '1' },
    { id: '2', odd: null, even: [2], kind: '2' },
    { id: '3', odd: '3.5', even: null, kind: 't3' },
    { id: '4', odd: null, even: [4], kind: '4' },
    { id: '5', odd: '5.5', even: null, kind: '5' },
  ])
  t.equal(await transactions(scene), 1)
})

t.test('a key in several of them: the newest version stays', async (t) => {
  const scene = await openScene(t)
  const rows = (n: number): Row[] => [
    ...rowsOf(n),
    { id: 1_000_000, updated_at: at(n), v: `v${n}` },
  ]
  const attempts = await readAll(scene, 6, { slots: new CommitSlots(), rows })
  await Promise.all(attempts.map((attempt) => attempt.commit()))
  t.strictSame(await scene.rows('count(*) as n'), [{ n: '31' }])
  const { rows: found } = await scene.client.query(
    `select v from ${scene.table} where id = 1000000`,
  )
  t.strictSame(found, [{ v: 'v5' }])
})

t.test('keyless ranges share a transaction, and replace their own rows', async (t) => {
  const scene = await openScene(t, { primaryKey: [], tracks: 'none' })
  const attempts = await readAll(scene, 5, { slots: new CommitSlots() })
  await Promise.all(attempts.map((attempt) => attempt.commit()))
  t.equal(await transactions(scene), 1)
  const { rows } = await scene.client.query(
    `select committed from "${scene.namespace}"._derrick_ranges where range_start = $1`,
    [new Date(day(2).start)],
  )
  await scene.sync([rowsOf(2, 3)], { range: day(2, { committedFence: Number(rows[0].committed) }) })
  t.strictSame(await scene.rows('count(*) as n'), [{ n: '23' }])
})

t.test('a range that is cancelled while it waits takes nobody along', async (t) => {
  const scene = await openScene(t)
  await scene.sync([rowsOf(99)], { range: day(99) })
  const slots = new CommitSlots()
  const held = [1, 2, 3, 4].map(() => slots.request('dst_1', 4, () => {}))
  const abort = new AbortController()
  const attempts = await readAll(scene, 4, { slots })
  const doomed = scene.attempt({ range: day(50), slots, signal: abort.signal })
  await doomed.begin()
  await doomed.write(rowsOf(50))
  const outcomes = [...attempts, doomed].map((attempt) => failureCode(attempt.commit()))
  await nextTurn()
  abort.abort(new Error('given up'))
  for (const giveBack of held) giveBack()
  t.strictSame((await Promise.all(outcomes)).slice(0, 4), [null, null, null, null])
  t.strictSame(await scene.rows('count(*) as n'), [{ n: '25' }])
})

t.test('64 ranges in flight: five connections, and no transaction waits for an API', async (t) => {
  const scene = await openScene(t)
  const watcher = new pg.Client({ connectionString: postgres.url, application_name: 'watcher' })
  await watcher.connect()
  t.teardown(() => watcher.end())
  const look = async () =>
    (
      await watcher.query(
        `select count(*)::int as connections, count(xact_start)::int as transactions
         from pg_stat_activity where application_name = 'derrick'`,
      )
    ).rows[0] as { connections: number; transactions: number }
  const slots = new CommitSlots()
  const reading = await readAll(scene, 64, { slots })
  // All have read their first page and wait for the next one.
  const idle = await look()
  t.ok(idle.connections <= 5, `${idle.connections} connections`)
  t.equal(idle.transactions, 0)
  // Half of them are too large for a group.
  for (const [n, attempt] of reading.entries()) if (n % 2) await attempt.write(large(n))
  t.equal((await look()).transactions, 0)
  let isOver = false
  let most = 0
  const watching = (async () => {
    while (!isOver) most = Math.max(most, (await look()).connections)
  })()
  await Promise.all(reading.map((attempt) => attempt.commit()))
  isOver = true
  await watching
  t.ok(most > 0 && most <= 5, `${most} connections`)
  t.strictSame(await scene.rows('count(*) as n'), [{ n: String(64 * 5 + 32 * 600) }])
  await waitFor('all transactions over', async () => (await look()).transactions === 0)
})

const large = (n: number): Row[] =>
  Array.from({ length: 600 }, (_, i) => ({ id: 100_000 + n * 1000 + i, updated_at: at(n), v: 'l' }))
