import { hash } from 'node:crypto'
import { existsSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import pg from 'pg'
import { type Child, runChild, startChild } from './child.ts'
import { freePort } from './free-port.ts'
import { requireService } from './services.ts'
import { tempDir } from './temp-dir.ts'
import { waitFor } from './wait.ts'

export interface Postgres {
  /** superuser `derrick`, password `derrick`, database `postgres`, over TCP */
  url: string
  port: number
  /** SIGINT, as a service manager stops it: sessions are cut, data is safe */
  stop(): Promise<void>
  /** SIGQUIT to the server: ends without a checkpoint, as a power cut would */
  kill(): Promise<void>
  start(): Promise<void>
  restart(): Promise<void>
  /** Stops the server and removes all of it. */
  remove(): Promise<void>
}

export interface PostgresOptions {
  /** true keeps the server's own durability; tests of speed or of killing the server need it */
  fsync?: boolean
  settings?: Record<string, string>
  /** the server's executable, in a folder with `initdb`; by default the newest that is installed */
  binary?: string
  /** of a `binary` that is elsewhere each time */
  version?: string
}

const startMs = 60_000
/** Set by `npm test`: a folder that lasts as long as it, open to all users. */
export const sharedFolder = 'DERRICK_TEST_SHARED'
const user = 'derrick'

/**
 * The server refuses to run as root; then Debian's account `postgres` runs it. setpriv becomes the server
 * instead of starting it, so signals reach it, and has the kernel end it when this process is killed.
 */
function asServerUser(command: string, args: string[]): [string, string[]] {
  if (process.getuid?.() !== 0) return [command, args]
  const identity = ['--reuid=postgres', '--regid=postgres', '--clear-groups', '--pdeathsig=SIGINT']
  return ['setpriv', [...identity, command, ...args]]
}

/** A private server on loopback, from an empty cluster of its own. */
export async function startPostgres(options: PostgresOptions = {}): Promise<Postgres> {
  const binary = options.binary ?? requireService('postgres')
  const folder = tempDir('postgres', { open: true })
  const data = join(folder.path, 'data')
  await makeCluster(binary, data, options.version ?? binary)
  const port = await freePort()
  const url = `postgres://${user}:derrick@127.0.0.1:${port}/postgres`
  let server: Child | undefined

  const start = async () => {
    const durable = options.fsync ? {} : { fsync: 'off', synchronous_commit: 'off' }
    const settings = { listen_addresses: '127.0.0.1', unix_socket_directories: '', ...durable }
    const args = Object.entries({ ...settings, ...options.settings })
    const flags = args.flatMap(([name, value]) => ['-c', `${name}=${value}`])
    const started = startChild(...asServerUser(binary, ['-D', data, '-p', String(port), ...flags]))
    server = started
    await waitFor('PostgreSQL to answer', () => answers(url, started), { withinMs: startMs })
  }
  const endWith = async (signal: NodeJS.Signals) => {
    await server?.end(signal)
  }
  await start()
  return {
    url,
    port,
    start,
    stop: () => endWith('SIGINT'),
    kill: () => endWith('SIGQUIT'),
    restart: async () => {
      await endWith('SIGINT')
      await start()
    },
    remove: async () => {
      if (server?.running()) await endWith('SIGINT')
      folder.remove()
    },
  }
}

/** An empty cluster. `initdb` takes a second; the tests of one `npm test` copy what the first of them made. */
async function makeCluster(binary: string, data: string, version: string): Promise<void> {
  const shared = process.env[sharedFolder]
  if (shared === undefined) return initCluster(binary, data)
  const template = join(shared, `cluster-${hash('sha256', version).slice(0, 16)}`)
  if (!existsSync(template)) {
    const draft = `${template}-${process.pid}`
    await initCluster(binary, draft)
    try {
      renameSync(draft, template)
    } catch {
      // Another test was faster.
      rmSync(draft, { recursive: true, force: true })
    }
  }
  await runChild(...asServerUser('cp', ['-a', template, data]))
}

async function initCluster(binary: string, data: string): Promise<void> {
  using folder = tempDir('password', { open: true })
  const secret = join(folder.path, 'password')
  writeFileSync(secret, 'derrick\n')
  const init = ['-D', data, '-U', user, '--auth=scram-sha-256', `--pwfile=${secret}`]
  const initdb = join(dirname(binary), 'initdb')
  const args = [...init, '-E', 'UTF8', '--locale=C', '--no-sync']
  await runChild(...asServerUser(initdb, args))
}

async function answers(url: string, server: Child): Promise<boolean> {
  if (!server.running()) throw new Error(`PostgreSQL ended: ${server.log()}`)
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 })
  client.on('error', () => {})
  try {
    await client.connect()
    return true
  } finally {
    await client.end()
  }
}
