/** One attempt between a supervisor and a destination that are played here. */
import { MessageChannel } from 'node:worker_threads'
import t from 'tap'
import { ByteBudget } from '../../actors/byte-budget.ts'
import type { ReadPage, StreamReader } from '../../actors/connectors/reader.ts'
import type { DestinationKind } from '../../actors/destinations/writer.ts'
import { type SyncRangeDeps, syncRange } from '../../actors/sync-range.ts'
import { type Channel, openChannel, type Port } from '../../schema/channel.ts'
import type {
  PageCommand,
  PageEvent,
  RangeCommand,
  RangeEvent,
  RangeJob,
} from '../../schema/protocol.ts'

const turn = () => new Promise<void>((resolve) => setImmediate(resolve))
const until = async (holds: () => boolean): Promise<void> => {
  for (let i = 0; i < 2_000 && !holds(); i++) await turn()
  if (!holds()) throw new Error('it never came to that')
}

type Answer = (command: PageCommand, channel: Channel<PageEvent>) => void

/** Runs one attempt; `answer` is the destination. */
function play(pages: ReadPage[], answer: Answer, budget = new ByteBudget(1e9)) {
  const heard: PageCommand['kind'][] = []
  const told: RangeEvent[] = []
  const attachDestination = (port: Port): void => {
    const hear = (command: PageCommand): void => {
      heard.push(command.kind)
      answer(command, channel)
    }
    const channel = openChannel<PageEvent, PageCommand>(port, {
      'begin-range': hear,
      'write-page': hear,
      'commit-range': hear,
      'grant-commit-slot': hear,
      'abort-range': hear,
    })
  }
  const reader = {
    pages: async function* () {
      yield* pages
    },
  } as unknown as StreamReader
  const bytes = () => new Uint8Array(8)
  const kind = {
    makeEncoder: () => ({
      encode: () => ({
        bytes: bytes(),
        recordCount: 1,
        checksum: 1,
        meta: {},
        rejects: [],
        sanitised: 0,
      }),
    }),
  } as unknown as DestinationKind
  const deps: SyncRangeDeps = {
    now: () => 0,
    budget,
    openReader: () => reader,
    attachDestination,
    loadKind: async () => kind,
  }
  const job = { range: { kind: 'window', start: 0, end: 1 }, target: {}, limits: {} } as RangeJob
  const { port1, port2 } = new MessageChannel()
  const tell = (event: RangeEvent) => void told.push(event)
  const supervisor = openChannel<RangeCommand, RangeEvent>(port1, {
    'range-claimed': tell,
    'range-progressed': tell,
    'source-asked': tell,
    'range-held': tell,
    'source-waited': tell,
    'governor-opened': tell,
    'sign-in-opened': tell,
    'commit-slot-wanted': tell,
    'records-rejected': tell,
    'schema-changed': tell,
    'range-completed': tell,
    'range-failed': tell,
    'range-cancelled': tell,
  })
  return { heard, told, supervisor, done: syncRange(job, port2, deps) }
}

const page = (bytes: number): ReadPage =>
  ({ records: [{}], bytes, requests: 1, dropped: 0 }) as unknown as ReadPage

t.test('a cancel reaches the destination while it is still being asked to begin', async (t) => {
  const attempt = play([], (command, { send }) => {
    if (command.kind === 'abort-range') send({ kind: 'range-aborted' })
  })
  await until(() => attempt.heard.includes('begin-range'))
  attempt.supervisor.send({ kind: 'cancel-range', reason: 'cancel' })
  await attempt.done
  await until(() => attempt.told.length > 0)
  t.match(attempt.told, [{ kind: 'range-cancelled' }])
})

t.test('an attempt whose supervisor went away is given up', async (t) => {
  const attempt = play([], (command, { send }) => {
    if (command.kind === 'begin-range') send({ kind: 'range-begun', fence: 1, holds: null })
    if (command.kind === 'abort-range') send({ kind: 'range-aborted' })
  })
  await until(() => attempt.heard.includes('commit-range'))
  attempt.supervisor.close()
  await attempt.done
  t.ok(attempt.heard.includes('abort-range'))
})

t.test('a range whose destination is full holds nothing of what pages may take', async (t) => {
  const budget = new ByteBudget(1e9)
  const attempt = play(
    Array.from({ length: 9 }, () => page(1_000)),
    (command, { send }) => {
      if (command.kind === 'begin-range') send({ kind: 'range-begun', fence: 1, holds: null })
      if (command.kind === 'abort-range') send({ kind: 'range-aborted' })
    },
    budget,
  )
  await until(() => attempt.heard.filter((kind) => kind === 'write-page').length === 4)
  for (let i = 0; i < 10; i++) await turn()
  t.equal(budget.used, 0, 'or the range that could make room waits for it')
  attempt.supervisor.send({ kind: 'cancel-range', reason: 'cancel' })
  await attempt.done
  await until(() => attempt.told.some(({ kind }) => kind === 'range-cancelled'))
})
