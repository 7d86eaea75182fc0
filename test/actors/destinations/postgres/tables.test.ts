import t from 'tap'
import type { Row } from '../../../../actors/destinations/writer.ts'
import { startPostgres } from '../../../support/postgres.ts'
import { failureCode } from '../attempts.ts'
import { day, Scene } from './scene.ts'

t.setTimeout(120_000)
const postgres = await startPostgres()
t.teardown(() => postgres.remove())

const at = (n: number, hours = 1): string =>
  new Date(day(n).start + hours * 3_600_000).toISOString()
let clock = Date.UTC(2026, 5, 1)
const later = (): number => {
  clock += 60_000
  return clock
}

t.test('kinds of values that mix', async (t) => {
  const scene = await new Scene(postgres.url, 'mixes', { cursorField: null }).open()
  t.teardown(() => scene.close())
  const columns = async () =>
    Object.fromEntries(
      (
        await scene.client.query(
          `select attname, format_type(atttypid, atttypmod) as type from pg_attribute where attrelid = $1::regclass and attnum > 0 and attname !~ '^_derrick' order by 1`,
          [scene.table],
        )
      ).rows.map(({ attname, type }) => [attname, type]),
    )
  const attempt = scene.attempt({ range: day(0) })
  await attempt.begin()
  await attempt.write([{ id: 1, n: 1, mixed: 1, duo: 'x' }])
  await attempt.write([{ id: 2, n: 1.5, mixed: { b: 1, a: [true] }, duo: 'y' }])
  await attempt.commit()
  t.strictSame(await columns(), { duo: 'text', id: 'bigint', mixed: 'text', n: 'numeric' })
  t.match(await scene.rows('mixed', 'id'), [{ mixed: '1' }, { mixed: '{"a": [true], "b": 1}' }])
  await scene.sync(
    [
      [
        { id: 3, n: 'many', duo: 5 },
        { id: 4, n: 7, late: true },
      ],
    ],
    { range: day(1) },
  )
  t.strictSame(await columns(), {
    duo: 'text',
    id: 'bigint',
    late: 'boolean',
    mixed: 'text',
    n: 'numeric',
    n__text: 'text',
  })
  t.match(await scene.rows('n, n__text, duo', 'id'), [
    {},
    {},
    { n: null, n__text: 'many', duo: '5' },
    { n: '7', n__text: null },
  ])
  await scene.sync([[{ id: 3, n: 3 }]], { range: day(2) })
  t.match(
    await scene.rows('n, n__text, duo', 'id'),
    [{}, {}, { n: '3', n__text: null, duo: null }, {}],
    'nothing of the old version stays',
  )
})

t.test('bigint widens in place, unless a view uses the column', async (t) => {
  const scene = await new Scene(postgres.url, 'widening', { cursorField: null }).open()
  t.teardown(() => scene.close())
  await scene.sync([[{ id: 1, free: 1, used: 1 }]], { range: day(0) })
  await scene.client.query(`create view widening.v as select used from ${scene.table}`)
  await scene.sync(
    [
      [
        { id: 2, free: 1.5, used: 2.5 },
        { id: 3, free: 2, used: 3 },
      ],
    ],
    { range: day(1) },
  )
  t.strictSame(await scene.rows('free, used, used__text as text', 'id'), [
    { free: '1', used: '1', text: null },
    { free: '1.5', used: null, text: '2.5' },
    { free: '2', used: '3', text: null },
  ])
})

t.test('keys of another type: widened while the table is small, else rejected', async (t) => {
  const scene = await new Scene(postgres.url, 'key_types', { cursorField: null }).open()
  t.teardown(() => scene.close())
  await scene.sync([[{ id: 1, v: 'a' }]], { range: day(0) })
  await scene.sync([[{ id: 'x', v: 'b' }]], { range: day(1) })
  t.strictSame(await scene.rows('id', 'id'), [{ id: '1' }, { id: 'x' }])

  const fixed = await new Scene(postgres.url, 'key_fixed', { cursorField: null }).open()
  t.teardown(() => fixed.close())
  await fixed.sync([[{ id: 1 }]], { range: day(0) })
  await fixed.client.query(`create view key_fixed.v as select id from ${fixed.table}`)
  const attempt = fixed.attempt({ range: day(1) })
  await attempt.begin()
  await attempt.write([{ id: 'x' }, { id: 2 }])
  const receipt = await attempt.commit()
  t.equal(receipt.records, 1)
  t.match(attempt.rejects, [{ reason: /another type/, where: 'x', sample: /x/ }])
  t.strictSame(await fixed.rows('id', 'id'), [{ id: '1' }, { id: '2' }])
})

t.test('a table of somebody else is left alone', async (t) => {
  const scene = await new Scene(postgres.url, 'taken').open()
  t.teardown(() => scene.close())
  await scene.sync([[{ id: 1 }]])
  const other = { streamKey: 'other/stream/here' }
  t.equal(await failureCode(scene.sync([[{ id: 2 }]], { target: other })), 'postgres.table_taken')
  await scene.client.query('create table taken.users (id int)')
  t.equal(
    await failureCode(scene.sync([[{ id: 2 }]], { target: { table: 'users' } })),
    'postgres.table_foreign',
  )
  t.equal((await scene.rows()).length, 1)
  await scene.writer.clear(scene.target)
  await scene.sync([[{ id: 2 }]], { target: other })
  t.match(await scene.rows('id'), [{ id: '2' }], 'a cleared table is free')
  t.equal(
    await failureCode(
      scene.sync([[{ other: 2 }]], { target: { ...other, primaryKey: ['other'] }, range: day(1) }),
    ),
    'postgres.key_changed',
  )
})

t.test('a dropped table voids what the ledger says of it', async (t) => {
  const scene = await new Scene(postgres.url, 'dropped').open()
  t.teardown(() => scene.close())
  await scene.sync([[{ id: 1 }]])
  await scene.client.query(`drop table ${scene.table}`)
  const receipt = await scene.sync([[{ id: 2 }]])
  t.equal(receipt.records, 1)
  t.match(await scene.rows('id'), [{ id: '2' }])
})

t.test('hundreds of fields: the last ones by name share a column', async (t) => {
  const scene = await new Scene(postgres.url, 'wide', { cursorField: null }).open()
  t.teardown(() => scene.close())
  const wide = (id: number, from: number, to: number): Row => ({
    id,
    ...Object.fromEntries(
      Array.from({ length: to - from }, (_, i) => [
        `f${String(from + i).padStart(4, '0')}`,
        `${id} ${from + i}`,
      ]),
    ),
  })
  await scene.sync([[wide(1, 0, 300), wide(2, 0, 10)]], { range: day(0) })
  const [first, second] = (await scene.rows('f0000, _derrick_extra as extra', 'id')) as {
    extra: Row
  }[]
  t.match(first, { f0000: '1 0', extra: { f0299: '1 299' } })
  t.equal(Object.keys(first?.extra ?? {}).length, 51)
  t.equal(second?.extra, null)
  const again = await scene.sync([[wide(3, 0, 1500)]], { range: day(1) })
  t.equal(again.rowsChanged, 1)
  const [, , third] = (await scene.rows('_derrick_extra as extra', 'id')) as { extra: Row }[]
  t.equal(third?.extra?.f1499, '3 1499')
})

t.test('dotted keys have a column of their own', async (t) => {
  const scene = await new Scene(postgres.url, 'dotted', {
    primaryKey: ['who.id', 'day'],
    cursorField: 'who.at',
  }).open()
  t.teardown(() => scene.close())
  const record = (v: string, time: string): Row => ({ who: { id: 5, at: time, v }, day: 'mon' })
  await scene.sync([[record('new', at(3))]], { range: day(3), fetchedFrom: later() })
  await scene.sync([[record('old', at(1))]], { range: day(1), fetchedFrom: later() })
  t.match(await scene.rows(`"who.id" as id, who->>'v' as v`), [{ id: '5', v: 'new' }])
})

for (const size of [1, 600]) {
  t.test(`a column that another process added is emptied, too (${size} rows)`, async (t) => {
    const scene = await new Scene(postgres.url, `two_${size}`).open()
    const other = new Scene(postgres.url, `two_${size}`)
    t.teardown(() => scene.close())
    t.teardown(() => other.writer.close())
    const rows = (v: Row): Row[] => Array.from({ length: size }, (_, id) => ({ id, ...v }))
    const first = await scene.sync([rows({ a: 1 })], { fetchedFrom: later() })
    const second = await other.sync([rows({ a: 1, b: 2 })], {
      range: { committedFence: first.fence },
      offered: first.fence,
      fetchedFrom: later(),
    })
    await scene.sync([rows({ a: 1 })], {
      range: { committedFence: second.fence },
      offered: second.fence,
      fetchedFrom: later(),
    })
    t.strictSame(await scene.rows('count(a) as a, count(b) as b'), [{ a: String(size), b: '0' }])
  })
}

/** Rows beside the point. */
const fill = (scene: Scene, count: number) =>
  scene.client.query(
    `insert into ${scene.table} (_derrick_synced_at, id, n) select now(), g, g from generate_series(1001, ${1000 + count}) g`,
  )
/** Another one whenever the table was rewritten. */
const fileOf = async (scene: Scene): Promise<unknown> =>
  (await scene.client.query(`select pg_relation_filenode('${scene.table}') as file`)).rows[0].file

t.test('a large table is not rewritten: what does not fit goes beside its column', async (t) => {
  const scene = await new Scene(postgres.url, 'large', { cursorField: null }).open()
  t.teardown(() => scene.close())
  await scene.sync([[{ id: 1, n: 1 }]], { range: day(0) })
  await fill(scene, 99_999)
  const before = await fileOf(scene)
  await scene.sync([[{ id: 2, n: 1.5 }]], { range: day(1) })
  t.not(await fileOf(scene), before, 'with 100,000 rows it was')
  const other = await new Scene(postgres.url, 'larger', { cursorField: null }).open()
  t.teardown(() => other.close())
  await other.sync([[{ id: 1, n: 1 }]], { range: day(0) })
  await fill(other, 100_000)
  const kept = await fileOf(other)
  await other.sync([[{ id: 2, n: 1.5 }]], { range: day(1) })
  t.equal(await fileOf(other), kept)
  t.match(await other.rows('n, n__text', 'id limit 2'), [{ n: '1' }, { n: null, n__text: '1.5' }])
})
