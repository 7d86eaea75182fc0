/** A column that appears on page 900 of 1,000 costs what it costs on page 1: every page is encoded, and sent, once. */
import pg from 'pg'
import t, { type Test } from 'tap'
import type { Row } from '../../../../actors/destinations/writer.ts'
import { startPostgres } from '../../../support/postgres.ts'
import { day, Scene } from './scene.ts'

t.setTimeout(120_000)
const postgres = await startPostgres()
t.teardown(() => postgres.remove())

const pages = 1000
const rowsOfPage = 3

/** All that is asked of the server while `work` runs, as texts. */
async function statementsOf(t: Test, work: () => Promise<unknown>): Promise<string[]> {
  const seen: string[] = []
  const { query } = pg.Client.prototype
  const isText = (value: unknown): value is { text: string } =>
    typeof value === 'object' && value !== null && 'text' in value
  t.intercept(pg.Client.prototype, 'query', {
    value: function (this: pg.Client, ...args: unknown[]): unknown {
      const [first] = args
      seen.push(typeof first === 'string' ? first : isText(first) ? first.text : '')
      return (query as (...args: unknown[]) => unknown).apply(this, args)
    },
  })
  await work()
  return seen
}

/** `late` is on the rows of this page and those behind it. */
const pageOf = (page: number, from: number): Row[] =>
  Array.from({ length: rowsOfPage }, (_, i) => ({
    id: page * rowsOfPage + i,
    ...(page >= from ? { late: page } : {}),
    note: 'x'.repeat(40),
  }))

for (const tracks of ['creation', 'updates'] as const) {
  for (const from of [0, 900]) {
    t.test(`from page ${from}, ${tracks}`, async (t) => {
      const target = { tracks, cursorField: null }
      const scene = await new Scene(postgres.url, `late_${tracks}_${from}`, target).open()
      t.teardown(() => scene.close())
      await scene.sync([[{ id: -1, note: 'first' }]], { range: day(1) })
      const attempt = scene.attempt({ range: day(0) })
      await attempt.begin()
      for (let page = 0; page < pages; page += 1) {
        await attempt.write(pageOf(page, from))
      }
      const statements = await statementsOf(t, () => attempt.commit())
      const count = (what: RegExp): number => statements.filter((text) => what.test(text)).length
      t.equal(count(/^copy /), from === 0 ? 1 : 2, 'a COPY for each list of columns')
      t.equal(count(/^alter table .* add column/), 1)
      t.equal(count(/^insert into/i) + count(/^with m as \(insert/), tracks === 'updates' ? 1 : 0)
      const shape = statements.findIndex((text) => /^alter table/.test(text))
      const copy = statements.findIndex((text) => /^copy /.test(text))
      t.ok(shape < copy, 'the table is changed before, in a transaction of its own')
      const before = statements.slice(0, shape).join('; ')
      t.match(before, /begin.*set local lock_timeout = '2s'/, 'which waits for no lock for long')
      t.match(before, /pg_advisory_xact_lock/, 'and is the only one of its kind')
      t.ok(
        statements.slice(shape, copy).some((text) => /^commit/.test(text)),
        'which has ended by then',
      )
      t.match(await scene.rows('count(*)::int as n, count(late)::int as late'), [
        { n: pages * rowsOfPage + 1, late: (pages - from) * rowsOfPage },
      ])
    })
  }
}
