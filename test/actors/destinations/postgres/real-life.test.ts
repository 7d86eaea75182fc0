/** What other people do to a database while Derrick works in it. */
import { execFileSync } from 'node:child_process'
import { chownSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import t, { type Test } from 'tap'
import type { Row } from '../../../../actors/destinations/writer.ts'
import { toFailure } from '../../../../schema/error.ts'
import { startPostgres } from '../../../support/postgres.ts'
import { tempDir } from '../../../support/temp-dir.ts'
import { waitFor } from '../../../support/wait.ts'
import { Scene } from './scene.ts'

const postgres = await startPostgres()
t.teardown(() => postgres.remove())
t.setTimeout(120_000)

const sizes = [40, 2000]
const rowsOf = (n: number, v: string, more: Row = {}): Row[] =>
  Array.from({ length: n }, (_, id) => ({ id, updated_at: '2026-01-01T01:00:00Z', v, ...more }))
const failureOf = (promise: Promise<unknown>) =>
  promise.then(
    () => null,
    (error: unknown) => toFailure(error),
  )

async function openScene(t: Test, name: string, url = postgres.url): Promise<Scene> {
  const scene = await new Scene(url, name).open()
  t.teardown(() => scene.close())
  return scene
}

async function openUser(t: Test, url = postgres.url): Promise<pg.Client> {
  const user = new pg.Client({ connectionString: url })
  user.on('error', () => {})
  await user.connect()
  t.teardown(() => user.end())
  return user
}

const waiting = async (client: pg.Client, count: number): Promise<boolean> =>
  (await client.query(`select 1 from pg_stat_activity where wait_event_type = 'Lock'`)).rowCount ===
  count

for (const size of sizes) {
  t.test(`a deadlock with a user ends well for both (${size} rows)`, async (t) => {
    const scene = await openScene(t, `deadlock_${size}`)
    const first = await scene.sync([rowsOf(size, 'a')])
    const user = await openUser(t)
    // The server looks for deadlocks after a second; the user's session is to win.
    await user.query(`set deadlock_timeout = '1min'; begin;
      select from ${scene.table} where id = ${size - 1} for update`)
    const attempt = scene.attempt({ range: { committedFence: first.fence } })
    await attempt.begin()
    await attempt.write(rowsOf(size, 'b'))
    const committing = failureOf(attempt.commit())
    await waitFor('the commit to wait for the user', () => waiting(scene.client, 1))
    await user.query(`update ${scene.table} set v = 'mine' where id = 0`)
    t.match(await committing, { category: 'network', code: 'postgres.deadlock' })
    await user.query('commit')
    t.strictSame(await scene.rows('count(*)::int as n, min(v) as v', '1'), [{ n: size, v: 'a' }])
    await attempt.commit()
    t.strictSame(await scene.rows('distinct v'), [{ v: 'b' }])
  })

  t.test(`a table that is dropped during the read is made again (${size} rows)`, async (t) => {
    const scene = await openScene(t, `dropped_${size}`)
    const first = await scene.sync([rowsOf(size, 'a')])
    const attempt = scene.attempt({ range: { committedFence: first.fence } })
    await attempt.begin()
    await attempt.write(rowsOf(size, 'b'))
    await scene.client.query(`drop table ${scene.table}`)
    t.equal((await attempt.commit()).records, size)
    t.strictSame(await scene.rows('count(*)::int as n, min(v) as v'), [{ n: size, v: 'b' }])
  })

  t.test(`so is a schema with its ledger, by the next attempt (${size} rows)`, async (t) => {
    const scene = await openScene(t, `gone_${size}`)
    const first = await scene.sync([rowsOf(size, 'a')])
    const attempt = scene.attempt({ range: { committedFence: first.fence } })
    await attempt.begin()
    await attempt.write(rowsOf(size, 'b'))
    await scene.client.query(`drop schema "${scene.namespace}" cascade`)
    t.ok(await failureOf(attempt.commit()), 'its claim is gone, so it cannot commit')
    t.equal((await scene.sync([rowsOf(size, 'c')])).records, size)
    t.strictSame(await scene.rows('distinct v'), [{ v: 'c' }])
  })

  t.test(`views, grants and a user’s index survive new columns (${size} rows)`, async (t) => {
    const scene = await openScene(t, `users_${size}`)
    const role = `reader_${size}`
    const first = await scene.sync([rowsOf(size, 'a', { n: 1 })])
    await scene.client.query(`create role ${role} login password 'x';
      grant usage on schema "${scene.namespace}" to ${role};
      grant select on ${scene.table} to ${role};
      create view "${scene.namespace}".board as select v, n, count(*) as c from ${scene.table} group by 1, 2;
      grant select on "${scene.namespace}".board to ${role};
      create index mine on ${scene.table} (v)`)
    const wider = rowsOf(size, 'b', { n: 1.5, extra: { deep: true }, flag: true })
    await scene.sync([wider], { range: { committedFence: first.fence } })
    const reader = await openUser(t, postgres.url.replace('derrick:derrick', `${role}:x`))
    const board = await reader.query(`select v, c::int from "${scene.namespace}".board`)
    t.strictSame(board.rows, [{ v: 'b', c: size }])
    const { rows } = await reader.query(
      `select coalesce(n__text, n::text) as n, flag, extra ->> 'deep' as deep from ${scene.table} limit 1`,
    )
    t.strictSame(rows, [{ n: '1.5', flag: true, deep: 'true' }])
    const { rowCount } = await scene.client.query(
      `select 1 from pg_indexes where schemaname = $1 and indexname = 'mine'`,
      [scene.namespace],
    )
    t.equal(rowCount, 1)
  })

  t.test(`a right that is taken away is named, and nothing is lost (${size} rows)`, async (t) => {
    const owner = await openUser(t)
    const name = `rights_${size}`
    await owner.query(`create role writer_${size} login password 'x';
      create schema ${name} authorization writer_${size}`)
    const scene = await openScene(
      t,
      name,
      postgres.url.replace('derrick:derrick', `writer_${size}:x`),
    )
    const first = await scene.sync([rowsOf(size, 'a')])
    await owner.query(`alter table ${scene.table} owner to derrick`)
    const attempt = scene.attempt({ range: { committedFence: first.fence } })
    await attempt.begin()
    await attempt.write(rowsOf(size, 'b'))
    const failure = await failureOf(attempt.commit())
    t.match(failure, { category: 'destination', code: 'postgres.permission', remedy: /grant/ })
    await owner.query(`alter table ${scene.table} owner to writer_${size}`)
    t.strictSame(await scene.rows('distinct v'), [{ v: 'a' }])
    await attempt.commit()
    t.strictSame(await scene.rows('distinct v'), [{ v: 'b' }])
  })
}

/** A file system of a few megabytes; undefined where nothing may be mounted. */
function smallDisk(megabytes: number): string | undefined {
  const folder = tempDir('disk', { open: true })
  t.teardown(() => folder.remove())
  try {
    const options = ['-t', 'tmpfs', '-o', `size=${megabytes}m`]
    execFileSync('mount', [...options, 'tmpfs', folder.path], { stdio: 'ignore' })
  } catch {
    return undefined
  }
  t.teardown(() => execFileSync('umount', ['--lazy', folder.path]))
  return folder.path
}

const disk = smallDisk(40)
const skip = disk === undefined && 'A FULL DISK IS NOT TESTED: nothing can be mounted here'

t.test('a full disk costs the attempt and nothing that was committed', { skip }, async (t) => {
  const location = join(String(disk), 'space')
  mkdirSync(location, { mode: 0o700 })
  const account = Number(execFileSync('id', ['-u', 'postgres'], { encoding: 'utf8' }))
  chownSync(location, account, account)
  const admin = await openUser(t)
  await admin.query(`create tablespace small location '${location}'`)
  await admin.query('create database small tablespace small')
  const scene = await openScene(t, 'full', postgres.url.replace(/\/postgres$/, '/small'))
  const first = await scene.sync([rowsOf(500, 'a')])
  const isFull = { category: 'destination', code: 'postgres.disk_full', remedy: /free space/ }
  const range = { committedFence: first.fence }
  // A large one runs out of space on its way; what it took is given back.
  t.match(await failureOf(scene.sync([rowsOf(60_000, 'x'.repeat(1000))], { range })), isFull)
  t.strictSame(await scene.rows('distinct v'), [{ v: 'a' }])
  // A small one finds not a page, because others filled the disk.
  const hog = 'create table hog (v text); alter table hog alter v set storage plain'
  // The server tells of an error before it has given back what the statement took.
  await waitFor('space for it', async () => await scene.client.query(hog))
  for (const rows of [100, 1]) await fill(scene.client, rows)
  const attempt = scene.attempt({ range })
  await attempt.begin()
  await attempt.write(rowsOf(300, 'y'.repeat(1000)))
  t.match(await failureOf(attempt.commit()), isFull)
  t.strictSame(await scene.rows('distinct v'), [{ v: 'a' }])
  await scene.client.query('drop table hog')
  t.equal((await attempt.commit()).rowsChanged, 300)
})

/** Fills the disk, so many rows of a page each at once. */
async function fill(client: pg.Client, rows: number): Promise<void> {
  for (;;) {
    try {
      await client.query(`insert into hog select repeat('x', 7000) from generate_series(1, $1)`, [
        rows,
      ])
    } catch {
      return
    }
  }
}
