import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type Child, startChild } from './child.ts'
import { freePort } from './free-port.ts'
import { waitFor } from './wait.ts'

const root = join(import.meta.dirname, '..', '..')
export const executable = join(root, 'dist', 'derrick')
const source = join(root, 'runtime', 'main.ts')

const readyMs = 60_000
const portTries = 5

export interface DerrickOptions {
  /** where its database lives; the caller owns and removes it */
  dataDir: string
  /**
   * `executable` is dist/derrick, `source` the checkout, `newest` the executable where `npm test` has just built it, otherwise
   * the checkout; by default the executable where there is one
   */
  run?: 'executable' | 'source' | 'newest' | { file: string; env?: Record<string, string> }
  env?: Record<string, string>
  /** put before the command, to run it under another program (strace) */
  under?: string[]
  args?: string[]
  /** keep the same key over restarts of one data dir: only the first boot seeds it */
  apiKey?: string
}

export interface Answer<T> {
  status: number
  body: T
  headers: Headers
}

export interface Derrick {
  url: string
  apiKey: string
  child: Child
  /** One call of the API below `/api/v1`; bodies are JSON. Answers any status. */
  call<T = unknown>(method: string, path: string, body?: unknown): Promise<Answer<T>>
  /** The same, for calls that must succeed: throws unless the status is 2xx. */
  api<T = unknown>(method: string, path: string, body?: unknown): Promise<T>
  log(): string
  /** SIGKILL, then waits for the end. */
  kill9(): Promise<void>
  /** SIGTERM, then waits for the end; the exit code. */
  stop(): Promise<number | null>
}

/** The API answered, and not with what was hoped for. */
export class ApiRefusal extends Error {}

export const newApiKey = (): string => `dk_live_${randomBytes(16).toString('hex')}`

/** Set by `npm test`: the executable is not older than its sources, and starts in a third of their time. */
export const builtMark = 'DERRICK_TEST_BUILT'

/** How the program is started, without its own arguments. */
export function commandOf(run: DerrickOptions['run']): string[] {
  if (typeof run === 'object') return [run.file]
  const isBuilt =
    run === 'executable' ||
    (run === 'newest' && process.env[builtMark] === '1') ||
    (run === undefined && existsSync(executable))
  return isBuilt ? [executable] : [process.execPath, source]
}

/** Starts the program and returns at once; `waitUntilReady` tells when it serves. */
export function spawnDerrick(options: DerrickOptions, port: number): Derrick {
  const apiKey = options.apiKey ?? newApiKey()
  const url = `http://127.0.0.1:${port}`
  const command = [...(options.under ?? []), ...commandOf(options.run)]
  const flags = ['--host', '127.0.0.1', '--port', String(port), '--data-dir', options.dataDir]
  const env = {
    PATH: process.env.PATH ?? '',
    HOME: options.dataDir,
    DERRICK_ADMIN_API_KEY: apiKey,
    ...(typeof options.run === 'object' ? options.run.env : {}),
    ...options.env,
  }
  const [file = '', ...args] = [...command, ...(options.args ?? ['serve']), ...flags]
  const child = startChild(file, args, { env })
  const call = (method: string, path: string, body?: unknown) =>
    callApi<never>(`${url}/api/v1${path}`, apiKey, method, body)
  return {
    url,
    apiKey,
    child,
    call,
    async api(method, path, body) {
      const answer = await call(method, path, body)
      if (answer.status < 300) return answer.body
      throw new ApiRefusal(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`)
    },
    log: child.log,
    kill9: async () => void (await child.end('SIGKILL')),
    stop: async () => (await child.end('SIGTERM')).code,
  }
}

/** Resolves when /readyz says so; rejects with the log when the process ends before. */
export async function waitUntilReady(derrick: Derrick): Promise<void> {
  await waitFor(
    'derrick to be ready, or to end',
    async () => {
      if (!derrick.child.running()) return true
      return (await fetch(`${derrick.url}/readyz`)).ok
    },
    { withinMs: readyMs },
  )
  if (!derrick.child.running()) throw new Error(`derrick ended at start: ${derrick.log()}`)
}

/** Starts the program on a free port and waits until it serves. */
export async function startDerrick(options: DerrickOptions): Promise<Derrick> {
  for (let tries = 1; ; tries++) {
    const derrick = spawnDerrick(options, await freePort())
    try {
      await waitUntilReady(derrick)
      return derrick
    } catch (error) {
      await derrick.kill9()
      // Somebody else took the port between our look and the start.
      if (tries === portTries || !/EADDRINUSE|in use/.test(derrick.log())) throw error
    }
  }
}

async function callApi<T>(
  url: string,
  apiKey: string,
  method: string,
  body?: unknown,
): Promise<Answer<T>> {
  const response = await fetch(url, {
    method,
    headers: {
      authorization: `Bearer ${apiKey}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  const json = /json/.test(response.headers.get('content-type') ?? '')
  return {
    status: response.status,
    body: (json ? JSON.parse(text) : text) as T,
    headers: response.headers,
  }
}
