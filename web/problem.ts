import type { Category } from '../schema/error.ts'

/** One bad field of a request. */
export interface FieldProblem {
  field: string
  message: string
}

/** RFC 9457 problem as the console uses it: always a code, a text for people and perhaps a remedy. */
export interface Problem {
  status: number
  code: string
  message: string
  remedy?: string
  category?: Category
  errors: FieldProblem[]
}

/** Thrown by every call of `api.ts`; what went wrong is data in `problem`. */
export class ProblemError extends Error {
  readonly problem: Problem
  constructor(problem: Problem) {
    super(problem.message)
    this.name = 'ProblemError'
    this.problem = problem
  }
}

const text = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined

/** `/config/api_key`, `config.api_key` and `body/config/api_key` all name the field `config.api_key`. */
function fieldOf(entry: Record<string, unknown>): string {
  const raw = text(entry.field) ?? text(entry.pointer) ?? text(entry.path) ?? ''
  return raw
    .replace(/^#?\/?(body\/)?/, '')
    .replaceAll('/', '.')
    .replace(/^\./, '')
}

function fieldProblems(value: unknown): FieldProblem[] {
  if (!Array.isArray(value)) return []
  return value
    .filter(
      (entry): entry is Record<string, unknown> => typeof entry === 'object' && entry !== null,
    )
    .map((entry) => ({
      field: fieldOf(entry),
      message: [text(entry.detail) ?? text(entry.message) ?? 'is not accepted', text(entry.remedy)]
        .filter(Boolean)
        .join('; '),
    }))
}

/** Reads a problem document; anything else that answered with an error status becomes one too. */
export function readProblem(status: number, body: unknown): Problem {
  const source = (typeof body === 'object' && body !== null ? body : {}) as Record<string, unknown>
  const remedy = text(source.remedy)
  const category = text(source.category) as Category | undefined
  return {
    status,
    code: text(source.code) ?? `http.${status}`,
    message: text(source.detail) ?? text(source.title) ?? `The server answered with ${status}.`,
    ...(remedy ? { remedy } : {}),
    ...(category ? { category } : {}),
    errors: fieldProblems(source.errors),
  }
}

/** The request never got an answer. */
export function unreachable(error: unknown): Problem {
  const timedOut = error instanceof DOMException && error.name === 'TimeoutError'
  return {
    status: 0,
    code: timedOut ? 'client.timeout' : 'client.unreachable',
    category: 'network',
    message: timedOut ? 'The server did not answer in time.' : 'The server can’t be reached.',
    remedy: 'Check that Derrick is running and that the network is up; then try again.',
    errors: [],
  }
}

/** Whatever was thrown, as a problem to show. */
export function problemOf(error: unknown): Problem {
  if (error instanceof ProblemError) return error.problem
  const message = error instanceof Error ? error.message : String(error)
  return { status: 0, code: 'client.error', message, errors: [] }
}
