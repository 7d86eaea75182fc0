import { randomBytes } from 'node:crypto'
import { isAbsolute, join } from 'node:path'
import type { CheckResult, CheckStep } from '../../../schema/destination.ts'
import { toFailure } from '../../../schema/error.ts'
import { type Disk, nodeDisk } from './disk.ts'

/** Less free space than this is worth a word before the first sync. */
const leastFreeBytes = 64 * 1024 * 1024

/** Tries, in order and on a file of its own, all that a sync will do in this folder; stops at the first failure. */
export async function checkFolder(path: string, disk: Disk = nodeDisk): Promise<CheckResult> {
  const probe = join(path, `.derrick-check-${randomBytes(6).toString('hex')}.tmp`)
  const moved = `${probe}.moved`
  const steps: CheckStep[] = []
  const todo: [name: string, remedy: string, act: () => Promise<string | undefined>][] = [
    ['folder', 'give an absolute path that can be made', () => makeFolder(disk, path)],
    ['write', 'give the user that runs Derrick write permission', () => writeProbe(disk, probe)],
    [
      'rename',
      'the file system must let files be renamed',
      () => quietly(disk.rename(probe, moved)),
    ],
    [
      'sync',
      'use a file system that can flush a folder to disk',
      () => quietly(disk.syncFolder(path)),
    ],
    ['space', 'free space on this disk', () => freeSpace(disk, path)],
  ]
  for (const [name, remedy, act] of todo) {
    const step = await run(name, remedy, act)
    steps.push(step)
    if (!step.ok) break
  }
  await disk.remove(probe).catch(() => false)
  await disk.remove(moved).catch(() => false)
  return { ok: steps.every((step) => step.ok), steps }
}

async function run(
  name: string,
  remedy: string,
  act: () => Promise<string | undefined>,
): Promise<CheckStep> {
  const began = performance.now()
  const ms = (): number => Math.round((performance.now() - began) * 10) / 10
  try {
    const message = await act()
    return { name, ok: true, ms: ms(), ...(message ? { message } : {}) }
  } catch (error) {
    const { message, remedy: known } = toFailure(error)
    return { name, ok: false, ms: ms(), message, remedy: known ?? remedy }
  }
}

async function makeFolder(disk: Disk, path: string): Promise<string | undefined> {
  if (!isAbsolute(path)) throw new Error(`${path} is not an absolute path`)
  const before = await disk.stat(path)
  await disk.makeFolder(path, true)
  const real = await disk.stat(await disk.realPath(path))
  if (!real?.isFolder) throw new Error(`${path} is not a folder`)
  return before ? undefined : 'it was made'
}

async function writeProbe(disk: Disk, path: string): Promise<undefined> {
  const file = await disk.createFile(path)
  try {
    await file.write(new TextEncoder().encode('{"derrick":"check"}\n'))
    await file.sync()
  } finally {
    await file.close()
  }
}

async function freeSpace(disk: Disk, path: string): Promise<string> {
  const bytes = await disk.freeBytes(path)
  const text = `${Math.floor(bytes / 1_000_000)} MB are free`
  if (bytes < leastFreeBytes) throw new Error(`only ${text}`)
  return text
}

const quietly = async (act: Promise<void>): Promise<undefined> => {
  await act
}
