import fc from 'fast-check'
import t from 'tap'
import type { Row } from '../../../../actors/destinations/writer.ts'
import type { Target } from '../../../../schema/protocol.ts'
import { startPostgres } from '../../../support/postgres.ts'
import { logicalRows } from './logical.ts'
import { type AttemptOptions, day, fullRange, Scene } from './scene.ts'

t.setTimeout(240_000)
const postgres = await startPostgres()
t.teardown(() => postgres.remove())

const days = 5
const fields = ['v', 'n', 'odd', 'late', 'updated_at']

interface Step {
  range: number
  /** the attempt is given up before its commit */
  isAborted: boolean
  pageSize: number
}

interface Case {
  records: Row[]
  steps: Step[]
  target: Partial<Target>
}

/** A frozen source: each key has one record, in the range of its cursor. Values of one field are of several kinds. */
const records = fc.array(
  fc.record(
    {
      updated_at: fc
        .integer({ min: 0, max: days * 24 - 1 })
        .map((hour) => new Date(day(0).start + hour * 3_600_000).toISOString()),
      v: fc.string({ maxLength: 5 }),
      n: fc.oneof(
        fc.integer(),
        fc.double({ noNaN: true, noDefaultInfinity: true }),
        fc.constant(null),
      ),
      odd: fc.oneof(
        fc.integer({ min: 0, max: 9 }),
        fc.boolean(),
        fc.constantFrom('x', '5', ''),
        fc.constant({ b: 1, a: [null] }),
      ),
      late: fc.boolean(),
    },
    { requiredKeys: ['updated_at'] },
  ),
  { minLength: 1, maxLength: 30 },
)
const step = fc.record({
  range: fc.nat({ max: days - 1 }),
  isAborted: fc.boolean(),
  pageSize: fc.integer({ min: 1, max: 20 }),
})
const target = fc.constantFrom<Partial<Target>>(
  { tracks: 'updates' },
  { tracks: 'creation', deletes: 'hard' },
  { tracks: 'creation', primaryKey: [] },
  { tracks: 'updates', writeMode: 'append' },
)

/** Runs the steps, then all ranges once more in the order given, so that every range has been read. */
async function contentAfter(name: string, { records, steps, target }: Case): Promise<string> {
  const scene = await new Scene(postgres.url, name, target).open()
  const owned = (n: number): Row[] =>
    records
      .map((record, id): Row => ({ id, ...record }))
      .filter(({ updated_at: time }) => {
        const at = Date.parse(String(time))
        return at >= day(n).start && at < day(n).end
      })
  const fences = new Map<number, number>()
  let clock = Date.UTC(2026, 5, 1)
  try {
    for (const { range, isAborted, pageSize } of steps) {
      clock += 1000
      const options: AttemptOptions = {
        range: day(range, { committedFence: fences.get(range) ?? null }),
        fetchedFrom: clock,
      }
      const attempt = scene.attempt(options)
      const { fence } = await attempt.begin()
      const rows = owned(range)
      for (let i = 0; i < rows.length; i += pageSize)
        await attempt.write(rows.slice(i, i + pageSize))
      if (isAborted) await attempt.abort()
      else {
        await attempt.commit()
        fences.set(range, fence)
      }
    }
    const rows = await logicalRows(scene, fields)
    return JSON.stringify([...rows].map(([id, values]) => [id, ...values]).sort())
  } finally {
    await scene.client.query(`drop schema "${name}" cascade`)
    await scene.close()
  }
}

t.test('order, retries and page sizes never change the content', { timeout: 120_000 }, async () => {
  let run = 0
  const every = [...Array(days).keys()].map((range) => ({ range, isAborted: false, pageSize: 7 }))
  await fc.assert(
    fc.asyncProperty(
      records,
      fc.array(step, { maxLength: 6 }),
      target,
      fc.boolean(),
      async (records, steps, target, isNewestFirst) => {
        run += 1
        const straight = await contentAfter(`straight_${run}`, { records, steps: every, target })
        const order = isNewestFirst ? every.toReversed() : every
        const wild = await contentAfter(`wild_${run}`, {
          records,
          steps: [...steps, ...order],
          target,
        })
        return straight === wild
      },
    ),
    { numRuns: 25, endOnFailure: true },
  )
})

t.test(
  'a key in several ranges: the newest version wins in any order',
  { timeout: 120_000 },
  async () => {
    let run = 0
    const versions = fc.uniqueArray(
      fc.record({ id: fc.nat({ max: 4 }), range: fc.nat({ max: days - 1 }) }),
      {
        selector: ({ id, range }) => `${id} ${range}`,
        minLength: 1,
        maxLength: 12,
      },
    )
    await fc.assert(
      fc.asyncProperty(
        versions,
        fc.shuffledSubarray([...Array(days).keys()], { minLength: days }),
        fc.boolean(),
        async (versions, order, hasCursor) => {
          run += 1
          const scene = await new Scene(
            postgres.url,
            `moving_${run}`,
            hasCursor ? {} : { cursorField: null },
          ).open()
          try {
            for (const n of order) {
              const rows = versions
                .filter(({ range }) => range === n)
                .map(({ id }) => ({
                  id,
                  v: `v${n}`,
                  updated_at: new Date(day(n).start).toISOString(),
                }))
              await scene.sync([rows], {
                range: day(n),
                fetchedFrom: Date.UTC(2026, 5, 1) + order.indexOf(n),
              })
            }
            const found = await logicalRows(scene, ['v'])
            const newest = new Map<string, number>()
            for (const { id, range } of versions)
              newest.set(String(id), Math.max(range, newest.get(String(id)) ?? -1))
            return (
              [...newest].every(([id, range]) => found.get(id)?.get('v') === `v${range}`) &&
              found.size === newest.size
            )
          } finally {
            await scene.client.query(`drop schema "moving_${run}" cascade`)
            await scene.close()
          }
        },
      ),
      { numRuns: 25, endOnFailure: true },
    )
  },
)

t.test('a full read after windows, and windows after a full read', async (t) => {
  const scene = await new Scene(postgres.url, 'full_and_window').open()
  t.teardown(() => scene.close())
  const record = (v: string) => ({ id: 1, v, updated_at: new Date(day(1).start).toISOString() })
  await scene.sync([[record('window')]], { range: day(1), fetchedFrom: 2_000_000 })
  await scene.sync([[record('stale full')]], { range: fullRange(), fetchedFrom: 1_000_000 })
  t.match(await scene.rows('v'), [{ v: 'window' }])
  await scene.sync([[record('full')]], {
    range: fullRange({ committedFence: Infinity }),
    fetchedFrom: 3_000_000,
  })
  t.match(await scene.rows('v'), [{ v: 'full' }])
  await scene.sync([[record('window again')]], {
    range: day(1, { committedFence: Infinity }),
    fetchedFrom: 4_000_000,
  })
  t.match(await scene.rows('v'), [{ v: 'window again' }])
})
