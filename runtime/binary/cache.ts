import { createHash, randomBytes } from 'node:crypto'
import {
  closeSync,
  constants,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { writeAll } from './write-all.ts'

const uid = process.getuid?.()

/** Folders tried for the extraction cache, best first. A start without HOME still finds one. */
export function cacheBases(env: NodeJS.ProcessEnv): string[] {
  const own = `derrick-${uid ?? 'user'}`
  const bases = [
    env.DERRICK_CACHE_DIR,
    env.XDG_CACHE_HOME && join(env.XDG_CACHE_HOME, 'derrick'),
    env.HOME && join(env.HOME, '.cache', 'derrick'),
    env.XDG_RUNTIME_DIR && join(env.XDG_RUNTIME_DIR, 'derrick'),
    join(tmpdir(), own),
    join('/dev/shm', own),
  ]
  return bases.filter((base) => base !== undefined && base !== '') as string[]
}

/**
 * Puts `bytes` at `<base>/<content hash>/<name>` and returns the path. Safe for concurrent starts;
 * a file that was tampered with is replaced. Throws when the base cannot be trusted or written.
 */
export function cachedFile(base: string, name: string, bytes: Uint8Array): string {
  const id = contentId(bytes)
  privateFolder(base)
  const folder = join(base, id)
  privateFolder(folder)
  const file = join(folder, name)
  if (isIntact(file, id)) return file
  const draft = join(folder, `.${process.pid}-${randomBytes(6).toString('hex')}`)
  const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants
  try {
    const fd = openSync(draft, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o500)
    try {
      writeAll(fd, bytes)
      fsyncSync(fd)
    } finally {
      closeSync(fd)
    }
    // A concurrent start sees nothing or a whole file, and both starts bring the same bytes.
    renameSync(draft, file)
  } catch (error) {
    rmSync(draft, { force: true })
    throw error
  }
  return file
}

/** lstat, not stat: a link that someone planted in a shared folder is refused. */
function privateFolder(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const found = lstatSync(folder)
  if (!found.isDirectory() || !isOwn(found)) throw new Error('not a private folder of this user')
}

function isIntact(file: string, id: string): boolean {
  try {
    const found = lstatSync(file)
    return found.isFile() && isOwn(found) && contentId(readFileSync(file)) === id
  } catch {
    return false
  }
}

function isOwn(found: { uid: number; mode: number }): boolean {
  return (uid === undefined || found.uid === uid) && (found.mode & 0o022) === 0
}

function contentId(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex').slice(0, 32)
}
