/** An answer other than the data: thrown inside a request, sent as `{error: {code, message}}`. */
export class Problem extends Error {
  readonly status: number
  readonly code: string

  constructor(status: number, code: string, message: string) {
    super(message)
    this.status = status
    this.code = code
  }
}
