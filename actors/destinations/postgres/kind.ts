import type { PostgresConfig } from '../../../schema/destination.ts'
import type { DestinationKind } from '../writer.ts'
import { checkDatabase } from './check.ts'
import { makeEncoder } from './encoder.ts'
import { PostgresWriter } from './writer.ts'

/** Tables in a database. Configs were checked against their schema before they come here. */
export const postgres: DestinationKind = {
  type: 'postgres',
  makeEncoder,
  openWriter: (config) => new PostgresWriter(config as PostgresConfig),
  check: (config) => checkDatabase(config as PostgresConfig),
}
