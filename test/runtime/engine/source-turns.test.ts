/** Places at a source: fresh ranges go before the next request of any other. */
import fc from 'fast-check'
import t from 'tap'
import { SourceTurns, type Turn } from '../../../runtime/engine/source-turns.ts'
import type { Lane } from '../../../schema/range.ts'

const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

/** A range as its worker plays it: it is in a request, or between two. */
class Range {
  readonly lane: Lane
  isHeld = false
  #nth = 0
  place: Turn | undefined
  isAsking = true

  constructor(lane: Lane) {
    this.lane = lane
  }

  bind(place: Turn): this {
    this.place = place
    place.bind({
      hold: (nth) => {
        this.isHeld = true
        this.#nth = nth
        if (!this.isAsking) place.held(nth)
      },
      release: () => {
        this.isHeld = false
      },
      giveUp: () => {},
    })
    return this
  }

  /** Its request is answered; without a hold the next one leaves. */
  answered(): void {
    if (this.isHeld) this.isAsking = false
    if (this.isHeld) this.place?.held(this.#nth)
  }

  /** Lets the next request go if it may. */
  ask(): void {
    this.isAsking = !this.isHeld
  }
}

interface Scene {
  max: number
  expectsFresh: boolean
}

class Run {
  readonly ranges: Range[] = []
  readonly #turns: SourceTurns<Run>
  readonly #scene: Scene
  wants: Lane[] = []

  constructor(turns: SourceTurns<Run>, scene: Scene) {
    this.#turns = turns
    this.#scene = scene
  }

  poke(): void {
    while (this.wants[0]) {
      const lane = this.wants[0]
      const place = this.#turns.take({ id: 'x', ...this.#scene }, this, { lane, parallel: 99 })
      if (!place) return
      this.wants.shift()
      this.ranges.push(new Range(lane).bind(place))
    }
  }

  end(range: Range): void {
    this.ranges.splice(this.ranges.indexOf(range), 1)
    range.place?.giveBack()
  }
}

const scene = (max: number, expectsFresh = false) => {
  const alarms: (() => void)[] = []
  const turns = new SourceTurns<Run>({
    now: () => 0,
    wakeAt: (_at, call) => {
      alarms.push(call)
      return () => {}
    },
  })
  const run = () => new Run(turns, { max, expectsFresh })
  return { turns, run, alarms }
}

t.test(
  'with one place a fresh range goes before the next request of the one that reads',
  async (t) => {
    const { run } = scene(1)
    const [old, fresh] = [run(), run()]
    old.wants = ['history']
    old.poke()
    fresh.wants = ['fresh']
    fresh.poke()
    t.equal(fresh.ranges.length, 0, 'a request is on the wire')
    t.ok(old.ranges[0]?.isHeld)
    old.ranges[0]?.answered()
    await turn()
    t.equal(fresh.ranges.length, 1)
    fresh.ranges[0]?.place?.asked()
    await turn()
    t.ok(old.ranges[0]?.isHeld, 'its place is taken')
    fresh.end(fresh.ranges[0] as Range)
    await turn()
    t.notOk(old.ranges[0]?.isHeld, 'and it goes on where it was')
  },
)

t.test(
  'others go on once the first fresh request has left, and after a bound in any case',
  async (t) => {
    for (const hasAsked of [true, false]) {
      let now = 0
      const alarms: (() => void)[] = []
      const wakeAt = (_at: number, call: () => void) => {
        alarms.push(call)
        return () => {}
      }
      const turns = new SourceTurns<Run>({ now: () => now, wakeAt })
      const [old, fresh] = [0, 1].map(() => new Run(turns, { max: 4, expectsFresh: false }))
      if (!old || !fresh) throw new Error('never')
      old.wants = ['history']
      old.poke()
      fresh.wants = ['fresh']
      fresh.poke()
      t.equal(fresh.ranges.length, 1, 'there is room')
      t.ok(old.ranges[0]?.isHeld)
      if (hasAsked) fresh.ranges[0]?.place?.asked()
      now = 60_000
      for (const call of alarms) call()
      await turn()
      t.notOk(old.ranges[0]?.isHeld)
    }
  },
)

t.test(
  'a range that was read before it answered is not held, and nobody gives it up later',
  async (t) => {
    const { run, alarms } = scene(1)
    const [old, fresh] = [run(), run()]
    old.wants = ['history']
    old.poke()
    const range = old.ranges[0] as Range
    let isGivenUp = false
    range.place?.bind({ hold: () => {}, release: () => {}, giveUp: () => (isGivenUp = true) })
    fresh.wants = ['fresh']
    fresh.poke()
    const before = alarms.length
    old.end(range)
    range.place?.held(1)
    await turn()
    t.equal(fresh.ranges.length, 1)
    for (const call of alarms.slice(before)) call()
    t.notOk(isGivenUp)
  },
)

t.test('history leaves a place free while fresh data are expected', (t) => {
  for (const [max, expectsFresh, taken] of [
    [3, true, 2],
    [3, false, 3],
    [1, true, 1],
  ] as const) {
    const old = scene(max, expectsFresh).run()
    old.wants = Array.from({ length: 5 }, () => 'history')
    old.poke()
    t.equal(old.ranges.length, taken)
  }
  t.end()
})

t.test('never more requests than places, and nothing is held for ever', async () => {
  const act = fc.record({
    kind: fc.constantFrom('want', 'fresh', 'answer', 'ask', 'asked', 'end', 'park', 'unpark'),
    run: fc.nat(2),
    range: fc.nat(7),
  })
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 4 }),
      fc.array(act, { maxLength: 60 }),
      async (max, acts) => {
        const { turns, run } = scene(max)
        const runs = [run(), run(), run()]
        const all = () => runs.flatMap(({ ranges }) => ranges)
        const asking = () => all().filter(({ isAsking }) => isAsking).length
        for (const { kind, run: r, range: n } of acts) {
          const one = runs[r] as Run
          const range = one.ranges[n % Math.max(1, one.ranges.length)]
          if (kind === 'want' || kind === 'fresh')
            one.wants.push(kind === 'fresh' ? 'fresh' : 'history')
          if (kind === 'park') turns.park(one)
          if (kind === 'unpark') turns.unpark(one)
          if (kind === 'answer') range?.answered()
          if (kind === 'ask') range?.ask()
          if (kind === 'asked') range?.place?.asked()
          if (kind === 'end' && range) one.end(range)
          one.poke()
          await turn()
          if (asking() > max) return false
        }
        for (const one of runs) turns.unpark(one)
        for (let i = 0; i < 200 && all().length > 0; i++) {
          for (const range of all()) {
            range.place?.asked()
            range.answered()
          }
          await turn()
          for (const one of runs)
            for (const range of [...one.ranges]) if (!range.isHeld) one.end(range)
          await turn()
        }
        return all().length === 0 && runs.every(({ wants }) => wants.length === 0)
      },
    ),
    { numRuns: 200 },
  )
})
