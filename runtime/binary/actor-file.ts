import { join } from 'node:path'
import { Worker, type WorkerOptions } from 'node:worker_threads'
import { embedded, sourceRoot } from './embedded.ts'

/** The actors that run in threads of their own. `actors/worker-entry.ts` has the same names. */
const actorSources = {
  'sync-actor': 'actors/sync-actor.ts',
  simulator: 'actors/simulator/simulator-actor.ts',
} as const

export type ActorName = keyof typeof actorSources

/**
 * What Piscina's `filename` or `new Worker` takes to start an actor: the source file in a checkout,
 * `derrick:<name>` in the executable, where the embedded worker bundle answers it.
 */
export function actorFile(name: ActorName): string {
  return embedded ? `derrick:${name}` : join(sourceRoot, actorSources[name])
}

/** Starts an actor that is a plain worker (not a Piscina task), from source or embedded. */
export function startActor(name: ActorName, options: WorkerOptions = {}): Worker {
  return new Worker(actorFile(name), options)
}
