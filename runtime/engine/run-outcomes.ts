import type { Failure } from '../../schema/error.ts'
import type { RangeRow } from '../store/ranges.ts'
import type { RunRow } from '../store/runs.ts'
import { Breaker } from './breaker.ts'
import type { EngineDeps, StreamContext } from './context.ts'
import { reactToFailure } from './range-failure.ts'
import type { RangeOutcome } from './range-task.ts'
import { sumsAfter } from './run-counts.ts'
import type { RunReport } from './run-report.ts'

/** What a range that ended means for its run. */
export interface RunChange {
  changes: Partial<RunRow>
  /** the run had better end with this */
  stoppedBy?: Failure
  /** the sign-in was refused: all runs of the source have to look at it */
  isRefused?: boolean
}

/** Looks at the ranges of one run as they end. */
export class RunOutcomes {
  readonly #deps: Pick<EngineDeps, 'config' | 'emit' | 'governors'>
  readonly #breaker = new Breaker()

  constructor(deps: Pick<EngineDeps, 'config' | 'emit' | 'governors'>) {
    this.#deps = deps
  }

  /** Null for attempts that were taken back: nothing has changed. */
  take(
    run: RunRow,
    row: RangeRow,
    outcome: RangeOutcome,
    told: { context: StreamContext; report: RunReport },
  ): RunChange | null {
    if (outcome.kind === 'cancelled') return null
    if (outcome.kind === 'completed') {
      this.#breaker.succeeded()
      return { changes: sumsAfter(run, outcome) }
    }
    const { failure } = outcome
    reactToFailure(row, failure, told.context, told.report, this.#deps)
    return {
      changes: {},
      ...(this.#breaker.failed(row, failure) ? { stoppedBy: failure } : {}),
      isRefused: failure.category === 'auth',
    }
  }
}
