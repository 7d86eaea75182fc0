import type { DestinationType } from '../../schema/destination.ts'
import { derrickError } from '../../schema/error.ts'
import type { DestinationKind } from './writer.ts'

/** Loaded with the first job that needs it: a worker that writes files never loads a database driver. */
const kinds: Partial<Record<DestinationType, () => Promise<DestinationKind>>> = {
  local_file: async () => (await import('./local-file/kind.ts')).localFile,
  postgres: async () => (await import('./postgres/kind.ts')).postgres,
}

/** What this build knows of a destination type; `destination.type_unknown` when it has no writer for it. */
export async function destinationKind(type: DestinationType): Promise<DestinationKind> {
  const load = Object.hasOwn(kinds, type) ? kinds[type] : undefined
  if (load) return load()
  throw derrickError('destination', 'destination.type_unknown', `no writer for ${type} here`, {
    remedy: 'use a build that has this destination, or choose another one',
  })
}
