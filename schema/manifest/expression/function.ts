/** A function of the language. It gets values that are already evaluated, and throws only ExpressionError. */
export interface ExpressionFunction {
  min: number
  max: number
  run: (...args: unknown[]) => unknown
  /** position of an argument that is a regex: a literal there is compiled when the manifest is loaded */
  regexAt?: number
}

/** Shorthand for the tables. */
export const fn = (
  min: number,
  max: number,
  run: (...args: unknown[]) => unknown,
  more: { regexAt?: number } = {},
): ExpressionFunction => ({ min, max, run, ...more })
