import t from 'tap'
import { startPostgres } from '../../../support/postgres.ts'
import { conformance } from '../conformance.ts'
import { postgresConformance } from './place.ts'

t.setTimeout(120_000)
const postgres = await startPostgres()
t.teardown(() => postgres.remove())
conformance(t, postgresConformance(postgres.url))
