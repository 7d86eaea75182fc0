/** With the signs of life 5 s apart, this is the design's 30 s of silence. */
const checksUntilDead = 6

/**
 * Tells which workers are dead: those that gave no sign of life for a number of checks on end. Checks are counted, not seconds: a
 * machine that slept finds all its workers late, and none of them dead.
 */
export class Heartbeats {
  readonly #silentChecks = new Map<number, number>()

  heard(threadId: number): void {
    this.#silentChecks.set(threadId, 0)
  }

  /**
   * @param threads those that are up; one that was never heard is still starting
   * @returns those that are dead; they are not named again
   */
  check(threads: readonly number[]): number[] {
    const dead: number[] = []
    for (const [threadId, checks] of this.#silentChecks) {
      if (!threads.includes(threadId)) this.#silentChecks.delete(threadId)
      else if (checks < checksUntilDead) this.#silentChecks.set(threadId, checks + 1)
      else dead.push(threadId)
    }
    for (const threadId of dead) this.#silentChecks.delete(threadId)
    return dead
  }
}
