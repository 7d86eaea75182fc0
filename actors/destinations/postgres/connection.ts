import pg from 'pg'
import { postgresError } from './errors.ts'
import { hasNoTls, tlsOptions } from './tls.ts'
import type { Address } from './url.ts'

const connectMs = 15_000
const keepAliveMs = 10_000

/**
 * Opens one connection. Nothing but the name of the program goes into the startup message: poolers refuse unknown
 * parameters, so timeouts are set inside transactions. `prefer` learns here whether the server has TLS.
 */
export async function connect(address: Address): Promise<pg.Client> {
  try {
    return await open(address)
  } catch (error) {
    if (address.ssl !== 'prefer' || !hasNoTls(error)) throw postgresError(error)
  }
  try {
    return await open({ ...address, ssl: 'disable' })
  } catch (error) {
    throw postgresError(error)
  }
}

async function open(address: Address): Promise<pg.Client> {
  const client = new pg.Client({
    host: address.host,
    port: address.port,
    user: address.user,
    // As a function it never ends up in a message, and no file or variable of this machine is asked instead.
    password: () => address.password,
    database: address.database,
    ssl: tlsOptions(address),
    application_name: 'derrick',
    connectionTimeoutMillis: connectMs,
    keepAlive: true,
    keepAliveInitialDelayMillis: keepAliveMs,
    ...(address.channelBinding ? { enableChannelBinding: true } : {}),
  })
  // A connection that dies while nobody uses it must not end the process; its next query fails.
  client.on('error', () => {})
  try {
    await client.connect()
  } catch (error) {
    cut(client)
    throw error
  }
  return client
}

/** Ends a connection at once, whatever it is doing: the only thing that stops a COPY whose bytes stay away. */
export function cut(client: pg.Client): void {
  const { connection } = client as unknown as { connection: { stream: { destroy(): void } } }
  connection.stream.destroy()
}
