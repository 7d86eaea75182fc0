import pg from 'pg'
import type { Test } from 'tap'
import { postgres as kind } from '../../../../actors/destinations/postgres/kind.ts'
import { tableNames } from '../../../../actors/destinations/postgres/ledger.ts'
import type { Row } from '../../../../actors/destinations/writer.ts'
import type { Target } from '../../../../schema/protocol.ts'
import type { Conformance, Place } from '../bench.ts'
import { exactParse } from '../hostile.ts'

let places = 0

/** The conformance suite on a server: each place is a database of its own, made and dropped past any pooler. */
export function postgresConformance(serverUrl: string, adminUrl = serverUrl): Conformance {
  const withClient = async <T>(
    url: string,
    work: (client: pg.Client) => Promise<T>,
  ): Promise<T> => {
    const client = new pg.Client({ connectionString: url })
    await client.connect()
    try {
      return await work(client)
    } finally {
      await client.end()
    }
  }
  return {
    kind,
    mergesByKey: true,
    guardsShrinking: true,
    target: (config, more = {}) => ({
      destinationId: 'dst_1',
      type: 'postgres',
      config,
      configVersion: 1,
      streamKey: 'w/c/orders',
      namespace: 'shop',
      table: 'orders',
      writeMode: 'upsert',
      deletes: 'keep',
      primaryKey: ['id'],
      cursorField: null,
      tracks: 'creation',
      ...more,
    }),
    async open(t: Test): Promise<Place> {
      places += 1
      const database = `place_${places}`
      await withClient(adminUrl, (client) => client.query(`create database ${database}`))
      const url = serverUrl.replace(/\/postgres$/, `/${database}`)
      t.teardown(() =>
        withClient(adminUrl, (client) => client.query(`drop database ${database} with (force)`)),
      )
      return {
        config: { url },
        rows: (target) => withClient(url, (client) => rowsOf(client, target)),
        leftovers: () =>
          withClient(url, async (client) => {
            const { rows } = await client.query(
              `select relname from pg_class where relname like '\\_derrick\\_stage%'`,
            )
            return rows.map(({ relname }) => String(relname))
          }),
      }
    },
  }
}

async function rowsOf(client: pg.Client, target: Target): Promise<Row[]> {
  const { full } = tableNames(target)
  const { rows: found } = await client.query('select to_regclass($1) as table', [full])
  if (found[0]?.table === null) return []
  const { rows } = await client.query(`select row_to_json(t)::text as row from ${full} t`)
  return rows.map(({ row }) => exactParse(String(row)) as Row)
}
