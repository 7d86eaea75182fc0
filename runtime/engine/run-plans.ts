import type { RangeRow } from '../store/ranges.ts'
import type { EngineDeps, StreamContext } from './context.ts'
import type { AskedWindow } from './engine.ts'
import { plan, planInput } from './planner.ts'

export interface PlanWish {
  window?: AskedWindow
  /** what had given up gets new tries */
  newTries?: boolean
}

export interface PlansListener {
  onRows: (rows: RangeRow[]) => void
  /** there is more to pick */
  onFrontier: () => void
  /** false when nobody waits for the plan any more */
  isWanted: () => boolean
}

/** The plans that one run is making. */
export class RunPlans {
  readonly #deps: EngineDeps
  readonly #listener: PlansListener
  #underWay = 0

  constructor(deps: EngineDeps, listener: PlansListener) {
    this.#deps = deps
    this.#listener = listener
  }

  get isBusy(): boolean {
    return this.#underWay > 0
  }

  /** Rejects with what is wrong with the connector. */
  async make(context: StreamContext, { window, newTries = false }: PlanWish): Promise<void> {
    const { ranges, now, config, fences } = this.#deps
    const { onRows, onFrontier, isWanted } = this.#listener
    const deps = {
      ranges,
      now,
      saveFrontier: (streamId: string, frontier: { from: number; to: number }) => {
        config.saveFrontier(streamId, frontier)
        onFrontier()
      },
      onChanged: onRows,
      isWanted,
    }
    this.#underWay += 1
    try {
      await plan(planInput(context, newTries ? fences.last : null, now()), deps, window)
    } finally {
      this.#underWay -= 1
    }
  }
}
