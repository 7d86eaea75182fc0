/** Workers whose event loop stands still. */
import { join } from 'node:path'
import t from 'tap'
import { CommitSlots } from '../../../runtime/engine/commit-slots.ts'
import { Heartbeats } from '../../../runtime/engine/heartbeats.ts'
import { makePool } from '../../../runtime/engine/pool.ts'
import { startRangeTask } from '../../../runtime/engine/range-task.ts'
import type { RangeJob } from '../../../schema/protocol.ts'
import { realTime } from './harness.ts'

const ignore = () => {}
const listener = {
  onClaimed: ignore,
  onProgress: ignore,
  onAsked: ignore,
  onHeld: ignore,
  onRead: ignore,
  onWait: ignore,
  onRejects: ignore,
  onGovernor: ignore,
  onSignIn: ignore,
  onSchemaChange: ignore,
}

t.test('six silent checks on end are a death, fewer are not', async (t) => {
  const heartbeats = new Heartbeats()
  heartbeats.heard(1)
  heartbeats.heard(2)
  for (let i = 0; i < 6; i++) {
    t.same(heartbeats.check([1, 2, 3]), [])
    heartbeats.heard(2)
  }
  t.same(heartbeats.check([1, 2, 3]), [1], 'a worker that was never heard is still starting')
  t.same(heartbeats.check([2, 3]), [])
})

t.test(
  'an endless loop in a worker takes its ranges down, and another worker goes on',
  async (t) => {
    const silent: number[] = []
    const pool = makePool(1, {
      file: join(import.meta.dirname, 'blocked-actor.ts'),
      heartbeatMs: 100,
      onSilent: (thread) => silent.push(thread),
    })
    t.teardown(() => pool.close())
    const start = (runId: string, alone = false) =>
      startRangeTask(
        { runId, target: {}, connector: { manifest: {} } } as unknown as RangeJob,
        { ...realTime, pool, slots: new CommitSlots(), commitSlotLimit: 1, alone },
        listener,
      ).outcome
    // Two share the worker: one waits for its API, the other never lets it hear of it.
    const waiting = start('wait')
    const blocked = start('block')
    t.match(await blocked, { kind: 'crashed', failure: { code: 'worker.died' } })
    t.match(await waiting, { kind: 'crashed', failure: { code: 'worker.died' } })
    t.equal(silent.length, 1)
    t.match(await start('answer'), { kind: 'cancelled' }, 'the next worker works')
    t.match(await start('block', true), { kind: 'crashed' }, 'also one that runs a range alone')
    t.match(await start('answer', true), { kind: 'cancelled' })
  },
)
