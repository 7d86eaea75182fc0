import t from 'tap'
import { openDatabase } from '../../../runtime/store/database.ts'
import { idempotencyKeptMs } from '../../../runtime/store/idempotency.ts'
import { makeStores } from '../../../runtime/store/stores.ts'
import { tempDir } from '../../support/temp-dir.ts'

function opened(test: Pick<typeof t, 'teardown'>) {
  const dir = tempDir('stores')
  const db = openDatabase(dir.path)
  test.teardown(() => {
    db.close()
    dir.remove()
  })
  return { full: makeStores(db.full), normal: makeStores(db.normal), db }
}

t.test('both connections see what the other committed', async (t) => {
  const { full, normal } = opened(t)
  full.workspaces.insert({ id: 'ws_1', name: 'default', createdAt: 1 })
  t.equal(normal.workspaces.byName('DEFAULT')?.id, 'ws_1')
  normal.activity.add({ at: 1, workspaceId: 'ws_1', level: 'info', kind: 'x', message: 'm' })
  t.equal(full.activity.list('ws_1', { limit: 10 }).length, 1)
})

t.test('the log is pruned by age and by number, a bounded piece at a time', async (t) => {
  const { normal } = opened(t)
  for (let at = 1; at <= 20; at += 1) {
    normal.activity.add({ at, workspaceId: 'ws_1', level: 'info', kind: 'x', message: `${at}` })
  }
  t.equal(normal.activity.prune(6, 1_000, 3), 3, 'no more than asked for')
  t.equal(normal.activity.prune(6, 1_000, 100), 2)
  t.equal(normal.activity.prune(0, 4, 100), 11)
  t.strictSame(
    normal.activity.list('ws_1', { limit: 10 }).map((line) => line.at),
    [20, 19, 18, 17],
  )
})

t.test('idempotency keys: one request at a time, forgotten after a day', async (t) => {
  const { full } = opened(t)
  const { idempotency } = full
  const begin = (hash: string, now: number) => idempotency.begin('scope', 'key', hash, now).kind
  t.equal(begin('a', 0), 'new')
  t.equal(begin('a', 1), 'in-flight')
  idempotency.finish('scope', 'key', { status: 201, headers: {}, body: 'x' })
  t.strictSame(idempotency.begin('scope', 'key', 'a', 2), {
    kind: 'answered',
    answer: { status: 201, headers: {}, body: 'x' },
  })
  t.equal(begin('b', 2), 'other-body')
  t.equal(begin('b', idempotencyKeptMs), 'new')
  t.equal(idempotency.abandon(), 1, 'a crash cut it off')
  t.equal(begin('c', idempotencyKeptMs), 'new')
  t.equal(idempotency.sweep(3 * idempotencyKeptMs), 1)
})

t.test('settings keep the defaults of what was never set', async (t) => {
  const { full, db } = opened(t)
  full.settings.save({ max_concurrent_syncs: 7 })
  db.full.prepare("insert into settings values ('of_a_later_version', '1')").run()
  t.strictSame(full.settings.get(), { max_concurrent_syncs: 7, max_concurrent_syncs_per_source: 2 })
})

t.test('a one-time link is used up by its first use, also a late one', async (t) => {
  const { full } = opened(t)
  full.sessions.addLink({ hash: 'h', role: 'admin', expiresAt: 100 })
  t.equal(full.sessions.takeLink('h', 100), undefined, 'too late')
  t.equal(full.sessions.takeLink('h', 50), undefined, 'and gone')
  full.sessions.addLink({ hash: 'g', role: 'admin', expiresAt: 100 })
  t.equal(full.sessions.takeLink('g', 99)?.role, 'admin')
  t.equal(full.sessions.takeLink('g', 99), undefined)
})
