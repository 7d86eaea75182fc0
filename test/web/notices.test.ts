/** What notifications say, and declared types of columns as text. */
import t from 'tap'
import type { Notification } from '../../schema/notification.ts'
import { noticeOf } from '../../web/notifications/notice.ts'
import { columnsText, readColumns } from '../../web/stream/columns.ts'

const notification = (over: Partial<Notification>): Notification => ({
  id: 'ntf_1',
  workspace_id: 'ws_1',
  kind: 'sync_failed',
  title: 'sync of shop/orders failed',
  detail: {},
  stream_id: 'str_1',
  count: 1,
  read: false,
  created_at: '2026-03-01T00:00:00.000Z',
  updated_at: '2026-03-01T00:00:00.000Z',
  ...over,
})

t.test('a notification names cause, remedy and where to go on', async (t) => {
  const detail = { message: 'the key was refused', remedy: 'give another', run_id: 'run_1' }
  t.strictSame(noticeOf(notification({ detail })), {
    cause: 'the key was refused',
    remedy: 'give another',
    href: '/runs?run=run_1',
    place: 'the run',
  })
  t.equal(noticeOf(notification({ kind: 'source_paused', detail })).href, '/sources')
  t.match(
    noticeOf(
      notification({
        kind: 'schema_changed',
        detail: { columns: [{ name: 'note', type: 'text' }, null, { name: 5 }] },
      }),
    ),
    { cause: 'note text', remedy: undefined, href: '/?open=str_1' },
  )
  t.match(noticeOf(notification({ detail: { message: 5 }, stream_id: null })), {
    cause: undefined,
    href: undefined,
  })
})

t.test('types of columns are lines, there and back; a bad line is named', async (t) => {
  const columns = { price: { type: 'number' }, 'a:b': { type: 'date' } } as const
  t.equal(columnsText(columns), 'price: number\na:b: date')
  t.strictSame(readColumns(`\n ${columnsText(columns)}\n`), { columns })
  t.strictSame(readColumns(''), { columns: {} })
  for (const bad of ['price', 'price: decimal', ': number'])
    t.match(readColumns(`note: text\n${bad}`), { error: `“${bad}”` }, bad)
})
