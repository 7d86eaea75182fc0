import pg from 'pg'
import t from 'tap'
import { PostgresWriter } from '../../../../actors/destinations/postgres/writer.ts'
import type { Row } from '../../../../actors/destinations/writer.ts'
import { toFailure } from '../../../../schema/error.ts'
import { startPostgres } from '../../../support/postgres.ts'
import { startTcpProxy } from '../../../support/tcp-proxy.ts'
import { waitFor } from '../../../support/wait.ts'
import { failureCode } from '../attempts.ts'
import { day, Scene } from './scene.ts'

const postgres = await startPostgres()
t.teardown(() => postgres.remove())

let scenes = 0
const rowsOf = (n: number, v: string): Row[] =>
  Array.from({ length: n }, (_, id) => ({ id, updated_at: '2026-01-01T01:00:00Z', v }))

async function behindProxy(t: { teardown: (f: () => unknown) => void }, target = {}) {
  const proxy = await startTcpProxy(postgres.port)
  scenes += 1
  const url = postgres.url.replace(String(postgres.port), String(proxy.port))
  const scene = new Scene(url, `faults_${scenes}`, target)
  // The test itself looks past the proxy.
  const direct = new Scene(postgres.url, `faults_${scenes}`, target)
  await direct.open()
  t.teardown(async () => {
    await scene.writer.close()
    await direct.close()
    await proxy.close()
  })
  return { proxy, scene, direct }
}

const count = async (scene: Scene): Promise<number> => (await scene.rows('1')).length
const sizes = [40, 2000]

for (const size of sizes) {
  t.test(`a COMMIT of ${size} rows whose answer is lost is found, not repeated`, async (t) => {
    const { proxy, scene, direct } = await behindProxy(t)
    const first = await scene.sync([rowsOf(size, 'a')])
    // A deferred trigger holds the server in the middle of COMMIT for as long as the test holds the lock.
    await direct.client.query(`create function "${direct.namespace}".hold() returns trigger language plpgsql as
      $$ begin perform pg_advisory_xact_lock_shared(42); return null; end $$;
      create constraint trigger hold after update on ${direct.table} deferrable initially deferred
      for each row execute function "${direct.namespace}".hold();
      select pg_advisory_lock(42)`)
    const waiting = async (n: number) =>
      (await direct.client.query(`select 1 from pg_stat_activity where wait_event_type = 'Lock'`))
        .rowCount === n
    const attempt = scene.attempt({ range: { committedFence: first.fence } })
    const { fence } = await attempt.begin()
    await attempt.write(rowsOf(size, 'b'))
    const committing = attempt.commit()
    await waitFor('COMMIT to wait', () => waiting(1))
    proxy.killAll()
    await waitFor('the ledger to be asked', () => waiting(2))
    await direct.client.query('select pg_advisory_unlock(42)')
    const receipt = await committing
    t.match(receipt, { fence, records: size, rowsChanged: size })
    t.strictSame(await direct.rows('distinct v'), [{ v: 'b' }])
    t.equal(await count(direct), size)
  })
}

t.test(
  'cuts at any byte of a commit leave all or nothing, and the repeat mends it',
  { timeout: 120_000 },
  async (t) => {
    for (const size of sizes) {
      const { proxy, scene, direct } = await behindProxy(t)
      let { fence } = await scene.sync([rowsOf(size, 'v0')])
      const cuts = [1, 300, 900, 2_000, 5_000, 20_000, 60_000, 120_000]
      for (const [i, bytes] of cuts.entries()) {
        const attempt = scene.attempt({ range: { committedFence: fence } })
        fence = (await attempt.begin()).fence
        await attempt.write(rowsOf(size, `v${i + 1}`))
        proxy.set({ kind: 'reset-after', bytes })
        const outcome = await attempt.commit().then(
          () => 'committed',
          (error: unknown) => toFailure(error).category,
        )
        t.ok(['committed', 'network'].includes(outcome), `${size} rows, ${bytes} bytes: ${outcome}`)
        proxy.set({ kind: 'pass' })
        const seen = await direct.rows('distinct v')
        t.equal(seen.length, 1, 'one version at a time')
        if (outcome !== 'committed') await attempt.commit()
        t.strictSame(await direct.rows('distinct v'), [{ v: `v${i + 1}` }])
      }
      t.equal(await count(direct), size)
    }
  },
)

t.test('an attempt that sleeps through its successor changes nothing when it wakes', async (t) => {
  for (const size of sizes) {
    const scene = await new Scene(postgres.url, `zombie_${size}`).open()
    t.teardown(() => scene.close())
    const zombie = scene.attempt()
    await zombie.begin()
    await zombie.write(rowsOf(size, 'old'))
    await scene.sync([rowsOf(size, 'new')])
    t.equal(await failureCode(zombie.commit()), 'destination.fenced')
    t.strictSame(await scene.rows('distinct v'), [{ v: 'new' }])
  }
})

t.test('a claim waits for a commit that is under way, and learns how it ended', async (t) => {
  const scene = await new Scene(postgres.url, 'under_way').open()
  const other = new Scene(postgres.url, 'under_way')
  t.teardown(() => scene.close())
  t.teardown(() => other.writer.close())
  const first = await scene.sync([rowsOf(3, 'a')])
  // A commit held at its last statement by a lock on the ledger's neighbour: a row that it must update.
  const holder = new pg.Client({ connectionString: postgres.url })
  await holder.connect()
  t.teardown(() => holder.end())
  await holder.query(`begin; select from "under_way".orders for update`)
  const slow = scene.attempt({ range: { committedFence: first.fence } })
  await slow.begin()
  await slow.write(rowsOf(3, 'b'))
  const committing = slow.commit()
  await waitFor(
    'the commit to wait',
    async () =>
      (await scene.client.query(`select 1 from pg_stat_activity where wait_event_type = 'Lock'`))
        .rowCount === 1,
  )
  const claiming = other.attempt({ range: { committedFence: first.fence } }).begin()
  await waitFor(
    'the claim to wait',
    async () =>
      (await scene.client.query(`select 1 from pg_stat_activity where wait_event_type = 'Lock'`))
        .rowCount === 2,
  )
  await holder.query('commit')
  const receipt = await committing
  t.equal((await claiming).recovered?.fence, receipt.fence)
})

t.test('a server that is killed loses nothing that was committed', async (t) => {
  const durable = await startPostgres({ fsync: true })
  t.teardown(() => durable.remove())
  let scene = await new Scene(durable.url, 'killed').open()
  const first = await scene.sync([rowsOf(1000, 'a')])
  const attempt = scene.attempt({ range: { committedFence: first.fence } })
  await attempt.begin()
  await attempt.write(rowsOf(1000, 'b'))
  await durable.kill()
  t.equal(await attempt.commit().catch((error: unknown) => toFailure(error).category), 'network')
  await durable.start()
  await attempt.commit()
  await scene.client.end().catch(() => {})
  await scene.writer.close()
  scene = await new Scene(durable.url, 'killed').open()
  t.teardown(() => scene.close())
  t.strictSame(await scene.rows('distinct v'), [{ v: 'b' }])
})

t.test('an abort during the commit ends it at once and leaves nothing', async (t) => {
  for (const size of sizes) {
    const scene = await new Scene(postgres.url, `aborted_${size}`).open()
    t.teardown(() => scene.close())
    await scene.sync([rowsOf(size, 'a')])
    const holder = new pg.Client({ connectionString: postgres.url })
    await holder.connect()
    await holder.query(`begin; select from ${scene.table} for update`)
    const cancel = new AbortController()
    const attempt = scene.attempt({ range: { committedFence: Infinity }, signal: cancel.signal })
    await attempt.begin()
    await attempt.write(rowsOf(size, 'b'))
    const committing = attempt.commit()
    await waitFor(
      'the commit to wait',
      async () =>
        (await scene.client.query(`select 1 from pg_stat_activity where wait_event_type = 'Lock'`))
          .rowCount === 1,
    )
    cancel.abort(new Error('given up'))
    await t.rejects(committing, { message: 'given up' })
    await attempt.abort()
    await holder.query('rollback')
    await holder.end()
    await waitFor(
      'the server to give up',
      async () =>
        (
          await scene.client.query(
            `select 1 from pg_stat_activity where application_name = 'derrick' and state <> 'idle'`,
          )
        ).rowCount === 0,
    )
    const [row] = await scene.rows('distinct v')
    // One statement that was sent may still be carried out; then the ledger says so.
    const { rows } = await scene.client.query(
      `select committed = claimed as done from ${scene.table.replace('"orders"', '_derrick_ranges')}`,
    )
    t.equal(row?.v, rows[0].done ? 'b' : 'a')
  }
})

t.test('chunks: a large range comes by an unlogged stage, which is gone afterwards', async (t) => {
  const scene = await new Scene(postgres.url, 'chunked').open()
  t.teardown(() => scene.close())
  const writer = new PostgresWriter({ url: postgres.url }, { chunkBytes: 10_000 })
  t.teardown(() => writer.close())
  const stages = async () =>
    (
      await scene.client.query(
        `select relname from pg_class where relname like '\\_derrick\\_stage%'`,
      )
    ).rows
  const attempt = scene.attempt({ writer })
  await attempt.begin()
  for (let i = 0; i < 20; i += 1) {
    await attempt.write(
      Array.from({ length: 100 }, (_, n) => ({
        id: i * 100 + n,
        v: 'x'.repeat(50),
        ...(i === 15 ? { late: n } : {}),
      })),
    )
  }
  t.equal((await attempt.commit()).records, 2000)
  t.equal(await count(scene), 2000)
  t.strictSame(await scene.rows('count(late) as n'), [{ n: '100' }])
  t.strictSame(await stages(), [])
  // What a process left that died in the middle.
  await scene.client.query(`do $$ declare name text; begin
    select '_derrick_stage_' || left(encode(sha256(convert_to(stream_key, 'UTF8')), 'hex'), 12) || '_x' into name from chunked._derrick_ranges;
    execute format('create unlogged table chunked.%I (a int)', name); end $$`)
  t.equal((await stages()).length, 1)
  await scene.writer.clear(scene.target)
  t.strictSame(await stages(), [])
})

t.test('64 ranges in flight use five connections at most', { timeout: 120_000 }, async (t) => {
  const scene = await new Scene(postgres.url, 'crowd').open()
  t.teardown(() => scene.close())
  let most = 0
  const watch = setInterval(() => {
    void scene.client
      .query(
        `select 1 from pg_stat_activity where application_name = 'derrick' and backend_type = 'client backend'`,
      )
      .then(({ rowCount }) => {
        most = Math.max(most, rowCount ?? 0)
      })
  }, 10)
  const ranges = Array.from({ length: 64 }, (_, n) => n)
  await Promise.all(
    ranges.map((n) =>
      scene.sync([rowsOf(20, 'x').map((row) => ({ ...row, id: n * 100 + Number(row.id) })), []], {
        range: day(n),
      }),
    ),
  )
  clearInterval(watch)
  t.ok(most >= 2 && most <= 5, `${most} connections`)
  t.equal(await count(scene), 64 * 20)
})
