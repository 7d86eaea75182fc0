import type { ApiDeps } from './deps.ts'
import { ApiProblem } from './problem.ts'

/** A commit under way is let finish, so a cancelled run may take a while to end. */
const patienceMs = 20_000

/** Cancels the stream's run, if any, and waits until it has ended. Throws ApiProblem 409 when it takes too long. */
export async function stopStream(
  streamId: string,
  { engine, stores, hub }: Pick<ApiDeps, 'engine' | 'stores' | 'hub'>,
): Promise<void> {
  engine.cancelStream(streamId)
  const hasEnded = () => stores.runs.active(streamId) === undefined
  if (hasEnded()) return
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const stopListening = hub.listen((event) => {
    const isOurs = event.topic === 'run' && event.data.stream_id === streamId
    // The engine is told before it has tidied up: look when its turn is over.
    if (isOurs && hasEnded()) setImmediate(resolve, true)
  })
  const timer = setTimeout(resolve, patienceMs, false)
  const ended = await promise
  stopListening()
  clearTimeout(timer)
  if (ended || hasEnded()) return
  throw new ApiProblem(409, 'run.cancelling', 'the run is still being cancelled', {
    remedy: 'try again in a moment',
  })
}
