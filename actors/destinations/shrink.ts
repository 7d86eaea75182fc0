/** Fewer rows missing than this are everyday life. */
const leastMissing = 20

/**
 * Whether a read that found `now` rows where `before` are committed looks more like a broken answer than like deleted
 * records: less than half of them, and at least twenty fewer. Such a read is done twice before it may replace anything.
 */
export function isSuspicious(before: number, now: number): boolean {
  return now * 2 < before && before - now >= leastMissing
}
