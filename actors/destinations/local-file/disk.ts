import { constants, lstatSync, realpathSync, statSync, unlinkSync } from 'node:fs'
import {
  type FileHandle,
  link,
  mkdir,
  open,
  readdir,
  rename,
  statfs,
  unlink,
} from 'node:fs/promises'

const noFollow = constants.O_NOFOLLOW ?? 0
const createNew = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | noFollow
const appendOnly = constants.O_RDWR | constants.O_APPEND | noFollow

/** A file that is being written for the first time. */
export interface NewFile {
  write(bytes: Uint8Array): Promise<void>
  sync(): Promise<void>
  close(): Promise<void>
}

export interface ReadFile {
  /** fills `into` from `offset`; returns how many bytes there were */
  read(into: Uint8Array, offset: number): Promise<number>
  close(): Promise<void>
}

/** A file that is only ever appended to, by more than one process perhaps. */
export interface AppendFile extends ReadFile {
  /** one write call, so that lines of two writers never mix; throws when only part of it fitted */
  append(bytes: Uint8Array): Promise<void>
  sync(): Promise<void>
  inode(): Promise<number>
}

/**
 * All that this destination does to a file system, a step a method. Passed in, so that a test can stop the world between
 * any two steps.
 */
export interface Disk {
  realPath(path: string): Promise<string>
  /** Makes one folder, or with `parents` all of them; fine when it is there. */
  makeFolder(path: string, parents?: boolean): Promise<void>
  createFile(path: string): Promise<NewFile>
  openRead(path: string): Promise<ReadFile>
  openAppend(path: string, create: boolean): Promise<AppendFile>
  rename(from: string, to: string): Promise<void>
  /** Gives a file a second name; EEXIST when that is taken. */
  link(from: string, to: string): Promise<void>
  /** Names in a folder; none when it is missing. */
  list(path: string): Promise<string[]>
  /** False when there was nothing to remove. */
  remove(path: string): Promise<boolean>
  /** Removes a file in one go with the proof that `log` still ends at `size`; false, and nothing done, when it doesn't. */
  removeWhile(path: string, log: string, size: number): Promise<boolean>
  /** Size and inode; null when there is no such thing. */
  stat(path: string): Promise<{ size: number; inode: number; isFolder: boolean } | null>
  syncFolder(path: string): Promise<void>
  freeBytes(path: string): Promise<number>
}

export const hasCode = (error: unknown, ...codes: string[]): boolean =>
  codes.includes(String((error as { code?: unknown } | null)?.code))

const newFile = (handle: FileHandle): NewFile => ({
  write: (bytes) => handle.appendFile(bytes),
  sync: () => handle.sync(),
  close: () => handle.close(),
})

const readFile = (handle: FileHandle): ReadFile => ({
  read: async (into, offset) => (await handle.read(into, 0, into.byteLength, offset)).bytesRead,
  close: () => handle.close(),
})

const appendFile = (handle: FileHandle): AppendFile => ({
  ...readFile(handle),
  async append(bytes) {
    const { bytesWritten } = await handle.write(bytes)
    if (bytesWritten < bytes.byteLength) {
      throw Object.assign(new Error('the disk took only part of a line'), { code: 'ENOSPC' })
    }
  },
  sync: () => handle.sync(),
  inode: async () => (await handle.stat()).ino,
})

/** Syncs of folders under way: those that are asked for meanwhile wait for the next one, all for the same. */
const folderSyncs = new Map<string, { running: Promise<void>; next: Promise<void> | null }>()

/** A sync that begins after this call; ranges that commit at the same moment share it. */
function syncTogether(path: string): Promise<void> {
  const known = folderSyncs.get(path)
  if (!known) {
    const entry = { running: syncOne(path), next: null }
    folderSyncs.set(path, entry)
    return settle(path, entry)
  }
  known.next ??= known.running.catch(() => {}).then(() => syncTogether(path))
  return known.next
}

async function settle(path: string, entry: { running: Promise<void> }): Promise<void> {
  try {
    await entry.running
  } finally {
    folderSyncs.delete(path)
  }
}

async function syncOne(path: string): Promise<void> {
  const folder = await open(path, constants.O_RDONLY)
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

/** The machine's own file system. */
export const nodeDisk: Disk = {
  // As `stat`: nothing but looks.
  realPath: async (path) => realpathSync.native(path),
  async makeFolder(path, parents = false) {
    try {
      await mkdir(path, { recursive: parents })
    } catch (error) {
      if (!hasCode(error, 'EEXIST')) throw error
    }
  },
  createFile: async (path) => newFile(await open(path, createNew, 0o666)),
  openRead: async (path) => readFile(await open(path, constants.O_RDONLY | noFollow)),
  openAppend: async (path, create) =>
    appendFile(await open(path, create ? appendOnly | constants.O_CREAT : appendOnly, 0o666)),
  rename,
  link,
  async list(path) {
    try {
      return await readdir(path)
    } catch (error) {
      if (hasCode(error, 'ENOENT')) return []
      throw error
    }
  },
  async remove(path) {
    try {
      await unlink(path)
      return true
    } catch (error) {
      if (hasCode(error, 'ENOENT', 'ENOTDIR')) return false
      throw error
    }
  },
  async removeWhile(path, log, size) {
    // Synchronous on purpose: nothing of this process, and hardly anything of another, comes in between.
    if (statSync(log, { throwIfNoEntry: false })?.size !== size) return false
    try {
      unlinkSync(path)
    } catch (error) {
      if (!hasCode(error, 'ENOENT', 'ENOTDIR')) throw error
    }
    return true
  },
  async stat(path) {
    try {
      // Synchronous: the kernel answers from memory in microseconds, through the thread pool that takes twenty times as long.
      const found = lstatSync(path, { throwIfNoEntry: false })
      if (!found) return null
      return { size: found.size, inode: found.ino, isFolder: found.isDirectory() }
    } catch (error) {
      if (hasCode(error, 'ENOENT', 'ENOTDIR')) return null
      throw error
    }
  },
  async syncFolder(path) {
    // Windows has no way to sync a folder, and needs none.
    if (process.platform === 'win32') return
    await syncTogether(path)
  },
  async freeBytes(path) {
    const { bavail, bsize } = await statfs(path)
    return bavail * bsize
  },
}
