/**
 * Two-level semaphore: a sync holds one global and one per-source permit, taken together or not at all. Limits change
 * while syncs run: a lower limit starts none and ends none.
 */
export interface PermitLimits {
  global: number
  perSource: number
}

export class Permits {
  #limits: PermitLimits
  #inUse = 0
  readonly #bySource = new Map<string, number>()

  constructor(limits: PermitLimits) {
    this.#limits = limits
  }

  setLimits(limits: PermitLimits): void {
    this.#limits = limits
  }

  get limits(): PermitLimits {
    return this.#limits
  }

  get inUse(): number {
    return this.#inUse
  }

  inUseBy(sourceId: string): number {
    return this.#bySource.get(sourceId) ?? 0
  }

  /** Why a sync of this source can't start now; undefined when it can. */
  blockedBy(sourceId: string): 'global' | 'source' | undefined {
    if (this.#inUse >= this.#limits.global) return 'global'
    if (this.inUseBy(sourceId) >= this.#limits.perSource) return 'source'
    return undefined
  }

  /** Whether a sync of this source could start if one of the source `instead` gave its permits back. */
  fitsInstead(sourceId: string, instead: string): boolean {
    const others = this.inUseBy(sourceId) - (sourceId === instead ? 1 : 0)
    return this.#inUse - 1 < this.#limits.global && others < this.#limits.perSource
  }

  /** Takes both permits; false, and nothing taken, when either is not free. */
  take(sourceId: string): boolean {
    if (this.blockedBy(sourceId)) return false
    this.#inUse += 1
    this.#bySource.set(sourceId, this.inUseBy(sourceId) + 1)
    return true
  }

  release(sourceId: string): void {
    const held = this.inUseBy(sourceId)
    if (held === 0) throw new Error(`no permit of source ${sourceId} is taken`)
    this.#inUse -= 1
    if (held === 1) this.#bySource.delete(sourceId)
    else this.#bySource.set(sourceId, held - 1)
  }
}
