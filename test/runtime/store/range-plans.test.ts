/** A stream may have a million ranges: what runs at each step must be a seek, never a scan or a sort. */
import Sqlite from 'better-sqlite3'
import t from 'tap'
import { builtInMigrations } from '../../../runtime/store/migrate.ts'
import { prepareRangeStatements } from '../../../runtime/store/range-rows.ts'

t.test('every statement of a step is served by an index that fits it', async (t) => {
  const db = new Sqlite(':memory:')
  for (const { sql } of builtInMigrations()) db.exec(sql)
  const statements = prepareRangeStatements(db)
  const hot: [string, Sqlite.Statement, RegExp][] = [
    ['newest first', statements.next.newest_first, /ranges_pending_by_lane .*lane=\?/],
    ['oldest first', statements.next.oldest_first, /ranges_pending_by_lane .*lane=\?/],
    ['pending of a lane', statements.countPending, /ranges_pending_by_lane .*lane=\?/],
    ['open ranges', statements.openWindows, /ranges_open .*end>\?/],
    ['full read', statements.full, /start=\? AND kind=\?/],
    ['unread before', statements.unreadBefore, /ranges_pending.*ranges_failed/],
    ['window', statements.overlapping, /start>\?/],
    ['look-back', statements.sealedSince, /start>\?/],
    ['due failures', statements.failedDue, /ranges_failed .*due_at<\?/],
    ['next failure due', statements.nextFailedDue, /ranges_failed .*due_at<\?/],
    ['last failure', statements.lastFailed, /ranges_failed .*stream_id=\?/],
    ['streams with due failures', statements.dueStreams, /ranges_failed .*due_at<\?/],
    ['running', statements.running, /ranges_running/],
  ]
  for (const [name, statement, index] of hot) {
    const source = statement.source.replace(/@\w+/g, '?')
    const count = source.match(/\?/g)?.length ?? 0
    const plan = db.prepare(`explain query plan ${source}`).all(Array(count).fill(1))
    const text = plan.map((row) => (row as { detail: string }).detail).join('; ')
    t.match(text, index, name)
    t.notMatch(text, /TEMP B-TREE/, `${name} sorts nothing`)
  }
  db.close()
})
