import type Database from 'better-sqlite3'

/** Numbers are reserved in blocks, so that not every claim writes the counter. */
const block = 1_000

/**
 * The fences that this data dir offers: `max(last + 1, now)`, never reset and never repeated, also after a crash or
 * when the clock goes back. The destination has the last word and may issue a higher one.
 */
export class FenceCounter {
  readonly #read: Database.Statement
  readonly #write: Database.Statement
  readonly #now: () => number
  #last: number
  #reserved: number

  constructor(db: Database.Database, now: () => number) {
    this.#now = now
    this.#read = db.prepare(`select value from meta where key = 'fence'`).pluck()
    this.#write = db.prepare(
      `insert into meta (key, value) values ('fence', ?) on conflict (key) do update set value = excluded.value`,
    )
    this.#reserved = Number(this.#read.get() ?? 0)
    this.#last = this.#reserved
  }

  next(): number {
    return this.#advance(Math.max(this.#last + 1, this.#now()))
  }

  /** No attempt so far has a higher one. */
  get last(): number {
    return this.#last
  }

  /** A destination issued a higher number than was offered: never offer less again. */
  seen(fence: number): void {
    if (fence > this.#last) this.#advance(fence)
  }

  #advance(fence: number): number {
    this.#last = fence
    if (fence >= this.#reserved) {
      this.#reserved = fence + block
      this.#write.run(String(this.#reserved))
    }
    return fence
  }
}
