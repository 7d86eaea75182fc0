/** Types that a stream or its connector declares, and the cursor's. */
import t from 'tap'
import type { Row } from '../../../../actors/destinations/writer.ts'
import type { Target } from '../../../../schema/protocol.ts'
import { startPostgres } from '../../../support/postgres.ts'
import { day, Scene } from './scene.ts'

t.setTimeout(120_000)
const postgres = await startPostgres()
t.teardown(() => postgres.remove())

async function typesOf(scene: Scene): Promise<Record<string, string>> {
  const { rows } = await scene.client.query(
    `select attname, format_type(atttypid, atttypmod) as type from pg_attribute
     where attrelid = $1::regclass and attnum > 0 and attname !~ '^_derrick' order by attname`,
    [scene.table],
  )
  return Object.fromEntries(rows.map(({ attname, type }) => [attname, type]))
}

const columns: Target['columns'] = {
  price: 'number',
  count: 'integer',
  paid: 'boolean',
  at: 'timestamp',
  on: 'date',
  zip: 'text',
  id: 'text',
}
const good = (id: number): Row => ({
  id,
  price: '19.90',
  count: '12',
  paid: 'true',
  at: '2026-02-28T10:00:00.123456+02:00',
  on: '2024-02-29',
  zip: 1234,
})
const odd = (id: number): Row => ({
  id,
  price: 'free',
  count: 1.5,
  paid: 'maybe',
  at: '2026-02-29T10:00:00Z',
  on: '2026-1-1',
  zip: { a: 1 },
})

for (const [order, name] of [
  [[good, odd], 'good first'],
  [[odd, good], 'odd first'],
] as const) {
  for (const filling of [0, 600]) {
    t.test(`declared types hold whatever comes first (${name}, ${filling} more)`, async (t) => {
      const namespace = `declared_${name.slice(0, 3)}_${filling}`
      const target = { columns, cursorField: null }
      const scene = await new Scene(postgres.url, namespace, target).open()
      t.teardown(() => scene.close())
      for (const [n, make] of order.entries()) {
        const more = Array.from({ length: filling }, (_, i) => ({ id: 1000 * (n + 1) + i }))
        await scene.sync([[make(make === good ? 1 : 2), ...more]], { range: day(n) })
      }
      t.strictSame(await typesOf(scene), {
        at: 'timestamp with time zone',
        at__text: 'text',
        count: 'bigint',
        count__text: 'text',
        id: 'bigint',
        on: 'date',
        on__text: 'text',
        paid: 'boolean',
        paid__text: 'text',
        price: 'numeric',
        price__text: 'text',
        zip: 'text',
      })
      const { rows } = await scene.client.query(
        `select price, count, paid, at at time zone 'UTC' at time zone 'UTC' = '2026-02-28 08:00:00.123456+00' as at, "on"::text, zip,
           price__text, count__text, paid__text, at__text, on__text from ${scene.table} where id < 10 order by id`,
      )
      t.strictSame(rows, [
        {
          ...{ price: '19.90', count: '12', paid: true, at: true, on: '2024-02-29', zip: '1234' },
          ...{ price__text: null, count__text: null, paid__text: null, at__text: null },
          on__text: null,
        },
        {
          ...{ price: null, count: null, paid: null, at: null, on: null, zip: '{"a": 1}' },
          ...{ price__text: 'free', count__text: '1.5', paid__text: 'maybe' },
          ...{ at__text: '2026-02-29T10:00:00Z', on__text: '2026-1-1' },
        },
      ])
    })
  }
}

t.test('the cursor is an instant where it looks like one; other texts stay texts', async (t) => {
  const scene = await new Scene(postgres.url, 'cursor').open()
  t.teardown(() => scene.close())
  const at = '2026-01-01T10:00:00Z'
  await scene.sync([[{ id: 1, updated_at: at, created_at: at }]])
  t.match(await typesOf(scene), { updated_at: 'timestamp with time zone', created_at: 'text' })
  // What is none goes beside it, and orders among the others as before.
  await scene.sync(
    [
      [
        { id: 1, updated_at: 'yesterday' },
        { id: 2, updated_at: 'today' },
      ],
    ],
    {
      range: day(1),
    },
  )
  t.strictSame(
    await scene.rows('id::int, updated_at is null as none, updated_at__text as text', 'id'),
    [
      { id: 1, none: false, text: null },
      { id: 2, none: true, text: 'today' },
    ],
  )
  const older = await new Scene(postgres.url, 'cursor_text').open()
  t.teardown(() => older.close())
  await older.sync([[{ id: 1, updated_at: 'unknown' }]])
  await older.sync([[{ id: 2, updated_at: '2026-01-02T10:00:00+01:00' }]], { range: day(1) })
  t.strictSame(await older.rows('updated_at', 'id'), [
    { updated_at: 'unknown' },
    { updated_at: '2026-01-02T10:00:00+01:00' },
  ])
})

t.test('edges of days, zones and fractions', async (t) => {
  const scene = await new Scene(postgres.url, 'edges', {
    columns: { at: 'timestamp', on: 'date' },
    cursorField: null,
  }).open()
  t.teardown(() => scene.close())
  const fits = [
    '0001-01-01T00:00:00Z',
    '9999-12-31T23:59:59.999999-14:00',
    '2000-02-29 00:00:00+0530',
    '2026-12-31T23:59:59+14:00',
  ]
  const misfits = [
    '0000-01-01T00:00:00Z',
    '1900-02-29T00:00:00Z',
    '2026-04-31T00:00:00Z',
    '2026-01-01T24:00:00Z',
    '2026-01-01T23:59:60Z',
    '2026-01-01T00:00:00.1234567Z',
    '2026-01-01T00:00:00',
    '2026-01-01',
    'infinity',
    '',
  ]
  const rows = [...fits, ...misfits].map((at, id) => ({ id, at }))
  await scene.sync([rows], { range: day(0) })
  t.strictSame(
    (await scene.rows('at is not null as fits, at__text as text', 'id')).map((row) => [
      row.fits,
      row.text,
    ]),
    [...fits.map(() => [true, null]), ...misfits.map((at) => [false, at])],
  )
})
