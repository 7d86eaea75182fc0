/** Workers that die at bad moments. */
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { makePool } from '../../../runtime/engine/pool.ts'
import type { PoolTask } from '../../../schema/protocol.ts'

const file = (name: string): string => join(import.meta.dirname, name)
const task: PoolTask<never> = { kind: 'close-destination', destinationId: 'dst_1' }

t.test('a worker that dies with nothing to do takes nobody with it', async (t) => {
  const strays: unknown[] = []
  const pool = makePool(1, { file: file('stray-actor.ts'), onStray: (error) => strays.push(error) })
  t.equal(await pool.run(task), 'returned')
  await delay(200)
  t.equal(await pool.run(task), 'returned', 'another one took its place')
  t.match(strays, [{ message: /nobody waits/ }])
  await pool.close()
})

t.test('a worker that never comes up fails its tasks instead of keeping them', async (t) => {
  const pool = makePool(1, { file: file('stillborn-actor.ts') })
  await t.rejects(pool.run(task))
  await t.rejects(pool.run(task), 'and each time anew')
  await pool.close()
})
