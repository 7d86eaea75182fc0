import pg from 'pg'
import type { Postgres } from '../support/postgres.ts'
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts'
import type { Place } from './place.ts'
import { postgresReader } from './postgres-reader.ts'

export interface PostgresPlace extends Place {
  server: Postgres
  /** what the program is told to be the server; the judge looks past it */
  proxy: TcpProxy
}

export const isDatabase = (place: Place): place is PostgresPlace => place.type === 'postgres'

/** A server, which goes with it, behind a proxy, which tells when the program sends something. */
export async function openDatabase(server: Postgres): Promise<PostgresPlace> {
  const proxy = await startTcpProxy(server.port)
  const pool = new pg.Pool({ connectionString: server.url, max: 2 })
  // The server may be restarted under it; the next query connects anew.
  pool.on('error', () => {})
  return {
    type: 'postgres',
    config: { url: server.url.replace(`:${server.port}/`, `:${proxy.port}/`) },
    streams: {
      events: { sync_granularity: 'day' },
      // A merge keeps what a read no longer has unless it is told otherwise.
      products: { deletes: 'hard' },
      refunds: { deletes: 'hard', sync_granularity: 'hour' },
    },
    // Days of over 500 events go by COPY, days of orders by one statement, hours of refunds many in one.
    volumes: { events: { perDay: 650 }, refunds: { perDay: 60 } },
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
