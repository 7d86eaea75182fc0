import pg from 'pg'
import { type Postgres, startPostgres } from '../support/postgres.ts'
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts'
import type { Place } from './place.ts'
import { postgresReader } from './postgres-reader.ts'

export interface PostgresPlace extends Place {
  server: Postgres
  /** what the program is told to be the server; the judge looks past it */
  proxy: TcpProxy
}

/** A server of its own behind a proxy, which tells when the program sends something. */
export async function openDatabase(options: { binary?: string } = {}): Promise<PostgresPlace> {
  const server = await startPostgres(options)
  const proxy = await startTcpProxy(server.port)
  const pool = new pg.Pool({ connectionString: server.url, max: 2 })
  // The server may be restarted under it; the next query connects anew.
  pool.on('error', () => {})
  return {
    type: 'postgres',
    config: { url: server.url.replace(`:${server.port}/`, `:${proxy.port}/`) },
    // A merge keeps what a read no longer has unless it is told otherwise.
    streams: { products: { deletes: 'hard' }, refunds: { deletes: 'hard' } },
    // Days of over 500 orders go by COPY, the rest by one statement.
    volumes: { orders: { perDay: 640 }, events: { perDay: 150 } },
    pageSize: 200,
    reader: postgresReader(pool),
    watch: (onChange) => proxy.onClientData(onChange),
    server,
    proxy,
    async close() {
      await pool.end()
      await proxy.close()
      await server.remove()
    },
  }
}
