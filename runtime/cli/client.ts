import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { derrickError } from '../../schema/error.ts'
import { defaultDataDir, defaultDemoDir, type Environment, readVariable } from '../config.ts'

type Method = 'GET' | 'POST' | 'DELETE'

/** A running server, as a command reaches it. */
export interface Client {
  /** Calls below /api/v1. Throws DerrickError `client.unreachable` or `client.refused`, or with the problem's own code. */
  call<T = unknown>(method: Method, path: string, body?: unknown): Promise<T>
  /** All items of a list, page by page, up to `limit`. */
  list<T>(path: string, limit: number): Promise<T[]>
}

export interface ClientFlags {
  url?: string
  dataDir?: string
}

interface Problem {
  title?: string
  detail?: string
  code?: string
  remedy?: string
  errors?: { pointer?: string; detail?: string; remedy?: string }[]
}

const pageSize = 100
const answerWithinMs = 30_000

/** `--url` or DERRICK_URL with DERRICK_API_KEY; on the server's own host the file that it keeps in its data dir. */
export function makeClient(env: Environment, flags: ClientFlags): Client {
  const { url, key } = endpoint(env, flags)
  const workspace = readVariable(env, 'DERRICK_WORKSPACE')
  const call = async <T>(method: Method, path: string, body?: unknown): Promise<T> => {
    const target = new URL(`/api/v1${path}`, url)
    if (workspace) target.searchParams.set('workspace_id', workspace)
    const answer = await fetch(target, {
      method,
      headers: {
        ...(key ? { authorization: `Bearer ${key}` } : {}),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(answerWithinMs),
    }).catch((cause: unknown) => {
      throw derrickError('network', 'client.unreachable', `no Derrick answers at ${url}`, {
        remedy: 'start it with "derrick serve", or set DERRICK_URL',
        cause,
      })
    })
    const text = await answer.text()
    if (answer.ok) return (text === '' ? null : JSON.parse(text)) as T
    throw problem(answer.status, text)
  }
  return {
    call,
    list: async <T>(path: string, limit: number) => {
      const found: T[] = []
      let cursor: string | null = null
      do {
        const query = new URLSearchParams({
          limit: String(Math.min(pageSize, limit - found.length)),
        })
        if (cursor) query.set('cursor', cursor)
        const separator = path.includes('?') ? '&' : '?'
        const page: { data: T[]; next_cursor: string | null } = await call(
          'GET',
          `${path}${separator}${query}`,
        )
        found.push(...page.data)
        cursor = page.next_cursor
      } while (cursor && found.length < limit)
      return found
    },
  }
}

function endpoint(env: Environment, flags: ClientFlags): { url: string; key: string | undefined } {
  const key = readVariable(env, 'DERRICK_API_KEY')
  const url = flags.url ?? readVariable(env, 'DERRICK_URL')
  if (url) return { url, key }
  const given = flags.dataDir ?? readVariable(env, 'DERRICK_DATA_DIR')
  // Without a server of one's own it is the demo's that is meant.
  const dataDirs = given ? [given] : [defaultDataDir(env), defaultDemoDir(env)]
  for (const dataDir of dataDirs) {
    const local = localServer(resolve(dataDir))
    if (local) return { url: local.url, key: key ?? local.api_key }
  }
  throw derrickError(
    'network',
    'client.unreachable',
    `no server is known: ${dataDirs.map((dir) => resolve(dir)).join(' and ')} have no readable client.json`,
    { remedy: 'start "derrick serve" on this machine, or set DERRICK_URL and DERRICK_API_KEY' },
  )
}

/** What a server on this machine keeps for commands of its user. */
function localServer(dataDir: string): { url: string; api_key: string } | undefined {
  try {
    return JSON.parse(readFileSync(join(dataDir, 'client.json'), 'utf8'))
  } catch {
    return undefined
  }
}

function problem(status: number, text: string): Error {
  let body: Problem = {}
  try {
    body = JSON.parse(text) as Problem
  } catch {
    // a proxy answered, not Derrick
  }
  const fields = (body.errors ?? [])
    .map(
      (one) =>
        `\n  ${one.pointer ?? ''}: ${one.detail ?? ''}${one.remedy ? ` (${one.remedy})` : ''}`,
    )
    .join('')
  // The detail of a body with bad fields names them all, once more.
  const said = fields === '' ? (body.detail ?? body.title) : 'the server refused it:'
  const message = `${said ?? `the server answered ${status}`}${fields}`
  const code =
    status === 401 || status === 403 ? 'client.refused' : (body.code ?? `http.status_${status}`)
  return derrickError('unknown', code, message, body.remedy ? { remedy: body.remedy } : {})
}
