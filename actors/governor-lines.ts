import { MessageChannel, type MessagePort } from 'node:worker_threads'
import { openChannel } from '../schema/channel.ts'
import { derrickError } from '../schema/error.ts'
import type { LeaveAnswer, LeaveRequest, RangeJob } from '../schema/protocol.ts'
import { LeasedGovernor } from './connectors/manifest/leased-governor.ts'
import type { Governor } from './connectors/manifest/limits.ts'
import { systemClock } from './connectors/manifest/sleep.ts'

interface Line {
  governor: LeasedGovernor
  close(): void
}

/** Sources that this worker keeps a line for; those without a request under way are given up for others. */
const mostLines = 256
const lines = new Map<string, Line>()

/**
 * What the requests of a range ask for leave: this worker's line to the governor of its source, opened by the first range
 * that needs it.
 * @param open sends the other end to the supervisor
 */
export function governorOf(
  job: Pick<RangeJob, 'sourceId' | 'connector' | 'lane'>,
  open: (port: MessagePort) => void,
): Governor {
  const { sourceId, connector, lane } = job
  const line = lines.get(sourceId) ?? openLine(sourceId, open)
  // Most recently used last: the first is the one to give up.
  lines.delete(sourceId)
  lines.set(sourceId, line)
  giveUpIdle()
  return line.governor.view([{ stream: null, limits: connector.manifest.api.limits }], lane)
}

function openLine(sourceId: string, open: (port: MessagePort) => void): Line {
  const { port1, port2 } = new MessageChannel()
  const hear = (answer: LeaveAnswer): void => governor.hear(answer)
  const channel = openChannel<LeaveRequest, LeaveAnswer>(
    port1,
    { 'leave-granted': hear, 'source-paused': hear },
    () => {
      if (lines.get(sourceId)?.governor === governor) lines.delete(sourceId)
      governor.lost(lineLost)
    },
  )
  const governor = new LeasedGovernor(channel, systemClock)
  open(port2)
  return { governor, close: () => channel.close() }
}

function giveUpIdle(): void {
  for (const [sourceId, line] of lines) {
    if (lines.size <= mostLines) return
    if (!line.governor.isIdle) continue
    lines.delete(sourceId)
    line.close()
  }
}

const lineLost = derrickError('unknown', 'governor.lost', 'the line to the governor was cut', {
  remedy: 'nothing to do: the range is tried again',
})
