import { RE2JS } from 're2js'
import { type Limit, limitGroup } from '../../../schema/manifest/limit.ts'
import type { LeaveAnswer, LeaveRequest, SeenLimit } from '../../../schema/protocol.ts'
import type { Lane } from '../../../schema/range.ts'
import { type Gate, type Governor, openGate, type Spent, seenOf } from './limits.ts'
import type { Clock } from './sleep.ts'

/** This worker's line to the governor of one source, which all workers share. */
export interface LeaveLine {
  send(message: LeaveRequest): void
}

/** Limits that count a request, those of its stream before the connector's. */
interface Scope {
  stream: string | null
  limits: readonly Limit[]
}

interface Waiter {
  groups: string[]
  lane: Lane
  /** @param untilMs the end of the leave */
  admit(untilMs: number): void
  giveUp(): void
}

/** Requests of one source in this worker: they wait here for leave that the supervisor's governor grants in batches. */
export class LeasedGovernor {
  readonly #line: LeaveLine
  readonly #clock: Clock
  readonly #waiting = new Set<Waiter>()
  #pausedUntil = 0
  /** ends the waits of a pause that changed */
  #pause = new AbortController()
  #lost: Error | null = null
  #underWay = 0

  constructor(line: LeaveLine, clock: Clock) {
    this.#line = line
    this.#clock = clock
  }

  /** Nobody waits, and no request is under way. */
  get isIdle(): boolean {
    return this.#waiting.size === 0 && this.#underWay === 0
  }

  hear(answer: LeaveAnswer): void {
    if (answer.kind === 'leave-granted') {
      this.#granted(answer)
      return
    }
    this.#pausedUntil = answer.untilMs
    this.#pause.abort()
    this.#pause = new AbortController()
  }

  /** The line is cut: nobody would answer those that wait. */
  lost(reason: Error): void {
    this.#lost = reason
    for (const waiter of [...this.#waiting]) waiter.giveUp()
  }

  /** The governor as one range's reads see it. */
  view(scopes: Scope[], lane: Lane, gate: Gate = openGate): Governor {
    const rules = scopes.map(compileScope)
    return {
      pause: (untilMs) => {
        this.#pausedUntil = Math.max(this.#pausedUntil, untilMs)
        if (!this.#lost) this.#line.send({ kind: 'wait-asked', untilMs })
      },
      enter: async (path, signal) => {
        const counted = rules.flatMap((rule) => rule(path))
        const leave =
          counted.length === 0
            ? await this.#passed(gate, signal)
            : await this.#leave(counted, lane, gate, signal)
        return gate.begin(leave)
      },
      ofStream: (stream, limits) => this.view([{ stream, limits }, ...scopes], lane, gate),
    }
  }

  /** Of requests that no limit counts. */
  async #passed(gate: Gate, signal: AbortSignal): Promise<() => void> {
    do {
      await gate.pass(signal)
      await this.#waitOut(signal)
    } while (gate.isHeld)
    return () => {}
  }

  async #leave(counted: Counted[], lane: Lane, gate: Gate, signal: AbortSignal) {
    const groups = counted.map(({ group }) => group)
    for (;;) {
      await gate.pass(signal)
      await this.#waitOut(signal)
      const untilMs = await this.#granting(groups, lane, gate, signal)
      if (untilMs === null) continue
      const startedMs = this.#clock.now()
      if (startedMs <= untilMs && this.#pausedUntil <= startedMs && !gate.isHeld)
        return this.#answer(counted, groups, { untilMs, startedMs })
      // Too late for this leave, or the API has asked for a pause meanwhile, or others go first.
      this.#line.send({ kind: 'leave-returned', groups, count: 1, untilMs })
    }
  }

  #answer(counted: Counted[], groups: string[], at: { untilMs: number; startedMs: number }) {
    let isOver = false
    this.#underWay += 1
    return (spent?: Spent): void => {
      if (isOver) return
      isOver = true
      this.#underWay -= 1
      if (this.#lost) return
      const now = this.#clock.now()
      const seen = spent ? counted.flatMap((one) => seenBy(one, spent, now)) : []
      const refused = spent?.status === 429
      this.#line.send({ kind: 'request-answered', groups, ...at, refused, seen })
    }
  }

  /** Resolves with the end of the leave; with null when the gate was held meanwhile. */
  #granting(groups: string[], lane: Lane, gate: Gate, signal: AbortSignal): Promise<number | null> {
    return new Promise((resolve, reject) => {
      if (this.#lost) return reject(this.#lost)
      const leaveLine = (): void => {
        signal.removeEventListener('abort', giveUp)
        stopHearing()
        this.#waiting.delete(waiter)
      }
      const giveUp = (): void => {
        leaveLine()
        if (!this.#lost) this.#line.send({ kind: 'leave-wanted', groups, lane, count: -1 })
        reject(this.#lost ?? signal.reason)
      }
      const stopHearing = gate.onHold(() => {
        leaveLine()
        this.#line.send({ kind: 'leave-wanted', groups, lane, count: -1 })
        resolve(null)
      })
      const admit = (untilMs: number): void => {
        leaveLine()
        resolve(untilMs)
      }
      const waiter: Waiter = { groups, lane, admit, giveUp }
      signal.addEventListener('abort', giveUp, { once: true })
      this.#waiting.add(waiter)
      this.#line.send({ kind: 'leave-wanted', groups, lane, count: 1 })
    })
  }

  #granted({ groups, lane, count, untilMs }: Extract<LeaveAnswer, { kind: 'leave-granted' }>) {
    const key = groups.join()
    let left = count
    for (const waiter of this.#waiting) {
      if (left === 0) return
      if (waiter.lane !== lane || waiter.groups.join() !== key) continue
      left -= 1
      waiter.admit(untilMs)
    }
    // Those that it was for have given up.
    if (left > 0) this.#line.send({ kind: 'leave-returned', groups, count: left, untilMs })
  }

  async #waitOut(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    while (this.#pausedUntil > this.#clock.now()) {
      const changed = AbortSignal.any([signal, this.#pause.signal])
      await this.#clock.sleep(this.#pausedUntil - this.#clock.now(), changed).catch(() => {})
      signal.throwIfAborted()
    }
  }
}

interface Counted {
  group: string
  limits: readonly Limit[]
}

/** The group of limits that applies to a path: that of the first `match` that fits, else the one without. */
function compileScope({ stream, limits }: Scope): (path: string) => Counted[] {
  const patterns = [...new Set(limits.flatMap(({ match }) => (match === undefined ? [] : match)))]
  const rules = patterns.map((match) => ({ match, pattern: RE2JS.compile(match) }))
  return (path) => {
    const first = rules.find(({ pattern }) => pattern.matcher(path).find())
    const own = limits.filter(({ match }) => match === first?.match)
    return own.length === 0 ? [] : [{ group: limitGroup(stream, first?.match), limits: own }]
  }
}

function seenBy({ group, limits }: Counted, spent: Spent, now: number): SeenLimit[] {
  return limits.flatMap((limit, nth) => {
    const seen = seenOf(limit, spent, now)
    return seen ? [{ group, nth, ...seen }] : []
  })
}
