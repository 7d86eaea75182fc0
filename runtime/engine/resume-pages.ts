import { mkdirSync, readdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'

/** At least as long as a page token is trusted. */
const keptForMs = 24 * 3_600_000

/**
 * Makes the folder in which full reads that are cut leave their pages. They stay for hours; what is older belongs to reads
 * that began anew, or to nobody.
 */
export function sweepResumePages(dataDir: string, at: number): string {
  const folder = join(dataDir, 'resume')
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  for (const name of readdirSync(folder)) {
    const path = join(folder, name)
    const found = statSync(path, { throwIfNoEntry: false })
    if ((found?.mtimeMs ?? 0) < at - keptForMs) rmSync(path, { force: true, recursive: true })
  }
  return folder
}

/** The pages of one range: its number may be given to another one, whose read must not go on with them. */
export function forgetResumePages(folder: string, rangeId: number): void {
  rmSync(join(folder, `${rangeId}.pages`), { force: true })
}
