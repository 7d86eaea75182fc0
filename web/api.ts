import { ProblemError, readProblem, unreachable } from './problem.ts'

const root = '/api/v1'
/** Checks of a source or destination may take as long as the other side's own time limits. */
const requestTimeoutMs = 60_000

type Query = Record<string, string | number | boolean | undefined>

let signedOut: () => void = () => {}

/** Called whenever an answer says that nobody is signed in. */
export function onSignedOut(listener: () => void): void {
  signedOut = listener
}

/** Path and query below `/api/v1`; parts that are undefined or empty are left out. */
export function apiUrl(path: string, query: Query = {}): string {
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== '') search.set(name, String(value))
  }
  const tail = search.toString()
  return `${root}${path}${tail ? `?${tail}` : ''}`
}

/** 128 random bits; `crypto.randomUUID` does not exist on plain http away from localhost. */
export function idempotencyKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

async function send<T>(method: string, url: string, body?: unknown): Promise<T> {
  const headers: Record<string, string> = { accept: 'application/json' }
  if (body !== undefined) headers['content-type'] = 'application/json'
  if (method === 'POST') headers['idempotency-key'] = idempotencyKey()
  let response: Response
  try {
    response = await fetch(url, {
      method,
      headers,
      signal: AbortSignal.timeout(requestTimeoutMs),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
  } catch (error) {
    throw new ProblemError(unreachable(error))
  }
  const answer: unknown = await response.json().catch(() => undefined)
  if (response.ok) return answer as T
  // A wrong key at the login form is that form's business.
  if (response.status === 401 && !(method === 'POST' && url.startsWith(`${root}/session`))) {
    signedOut()
  }
  throw new ProblemError(readProblem(response.status, answer))
}

/** Typed calls; each throws ProblemError. The types are the caller's word: both sides share `schema/`. */
export const api = {
  get: <T>(path: string, query?: Query): Promise<T> => send<T>('GET', apiUrl(path, query)),
  post: <T>(path: string, body: unknown = {}): Promise<T> => send<T>('POST', apiUrl(path), body),
  patch: <T>(path: string, body: unknown): Promise<T> => send<T>('PATCH', apiUrl(path), body),
  remove: (path: string): Promise<unknown> => send<unknown>('DELETE', apiUrl(path)),
}

/** Items that the console keeps of one list; beyond them it says so rather than load without end. */
export const maxListed = 2_000

/** The items of a list that always comes whole. */
export const listWhole = async <T>(path: string): Promise<T[]> =>
  (await api.get<{ data: T[] }>(path)).data

/** All items of a list, page by page, to `maxListed`. */
export async function listAll<T>(path: string, query: Query = {}): Promise<T[]> {
  const items: T[] = []
  let cursor: string | undefined
  do {
    const page = await api.get<{ data: T[]; next_cursor: string | null }>(path, {
      ...query,
      limit: 200,
      cursor,
    })
    items.push(...page.data)
    cursor = page.next_cursor ?? undefined
  } while (cursor !== undefined && items.length < maxListed)
  return items
}
