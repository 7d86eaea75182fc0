/** What went wrong in an expression; the first nine are found before anything is evaluated. */
export type ExpressionCode =
  | 'syntax'
  | 'too_long'
  | 'too_deep'
  | 'too_big'
  | 'unknown_name'
  | 'unknown_function'
  | 'arguments'
  | 'regex'
  | 'template'
  | 'missing'
  | 'type'
  | 'number'
  | 'time'

/** The only error that this language throws. `offset` counts characters in the text that was compiled. */
export class ExpressionError extends Error {
  readonly code: ExpressionCode
  offset: number | undefined
  constructor(code: ExpressionCode, message: string, offset?: number) {
    super(message)
    this.name = 'ExpressionError'
    this.code = code
    this.offset = offset
  }
}

/** Adds the place to an error that a function threw, and turns what is foreign into our own kind. */
export function located(error: unknown, offset: number): ExpressionError {
  if (error instanceof ExpressionError) {
    error.offset ??= offset
    return error
  }
  return new ExpressionError('type', error instanceof Error ? error.message : String(error), offset)
}
