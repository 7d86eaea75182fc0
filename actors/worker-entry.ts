/**
 * The entry of the worker bundle in the executable: every thread starts here. Imports are lazy, so
 * that a thread evaluates only the actor it runs.
 */
type Start = () => Promise<unknown>

/** Answers Piscina's `require(filename)`: the task functions, by actor. */
export const actors: Record<string, (job: never) => Promise<unknown>> = {
  'derrick:sync-actor': async (job) => (await import('./sync-actor.ts')).default(job),
}

const entries: Record<string, Start> = {
  piscina: () => import('../node_modules/piscina/dist/worker.js'),
  'derrick:simulator': () => import('./simulator/simulator-actor.ts'),
}

/** Starts a thread as `entry`; throws for a name that is not in the table. */
export function start(entry: string): Promise<unknown> {
  const run = Object.hasOwn(entries, entry) ? entries[entry] : undefined
  if (run === undefined) throw new Error(`no actor ${entry} in this executable`)
  return run()
}
