import pg from 'pg'
import t from 'tap'
import { missingPostgres18, startPostgres18 } from '../../../support/postgres18.ts'
import { conformance } from '../conformance.ts'
import { postgresConformance } from './place.ts'

t.setTimeout(120_000)

t.test('PostgreSQL 18', { skip: missingPostgres18() }, async (t) => {
  const server = await startPostgres18()
  t.teardown(() => server.remove())
  const client = new pg.Client({ connectionString: server.url })
  await client.connect()
  const { rows } = await client.query('show server_version_num')
  await client.end()
  t.match(rows[0].server_version_num, /^18/)
  conformance(t, postgresConformance(server.url))
})
