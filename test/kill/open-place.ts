import { openFiles } from './files-place.ts'
import type { KillOptions } from './options.ts'
import type { Place } from './place.ts'
import { openDatabase } from './postgres-place.ts'

/** @param home a folder for what it needs on disk; the caller removes it */
export function openPlace(
  { destination, mode }: Pick<KillOptions, 'destination' | 'mode'>,
  home: string,
): Promise<Place> {
  // A server that is killed must keep what it said it has.
  return destination === 'postgres' ? openDatabase({ fsync: mode === 'fault' }) : openFiles(home)
}
