import pg from 'pg'
import { from as copyFrom } from 'pg-copy-streams'
import t, { type Test } from 'tap'
import { type Patience, usualPatience } from '../../../../actors/destinations/postgres/watchdog.ts'
import { PostgresWriter } from '../../../../actors/destinations/postgres/writer.ts'
import type { Row } from '../../../../actors/destinations/writer.ts'
import { toFailure } from '../../../../schema/error.ts'
import { startPostgres } from '../../../support/postgres.ts'
import { startTcpProxy, type Verdict } from '../../../support/tcp-proxy.ts'
import { waitFor } from '../../../support/wait.ts'
import { Scene } from './scene.ts'

const postgres = await startPostgres()
t.teardown(() => postgres.remove())
t.setTimeout(120_000)
const littlePatience = { silentMs: 500, lockMs: 1_000, blindMs: 60_000 }

const rowsOf = (n: number, v: string): Row[] =>
  Array.from({ length: n }, (_, id) => ({ id, updated_at: '2026-01-01T01:00:00Z', v }))

/** A writer behind a proxy, with little patience, and a scene that looks past it. */
async function behindProxy(t: Test, name: string, patience: Patience = littlePatience) {
  const proxy = await startTcpProxy(postgres.port)
  const url = postgres.url.replace(`:${postgres.port}/`, `:${proxy.port}/`)
  const scene = await new Scene(postgres.url, name).open()
  const writer = new PostgresWriter({ url }, { patience })
  t.teardown(async () => {
    await proxy.close()
    await writer.close()
    await scene.close()
  })
  return { proxy, scene, writer }
}

/** Plays a verdict once, on the first message that holds the text. */
function once(
  text: string,
  verdict: Verdict,
): { judge: (chunk: Buffer) => Verdict; done(): boolean } {
  let isPlayed = false
  return {
    judge: (chunk) => {
      if (isPlayed || !chunk.includes(text)) return 'pass'
      isPlayed = true
      return verdict
    },
    done: () => isPlayed,
  }
}

t.test(
  'a process that stands still while it shapes a table holds up nobody for long',
  async (t) => {
    const { proxy, scene, writer } = await behindProxy(t, 'shaping', usualPatience)
    const stopped = once('create table "shaping"."orders"', 'hole')
    const attempt = scene.attempt({ writer })
    proxy.intercept(stopped.judge)
    await attempt.begin()
    await attempt.write(rowsOf(5, 'old'))
    const standing = attempt.commit().catch(() => 'failed')
    await waitFor('it to stand still', stopped.done)
    const receipt = await scene.sync([rowsOf(5, 'new')])
    t.equal(receipt.records, 5)
    proxy.killAll()
    proxy.intercept(null)
    await standing
    t.strictSame(await scene.rows('distinct v'), [{ v: 'new' }])
  },
)

const cases = [
  { size: 40, text: 'with fence as', what: 'one statement' },
  { size: 2000, text: 'commit\0', what: 'COMMIT' },
]
for (const { size, text, what } of cases) {
  t.test(`an answer to ${what} that never comes is asked for`, async (t) => {
    const { proxy, scene, writer } = await behindProxy(t, `mute_${size}`)
    const first = await scene.sync([rowsOf(size, 'a')], { writer })
    const attempt = scene.attempt({ writer, range: { committedFence: first.fence } })
    const { fence } = await attempt.begin()
    await attempt.write(rowsOf(size, 'b'))
    const fault = once(text, 'mute')
    proxy.intercept(fault.judge)
    const receipt = await attempt.commit()
    t.ok(fault.done())
    t.match(receipt, { fence, records: size })
    t.strictSame(await scene.rows('distinct v'), [{ v: 'b' }])
  })
}

for (const [size, text] of [
  [40, 'with fence as'],
  [2000, 'COPY'],
  [2000, 'insert into "hole_'],
] as const) {
  t.test(
    `a request of ${size} rows that never arrives (${text}) is given up, and leaves nothing`,
    async (t) => {
      const { proxy, scene, writer } = await behindProxy(t, `hole_${text.length}`)
      const first = await scene.sync([rowsOf(size, 'a')], { writer })
      const attempt = scene.attempt({ writer, range: { committedFence: first.fence } })
      await attempt.begin()
      await attempt.write(rowsOf(size, text))
      const fault = once(text === 'COPY' ? '2026-01-01T01:00:00Z' : text, 'hole')
      proxy.intercept(fault.judge)
      const failure = await attempt.commit().catch((error: unknown) => toFailure(error))
      t.ok(fault.done())
      t.match(failure, { category: 'network' })
      t.strictSame(await scene.rows('distinct v'), [{ v: 'a' }])
      // Half open as it is, the session at the server is ended, so that its locks are free.
      await waitFor('the session to end', async () => {
        const { rowCount } = await scene.client.query(
          `select 1 from pg_stat_activity where application_name = 'derrick' and state <> 'idle'`,
        )
        return rowCount === 0
      })
      await attempt.commit()
      t.strictSame(await scene.rows('distinct v'), [{ v: text }])
    },
  )
}

t.test('a claim that never arrives is given up', async (t) => {
  const { proxy, scene, writer } = await behindProxy(t, 'claim')
  await scene.sync([rowsOf(3, 'a')], { writer })
  const fault = once('_derrick_ranges', 'hole')
  proxy.intercept(fault.judge)
  const attempt = scene.attempt({ writer, range: { committedFence: Infinity } })
  t.match(await attempt.begin().catch((error: unknown) => toFailure(error)), {
    category: 'network',
  })
})

t.test('a lock that somebody holds is waited for, but not for ever', async (t) => {
  for (const size of [40, 2000]) {
    const { scene, writer } = await behindProxy(t, `locked_${size}`)
    const first = await scene.sync([rowsOf(size, 'a')], { writer })
    const holder = new pg.Client({ connectionString: postgres.url })
    await holder.connect()
    t.teardown(() => holder.end())
    await holder.query(`begin; lock table ${scene.table} in access exclusive mode`)
    const attempt = scene.attempt({ writer, range: { committedFence: first.fence } })
    await attempt.begin()
    await attempt.write(rowsOf(size, 'b'))
    t.match(await attempt.commit().catch((error: unknown) => toFailure(error)), {
      category: 'network',
      code: 'postgres.lock',
    })
    await holder.query('rollback')
    await attempt.commit()
    t.strictSame(await scene.rows('distinct v'), [{ v: 'b' }])
  }
})

t.test('a long statement is left alone as long as the server works on it', async (t) => {
  const { scene, writer } = await behindProxy(t, 'slow')
  const first = await scene.sync([rowsOf(10, 'a')], { writer })
  await scene.client.query(`create function "slow".wait() returns trigger language plpgsql as
    $$ begin perform pg_sleep(3); return null; end $$;
    create trigger wait after update on ${scene.table} execute function "slow".wait()`)
  const receipt = await scene.sync([rowsOf(10, 'b')], {
    writer,
    range: { committedFence: first.fence },
  })
  t.equal(receipt.rowsChanged, 10)
})

t.test('a process that stands still in the middle of a COPY does not keep its range', async (t) => {
  const { scene, writer } = await behindProxy(t, 'standing')
  const first = await scene.sync([rowsOf(3, 'a')], { writer })
  const standing = new pg.Client({
    connectionString: postgres.url,
    application_name: 'derrick',
  })
  standing.on('error', () => {})
  await standing.connect()
  t.teardown(() => standing.end())
  await standing.query(`begin; select from "standing"._derrick_ranges for update;
    create temp table stage (a int) on commit drop`)
  standing.query(copyFrom('copy stage from stdin')).on('error', () => {})
  const receipt = await scene.sync([rowsOf(3, 'b')], {
    writer,
    range: { committedFence: first.fence },
  })
  t.equal(receipt.rowsChanged, 3)
})
