import type { Test } from 'tap'
import type { Row } from '../../../actors/destinations/writer.ts'
import { again, type Conformance, openBench, versions } from './bench.ts'

/** Records that the source marks as deleted, by the stream's policy. */
export function flags(t: Test, suite: Conformance): void {
  const rows = (...gone: string[]): Row[] =>
    ['a', 'b', 'c', 'd'].map((id) => ({ id, version: gone.includes(id) ? 'gone' : '1' }))
  const isDeleted = ({ version }: Row): boolean => version === 'gone'

  for (const filling of [0, 700]) {
    const pages = (...gone: string[]): Row[][] => [
      rows(...gone),
      Array.from({ length: filling }, (_, i) => ({ id: `x${i}`, version: '1' })),
    ]
    const size = filling === 0 ? 'few rows' : 'many rows'
    t.test(`records marked as deleted: keep, soft, hard (${size})`, async (t) => {
      const bench = await openBench(t, suite, { tracks: 'creation' })
      const policy = async (deletes: 'keep' | 'soft' | 'hard', ...gone: string[]) => {
        const target = { ...bench.target, deletes }
        await bench.run({ target, range: again(0), pages: pages(...gone), isDeleted })
        const own = (await bench.rows(target)).filter((row) => String(row.id).length === 1)
        return own
          .map((row) => `${row.id}:${row.version}${row._derrick_deleted_at ? ' deleted' : ''}`)
          .sort()
      }
      t.strictSame(await policy('keep'), ['a:1', 'b:1', 'c:1', 'd:1'])
      t.strictSame(await policy('keep', 'a'), ['a:gone', 'b:1', 'c:1', 'd:1'])
      t.strictSame(await policy('soft', 'a', 'b'), [
        'a:gone deleted',
        'b:gone deleted',
        'c:1',
        'd:1',
      ])
      t.strictSame(await policy('soft', 'b'), ['a:1', 'b:gone deleted', 'c:1', 'd:1'])
      t.strictSame(await policy('hard', 'a', 'c'), ['b:1', 'd:1'])
      t.strictSame(await policy('hard', 'a', 'b', 'c', 'd'), [])
      t.strictSame(await policy('soft', 'd'), ['a:1', 'b:1', 'c:1', 'd:gone deleted'])
      t.strictSame(await bench.leftovers(bench.target), [])
    })
  }

  t.test('a record is marked since its own last change, once', async (t) => {
    const bench = await openBench(t, suite, { cursorField: 'updated_at', deletes: 'soft' })
    const pages = [[{ id: 'a', version: 'gone', updated_at: '2026-01-01T05:00:00+01:00' }]]
    for (const changed of [1, 0]) {
      const { receipt } = await bench.run({ range: again(0), pages, isDeleted })
      t.equal(receipt.rowsChanged, changed)
      const [row] = await bench.rows(bench.target)
      t.equal(Date.parse(String(row?._derrick_deleted_at)), Date.UTC(2026, 0, 1, 4))
    }
  })

  t.test('a mark counts by its cursor, and takes its older version along', async (t) => {
    const target = { cursorField: 'updated_at', deletes: 'hard', tracks: 'updates' } as const
    const bench = await openBench(t, suite, target)
    const at = (id: string, version: string, hour: number): Row => ({
      id,
      version,
      updated_at: `2026-01-01T0${hour}:00:00Z`,
    })
    const pages = [
      [at('a', '1', 1), at('b', 'gone', 2)],
      [at('a', 'gone', 3), at('b', '3', 3), at('c', 'gone', 1)],
    ]
    await bench.run({ pages, isDeleted })
    const left = (await bench.rows(bench.target)).filter((row) => !row._derrick_deleted_at)
    t.strictSame(versions(left), ['b:3'])
  })

  t.test('rows without a key, and versions', async (t) => {
    const keyless = await openBench(t, suite, { primaryKey: [], deletes: 'hard', tracks: 'none' })
    await keyless.run({ pages: [rows('b')], isDeleted })
    t.strictSame(await keyless.visible(), ['a:1', 'c:1', 'd:1'])
    const append = await openBench(t, suite, { writeMode: 'append', deletes: 'hard' })
    await append.run({ pages: [rows('b')], isDeleted })
    t.strictSame(await append.visible(), ['a:1', 'b:gone', 'c:1', 'd:1'])
  })
}
