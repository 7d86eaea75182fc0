import { randomBytes } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { derrickError } from '../../../schema/error.ts'
import { sabotage } from '../../../schema/sabotage.ts'
import type { StreamFolder } from './attempt.ts'
import { tempName } from './layout.ts'
import { type Commit, Ledger, type RangeEntry } from './ledger.ts'
import type { ClaimLine, LedgerFile, LineBounds } from './ledger-line.ts'

/** Parts of one attempt that are looked for one after the other, until one is missing. */
const mostParts = 100_000

/** Size of a ledger that says nothing: there is nothing to clear, and no folder to make for saying so. */
const emptySize = new Ledger().size

type Claim = Pick<ClaimLine, 'folder' | 'name' | 'fence' | 'token'>

/**
 * Makes a commit that the log has visible, whoever wrote it: temp files get their names, what they replace goes. Every
 * step may be repeated, and by two at once: a temp file that is gone has been renamed by somebody.
 */
export async function rollForward(
  stream: StreamFolder,
  entry: RangeEntry,
  bounds: LineBounds,
  whose: 'own' | 'earlier',
): Promise<void> {
  const { disk, folders, log } = stream
  const commit = entry.commit as Commit
  const removals = entry.removals
  for (const file of commit.files) {
    const there = await putInPlace(stream, file)
    // An earlier commit whose files somebody took away must not keep this range from being read again.
    if (there || whose === 'earlier') continue
    // Somebody else has seen this commit through, and perhaps replaced it since.
    const now = (await log.read()).entry(entry)
    if (now?.done || now?.commit?.token !== commit.token) return
    throw filesLost(join(folders.root, file.path))
  }
  for (const folder of foldersOf(commit.files.map((file) => file.path))) {
    const path = join(folders.root, folder)
    if (await disk.stat(path)) await disk.syncFolder(path)
  }
  for (const path of sabotage === 'skip_cleanup' ? [] : removals) {
    await log.remove(join(folders.root, path), (ledger) => ledger.isLive(path, entry))
  }
  await log.append({ kind: 'done', ...bounds, fence: commit.fence, token: commit.token })
}

/** Whether every file of a commit is in place with its size: nobody removed it behind our back. */
export async function filesAreThere(stream: StreamFolder, commit: Commit): Promise<boolean> {
  for (const { path, bytes } of commit.files) {
    const found = await stream.disk.stat(join(stream.folders.root, path))
    if (found?.size !== bytes) return false
  }
  return true
}

/** Removes the temp files of an attempt that did not commit. */
export async function removeTemps(stream: StreamFolder, claim: Claim): Promise<void> {
  const { disk, folders } = stream
  for (let part = 1; part <= mostParts; part += 1) {
    const name = tempName(claim.name, claim.fence, claim.token, part)
    if (!(await disk.remove(join(folders.root, claim.folder, name)))) return
  }
}

/** The breach of a sabotaged build: what is committed goes before what replaces it is there. */
export async function removeFiles({ disk, folders }: StreamFolder, commit: Commit): Promise<void> {
  for (const { path } of commit.files) await disk.remove(join(folders.root, path))
}

/**
 * Removes everything that the log lists as live, or what it lists of some ranges, and voids it. Attempts under way are fenced
 * off by it.
 */
export async function clearStream(stream: StreamFolder, ranges?: LineBounds[]): Promise<void> {
  if ((await stream.log.read()).size === emptySize) return
  const token = randomBytes(6).toString('hex')
  await stream.log.append({ kind: 'clear', token, ...(ranges ? { ranges } : {}) }, true)
  await finishClear(stream)
}

/** Ends a clear that a crash may have cut short. */
export async function finishClear(stream: StreamFolder): Promise<void> {
  const { clearing } = await stream.log.read()
  if (!clearing) return
  for (const path of clearing.paths) {
    const full = join(stream.folders.root, path)
    if (sabotage === 'prefix_delete') await rm(dirname(full), { recursive: true, force: true })
    await stream.log.remove(full, (ledger) => ledger.livePaths().has(path))
  }
  await stream.log.append({ kind: 'cleared', token: clearing.token })
}

/** Gives a temp file its name; false when neither the one nor the other is there. */
async function putInPlace({ disk, folders }: StreamFolder, file: LedgerFile): Promise<boolean> {
  const from = join(folders.root, file.temp)
  const to = join(folders.root, file.path)
  if (await disk.stat(from)) {
    try {
      await disk.rename(from, to)
      return true
    } catch (error) {
      if (await disk.stat(from)) throw error
    }
  }
  return (await disk.stat(to))?.size === file.bytes
}

const foldersOf = (paths: string[]): Set<string> => new Set(paths.map((path) => dirname(path)))

const filesLost = (path: string): Error =>
  derrickError(
    'destination',
    'destination.files_lost',
    `${path} was committed, but neither it nor its temp file is there`,
    { remedy: 'check what else works in this folder, then retry', retryable: true },
  )
