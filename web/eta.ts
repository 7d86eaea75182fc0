/** How long a run still takes, from the pace of the ranges that it completed. */

export interface Pace {
  /** the newest completions, oldest first: when, and how many ranges were done then */
  marks: { at: number; done: number }[]
}

/** Fewer completed ranges than this say nothing about the pace. */
export const rangesBeforeEta = 5
const maxMarks = 20

export const newPace = (): Pace => ({ marks: [] })

/** The pace after a progress report; a count that went back (a new run) starts anew. */
export function markPace(pace: Pace, done: number, at: number): Pace {
  const last = pace.marks.at(-1)
  if (last && done < last.done) return { marks: [{ at, done }] }
  if (last && done === last.done) return pace
  return { marks: [...pace.marks, { at, done }].slice(-maxMarks) }
}

/** Milliseconds until `total` ranges are done; undefined while nobody can know. */
export function etaMs(pace: Pace, total: number, now: number): number | undefined {
  const first = pace.marks[0]
  const last = pace.marks.at(-1)
  if (!first || !last || last.done - first.done < rangesBeforeEta) return undefined
  const left = total - last.done
  if (left <= 0) return undefined
  // The time since the last completion counts too: a run that stalls must not promise more and more.
  const perRange = Math.max(last.at - first.at, now - first.at - 1) / (last.done - first.done)
  return Math.max(0, left * perRange)
}
