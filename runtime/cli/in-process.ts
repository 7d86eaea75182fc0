import { derrickError } from '../../schema/error.ts'
import type { ApiRequest } from '../demo-setup.ts'

/** Calls below /api/v1 of the API in this process. Throws DerrickError with all fields that were refused. */
export type Caller = <T>(
  method: 'GET' | 'POST' | 'PATCH',
  path: string,
  body?: unknown,
) => Promise<T>

interface Problem {
  detail?: string
  code?: string
  remedy?: string
  errors?: { pointer: string; detail: string; remedy?: string }[]
}

export function makeCaller(request: ApiRequest): Caller {
  return async <T>(method: 'GET' | 'POST' | 'PATCH', path: string, body?: unknown): Promise<T> => {
    const answer = await request(method, `/api/v1${path}`, body)
    if (answer.status < 300) return answer.body as T
    const {
      detail = `status ${answer.status}`,
      code = 'unknown',
      remedy,
      errors = [],
    } = answer.body as Problem
    const fields = errors.map(
      (one) => `\n  ${one.pointer}: ${one.detail}${one.remedy ? ` (${one.remedy})` : ''}`,
    )
    // What the caller gave is wrong: exit code 2.
    const isUsage = answer.status === 422 || answer.status === 400
    throw derrickError(
      'unknown',
      isUsage ? 'config.invalid' : code,
      fields.length > 0 ? `${method} ${path} was refused:${fields.join('')}` : detail,
      remedy ? { remedy } : {},
    )
  }
}

/** The id of the thing with that name, made or changed to what is wanted. */
export async function ensure(
  call: Caller,
  kind: 'sources' | 'destinations' | 'connections' | 'streams',
  wanted: { name: string } & Record<string, unknown>,
  patch?: object,
): Promise<string> {
  // Streams are named within their connection, all else within the workspace.
  const within = 'connection_id' in wanted ? `&connection_id=${wanted.connection_id}` : ''
  const query = `limit=1&name=${encodeURIComponent(wanted.name)}${within}`
  const { data } = await call<{ data: { id: string }[] }>('GET', `/${kind}?${query}`)
  const [found] = data
  if (!found) return (await call<{ id: string }>('POST', `/${kind}`, wanted)).id
  if (patch) await call('PATCH', `/${kind}/${found.id}`, patch)
  return found.id
}
