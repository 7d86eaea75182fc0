import type { HoldCell } from '../../schema/protocol.ts'

/** Words of one board. */
const cellsOfBoard = 1_024

/** Words of memory shared with the workers, one for each range that reads: what is written is seen before the next request. */
export class HoldBoard {
  readonly #free: HoldCell[] = []

  /** A cell that says: not held. */
  take(): HoldCell {
    if (this.#free.length === 0) {
      const board = new SharedArrayBuffer(cellsOfBoard * Int32Array.BYTES_PER_ELEMENT)
      for (let at = cellsOfBoard - 1; at >= 0; at--) this.#free.push({ board, at })
    }
    const cell = this.#free.pop() as HoldCell
    this.set(cell, false)
    return cell
  }

  set({ board, at }: HoldCell, isHeld: boolean): void {
    Atomics.store(new Int32Array(board), at, isHeld ? 1 : 0)
  }

  /** Attempts that are over and still read it are fenced off anyway. */
  giveBack(cell: HoldCell): void {
    this.set(cell, false)
    this.#free.push(cell)
  }
}
