import { chmodSync, copyFileSync, existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { derrickError } from '../../schema/error.ts'
import { connect, databaseFile } from './database.ts'
import { keyFile } from './secrets.ts'

/**
 * Copies the database of a data dir, as it is at one moment, and the key of its secrets into a folder. A server that runs on it
 * goes on meanwhile. Throws DerrickError config.invalid when there is nothing to copy, or the folder has a backup already.
 */
export async function backUp(dataDir: string, folder: string): Promise<void> {
  requireDatabase(dataDir, 'name the data dir of the server with --data-dir')
  requireNone(folder, 'choose another folder; a backup is never written over')
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const part = join(folder, `${databaseFile}.part`)
  const db = connect(join(dataDir, databaseFile))
  try {
    await db.backup(part)
  } finally {
    db.close()
  }
  chmodSync(part, 0o600)
  copyKey(dataDir, folder)
  renameSync(part, join(folder, databaseFile))
}

/**
 * Puts a backup into a data dir without a database. Throws DerrickError config.invalid, or database.corrupt for a backup that
 * is damaged.
 */
export function restore(folder: string, dataDir: string): void {
  requireDatabase(folder, 'name the folder that derrick backup wrote')
  requireNone(dataDir, 'move that data dir away, or choose another with --data-dir')
  mkdirSync(dataDir, { recursive: true, mode: 0o700 })
  const part = join(dataDir, `${databaseFile}.part`)
  copyFileSync(join(folder, databaseFile), part)
  chmodSync(part, 0o600)
  try {
    requireSound(part)
  } catch (error) {
    for (const end of ['', '-wal', '-shm']) rmSync(`${part}${end}`, { force: true })
    throw error
  }
  copyKey(folder, dataDir)
  renameSync(part, join(dataDir, databaseFile))
}

function requireSound(file: string): void {
  const damaged = (cause?: unknown) =>
    derrickError('unknown', 'database.corrupt', 'the backup is damaged', {
      remedy: 'use another one',
      cause,
    })
  let found: unknown
  try {
    const db = connect(file)
    try {
      found = db.pragma('quick_check', { simple: true })
      // What is renamed must be whole in one file.
      db.pragma('journal_mode = delete')
    } finally {
      db.close()
    }
  } catch (cause) {
    throw damaged(cause)
  }
  if (found !== 'ok') throw damaged()
}

/** Without its key a database's secrets can't be read; with DERRICK_SECRET_KEY there is no file. */
function copyKey(from: string, to: string): void {
  const file = join(from, keyFile)
  if (!existsSync(file)) return
  copyFileSync(file, join(to, keyFile))
  chmodSync(join(to, keyFile), 0o600)
}

function requireDatabase(folder: string, remedy: string): void {
  if (existsSync(join(folder, databaseFile))) return
  throw derrickError('unknown', 'config.invalid', `${folder} has no ${databaseFile}`, { remedy })
}

function requireNone(folder: string, remedy: string): void {
  if (!existsSync(join(folder, databaseFile))) return
  throw derrickError('unknown', 'config.invalid', `${folder} has a ${databaseFile} already`, {
    remedy,
  })
}
