export type Case<T> = [name: string, run: () => Promise<T>]

/** Runs all cases in turns, so that other work on the machine meets all alike; one more round than asked comes first and
 * only warms up. @returns each case's measurements, in the order of the cases */
export async function inTurns<T>(cases: Case<T>[], rounds: number): Promise<T[][]> {
  const measured = cases.map(() => [] as T[])
  for (let round = 0; round <= rounds; round += 1) {
    for (const [at, [, run]] of cases.entries()) {
      const one = await run()
      if (round > 0) measured[at]?.push(one)
    }
  }
  return measured
}
