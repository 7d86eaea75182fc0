import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import t from 'tap'
import { databaseFile, openDatabase } from '../../../runtime/store/database.ts'
import { builtInMigrations, migrate } from '../../../runtime/store/migrate.ts'
import { DerrickError, type Failure } from '../../../schema/error.ts'

function tempDir(test: Pick<typeof t, 'teardown'>): string {
  const dir = mkdtempSync(join(tmpdir(), 'derrick-db-'))
  test.teardown(() => rmSync(dir, { recursive: true, force: true }))
  return dir
}

function failureOf(run: () => unknown): Failure {
  try {
    run()
  } catch (error) {
    if (error instanceof DerrickError) return error.failure
    throw error
  }
  throw new Error('did not throw')
}

t.test('opens a new data dir privately, with two connections to one database', async (t) => {
  const dir = join(tempDir(t), 'deep', 'data')
  const db = openDatabase(dir)
  t.teardown(db.close)
  t.equal(statSync(dir).mode & 0o777, 0o700)
  t.equal(statSync(join(dir, databaseFile)).mode & 0o777, 0o600)
  t.equal(db.normal.pragma('synchronous', { simple: true }), 1)
  t.equal(db.full.pragma('synchronous', { simple: true }), 2)
  for (const connection of [db.normal, db.full]) {
    t.equal(connection.pragma('journal_mode', { simple: true }), 'wal')
    t.equal(connection.pragma('foreign_keys', { simple: true }), 1)
  }
  t.equal(db.full.pragma('user_version', { simple: true }), builtInMigrations().length)
  db.full.prepare("insert into meta values ('a', '1')").run()
  t.equal(db.normal.prepare("select value from meta where key = 'a'").pluck().get(), '1')
})

t.test('what was written is there after closing and opening again', async (t) => {
  const dir = tempDir(t)
  const first = openDatabase(dir)
  first.normal.prepare("insert into meta values ('a', '1')").run()
  first.close()
  const second = openDatabase(dir)
  t.teardown(second.close)
  t.equal(second.full.prepare('select count(*) from meta').pluck().get(), 1)
  t.notOk(existsSync(join(dir, 'snapshots')), 'nothing to migrate, nothing copied')
})

t.test('a second instance is refused, in this process and from another one', async (t) => {
  const dir = tempDir(t)
  const script = `import { openDatabase } from '${join(import.meta.dirname, '../../../runtime/store/database.ts')}'
    openDatabase(process.argv[1]); console.log('open'); setInterval(() => {}, 1000)`
  const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', script, dir], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.teardown(() => child.kill('SIGKILL'))
  await once(child.stdout, 'data')
  const refused = failureOf(() => openDatabase(dir))
  t.equal(refused.code, 'data_dir.locked')
  t.match(refused.message, `process ${child.pid}`)
  t.match(refused.remedy, '--data-dir')
  child.kill('SIGKILL')
  await once(child, 'exit')
  const mine = openDatabase(dir)
  t.teardown(mine.close)
  t.equal(failureOf(() => openDatabase(dir)).code, 'data_dir.locked')
})

t.test('a database of a newer Derrick is refused with both versions', async (t) => {
  const dir = tempDir(t)
  openDatabase(dir).close()
  const raw = new Sqlite(join(dir, databaseFile))
  raw.pragma('user_version = 99')
  raw.close()
  const refused = failureOf(() => openDatabase(dir))
  t.equal(refused.code, 'database.newer')
  t.match(refused.message, /99.*up to \d+/)
  t.ok(refused.remedy)
  t.equal(failureOf(() => openDatabase(dir)).code, 'database.newer', 'the lock was given back')
})

t.test('damaged files and unusable folders say what to do', async (t) => {
  const dir = tempDir(t)
  writeFileSync(join(dir, databaseFile), 'this is no database'.repeat(1000))
  t.equal(failureOf(() => openDatabase(dir)).code, 'database.corrupt')
  const file = join(tempDir(t), 'file')
  writeFileSync(file, '')
  t.equal(failureOf(() => openDatabase(file)).code, 'data_dir.unwritable')
  const readOnly = tempDir(t)
  chmodSync(readOnly, 0o500)
  if (process.getuid?.() !== 0) {
    t.equal(failureOf(() => openDatabase(join(readOnly, 'x'))).code, 'data_dir.unwritable')
  }
})

t.test('migrations: snapshot first, each step whole or not at all', async (t) => {
  const dir = tempDir(t)
  const db = openDatabase(dir)
  t.teardown(db.close)
  db.full.prepare("insert into meta values ('before', '1')").run()
  const known = builtInMigrations()
  const steps = [
    ...known,
    { version: known.length + 1, sql: 'create table extra (id integer) strict;' },
    { version: known.length + 2, sql: 'create table half (id integer) strict; select nonsense;' },
  ]
  t.throws(() => migrate(db.full, dir, steps), /nonsense/)
  t.equal(db.full.pragma('user_version', { simple: true }), known.length + 1)
  const tables = db.full.prepare("select name from sqlite_master where name in ('extra', 'half')")
  t.strictSame(tables.pluck().all(), ['extra'])
  const snapshot = new Sqlite(join(dir, 'snapshots', `derrick-v${known.length}.db`))
  t.teardown(() => snapshot.close())
  t.equal(snapshot.pragma('user_version', { simple: true }), known.length)
  t.equal(snapshot.prepare('select key from meta').pluck().get(), 'before')
  t.equal(db.full.pragma('foreign_keys', { simple: true }), 1)
})
