import fc from 'fast-check'
import t from 'tap'
import { failure } from '../../schema/error.ts'
import { type CalendarLetter, calendarLetters, type Range } from '../../schema/range.ts'
import { calendarLetter, never, shownStatus } from '../../schema/range-state.ts'
import { feedShown, schedulerShown } from '../../web/badges.ts'
import { cronText } from '../../web/cron.ts'
import { etaMs, markPace, newPace, type Pace } from '../../web/eta.ts'
import { ago, rangeText, size, span } from '../../web/format.ts'
import { readProblem } from '../../web/problem.ts'
import { filterLines, maxLines, mergeLines } from '../../web/run/log.ts'
import { changedSearch, safeNext } from '../../web/search.ts'
import { letterMeanings, letterOf, runShown, stateGlyphs, streamShown } from '../../web/state.ts'
import { roleOff } from '../../web/store/role.ts'

t.test('a live range gets the letter that the calendar would say', async () => {
  const states = fc.record({
    status: fc.constantFrom(
      'pending' as const,
      'running' as const,
      'complete' as const,
      'failed' as const,
    ),
    committedAt: fc.option(fc.constant(1_000)),
    sealed: fc.boolean(),
    dueAt: fc.constantFrom(5_000, never),
  })
  fc.assert(
    fc.property(states, (drawn) => {
      // Only what the ledger can hold: complete means committed, sealed means committed too.
      const committedAt = drawn.status === 'complete' ? 1_000 : drawn.committedAt
      const state = { ...drawn, committedAt, sealed: drawn.sealed && committedAt !== null }
      const failed = state.status === 'failed'
      const shown = {
        status: shownStatus(state),
        committed_at: committedAt === null ? null : '2026-01-01T00:00:00Z',
        sealed: state.sealed,
        due_at: state.dueAt === never ? null : '2026-01-01T00:00:00Z',
        tries: failed ? 1 : 0,
        error: failed ? failure('network', 'x', 'x') : null,
      } as Range
      return letterOf(shown) === calendarLetter(state)
    }),
  )
})

t.test('every letter has words, and states differ without colour', async (t) => {
  t.same(Object.keys(letterMeanings).sort(), [...calendarLetters].sort())
  const glyphs = Object.values(letterMeanings).map((meaning) => meaning.glyph)
  t.equal(new Set(glyphs).size, glyphs.length)
  t.equal(new Set(Object.values(stateGlyphs)).size, 5)
  t.equal(letterMeanings['f' satisfies CalendarLetter].state, 'failed')
})

t.test('cancelling shows at once and only while there is something to cancel', async (t) => {
  t.equal(runShown({ status: 'running', cancelling: true }).label, 'cancelling…')
  t.equal(runShown({ status: 'cancelled', cancelling: true }).label, 'cancelled')
})

t.test('a stream says what matters most', async (t) => {
  const ranges = { pending: 0, running: 0, complete: 5, failed: 0, total: 5 }
  const of = (changes: Partial<typeof ranges>, enabled = true, run?: 'running' | 'complete') =>
    streamShown({ enabled, ranges: { ...ranges, ...changes } }, run && { status: run }).label
  t.equal(of({}), 'up to date')
  t.equal(of({ failed: 2 }), '2 failed')
  t.equal(of({ failed: 2 }, true, 'running'), 'running')
  t.equal(of({}, false), 'disabled')
  t.equal(of({ total: 0, complete: 0 }), 'not synced yet')
  t.equal(of({ total: 9, pending: 4 }, true, 'complete'), 'work is due')
})

t.test('an estimate needs a pace, and shrinks as ranges complete', async (t) => {
  let pace: Pace = newPace()
  for (let done = 0; done <= 4; done++) pace = markPace(pace, done, done * 1_000)
  t.equal(etaMs(pace, 100, 4_000), undefined, 'not before five ranges')
  pace = markPace(pace, 5, 5_000)
  t.equal(etaMs(pace, 105, 5_000), 100_000)
  t.ok((etaMs(pace, 105, 65_000) as number) > 100_000, 'a run that stalls promises nothing')
  t.equal(etaMs(pace, 5, 5_000), undefined, 'nothing left')
  t.equal(markPace(pace, 1, 6_000).marks.length, 1, 'another run starts anew')
})

t.test('numbers and times as people say them', async (t) => {
  t.equal(size(0), '0 B')
  t.equal(size(1_234), '1.2 KB')
  t.equal(size(256_000_000), '256 MB')
  t.equal(span(400), '0.4 s')
  t.equal(span(61 * 60_000), '1 h 1 min')
  t.equal(span(50 * 3_600_000), '2 d 2 h')
  t.equal(ago(0, 600_000), '10 min ago')
  t.equal(ago(600_000, 0), 'in 10 min')
  const hour = Date.UTC(2026, 9, 25, 22)
  t.equal(rangeText(hour, hour + 3_600_000, true), '25 Oct 2026, 22:00 – 23:00')
  t.equal(
    rangeText(hour, hour + 7_200_000, true),
    '25 Oct 2026, 22:00 – 26 Oct 2026, 00:00',
    'the end says its day when it is another',
  )
  t.equal(rangeText(Date.UTC(2026, 0, 1), 0, false), 'Thu, 1 Jan 2026')
})

t.test('usual schedules in words, unusual ones as they are', async (t) => {
  t.equal(cronText('*/15 * * * *'), 'every 15 min')
  t.equal(cronText('7 * * * *'), 'hourly at :07')
  t.equal(cronText('0 6 * * *'), 'daily at 06:00')
  t.equal(cronText('5 3 * * 1'), 'Mondays at 03:05')
  t.equal(cronText('7 */6 * * *'), 'every 6 h at :07')
  for (const odd of ['0 6 1 * *', '1-5 * * * *', '0 0 6 * * *', 'nonsense']) {
    t.equal(cronText(odd), odd)
  }
})

t.test('problems are read whatever the server says', async (t) => {
  const read = readProblem(422, {
    code: 'source.invalid',
    detail: 'the source is not valid',
    remedy: 'correct it',
    errors: [{ pointer: '/config/api_key', detail: 'is required', remedy: 'paste it' }, 7],
  })
  t.same(read.errors, [{ field: 'config.api_key', message: 'is required; paste it' }])
  t.equal(read.remedy, 'correct it')
  t.equal(readProblem(502, '<html>').code, 'http.502')
  t.equal(readProblem(500, null).errors.length, 0)
})

t.test('the address keeps what it does not change', async (t) => {
  t.equal(changedSearch('?status=failed&run=x', { run: undefined }), '?status=failed')
  t.equal(changedSearch('?open=a', { open: 'a,b' }), '?open=a,b')
  t.equal(changedSearch('?a=1', { a: undefined }), '')
})

t.test('signing in leads only to pages of this console', async (t) => {
  t.equal(safeNext('/runs?status=failed'), '/runs?status=failed')
  for (const bad of [
    undefined,
    '',
    'https://evil.example',
    '//evil.example',
    '/\\evil',
    '/login',
  ]) {
    t.equal(safeNext(bad), '/', String(bad))
  }
})

t.test('log lines join by id, keep the newest and filter', async (t) => {
  const line = (id: number, level: 'info' | 'warn' | 'error' = 'info') => ({
    id,
    at: '2026-01-01T00:00:00Z',
    level,
    kind: 'range.completed',
    message: `line ${id}`,
    stream_id: null,
    run_id: 'run_1',
    range_id: null,
    data: {},
  })
  t.same(
    mergeLines([line(1), line(3)], [line(2), line(3)]).map((entry) => entry.id),
    [1, 2, 3],
  )
  const many = Array.from({ length: maxLines + 10 }, (_, i) => line(i))
  t.equal(mergeLines([], many).length, maxLines)
  t.equal(mergeLines([], many)[0]?.id, 10)
  const mixed = [line(1), line(2, 'warn'), line(3, 'error')]
  t.equal(filterLines(mixed, 'warn', '').length, 2)
  t.equal(filterLines(mixed, 'error', '').length, 1)
  t.equal(filterLines(mixed, 'all', 'LINE 2').length, 1)
})

t.test('who may not do something is told which role it needs', async (t) => {
  t.equal(roleOff('admin', 'operator'), undefined)
  t.equal(roleOff('operator', 'operator'), undefined)
  t.match(roleOff('viewer', 'operator'), /role operator.*viewer/)
  t.match(roleOff(undefined, 'viewer'), /nobody/)
})

t.test('badges say how things stand', async (t) => {
  const state = { global: { limit: 4, in_use: 2 }, queued: 3, last_tick_at: null }
  t.equal(schedulerShown(state, 0).text, '2/4 +3')
  t.same(schedulerShown(state, 0).slots, [true, true, false, false])
  t.same(schedulerShown({ ...state, global: { limit: 64, in_use: 1 } }, 0).slots, [])
  t.equal(schedulerShown(null, 0).text, '–')
  t.equal(feedShown({ status: 'live', since: 0 }, 1e9).text, 'live')
  t.equal(feedShown({ status: 'reconnecting', since: 0 }, 1_000).text, 'reconnecting')
  t.equal(feedShown({ status: 'reconnecting', since: 0 }, 120_000).text, 'stale for 2 min')
})
