import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { type DerrickError, derrickError } from '../../schema/error.ts'
import { sqliteBinding } from '../binary/native.ts'
import { migrate } from './migrate.ts'

/**
 * The supervisor's two connections to one file. Never write through one while a transaction of the
 * other is open in the same call: it would wait for itself until `busyTimeoutMs` and fail.
 */
export interface Database {
  /** The ledger: a commit survives the process but may be lost with the machine; destinations can be asked. */
  normal: Sqlite.Database
  /** Keys, tokens, settings and configuration: a commit is on the disk when the call returns. */
  full: Sqlite.Database
  dataDir: string
  close(): void
}

export const databaseFile = 'derrick.db'
const lockFile = 'lock.db'
const ownerFile = 'lock.pid'
const busyTimeoutMs = 5_000
/** A WAL that once grew larger is cut back to this at the next checkpoint. */
const walLimitBytes = 64 * 1024 * 1024

/**
 * Opens the data dir for this process alone and brings its database up to date.
 * Throws DerrickError: data_dir.locked, data_dir.unwritable, database.newer, database.corrupt.
 */
export function openDatabase(dataDir: string): Database {
  prepareFolder(dataDir)
  const lock = takeLock(dataDir)
  const opened: Sqlite.Database[] = []
  const open = (synchronous: 'normal' | 'full'): Sqlite.Database => {
    const db = connect(join(dataDir, databaseFile))
    opened.push(db)
    db.pragma('journal_mode = wal')
    db.pragma(`synchronous = ${synchronous}`)
    db.pragma('foreign_keys = on')
    db.pragma(`journal_size_limit = ${walLimitBytes}`)
    return db
  }
  const close = (): void => {
    for (const db of opened.splice(0)) db.close()
    lock.close()
  }
  try {
    const full = open('full')
    chmodSync(join(dataDir, databaseFile), 0o600)
    migrate(full, dataDir)
    return { full, normal: open('normal'), dataDir, close }
  } catch (error) {
    close()
    throw openFailure(error, dataDir)
  }
}

/** A plain connection to a database file, made when it is missing. */
export function connect(file: string, timeout = busyTimeoutMs): Sqlite.Database {
  const nativeBinding = sqliteBinding()
  return new Sqlite(file, nativeBinding === undefined ? { timeout } : { timeout, nativeBinding })
}

/** A folder that is new, empty or ours becomes private; one that holds other things is left as it is. */
function prepareFolder(dataDir: string): void {
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 })
    const isOurs = existsSync(join(dataDir, databaseFile)) || readdirSync(dataDir).length === 0
    if (isOurs) makePrivate(dataDir)
  } catch (error) {
    throw openFailure(error, dataDir)
  }
}

/** A mounted volume may belong to another user and still be writable through its group. */
function makePrivate(dataDir: string): void {
  try {
    chmodSync(dataDir, 0o700)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') throw error
  }
}

/** The kernel frees this lock when the process ends, however it ends. */
function takeLock(dataDir: string): Sqlite.Database {
  let lock: Sqlite.Database | undefined
  try {
    lock = connect(join(dataDir, lockFile), 0)
    lock.exec('begin exclusive')
    chmodSync(join(dataDir, lockFile), 0o600)
    writeFileSync(join(dataDir, ownerFile), `${process.pid}\n`, { mode: 0o600 })
    return lock
  } catch (error) {
    lock?.close()
    if (sqliteCode(error).startsWith('SQLITE_BUSY')) throw lockedError(dataDir, error)
    throw openFailure(error, dataDir)
  }
}

function lockedError(dataDir: string, cause: unknown): DerrickError {
  const owner = ownerOf(dataDir)
  return derrickError(
    'unknown',
    'data_dir.locked',
    `another Derrick${owner} already uses the data dir ${dataDir}`,
    { retryable: false, remedy: 'stop it, or choose another folder with --data-dir', cause },
  )
}

function ownerOf(dataDir: string): string {
  try {
    const pid = readFileSync(join(dataDir, ownerFile), 'utf8').trim()
    return /^\d{1,10}$/.test(pid) ? ` (process ${pid})` : ''
  } catch {
    return ''
  }
}

const sqliteCode = (error: unknown): string =>
  error instanceof Sqlite.SqliteError ? error.code : ''

/** What the systems' codes mean for the person that starts Derrick; other errors pass unchanged. */
function openFailure(error: unknown, dataDir: string): unknown {
  const code = sqliteCode(error) || ((error as NodeJS.ErrnoException | null)?.code ?? '')
  const message = error instanceof Error ? error.message : String(error)
  if (/^SQLITE_(CORRUPT|NOTADB)/.test(code)) {
    return derrickError(
      'unknown',
      'database.corrupt',
      `${join(dataDir, databaseFile)} is damaged or no database of Derrick (${message})`,
      {
        retryable: false,
        remedy: 'restore a backup with `derrick restore`, or choose another --data-dir',
        cause: error,
      },
    )
  }
  if (/^(SQLITE_(CANTOPEN|READONLY|PERM|IOERR|FULL)|E[A-Z]+$)/.test(code)) {
    return derrickError(
      'unknown',
      'data_dir.unwritable',
      `cannot use the data dir ${dataDir} (${message})`,
      {
        retryable: false,
        remedy: 'give this user write permission and space there, or choose another --data-dir',
        cause: error,
      },
    )
  }
  return error
}
