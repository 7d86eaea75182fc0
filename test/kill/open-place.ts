import { openFiles } from './files-place.ts'
import type { Place, PlaceType } from './place.ts'
import { openDatabase } from './postgres-place.ts'

/** @param home a folder for what it needs on disk; the caller removes it */
export function openPlace(type: PlaceType, home: string): Promise<Place> {
  return type === 'postgres' ? openDatabase() : openFiles(home)
}
