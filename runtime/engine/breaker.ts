import type { Failure } from '../../schema/error.ts'
import type { RangeRow } from '../store/ranges.ts'

/** The same failure of the destination, or of workers, in this many ranges on end says that the next ones would fail as well. */
const hopelessAfter = 3

/** Notices when a run had better end before all its ranges have failed for one reason. */
export class Breaker {
  #code = ''
  #count = 0

  succeeded(): void {
    this.#count = 0
  }

  /** Whether the run should end with this failure. A worker's death counts for the range that killed it alone. */
  failed(row: Pick<RangeRow, 'status'>, failed: Failure): boolean {
    if (row.status !== 'failed') return false
    this.#count = this.#code === failed.code ? this.#count + 1 : 1
    this.#code = failed.code
    const isSystemic = failed.category === 'destination' || failed.code === 'worker.died'
    return isSystemic && this.#count >= hopelessAfter
  }
}
