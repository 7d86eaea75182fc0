/**
 * The files that take longest, the longest first: they start before all others, so that none of them is left to run alone at
 * the end. `npm test` prints which they are.
 */
export const longFiles = [
  'test/kill/postgres.test.ts',
  'test/kill/sabotage.test.ts',
  'test/kill/kill.test.ts',
  'test/web/console.browser.test.ts',
  'test/system/serve.test.ts',
  'test/actors/destinations/postgres/frozen.test.ts',
  'test/system/time.test.ts',
  'test/kill/breaches.test.ts',
  'test/system/governor.test.ts',
  'test/simulate/simulate.test.ts',
  'test/runtime/cli/connector.test.ts',
  'test/system/same-content.test.ts',
  'test/actors/destinations/postgres/silence.test.ts',
  'test/system/resume.test.ts',
]

/** The order in which files are run. */
export function longestFirst(files: readonly string[]): string[] {
  const rank = (file: string): number => {
    const at = longFiles.indexOf(file)
    return at === -1 ? longFiles.length : at
  }
  return files.toSorted((a, b) => rank(a) - rank(b))
}
