import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import { startChild } from './child.ts'
import { freePort } from './free-port.ts'
import type { Postgres } from './postgres.ts'
import { requireService } from './services.ts'
import { tempDir } from './temp-dir.ts'
import { waitFor } from './wait.ts'

export interface Pooler {
  url: string
  stop(): Promise<void>
}

export interface PoolerOptions {
  /** connections to the server: fewer than clients, so that transactions of one client wander between them */
  poolSize?: number
}

const stopSignal = 'SIGINT'

/** PgBouncer in transaction mode before a server, strict as it comes: it refuses startup parameters that it does not know. */
export async function startPooler(
  server: Postgres,
  { poolSize = 3 }: PoolerOptions = {},
): Promise<Pooler> {
  const binary = requireService('pgbouncer')
  const folder = tempDir('pgbouncer', { open: true })
  const port = await freePort()
  const users = join(folder.path, 'users.txt')
  const config = join(folder.path, 'pgbouncer.ini')
  writeFileSync(users, '"derrick" "derrick"\n')
  writeFileSync(
    config,
    [
      '[databases]',
      `* = host=127.0.0.1 port=${server.port} user=derrick password=derrick`,
      '[pgbouncer]',
      'listen_addr = 127.0.0.1',
      `listen_port = ${port}`,
      'unix_socket_dir =',
      'auth_type = scram-sha-256',
      `auth_file = ${users}`,
      'pool_mode = transaction',
      `default_pool_size = ${poolSize}`,
      'max_client_conn = 200',
      '',
    ].join('\n'),
  )
  // It refuses to run as root, and becomes another account by itself.
  const account = process.getuid?.() === 0 ? ['-u', 'postgres'] : []
  const child = startChild(binary, [...account, config])
  const url = server.url.replace(`:${server.port}/`, `:${port}/`)
  await waitFor('PgBouncer to answer', async () => {
    if (!child.running()) throw new Error(`PgBouncer ended: ${child.log()}`)
    const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 })
    client.on('error', () => {})
    try {
      await client.connect()
      return true
    } finally {
      await client.end()
    }
  })
  return {
    url,
    async stop() {
      await child.end(stopSignal)
      folder.remove()
    },
  }
}
