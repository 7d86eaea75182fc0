import {
  closeSync,
  constants,
  copyFileSync,
  fsyncSync,
  mkdirSync,
  openSync,
  renameSync,
} from 'node:fs'
import { join } from 'node:path'
import type Sqlite from 'better-sqlite3'
import { derrickError } from '../../schema/error.ts'
import { assetKeys, readAsset } from '../binary/embedded.ts'

export interface Migration {
  /** becomes the database's user_version */
  version: number
  sql: string
}

const snapshotFolder = 'snapshots'

/** The migrations of this build, `NNNN_name.sql`, in order. Throws when a number is missing or twice. */
export function builtInMigrations(): Migration[] {
  const migrations = assetKeys('migrations/').map((key) => ({
    version: Number(/\/(\d{4})_[\w-]+\.sql$/.exec(key)?.[1]),
    sql: (readAsset(key) as Buffer).toString('utf8'),
  }))
  migrations.forEach((migration, index) => {
    if (migration.version !== index + 1)
      throw new Error('migrations must be numbered 0001, 0002, …')
  })
  return migrations
}

/**
 * Brings the database to this build's version, each step in a transaction of its own, after copying
 * an existing database to `snapshots/`. Throws DerrickError database.newer when a later build made it.
 */
export function migrate(
  db: Sqlite.Database,
  dataDir: string,
  migrations: Migration[] = builtInMigrations(),
): void {
  const found = db.pragma('user_version', { simple: true }) as number
  const wanted = migrations.length
  if (found > wanted) throw newerDatabase(found, wanted)
  if (found === wanted) return
  if (found > 0) takeSnapshot(db, dataDir, found)
  // Migrations may rebuild tables that others point to; the check below replaces the constant watch.
  db.pragma('foreign_keys = off')
  try {
    for (const migration of migrations.slice(found)) applyMigration(db, migration)
  } finally {
    db.pragma('foreign_keys = on')
  }
}

function applyMigration(db: Sqlite.Database, migration: Migration): void {
  db.transaction(() => {
    db.exec(migration.sql)
    const broken = db.pragma('foreign_key_check') as unknown[]
    if (broken.length > 0) {
      throw new Error(`migration ${migration.version} leaves ${broken.length} broken references`)
    }
    db.pragma(`user_version = ${migration.version}`)
  }).immediate()
}

/** The data dir is locked and nothing else has the file open, so a checkpointed file is a whole copy. */
function takeSnapshot(db: Sqlite.Database, dataDir: string, version: number): void {
  const folder = join(dataDir, snapshotFolder)
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const file = join(folder, `derrick-v${version}.db`)
  db.pragma('wal_checkpoint(truncate)')
  copyFileSync(db.name, `${file}.new`, constants.COPYFILE_FICLONE)
  const copy = openSync(`${file}.new`, 'r+')
  try {
    fsyncSync(copy)
  } finally {
    closeSync(copy)
  }
  renameSync(`${file}.new`, file)
}

const newerDatabase = (found: number, wanted: number) =>
  derrickError(
    'unknown',
    'database.newer',
    `the database has version ${found}, this Derrick knows versions up to ${wanted}`,
    {
      retryable: false,
      remedy: `start the newer Derrick again, or put back ${snapshotFolder}/derrick-v${wanted}.db of this data dir`,
    },
  )
