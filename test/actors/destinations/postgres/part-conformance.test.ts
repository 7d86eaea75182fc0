import t from 'tap'
import { startPostgres } from '../../../support/postgres.ts'
import { parts } from '../parts.ts'
import { postgresConformance } from './place.ts'

const postgres = await startPostgres()
t.teardown(() => postgres.remove())
parts(t, postgresConformance(postgres.url))
