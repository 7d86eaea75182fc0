import { ExpressionError } from './error.ts'

export const maxLength = 4_000
export const maxDepth = 40
export const maxNodes = 500
/** Longest text or list that an expression may build: a MiB of characters, or as many items. */
export const maxResult = 1 << 20
/** Characters and items that one evaluation may touch in all; keeps products of large inputs from blowing up. */
const maxWork = 8 << 20

// Evaluation is synchronous and never re-enters itself, so one counter a thread is enough.
let workLeft = maxWork

/** Starts the budget of one evaluation. */
export function beginWork(): void {
  workLeft = maxWork
}

/** Counts work before it is done. @throws ExpressionError too_big */
export function charge(amount: number): void {
  workLeft -= amount
  if (workLeft < 0) throw new ExpressionError('too_big', 'the expression does too much work')
}

/** Counts a text or list of this size that is about to be built. @throws ExpressionError too_big */
export function chargeResult(size: number): void {
  if (size > maxResult) {
    throw new ExpressionError('too_big', 'the result is larger than 1 MiB')
  }
  charge(size)
}
