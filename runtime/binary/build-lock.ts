import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

const lookAgainMs = 200

/**
 * Runs `work` while no other build of this checkout runs: `npm start` and the tests may ask for
 * the executable at the same moment. `file` holds the process id of the one that builds.
 * Rejects when another build holds it for longer than `longestWaitMs`.
 */
export async function withBuildLock(
  file: string,
  longestWaitMs: number,
  work: () => Promise<void>,
): Promise<void> {
  mkdirSync(dirname(file), { recursive: true })
  const deadline = performance.now() + longestWaitMs
  while (!take(file)) {
    if (performance.now() > deadline) {
      throw new Error(`another build is still running; if there is none, delete ${file}`)
    }
    await delay(lookAgainMs)
  }
  try {
    await work()
  } finally {
    rmSync(file, { force: true })
  }
}

/** A lock whose process is gone was left by a build that was killed. */
function take(file: string): boolean {
  try {
    writeFileSync(file, String(process.pid), { flag: 'wx' })
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
  if (!isAbandoned(file)) return false
  rmSync(file, { force: true })
  return false
}

function isAbandoned(file: string): boolean {
  let owner: number
  try {
    owner = Number(readFileSync(file, 'utf8'))
  } catch {
    return false // it was released meanwhile
  }
  // A number that is not one yet: its owner is between creating the file and writing to it.
  if (!Number.isSafeInteger(owner) || owner <= 0) return false
  try {
    process.kill(owner, 0)
    return false
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH'
  }
}
