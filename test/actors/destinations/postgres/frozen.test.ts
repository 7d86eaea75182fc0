/**
 * A source that stands still ends in one content, whatever the order, however many ranges at once. Sources are made from
 * seeds, untidy in every way that a table minds: kinds of values that change late, fields that come in any order, more fields
 * than a table has columns, records with versions in several ranges.
 *
 *   node test/actors/destinations/postgres/frozen.test.ts [--seeds 200] [--first 1]
 */
import { parseArgs } from 'node:util'
import t from 'tap'
import type { Row } from '../../../../actors/destinations/writer.ts'
import { CommitSlots } from '../../../../runtime/engine/commit-slots.ts'
import type { Target } from '../../../../schema/protocol.ts'
import { startPostgres } from '../../../support/postgres.ts'
import { type Random, randomFrom } from '../seeded.ts'
import { logicalRows } from './logical.ts'
import { day, Scene } from './scene.ts'

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '20' },
    first: { type: 'string', default: '1' },
  },
  strict: false,
})
const first = Number(values.first)
const count = Number(values.seeds)
t.setTimeout(count * 20_000)

const postgres = await startPostgres()
t.teardown(() => postgres.remove())

const ranges = 9
const fetchedFrom = Date.UTC(2027, 0, 1)
/** Named so that some sort before the wide ones, some after. */
const fieldNames = ['amount', 'flag', 'kind', 'late', 'note', 'props', 'zeta', 'Amount', 'x__text']
const wideFields = 300

interface Source {
  target: Partial<Target>
  rows: Row[][]
  fields: string[]
}

function value(random: Random, lateness: number): unknown {
  const kinds: (() => unknown)[] = [
    () => random.below(1000),
    () => random.below(1000) / 8,
    () => `text ${random.below(50)}`,
    () => random.below(2) === 0,
    () => ({ b: random.below(5), a: [null, random.below(3)] }),
    () => null,
  ]
  // A field keeps to its first kinds for a while: the odd value comes late in time.
  return kinds[random.below(Math.min(kinds.length, 1 + lateness))]?.()
}

function makeSource(random: Random): Source {
  const target = random.pick<Partial<Target>>([
    { tracks: 'updates' },
    { tracks: 'updates', deletes: 'hard' },
    { tracks: 'creation', deletes: 'hard' },
    { primaryKey: [], tracks: 'creation' },
    { writeMode: 'append', tracks: 'updates' },
    { tracks: 'updates', columns: { amount: 'number', kind: 'integer', note: 'date' } },
  ])
  const keys = 30
  const isWide = random.below(4) === 0
  const isMoving = target.tracks === 'updates'
  const fields = isWide ? [...fieldNames, ...wideNames] : fieldNames
  const rows = Array.from({ length: ranges }, (_, n) => {
    const own: Row[] = []
    for (let key = 0; key < keys; key += 1) {
      // A key that does not move has one range, others have versions in several.
      if (isMoving ? random.below(3) > 0 : key % ranges !== n) continue
      own.push(makeRow(random, key, n))
    }
    if (isWide && random.below(3) === 0) {
      for (const name of wideNames) if (own[0]) own[0][name] = `${name} ${n}`
    }
    return own
  })
  return { target, rows, fields }
}

const wideNames = Array.from({ length: wideFields }, (_, i) => `m${String(i).padStart(3, '0')}`)

function makeRow(random: Random, key: number, n: number): Row {
  const at = day(n).start + 1000 * random.below(86_400)
  const row: Row = { id: key, updated_at: new Date(at).toISOString() }
  for (const name of random.shuffled(fieldNames)) {
    if (random.below(3) > 0) row[name] = value(random, random.below(n + 1))
  }
  return row
}

type Way = (random: Random) => number[]
const inOrder = Array.from({ length: ranges }, (_, n) => n)
const ways: [string, Way, number][] = [
  ['oldest', () => inOrder, 1],
  ['newest', () => inOrder.toReversed(), 1],
  ['random', (random) => random.shuffled(inOrder), 1],
  ['parallel', (random) => random.shuffled(inOrder), ranges],
]

/** The table's content after all ranges were read once, `parallel` of them at a time. */
async function contentAfter(
  name: string,
  { target, rows, fields }: Source,
  order: readonly number[],
  parallel: number,
): Promise<string[]> {
  const scene = await new Scene(postgres.url, name, { ...target, streamKey: 'frozen' }).open()
  const slots = new CommitSlots()
  try {
    for (let from = 0; from < order.length; from += parallel) {
      await Promise.all(
        order.slice(from, from + parallel).map((n) => {
          const own = rows[n] ?? []
          const half = own.length >> 1
          const pages = [own.slice(0, half), own.slice(half)]
          return scene.sync(pages, { range: day(n), fetchedFrom, slots })
        }),
      )
    }
    const key = scene.target.primaryKey.length > 0 && scene.target.writeMode !== 'append'
    const found = await logicalRows(
      scene,
      ['id', 'updated_at', ...fields],
      key ? 'id' : '_derrick_id',
    )
    const owners = await scene.client.query(
      `select ${key ? 'id' : '_derrick_id'}::text as key, _derrick_range as range from ${scene.table}`,
    )
    const ranges = new Map(owners.rows.map(({ key, range }) => [String(key), String(range)]))
    return [...found]
      .map(([id, row]) => JSON.stringify([id, ranges.get(id), [...row].sort()]))
      .sort()
  } finally {
    await scene.client.query(`drop schema if exists "${name}" cascade`)
    await scene.close()
  }
}

t.test(`${count} frozen sources, four ways each`, async (t) => {
  let rowsSeen = 0
  for (let seed = first; seed < first + count; seed += 1) {
    if (seed > first && (seed - first) % 20 === 0) t.comment(`${seed - first} sources`)
    const random = randomFrom(seed)
    const source = makeSource(random)
    let expected: string[] | null = null
    for (const [way, orderOf, parallel] of ways) {
      const order = orderOf(random)
      const content = await contentAfter(`s${seed}_${way}`, source, order, parallel)
      expected ??= content
      rowsSeen += content.length
      const at = content.findIndex((row, i) => row !== expected?.[i])
      if (at < 0 && content.length === expected.length) continue
      t.equal(content[at], expected[at], `seed ${seed}, ${way} (${order}), row ${at}`)
      t.equal(content.length, expected.length)
      return
    }
  }
  t.ok(rowsSeen > count * 40, `${rowsSeen} rows compared`)
})
