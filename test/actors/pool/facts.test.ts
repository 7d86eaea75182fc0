/** What Derrick relies on in its worker pool; a new version of the pool that behaves otherwise fails here. */
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { MessageChannel } from 'node:worker_threads'
import { Piscina } from 'piscina'
import t from 'tap'

const filename = join(import.meta.dirname, 'facts-actor.ts')

function open(
  t: { teardown: (call: () => unknown) => void },
  options: Partial<ConstructorParameters<typeof Piscina>[0]> = {},
): Piscina {
  const pool = new Piscina({
    filename,
    minThreads: 1,
    maxThreads: 1,
    concurrentTasksPerWorker: 16,
    atomics: 'disabled',
    ...options,
  })
  // Tasks that never end would keep a graceful close waiting.
  t.teardown(() => pool.destroy())
  return pool
}

t.test('an idle worker’s timers and sockets go on, with atomics disabled', async (t) => {
  const pool = open(t)
  await pool.run({ kind: 'start-timer' })
  const before = await pool.run({ kind: 'ticks' })
  await delay(300)
  t.ok((await pool.run({ kind: 'ticks' })) - before >= 5)
})

t.test('many tasks share one worker’s event loop', async (t) => {
  const pool = open(t)
  const threads = await Promise.all(
    Array.from({ length: 16 }, () => pool.run({ kind: 'wait', ms: 20 })),
  )
  t.equal(new Set(threads).size, 1)
})

for (const kind of ['throw-in-timer', 'exit']) {
  t.test(
    `${kind}: all tasks of the dead worker are rejected, none hangs, the pool goes on`,
    async (t) => {
      const pool = open(t)
      pool.on('error', () => {})
      const others = Array.from({ length: 4 }, () => pool.run({ kind: 'wait', ms: 60_000 }))
      const settled = Promise.allSettled([...others, pool.run({ kind })])
      for (const result of await settled) t.equal(result.status, 'rejected')
      t.type(await pool.run({ kind: 'wait', ms: 1 }), 'number', 'a new worker takes its place')
    },
  )
}

t.test(
  'a task with an abort signal gets a worker to itself: why cancel is a message',
  async (t) => {
    const pool = open(t)
    const { signal } = new AbortController()
    const began = performance.now()
    await Promise.all(
      Array.from({ length: 4 }, () => pool.run({ kind: 'wait', ms: 100 }, { signal })),
    )
    const alone = performance.now() - began
    const then = performance.now()
    await Promise.all(Array.from({ length: 4 }, () => pool.run({ kind: 'wait', ms: 100 })))
    const together = performance.now() - then
    t.ok(alone > together * 2, 'tasks with a signal ran one after the other')
  },
)

t.test('a message sent before the task returned arrives, whichever comes first', async (t) => {
  const pool = open(t)
  for (let i = 0; i < 50; i++) {
    const { port1, port2 } = new MessageChannel()
    const message = once(port1, 'message')
    await pool.run({ kind: 'answer-and-return', port: port2 }, { transferList: [port2] as never })
    t.match(await message, [{ kind: 'terminal' }])
    port1.close()
  }
})
