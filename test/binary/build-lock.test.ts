import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { withBuildLock } from '../../runtime/binary/build-lock.ts'

const folder = mkdtempSync(join(tmpdir(), 'derrick-build-lock-test-'))
t.teardown(() => rmSync(folder, { recursive: true, force: true }))

t.test('builds run one after the other, also after one that failed', async (t) => {
  const file = join(folder, 'dist', 'one.lock')
  let running = 0
  const finished: number[] = []
  const build = (id: number) =>
    withBuildLock(file, 10_000, async () => {
      running += 1
      t.equal(running, 1)
      t.equal(readFileSync(file, 'utf8'), String(process.pid))
      await new Promise(setImmediate)
      running -= 1
      finished.push(id)
      if (id === 1) throw new Error('a build that fails')
    })
  const [first, ...others] = await Promise.allSettled([build(1), build(2), build(3)])
  t.match(first, { status: 'rejected', reason: { message: 'a build that fails' } })
  for (const other of others) t.equal(other.status, 'fulfilled')
  t.equal(finished.length, 3)
  t.notOk(existsSync(file))
})

t.test('the lock of a dead process is taken over; that of a living one is not', async (t) => {
  const file = join(folder, 'two.lock')
  const dead = spawnSync(process.execPath, ['-e', '0']).pid
  writeFileSync(file, String(dead))
  let built = false
  await withBuildLock(file, 10_000, async () => {
    built = true
  })
  t.ok(built)

  writeFileSync(file, String(process.pid))
  const blocked = withBuildLock(file, 0, async () => {
    t.fail('must not build')
  })
  await t.rejects(blocked, { message: /another build is still running/ })
  t.ok(existsSync(file))
})
