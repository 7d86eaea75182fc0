import { MessageChannel } from 'node:worker_threads'
import t from 'tap'
import { rangeEvents } from '../../actors/range-events.ts'
import { openChannel } from '../../schema/channel.ts'
import type { RangeEvent } from '../../schema/protocol.ts'

const progress = {
  pages: 1,
  records: 1,
  bytes: 1,
  requests: 1,
  dropped: 0,
  sanitised: 0,
  rejects: 0,
}

/** What is posted, as it is posted. */
function recorded() {
  const posted: unknown[] = []
  const port = {
    postMessage: (message: unknown) => posted.push(structuredClone(message, { transfer: [] })),
    on: () => {},
    close: () => posted.push('closed'),
  }
  return { posted, events: rangeEvents(openChannel<RangeEvent, never>(port, {} as never)) }
}

t.test('what is held goes with the next event, in its order and in one message', async (t) => {
  const { posted, events } = recorded()
  events.hold({ kind: 'range-claimed', fence: 1, fetchedFrom: 2 })
  events.hold({ kind: 'range-progressed', progress })
  t.same(posted, [])
  events.send({ kind: 'commit-slot-wanted' })
  events.send({ kind: 'range-cancelled', progress })
  events.close()
  t.match(posted, [
    [{ kind: 'range-claimed' }, { kind: 'range-progressed' }, { kind: 'commit-slot-wanted' }],
    { kind: 'range-cancelled' },
    'closed',
  ])
})

t.test('the other side hears several as if each had come alone; one with a port too', async (t) => {
  const { port1, port2 } = new MessageChannel()
  t.teardown(() => port1.close())
  const heard: string[] = []
  const done = Promise.withResolvers<void>()
  const hear = ({ kind }: RangeEvent) => void heard.push(kind)
  openChannel<never, RangeEvent>(port1, {
    'range-claimed': hear,
    'governor-opened': hear,
    'range-progressed': hear,
    'range-cancelled': (event: RangeEvent) => {
      hear(event)
      done.resolve()
    },
  } as never)
  const events = rangeEvents(openChannel<RangeEvent, never>(port2, {} as never))
  const line = new MessageChannel()
  t.teardown(() => line.port1.close())
  events.hold({ kind: 'range-claimed', fence: 1, fetchedFrom: 2 })
  events.send({ kind: 'governor-opened', port: line.port2 }, [line.port2])
  events.hold({ kind: 'range-progressed', progress })
  events.send({ kind: 'range-cancelled', progress })
  await done.promise
  t.same(heard, ['range-claimed', 'governor-opened', 'range-progressed', 'range-cancelled'])
})
