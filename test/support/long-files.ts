/**
 * The files that take longest, the longest first: they start before all others, so that none of them is left to run alone at
 * the end. `npm test` prints which they are.
 */
export const longFiles = [
  'test/kill/postgres.test.ts',
  'test/kill/sabotage.test.ts',
  'test/kill/kill.test.ts',
]

/** The order in which files are run. */
export function longestFirst(files: readonly string[]): string[] {
  const rank = (file: string): number => {
    const at = longFiles.indexOf(file)
    return at === -1 ? longFiles.length : at
  }
  return files.toSorted((a, b) => rank(a) - rank(b))
}
