/** How many ranges of a stream are read at once, where that is left to us: pure. */

/** What an API with some latency takes without being asked. */
const firstParallel = 8
const mostParallel = 32
/** Throughput is compared over spans of at least this. */
const spanMs = 2_000
/** Throughput that is not better by this share is as good as the same. */
const betterShare = 0.05
/** After a refusal it does not grow for so many spans. */
const spansOfRest = 10

/** Grows while that makes reading faster, step by step; halves when the API says that it is too much. */
export class RangePace {
  #parallel = firstParallel
  #step = firstParallel
  /** by how much it grew with the last span */
  #grewBy = 0
  #rest = 0
  #span: { begun: number; records: number; wasFull: boolean } | null = null
  /** records a ms with fewer at once; null before the first span */
  #before: number | null = null
  #halvedAt = Number.NEGATIVE_INFINITY

  get parallel(): number {
    return this.#parallel
  }

  /** A range was read. `inFlight` counts it: only what was used to the full says something about more. */
  read(records: number, inFlight: number, now: number): void {
    this.#span ??= { begun: now, records: 0, wasFull: true }
    this.#span.records += records
    if (inFlight < this.#parallel) this.#span.wasFull = false
    if (now - this.#span.begun >= spanMs) this.#judge(now)
  }

  /** The API said that it is asked too much. Answers to requests of the same moment count once. */
  refused(now: number): void {
    if (now >= this.#halvedAt && now - this.#halvedAt < spanMs) return
    this.#parallel = Math.max(1, Math.floor(this.#parallel / 2))
    this.#halvedAt = now
    this.#rest = spansOfRest
    this.#step = 1
    this.#grewBy = 0
    this.#before = null
    this.#span = null
  }

  #judge(now: number): void {
    const { begun, records, wasFull } = this.#span ?? { begun: now, records: 0, wasFull: false }
    this.#span = null
    if (this.#rest > 0) this.#rest -= 1
    if (!wasFull || now <= begun || this.#rest > 0) return
    const rate = records / (now - begun)
    const isBetter = this.#before === null || rate > this.#before * (1 + betterShare)
    if (isBetter) {
      this.#before = rate
      this.#grewBy = Math.min(this.#step, mostParallel - this.#parallel)
      this.#parallel += this.#grewBy
    } else if (this.#grewBy > 0) {
      // More did not help.
      this.#parallel -= this.#grewBy
      this.#grewBy = 0
      this.#step = Math.max(1, Math.floor(this.#step / 2))
    }
  }
}
