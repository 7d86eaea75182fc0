import { startPostgres } from '../support/postgres.ts'
import { startPostgres18 } from '../support/postgres18.ts'
import { openFiles } from './files-place.ts'
import type { KillOptions } from './options.ts'
import type { Place } from './place.ts'
import { openDatabase } from './postgres-place.ts'

/** @param home a folder for what it needs on disk; the caller removes it */
export async function openPlace(
  { destination, mode }: Pick<KillOptions, 'destination' | 'mode'>,
  home: string,
): Promise<Place> {
  if (destination === 'local_file') return openFiles(home)
  // A server that is killed must keep what it said it has.
  const options = { fsync: mode === 'fault' }
  const start = destination === 'postgres18' ? startPostgres18 : startPostgres
  return openDatabase(await start(options))
}
