import { hash } from 'node:crypto'
import { derrickError } from '../../../schema/error.ts'
import type { Counted } from '../reader.ts'
import type { PageItems } from './page-items.ts'

/** Longer tokens are remembered by their hash, so that a long read stays small. */
const longestKept = 64

/** Proof that paging moves: what one query has seen so far. */
export class ProgressGuard {
  readonly #maxPages: number
  readonly #seen = new Set<string>()
  #pages = 0
  #records = 0
  #firstTotal: number | null = null
  #lastTotal: number | null = null
  #isWaived = false

  /** @param counted of the read that this one goes on with */
  constructor(maxPages: number, counted?: Counted) {
    this.#maxPages = maxPages
    if (!counted) return
    this.#pages = counted.pages
    this.#records = counted.records
    this.#firstTotal = counted.firstTotal
    this.#lastTotal = counted.lastTotal
  }

  /** For a read that goes on with this one. */
  get counted(): Counted {
    return {
      pages: this.#pages,
      records: this.#records,
      firstTotal: this.#firstTotal,
      lastTotal: this.#lastTotal,
    }
  }

  /** records of the query so far, as the API gave them */
  get recordCount(): number {
    return this.#records
  }

  /** Counts a page that was read. */
  countPage(records: number): void {
    this.#pages += 1
    this.#records += records
  }

  /** Called before each further page with what leads to it. @throws DerrickError paging.loop, paging.max_pages */
  refuseRepeat(token: string, message: string): void {
    const key = token.length <= longestKept ? token : hashOf(token)
    if (this.#seen.has(key)) throw loop(message)
    if (this.#pages >= this.#maxPages) throw tooManyPages(this.#maxPages)
    this.#seen.add(key)
  }

  /** What the API says of the number of records in all. */
  expectTotal(total: number): void {
    if (this.#isWaived) return
    this.#firstTotal ??= total
    this.#lastTotal = total
  }

  /** The read ended on purpose before the API's own end. */
  waiveTotal(): void {
    this.#firstTotal = null
    this.#lastTotal = null
    this.#isWaived = true
  }

  /** Fewer records came than the API says there are: some were skipped, or its count is wrong. */
  get missing(): number {
    return this.#lastTotal === null ? 0 : Math.max(0, this.#lastTotal - this.#records)
  }

  /** The number of records changed while they were paged through. */
  get hasDrifted(): boolean {
    return this.#firstTotal !== this.#lastTotal
  }
}

const hashOf = (text: string): string => hash('sha256', text, 'base64')

/** A page by its first and last record and their number: enough to notice that it came again. */
export function fingerprint(records: PageItems): string {
  const ends = `${JSON.stringify(records.first())}${JSON.stringify(records.last())}`
  return hashOf(`${records.count} ${ends}`)
}

const loop = (message: string) =>
  derrickError('transform', 'paging.loop', message, {
    remedy: 'check paging in the manifest; the API may not know the parameter',
  })

const tooManyPages = (pages: number) =>
  derrickError('transform', 'paging.max_pages', `there are more than ${pages} pages`, {
    remedy: 'raise paging.max_pages in the manifest, or read a shorter window',
  })
