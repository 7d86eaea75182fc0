import { setTimeout as delay } from 'node:timers/promises'
import type { Place } from './place.ts'
import type { Random } from './random.ts'

/** When a process is to die. */
export type Moment =
  | { kind: 'after'; ms: number }
  /** after so many changes at the destination, and so much later: in the middle of commits */
  | { kind: 'commit'; changes: number; ms: number }

const shortestMs = 20
const longestMs = 2_000
/** Commits come in bursts of a few changes each; this reaches some tens of commits into a life. */
const mostChanges = 120
const mostMsAfterChange = 3
/** Once it has its work, a life in which nothing changes any more for so long ends: it has done all, or nothing comes. */
const quietMs = 700
/** and any such life ends then; one whose silence says nothing, after less */
const patienceMs = 10_000
const shortPatienceMs = 4_000

/** Half of the moments are anywhere in a life, the other half within a commit or right after one. */
export function chooseMoment(random: Random): Moment {
  if (random.chance(0.5)) return { kind: 'after', ms: random.between(shortestMs, longestMs) }
  const changes = random.between(1, mostChanges)
  return { kind: 'commit', changes, ms: random.unit() * mostMsAfterChange }
}

/** Resolves when the moment has come; `ended` cuts the wait short, `begun` tells when there is something to do. */
export async function awaitMoment(
  moment: Moment,
  place: Place,
  ended: Promise<unknown>,
  begun?: Promise<unknown>,
): Promise<void> {
  if (moment.kind === 'after') return void (await Promise.race([delay(moment.ms), ended]))
  const over = Promise.withResolvers<void>()
  let left = moment.changes
  let quiet: NodeJS.Timeout | undefined
  const listen = (): void => {
    clearTimeout(quiet)
    quiet = setTimeout(over.resolve, quietMs)
  }
  const stop = place.watch(() => {
    left -= 1
    if (left === 0) over.resolve()
    // Before it has its work it may be silent for as long as a start takes.
    if (quiet) listen()
  })
  const patience = setTimeout(over.resolve, begun ? patienceMs : shortPatienceMs)
  void begun?.then(listen)
  try {
    await Promise.race([over.promise, ended])
    if (left <= 0) await delay(moment.ms)
  } finally {
    stop()
    clearTimeout(quiet)
    clearTimeout(patience)
  }
}
