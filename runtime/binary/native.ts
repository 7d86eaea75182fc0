import { closeSync, constants, openSync } from 'node:fs'
import { constants as osConstants, tmpdir } from 'node:os'
import { isMainThread } from 'node:worker_threads'
import { cacheBases, cachedFile } from './cache.ts'
import { embedded, readAsset } from './embedded.ts'
import { writeAll } from './write-all.ts'

/** The asset that holds better-sqlite3's addon; the build embeds it under this key. */
export const sqliteAsset = 'native/better_sqlite3.node'

const memfdCloseOnExec = 1
const memfdExecutable = 0x10
const openTemporary = 0o20000000 | constants.O_DIRECTORY
const { RTLD_NOW } = osConstants.dlopen

type Way = { name: string; load: (bytes: Uint8Array) => object }

let sqlite: object | undefined

/**
 * What `new Database(file, { nativeBinding })` of better-sqlite3 needs: the embedded addon in the
 * executable, undefined from source, where the package finds its own. The addon is an object that
 * the package accepts though its types only know a path.
 */
export function sqliteBinding(): string | undefined {
  if (!embedded) return undefined
  if (!isMainThread) throw new Error('SQLite belongs to the main thread of the executable')
  sqlite ??= loadAddon(sqliteAsset)
  return sqlite as unknown as string
}

/**
 * Loads an embedded addon and returns its exports: from memory (nothing on disk, works where every
 * folder is read-only or noexec), else from an unnamed file, else from the extraction cache.
 * Throws with the reason of each way that failed.
 */
export function loadAddon(key: string): object {
  const bytes = readAsset(key)
  if (bytes === undefined) throw new Error(`the executable has no asset ${key}; build it again`)
  const refusals: string[] = []
  for (const way of waysToLoad(key)) {
    try {
      return way.load(bytes)
    } catch (error) {
      refusals.push(`${way.name}: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
  throw new Error(
    `cannot load ${key} (${refusals.join('; ')}); ` +
      'set DERRICK_CACHE_DIR to a private folder on a file system that allows execution',
  )
}

function waysToLoad(key: string): Way[] {
  const folders = ['/dev/shm', process.env.XDG_RUNTIME_DIR, tmpdir(), '/var/tmp']
  const unnamed = folders
    .filter((folder) => folder !== undefined && folder !== '')
    .map((folder) => ({
      name: `unnamed file in ${folder}`,
      load: (bytes: Uint8Array) =>
        loadThrough(openSync(folder as string, openTemporary | constants.O_RDWR, 0o700), bytes),
    }))
  const name = key.slice(key.lastIndexOf('/') + 1)
  const cached = cacheBases(process.env).map((base) => ({
    name: `extraction cache in ${base}`,
    load: (bytes: Uint8Array) => dlopen(cachedFile(base, name, bytes)),
  }))
  if (process.platform !== 'linux') return cached
  return [
    { name: 'memory', load: (bytes) => loadThrough(openMemory(), bytes) },
    ...unnamed,
    ...cached,
  ]
}

let loads = 0

/** Fills the descriptor, loads the library through it and closes it: the mapping stays. */
function loadThrough(fd: number, bytes: Uint8Array): object {
  try {
    writeAll(fd, bytes)
    // glibc knows a library by its name and descriptor numbers are reused: without the padding a
    // second addon would silently get the exports of the first.
    return dlopen(`/proc/self/fd/${'./'.repeat(loads++)}${fd}`)
  } finally {
    closeSync(fd)
  }
}

function dlopen(file: string): object {
  const module = { exports: {} }
  process.dlopen(module, file, RTLD_NOW)
  return module.exports
}

function openMemory(): number {
  const ffi = process.getBuiltinModule('node:ffi')
  if (ffi === undefined) throw new Error('node:ffi is off')
  const { functions } = ffi.dlopen(null, {
    memfd_create: { arguments: ['string', 'uint32'], return: 'int32' },
  })
  const create = functions.memfd_create as (name: string, flags: number) => number
  const flags = memfdCloseOnExec | memfdExecutable
  let fd = create('derrick', flags)
  if (fd < 0) fd = create('derrick', memfdCloseOnExec) // kernels before 6.3 refuse the second flag
  if (fd < 0) throw new Error('memfd_create failed')
  return fd
}
