import { defaultLimit } from './operation.ts'
import { unprocessable } from './problem.ts'

/** Where the next page starts, opaque to callers: the key of the last row, as JSON. */
export const encodeCursor = (key: readonly (string | number)[]): string =>
  Buffer.from(JSON.stringify(key)).toString('base64url')

/** The key in a cursor, checked against the kinds it must have. Throws ApiProblem 422. */
export function decodeCursor<const K extends readonly ('string' | 'number')[]>(
  cursor: string,
  kinds: K,
): { -readonly [I in keyof K]: K[I] extends 'string' ? string : number } {
  try {
    const key = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8')) as unknown
    if (
      Array.isArray(key) &&
      key.length === kinds.length &&
      // Numbers are row ids and times: what SQLite can't take as an integer is refused here.
      key.every((part, i) =>
        kinds[i] === 'number' ? Number.isSafeInteger(part) : typeof part === 'string',
      )
    ) {
      return key as never
    }
  } catch {
    // falls through: not ours
  }
  throw unprocessable('query.invalid', [
    { pointer: '/cursor', detail: 'is not a cursor of this list' },
  ])
}

interface PageQuery {
  limit?: number
  cursor?: string
}

/** One page of rows in order of their ids, read with one row more to see whether others follow. */
export function idPage<R extends { id: string }, T>(
  { limit = defaultLimit, cursor }: PageQuery,
  read: (page: { after?: string; limit: number }) => R[],
  present: (row: R) => T,
): { data: T[]; next_cursor: string | null } {
  const after = cursor === undefined ? {} : { after: decodeCursor(cursor, ['string'])[0] }
  return pageOf(read({ ...after, limit: limit + 1 }), limit, (row) => [row.id], present)
}

/** `rows` holds up to one more than the limit. */
export function pageOf<R, T>(
  rows: R[],
  limit: number,
  keyOf: (row: R) => readonly (string | number)[],
  present: (row: R) => T,
): { data: T[]; next_cursor: string | null } {
  const shown = rows.slice(0, limit)
  const last = shown.at(-1)
  const hasMore = rows.length > limit && last !== undefined
  return { data: shown.map(present), next_cursor: hasMore ? encodeCursor(keyOf(last)) : null }
}
