import { MessageChannel, type MessagePort } from 'node:worker_threads'
import { openChannel } from '../schema/channel.ts'
import { derrickError } from '../schema/error.ts'
import type { LeaveAnswer, LeaveRequest, RangeJob } from '../schema/protocol.ts'
import { LeasedGovernor } from './connectors/manifest/leased-governor.ts'
import type { Gate, Governor } from './connectors/manifest/limits.ts'
import { type Clock, systemClock } from './connectors/manifest/sleep.ts'

interface Line {
  governor: LeasedGovernor
  close(): void
}

/** Sources that a worker keeps a line for; those without a request under way are given up for others. */
const mostLines = 256

export interface LineDeps {
  clock: Clock
  openPorts: () => { port1: MessagePort; port2: MessagePort }
}

/** A worker's lines to the governors of its sources, each opened by the first range that needs it. */
export class GovernorLines {
  readonly #deps: LineDeps
  readonly #lines = new Map<string, Line>()

  constructor(deps: LineDeps = { clock: systemClock, openPorts: () => new MessageChannel() }) {
    this.#deps = deps
  }

  /**
   * What the requests of a range ask for leave.
   * @param open sends the other end of a new line to the supervisor
   * @param gate of the range
   */
  governorOf(
    { sourceId, connector, lane }: Pick<RangeJob, 'sourceId' | 'connector' | 'lane'>,
    open: (port: MessagePort) => void,
    gate?: Gate,
  ): Governor {
    const line = this.#lines.get(sourceId) ?? this.#open(sourceId, open)
    // Most recently used last: the first is the one to give up.
    this.#lines.delete(sourceId)
    this.#lines.set(sourceId, line)
    this.#giveUpIdle()
    const { limits } = connector.manifest.api
    return line.governor.view([{ stream: null, limits }], lane, gate)
  }

  #open(sourceId: string, open: (port: MessagePort) => void): Line {
    const { clock, openPorts } = this.#deps
    const { port1, port2 } = openPorts()
    const hear = (answer: LeaveAnswer): void => governor.hear(answer)
    const channel = openChannel<LeaveRequest, LeaveAnswer>(
      port1,
      { 'leave-granted': hear, 'source-paused': hear },
      () => {
        if (this.#lines.get(sourceId)?.governor === governor) this.#lines.delete(sourceId)
        governor.lost(lineLost)
      },
    )
    const governor = new LeasedGovernor(channel, clock)
    open(port2)
    return { governor, close: () => channel.close() }
  }

  #giveUpIdle(): void {
    for (const [sourceId, line] of this.#lines) {
      if (this.#lines.size <= mostLines) return
      if (!line.governor.isIdle) continue
      this.#lines.delete(sourceId)
      line.close()
    }
  }
}

const lineLost = derrickError('unknown', 'governor.lost', 'the line to the governor was cut', {
  remedy: 'nothing to do: the range is tried again',
})
