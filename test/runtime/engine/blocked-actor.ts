/** A pool task that never gives its worker back: an endless loop, in the first worker only. */
import { startHeartbeat } from '../../../actors/heartbeat.ts'
import type { RangeEvent, RangeJob } from '../../../schema/protocol.ts'

startHeartbeat(20)

interface Task {
  job: RangeJob
  port: import('node:worker_threads').MessagePort
}

// biome-ignore lint/style/noDefaultExport: Piscina calls a module's default export
export default async function blocked({ job, port }: Task): Promise<void> {
  // A range that runs alone is alone with what blocks.
  if (job.runId === 'block') for (;;);
  if (job.runId === 'wait') await new Promise(() => {})
  const progress = {
    pages: 0,
    records: 0,
    bytes: 0,
    requests: 0,
    dropped: 0,
    sanitised: 0,
    rejects: 0,
  }
  const event: RangeEvent = { kind: 'range-cancelled', progress }
  port.postMessage(event)
  port.close()
}
