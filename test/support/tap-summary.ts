/** What a run of tap came to; assertions, not files. */
export interface TapSummary {
  passed: number
  failed: number
  skipped: number
}

/**
 * Reads the counts that tap writes at the end of its stream. A stream without them was cut: that is one
 * failure, never a pass.
 */
export function readTapSummary(tap: string): TapSummary {
  const line = tap.match(/^# \{ (total: .*) \}$/m)?.[1]
  if (line === undefined) return { passed: 0, failed: 1, skipped: 0 }
  const count = (name: string) => Number(line.match(new RegExp(`\\b${name}: (\\d+)`))?.[1] ?? 0)
  return { passed: count('pass'), failed: count('fail'), skipped: count('skip') + count('todo') }
}

/** The files that took longest, as lines `  1234 ms  test/x.test.ts`. */
export function slowestFiles(tap: string, most = 8): string[] {
  const files = [...tap.matchAll(/^(?:not )?ok \d+ - (\S+).*# time=([\d.]+)ms/gm)]
  return files
    .map(([, file, ms]) => ({ file, ms: Math.round(Number(ms)) }))
    .sort((a, b) => b.ms - a.ms)
    .slice(0, most)
    .map(({ file, ms }) => `${String(ms).padStart(8)} ms  ${file}`)
}
