/** A small world around the engine in which anything may happen at any time; driven by simulation.test.ts. */
import { Scheduler } from '../../../runtime/engine/scheduler.ts'
import type { RangeRow } from '../../../runtime/store/ranges.ts'
import { DerrickError, failure } from '../../../schema/error.ts'
import { day, failWith, type Harness, makeHarness, noon, type Script, succeed } from './harness.ts'

export const streamIds = ['s0', 's1', 's2'] as const
export type StreamId = (typeof streamIds)[number]

/** How actors behave from now on. */
export const moods = [
  'succeed',
  'slow',
  'network',
  'transform',
  'destination',
  'rate_limit',
  'auth_401',
  'auth_403',
  'die',
  'wrong_fence',
  'late_fence',
] as const
export type Mood = (typeof moods)[number]

export type Action =
  | { do: 'sync'; stream: StreamId; trigger: 'manual' | 'schedule'; window?: [number, number] }
  | { do: 'cancel' | 'disable' | 'enable' | 'tick' | 'reset' | 'clear'; stream: StreamId }
  | { do: 'pause' | 'resume'; stream: StreamId }
  | { do: 'resync' | 'retry' | 'prioritize'; stream: StreamId; window: [number, number] }
  | { do: 'retry_one'; stream: StreamId; nth: number }
  | { do: 'start'; stream: StreamId; daysAgo: number }
  | { do: 'mood'; mood: Mood }
  | { do: 'limits'; global: number; perSource: number }
  | { do: 'advance'; ms: number }
  | { do: 'crash_worker' | 'kill' | 'stop' }
  | { do: 'turns'; count: number }

const turn = () => new Promise<void>((resolve) => setImmediate(resolve))
const counts = { pages: 1, records: 1, bytes: 1, requests: 1, dropped: 0, sanitised: 0, rejects: 0 }

const source = (id: string, maxInFlight: number) => ({
  id,
  name: id,
  zone: 'UTC',
  paused: false,
  pausedReason: null,
  pausedUntil: null,
  maxInFlight,
})
const streams = [
  { streamId: 's0', parallelRanges: 4, source: source('x', 3), lookbackMs: 2 * day },
  { streamId: 's1', parallelRanges: 2, source: source('x', 3), strategy: 'oldest_first' as const },
  { streamId: 's2', parallelRanges: 8, source: source('y', 8), schedule: '* * * * *' },
].map((one) => ({ ...one, start: noon - 6 * day }))

export class World {
  h: Harness
  scheduler: Scheduler
  mood: Mood = 'succeed'
  /** what should never be */
  readonly faults: string[] = []
  #releases = new Set<() => void>()
  #dying = Promise.withResolvers<void>()
  #inFlight = new Map<number, number>()
  /** attempts that ask their source, by its id */
  #reading = new Map<object, string>()
  #limits = { global: 4, perSource: 2 }

  constructor() {
    this.h = makeHarness(this.#script(), streams)
    this.scheduler = this.#schedule()
  }

  async act(action: Action): Promise<void> {
    try {
      await this.#act(action)
    } catch (error) {
      // The engine refuses what can't be now; anything else is a fault of its own.
      if (!(error instanceof DerrickError)) this.faults.push(`${action.do}: ${error}`)
    }
    this.#look()
  }

  /** Everything is well from now on: the world must come to rest with all time read. */
  async settle(): Promise<void> {
    this.mood = 'succeed'
    // Answers of before may still pause what is resumed.
    await this.rest()
    for (const stream of streamIds) {
      await this.act({ do: 'resume', stream })
      await this.act({ do: 'enable', stream })
    }
    await this.rest()
    for (const stream of streamIds) await this.act({ do: 'sync', stream, trigger: 'manual' })
    await this.rest()
  }

  async rest(): Promise<void> {
    for (let i = 0; i < 30_000 && this.#isBusy(); i++) {
      for (const release of this.#releases) release()
      if (i % 500 === 499) this.h.clock.now += 3_600_000
      if (i % 500 === 499) await this.scheduler.tick()
      await turn()
    }
    if (this.#isBusy())
      this.faults.push(`never came to rest: ${JSON.stringify(this.h.engine.progress())}`)
  }

  rows(stream: StreamId): RangeRow[] {
    return this.h.deps.ranges.overlapping(stream, -9e15, 9e15, 100_000)
  }

  #isBusy(): boolean {
    return this.h.engine.progress().length > 0
  }

  #act(action: Action): unknown {
    const { engine, clock, deps } = this.h
    switch (action.do) {
      case 'sync':
        engine.syncStream(action.stream, action.trigger, action.window && windowOf(action.window))
        return
      case 'cancel':
        engine.cancelStream(action.stream)
        return
      case 'disable':
      case 'enable':
        this.#change(action.stream, { enabled: action.do === 'enable', pausedReason: null })
        return engine.streamChanged(action.stream)
      case 'pause':
      case 'resume':
        return this.#pause(action.stream, action.do === 'pause')
      case 'start':
        this.#change(action.stream, { start: noon - action.daysAgo * day })
        return engine.streamChanged(action.stream)
      case 'reset':
      case 'clear':
        return engine.resetStream(action.stream, { clear: action.do === 'clear' })
      case 'resync':
      case 'retry':
      case 'prioritize':
        return engine.actOnRanges(action.stream, action.do, windowOf(action.window))
      case 'retry_one': {
        const rows = this.rows(action.stream)
        const row = rows[action.nth % Math.max(rows.length, 1)]
        if (row) engine.retryRange(row.id)
        return
      }
      case 'mood':
        this.mood = action.mood
        return
      case 'limits':
        this.#limits = action
        deps.permits.setLimits(action)
        return engine.permitsReturned()
      case 'advance':
        clock.now += action.ms
        return
      case 'tick':
        return this.scheduler.tick()
      case 'crash_worker':
        this.#dying.resolve()
        this.#dying = Promise.withResolvers()
        return turn()
      case 'kill':
        this.h.abandon()
        return this.#restart()
      case 'stop':
        for (const release of this.#releases) release()
        return engine.stop(1).then(() => {
          // The process ends: so do the ports of attempts that never answered.
          this.h.abandon()
          return this.#restart()
        })
      case 'turns':
        return turns(action.count)
    }
  }

  #restart(): void {
    const { now } = this.h.clock
    this.#releases = new Set()
    this.#inFlight = new Map()
    this.#reading = new Map()
    this.h = this.h.restart(this.#script())
    this.h.clock.now = now
    this.h.deps.permits.setLimits(this.#limits)
    this.scheduler = this.#schedule()
    this.h.engine.start()
  }

  #schedule(): Scheduler {
    const { deps, engine } = this.h
    return new Scheduler(deps, engine, { before: [() => engine.permitsReturned()] }, () => {})
  }

  #change(stream: StreamId, changes: object): void {
    const context = this.h.contexts.get(stream)
    if (context) this.h.contexts.set(stream, { ...context, ...changes })
  }

  #pause(stream: StreamId, paused: boolean): void {
    const context = this.h.contexts.get(stream)
    if (!context) return
    for (const id of this.h.deps.config.streamsOfSource(context.source.id)) {
      const now = this.h.contexts.get(id)
      if (now)
        this.#change(id as StreamId, { source: { ...now.source, paused, pausedUntil: null } })
    }
    this.h.engine.sourceChanged(context.source.id)
  }

  /** What holds at every moment. */
  #look(): void {
    const { permits } = this.h.deps
    for (const id of ['x', 'y']) {
      const max = id === 'x' ? 3 : 8
      const reading = [...this.#reading.values()].filter((source) => source === id).length
      if (reading > max) this.faults.push(`${reading} ranges of ${id} read at once`)
    }
    if (permits.inUse < 0) this.faults.push('more permits given back than taken')
  }

  #script(): Script {
    const inFlight = this.#inFlight
    const reading = this.#reading
    return async (job, actor) => {
      const { id } = job.range
      const here = (inFlight.get(id) ?? 0) + 1
      inFlight.set(id, here)
      if (here > 1) this.faults.push(`range ${id} was dispatched twice`)
      const attempt = {}
      reading.set(attempt, job.sourceId)
      const read = () => reading.delete(attempt)
      const done = () => {
        read()
        inFlight.set(id, (inFlight.get(id) ?? 1) - 1)
      }
      await this.#play(this.mood, job, actor, done, read)
    }
  }

  async #play(mood: Mood, ...[job, actor, done, read]: Played) {
    if (mood === 'slow') return this.#slow(job, actor, done, read)
    done()
    if (mood === 'die') return actor.die('out of memory')
    if (mood === 'wrong_fence') return wrongFence(job, actor)
    if (mood === 'late_fence') {
      await succeed(job, actor)
      actor.send({ kind: 'range-claimed', fence: job.offeredFence + 5, fetchedFrom: noon })
      return
    }
    return answers[mood](job, actor)
  }

  /** Waits for its slot and until it is released, cancelled or dies. */
  async #slow(...[job, actor, done, read]: Played): Promise<void> {
    const released = Promise.withResolvers<'released'>()
    const release = () => released.resolve('released')
    this.#releases.add(release)
    actor.send({ kind: 'range-progressed', progress: { ...counts, pages: 9 } })
    read()
    actor.send({ kind: 'commit-slot-wanted' })
    const end = await Promise.race([
      Promise.all([released.promise, actor.granted]).then(() => 'released'),
      actor.cancelled.then(() => 'cancelled'),
      this.#dying.promise.then(() => 'died'),
    ])
    this.#releases.delete(release)
    done()
    if (end === 'died') return actor.die('killed')
    if (end === 'cancelled') return actor.send({ kind: 'range-cancelled', progress: counts })
    return succeed(job, actor)
  }
}

/** A job with what is to be called when it is over, and when it is read to its end. */
type Played = [...Parameters<Script>, done: () => void, read: () => void]

const windowOf = ([from, length]: [number, number]) => ({
  from: noon - from * day,
  to: noon - from * day + Math.max(1, length * day),
})

async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await turn()
}

const wrongFence: Script = (job, { send }) => {
  send({ kind: 'range-claimed', fence: job.offeredFence + 1, fetchedFrom: noon })
  const some = { records: 1, bytes: 1, rowsChanged: 1, checksum: '', fetchedFrom: noon }
  const receipt = { ...some, fence: job.offeredFence + 2, committedAt: noon }
  send({ kind: 'range-completed', receipt, progress: counts, recovered: false })
}

const answers: Record<Exclude<Mood, 'slow' | 'die' | 'wrong_fence' | 'late_fence'>, Script> = {
  succeed,
  network: failWith(failure('network', 'network.econnreset', 'cut')),
  transform: failWith(failure('transform', 'record.odd', 'odd')),
  destination: failWith(failure('destination', 'disk.enospc', 'full')),
  rate_limit: failWith(
    failure('rate_limit', 'http.status_429', 'slow down', { retry_after_ms: 60_000 }),
  ),
  auth_401: failWith(failure('auth', 'http.status_401', 'refused')),
  auth_403: failWith(failure('auth', 'http.status_403', 'refused')),
}
