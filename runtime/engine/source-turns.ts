import type { HoldCell } from '../../schema/protocol.ts'
import type { Lane } from '../../schema/range.ts'
import { HoldBoard } from './hold-board.ts'

/** A run that waits for its turn at a source, or is told that its ranges are held. */
interface Waiting {
  poke(): void
}

/** How a range that reads is held between two of its requests, and let go on. */
export interface TurnEnds {
  hold: (nth: number) => void
  release: () => void
  /** held for too long: it is put back */
  giveUp: () => void
}

/** One range's place at its source, from its dispatch until it is read. */
export interface Turn {
  readonly cell: HoldCell
  bind(ends: TurnEnds): void
  /** Its first request leaves. */
  asked(): void
  /** It answers the nth hold. */
  held(nth: number): void
  giveBack(): void
}

/** What is asked for with a turn. */
export interface TurnWish {
  lane: Lane
  /** ranges that the run may read at once */
  parallel: number
}

export interface SourceBound {
  id: string
  /** ranges that may ask it at once */
  max: number
  /** fresh data are expected soon: history leaves a place free where there is more than one */
  expectsFresh: boolean
}

interface Place<Run> extends TurnWish {
  run: Run
  phase: 'going' | 'holding' | 'held'
  nth: number
  hasAsked: boolean
  begunAt: number
  cell: HoldCell
  ends: TurnEnds | undefined
  forgetAlarm: (() => void) | undefined
}

/** A run in line; `hasAsked` since it was poked last. */
interface Waiter {
  lane: Lane
  since: number
  hasAsked: boolean
}

interface Line<Run> {
  sourceId: string
  max: number
  places: Set<Place<Run>>
  waiting: Map<Run, Waiter>
  isWoken: boolean
  forgetAlarm: (() => void) | undefined
}

export interface TurnDeps {
  now: () => number
  wakeAt: (at: number, call: () => void) => () => void
}

/** Others wait so long at most for a fresh range's first request: it has a place of its own by then. */
const longestHushMs = 10_000
/** A range is held between two requests for so long at most; then it is put back, and read again later. */
const longestHoldMs = 300_000

const isFresh = ({ lane }: { lane: Lane }): boolean => lane === 'fresh'

/**
 * Ranges that read from each source, over all its runs: together they stay under its bound. Fresh ranges go before the next
 * request of any other: until the first of theirs has left nobody else sends one, and where all places are taken others are held
 * between two requests. Runs that meet the bound stand in line and take one range each, so that none starves beside a long one.
 */
export class SourceTurns<Run extends Waiting> {
  readonly #deps: TurnDeps
  readonly #board = new HoldBoard()
  readonly #lines = new Map<string, Line<Run>>()
  /** runs that gave their permits away with ranges half read */
  readonly #parked = new Set<Run>()
  #turn: Run | null = null

  constructor(deps: TurnDeps) {
    this.#deps = deps
  }

  /** A place for one more range of this run; without one it stands in line and is poked when it may ask again. */
  take(source: SourceBound, run: Run, wish: TurnWish): Turn | null {
    const { lane } = wish
    const line = this.#line(source.id)
    line.max = source.max
    const mine = [...line.places].filter((place) => place.run === run && isActive(place)).length
    const isFirst = this.#turn === run || !hasEqual(line.waiting, lane)
    const room = line.max - active(line) - (lane === 'fresh' ? 0 : reserved(line, source))
    const mayGo = lane === 'fresh' || !(this.#mustHush(line) || hasHeld(line, this.#parked))
    const isFree = room > 0 && mayGo && mine < wish.parallel
    if (isFree && isFirst) {
      // One at a time: the next one only after those in line.
      this.#turn = null
      line.waiting.delete(run)
      return this.#begin(line, run, wish)
    }
    const since = line.waiting.get(run)?.since ?? this.#deps.now()
    line.waiting.set(run, { lane, since, hasAsked: true })
    this.#settle(line)
    if (isFree) this.#wake(line)
    return null
  }

  /** The run's ranges are held until it goes on; fresh ones are read to their end. */
  park(run: Run): void {
    this.#parked.add(run)
    this.#settleAll(run)
  }

  unpark(run: Run): void {
    if (this.#parked.delete(run)) this.#settleAll(run)
  }

  /** Ranges of this run that ask nothing because they are held. */
  held(run: Run): number {
    return this.#of(run).filter(({ phase }) => phase === 'held').length
  }

  /** Puts back what is held of a run that gave its permits away. */
  drop(run: Run): void {
    if (!this.#parked.has(run)) return
    for (const { phase, ends } of this.#of(run)) if (phase !== 'going') ends?.giveUp()
  }

  #begin(line: Line<Run>, run: Run, wish: TurnWish): Turn {
    const { now, wakeAt } = this.#deps
    const place: Place<Run> = {
      run,
      ...wish,
      phase: 'going',
      nth: 0,
      hasAsked: false,
      begunAt: now(),
      cell: this.#board.take(),
      ends: undefined,
      forgetAlarm: undefined,
    }
    const changed = (): void => this.#wake(line)
    line.places.add(place)
    this.#settle(line)
    return {
      cell: place.cell,
      bind: (ends) => {
        place.ends = ends
        if (place.phase === 'holding') ends.hold(place.nth)
      },
      asked: () => {
        place.hasAsked = true
        changed()
      },
      held: (nth) => {
        // One that is read by now only commits: nothing is held of it.
        if (!line.places.has(place) || place.phase !== 'holding' || place.nth !== nth) return
        place.phase = 'held'
        const giveUp = (): void => place.ends?.giveUp()
        place.forgetAlarm = wakeAt(now() + longestHoldMs, giveUp)
        if (this.#parked.has(run)) queueMicrotask(() => run.poke())
        changed()
      },
      giveBack: () => {
        if (!line.places.delete(place)) return
        place.forgetAlarm?.()
        this.#board.giveBack(place.cell)
        changed()
      },
    }
  }

  /** Holds whoever has to wait for others, and lets go on whoever has not any more. */
  #settle(line: Line<Run>): void {
    const isHushed = this.#mustHush(line)
    this.#setAlarm(line, isHushed)
    const fresh = [...line.places].filter(isFresh)
    let free = line.max - fresh.length - [...line.waiting.values()].filter(isFresh).length
    const held: Place<Run>[] = []
    const ofRuns = new Map<Run, number>()
    const count = (run: Run): number => ofRuns.get(run) ?? 0
    for (const { run } of fresh) ofRuns.set(run, count(run) + 1)
    for (const place of line.places) {
      if (isFresh(place)) continue
      const { run, parallel } = place
      const mayGo = !isHushed && !this.#parked.has(run) && free > 0 && count(run) < parallel
      if (!mayGo) {
        this.#hold(place)
        continue
      }
      free -= 1
      ofRuns.set(run, count(run) + 1)
      if (place.phase !== 'going') held.push(place)
    }
    // One that was told to hold, and has not answered, still has its place.
    for (const place of held)
      if (place.phase === 'holding' || active(line) < line.max) this.#release(place)
  }

  #hold(place: Place<Run>): void {
    if (place.phase !== 'going') return
    place.phase = 'holding'
    place.nth += 1
    this.#board.set(place.cell, true)
    place.ends?.hold(place.nth)
  }

  #release(place: Place<Run>): void {
    place.phase = 'going'
    place.forgetAlarm?.()
    place.forgetAlarm = undefined
    this.#board.set(place.cell, false)
    place.ends?.release()
  }

  /** A hush that others wait for has an end. */
  #setAlarm(line: Line<Run>, isHushed: boolean): void {
    const isFelt = isHushed && (line.waiting.size > 0 || ![...line.places].every(isFresh))
    if (!isFelt) {
      line.forgetAlarm?.()
      line.forgetAlarm = undefined
    }
    if (!isFelt || line.forgetAlarm) return
    line.forgetAlarm = this.#deps.wakeAt(this.#deps.now() + longestHushMs, () => {
      line.forgetAlarm = undefined
      this.#wake(line)
    })
  }

  /** A fresh range waits for a place, or is on its way to its first request. */
  #mustHush(line: Line<Run>): boolean {
    const since = this.#deps.now() - longestHushMs
    for (const waiter of line.waiting.values())
      if (isFresh(waiter) && waiter.since > since) return true
    for (const place of line.places)
      if (isFresh(place) && !place.hasAsked && place.begunAt > since) return true
    return false
  }

  /** Later, so that nobody is poked within his own step. */
  #wake(line: Line<Run>): void {
    if (line.isWoken) return
    line.isWoken = true
    queueMicrotask(() => {
      line.isWoken = false
      this.#settle(line)
      // Whoever has nothing to send any more leaves the line by being poked.
      for (const run of inOrder(line.waiting)) {
        if (active(line) >= line.max) break
        const waiter = line.waiting.get(run)
        if (waiter) waiter.hasAsked = false
        this.#turn = run
        run.poke()
        this.#turn = null
        if (line.waiting.get(run)?.hasAsked === false) line.waiting.delete(run)
      }
      this.#settle(line)
      if (line.places.size > 0 || line.waiting.size > 0) return
      if (this.#lines.get(line.sourceId) === line) this.#lines.delete(line.sourceId)
    })
  }

  #settleAll(run: Run): void {
    for (const line of this.#lines.values())
      if ([...line.places].some((place) => place.run === run)) this.#settle(line)
  }

  #of(run: Run): Place<Run>[] {
    return [...this.#lines.values()].flatMap(({ places }) =>
      [...places].filter((place) => place.run === run),
    )
  }

  #line(sourceId: string): Line<Run> {
    let line = this.#lines.get(sourceId)
    if (!line) {
      line = {
        sourceId,
        max: 1,
        places: new Set(),
        waiting: new Map(),
        isWoken: false,
        forgetAlarm: undefined,
      }
      this.#lines.set(sourceId, line)
    }
    return line
  }
}

const isActive = ({ phase }: Place<unknown>): boolean => phase !== 'held'

function active(line: Line<unknown>): number {
  let count = 0
  for (const place of line.places) if (isActive(place)) count += 1
  return count
}

/** Places that history leaves free: none while a fresh range has one. */
function reserved(line: Line<unknown>, { max, expectsFresh }: SourceBound): number {
  if (max === 1 || !expectsFresh) return 0
  for (const place of line.places) if (isFresh(place)) return 0
  return 1
}

/** What was begun goes on before anything new. */
function hasHeld<Run>(line: Line<Run>, parked: Set<Run>): boolean {
  for (const { phase, run } of line.places) if (phase !== 'going' && !parked.has(run)) return true
  return false
}

/** Somebody who goes before others in this lane is in line. */
function hasEqual(waiting: Map<unknown, Waiter>, lane: Lane): boolean {
  if (lane !== 'fresh') return waiting.size > 0
  for (const other of waiting.values()) if (isFresh(other)) return true
  return false
}

function inOrder<Run>(waiting: Map<Run, Waiter>): Run[] {
  const runs = [...waiting]
  const first = runs.filter(([, waiter]) => isFresh(waiter))
  return [...first, ...runs.filter(([, waiter]) => !isFresh(waiter))].map(([run]) => run)
}
