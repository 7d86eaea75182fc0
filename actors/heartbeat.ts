import { parentPort, threadId } from 'node:worker_threads'
import { type Heartbeat, heartbeatEveryMs } from '../schema/protocol.ts'

/** Tells the supervisor again and again that this worker's event loop turns. An endless loop in a worker ends that. */
export function startHeartbeat(everyMs: number = heartbeatEveryMs): void {
  const beat = (): void => parentPort?.postMessage({ heartbeat: threadId } satisfies Heartbeat)
  beat()
  setInterval(beat, everyMs).unref()
}
