import type { MessagePort } from 'node:worker_threads'
import { openChannel } from '../../schema/channel.ts'
import { type Failure, failure, toFailure } from '../../schema/error.ts'
import type {
  AttemptProgress,
  RangeCommand,
  RangeEvent,
  RangeJob,
  Receipt,
  Reject,
} from '../../schema/protocol.ts'
import type { CommitSlots } from './commit-slots.ts'
import type { ActorPool } from './pool.ts'

/** How an attempt ended, seen from the supervisor. */
export type RangeOutcome =
  | { kind: 'completed'; receipt: Receipt; progress: AttemptProgress; recovered: boolean }
  | { kind: 'failed'; failure: Failure; progress: AttemptProgress }
  | { kind: 'cancelled'; progress: AttemptProgress }
  /** the worker died, or no longer answers: nothing is known of the attempt but its fence */
  | { kind: 'crashed'; failure: Failure; progress: AttemptProgress }

export interface RangeTaskListener {
  onClaimed: (fence: number, fetchedFrom: number) => void
  onProgress: (progress: AttemptProgress) => void
  /** Its first request leaves. */
  onAsked: () => void
  /** It asks its source nothing until it is released. */
  onHeld: (nth: number) => void
  /** All of it is in the spool: only the commit is left, and the source is no longer asked. */
  onRead: () => void
  /** @param refused because it was asked too much */
  onWait: (untilMs: number, reason: string, refused: boolean) => void
  onRejects: (rejects: Reject[]) => void
  /** The worker opened its line to the governor of the source. */
  onGovernor: (port: MessagePort) => void
  /** The same to the keeper of the source's sign-in. */
  onSignIn: (port: MessagePort) => void
  onSchemaChange: (table: string, columns: { name: string; type: string }[]) => void
}

export interface RangeTaskDeps {
  pool: ActorPool
  slots: CommitSlots
  commitSlotLimit: number
  /** a range whose worker died runs alone */
  alone: boolean
  /** how long a cancel may go unanswered, for tests */
  answerMs?: number
  now: () => number
  wakeAt: (at: number, call: () => void) => () => void
  /** a pair of entangled ports; a simulator has its own */
  openPorts: () => { port1: MessagePort; port2: MessagePort }
}

/** The actor has this long to answer before its attempt is written off; the fence keeps it harmless. */
const answerMs = { cancel: 30_000, stop: 5_000 }

const nothing: AttemptProgress = {
  pages: 0,
  records: 0,
  bytes: 0,
  requests: 0,
  dropped: 0,
  sanitised: 0,
  rejects: 0,
}

/** One range under way in the pool. */
export interface RangeTask {
  outcome: Promise<RangeOutcome>
  cancel(reason: 'cancel' | 'stop'): void
  /** What its hold cell says, for those that wait for nothing but messages. */
  hold(nth: number): void
  release(): void
}

export function startRangeTask(
  job: RangeJob,
  deps: RangeTaskDeps,
  listener: RangeTaskListener,
): RangeTask {
  const { port1, port2 } = deps.openPorts()
  const ended = Promise.withResolvers<RangeOutcome>()
  let progress = nothing
  let giveSlotBack: (() => void) | undefined
  let forgetTimer: (() => void) | undefined
  let isCancelled = false
  let isOver = false
  const end = (outcome: RangeOutcome): void => {
    if (isOver) return
    isOver = true
    forgetTimer?.()
    giveSlotBack?.()
    port1.close()
    ended.resolve(outcome)
  }
  /** A closed port still delivers what it holds; and a fault of ours ends this attempt, not the process. */
  const hear = (act: () => void): void => {
    if (isOver) return
    try {
      act()
    } catch (error) {
      channel.send({ kind: 'cancel-range', reason: 'cancel' })
      end({ kind: 'failed', failure: toFailure(error), progress })
    }
  }
  const channel = openChannel<RangeCommand, RangeEvent<MessagePort>>(port1, {
    'range-claimed': (event) => hear(() => listener.onClaimed(event.fence, event.fetchedFrom)),
    'range-progressed': (event) => {
      progress = event.progress
      hear(() => listener.onProgress(event.progress))
    },
    'source-asked': () => hear(() => listener.onAsked()),
    'range-held': ({ nth }) => hear(() => listener.onHeld(nth)),
    'source-waited': ({ untilMs, reason, refused }) =>
      hear(() => listener.onWait(untilMs, reason, refused)),
    // Also of an attempt that is over: other ranges in that worker will use the line.
    'governor-opened': ({ port }) => listener.onGovernor(port),
    'sign-in-opened': ({ port }) => listener.onSignIn(port),
    'commit-slot-wanted': () =>
      hear(() => {
        listener.onRead()
        giveSlotBack = deps.slots.request(job.target.destinationId, deps.commitSlotLimit, () =>
          channel.send({ kind: 'grant-commit-slot' }),
        )
      }),
    'records-rejected': (event) => hear(() => listener.onRejects(event.rejects)),
    'schema-changed': (event) => hear(() => listener.onSchemaChange(event.table, event.columns)),
    'range-completed': ({ receipt, progress: last, recovered }) =>
      end({ kind: 'completed', receipt, progress: last, recovered }),
    'range-failed': (event) =>
      end({ kind: 'failed', failure: event.failure, progress: event.progress }),
    'range-cancelled': (event) => end({ kind: 'cancelled', progress: event.progress }),
  })
  const crashed = (message: string): void =>
    end({ kind: 'crashed', failure: workerDied(message), progress })
  dispatch(job, port2, deps).then(
    // The terminal event was sent before the task returned, but promise and port may race: let the port drain first.
    () => {
      if (isOver) return
      const giveUp = (): void => crashed('the sync actor returned without a result')
      forgetTimer?.()
      forgetTimer = deps.wakeAt(deps.now() + returnedGraceMs, giveUp)
    },
    (error: unknown) => crashed(error instanceof Error ? error.message : String(error)),
  )
  return {
    outcome: ended.promise,
    // What is sent to a closed port is lost, as it should be.
    hold: (nth) => channel.send({ kind: 'hold-range', nth }),
    release: () => channel.send({ kind: 'release-range' }),
    cancel: (reason) => {
      if (isOver || isCancelled) return
      isCancelled = true
      channel.send({ kind: 'cancel-range', reason })
      // Slow to answer is not dead: nothing is counted against the range.
      const writeOff = (): void => end({ kind: 'cancelled', progress })
      forgetTimer?.()
      forgetTimer = deps.wakeAt(deps.now() + (deps.answerMs ?? answerMs[reason]), writeOff)
    },
  }
}

const returnedGraceMs = 5_000

/** Async, so that also what is thrown at once becomes a rejection. */
async function dispatch(
  job: RangeJob,
  port: MessagePort,
  { pool, alone }: RangeTaskDeps,
): Promise<unknown> {
  const task = { kind: 'sync-range' as const, job, port }
  return alone ? pool.runAlone(task, [port]) : pool.run(task, [port])
}

const workerDied = (message: string): Failure =>
  failure('unknown', 'worker.died', `the worker that read this range ended: ${message}`, {
    remedy: 'if it happens again, lower the page size or raise the memory of the machine',
  })
