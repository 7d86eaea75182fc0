import t, { type Test } from 'tap'
import type { Row } from '../../../../actors/destinations/writer.ts'
import { startPostgres } from '../../../support/postgres.ts'
import { failureCode } from '../attempts.ts'
import { day, fullRange, Scene } from './scene.ts'

t.setTimeout(120_000)
const postgres = await startPostgres()
t.teardown(() => postgres.remove())

let scenes = 0
/** Every test runs with few rows (one statement) and with many (a stage). */
function both(
  name: string,
  target: ConstructorParameters<typeof Scene>[2],
  body: (t: Test, scene: Scene, pad: (n: number) => Row[]) => Promise<void>,
): void {
  for (const padding of [0, 600]) {
    t.test(`${name} (${padding === 0 ? 'one statement' : 'staged'})`, async (t) => {
      scenes += 1
      const scene = await new Scene(postgres.url, `merge_${scenes}`, target).open()
      t.teardown(() => scene.close())
      // Rows beside the point, so that the range is large.
      const pad = (n: number): Row[] =>
        Array.from({ length: padding }, (_, i) => ({
          id: 1_000_000 * (n + 1) + i,
          updated_at: new Date(day(n).start + i * 1000).toISOString(),
        }))
      await body(t, scene, pad)
    })
  }
}

const own = async (scene: Scene, columns: string) =>
  (await scene.client.query(`select ${columns} from ${scene.table} where id < 1000000 order by id`))
    .rows
const at = (n: number, hours = 1): string =>
  new Date(day(n).start + hours * 3_600_000).toISOString()
const startOf = (n: number): Date => new Date(day(n).start)
let clock = Date.UTC(2026, 5, 1)
const later = (): number => {
  clock += 60_000
  return clock
}

both(
  'a moved record belongs to the newer cursor, whatever the order',
  {},
  async (t, scene, pad) => {
    const moved = { id: 7, updated_at: at(4), v: 'new' }
    await scene.sync([[moved, ...pad(4)]], { range: day(4), fetchedFrom: later() })
    await scene.sync([[{ id: 7, updated_at: at(0), v: 'old' }, ...pad(0)]], {
      range: day(0),
      fetchedFrom: later(),
    })
    t.strictSame(await own(scene, 'v, _derrick_range'), [{ v: 'new', _derrick_range: startOf(4) }])
    await scene.sync([[{ ...moved, updated_at: at(6), v: 'newest' }, ...pad(6)]], {
      range: day(6),
      fetchedFrom: later(),
    })
    t.strictSame(await own(scene, 'v, _derrick_range'), [
      { v: 'newest', _derrick_range: startOf(6) },
    ])
  },
)

both('a look-back never deletes a moved record', { deletes: 'hard' }, async (t, scene, pad) => {
  const first = await scene.sync([[{ id: 42, updated_at: at(0) }, ...pad(0)]], {
    range: day(0),
    fetchedFrom: later(),
  })
  await scene.sync([pad(0)], {
    range: day(0, { committedFence: first.fence }),
    fetchedFrom: later(),
  })
  t.equal((await own(scene, 'id')).length, 1, 'absence means moved')
})

both(
  'only the owner differs: the row moves, its change time stays',
  { tracks: 'creation' },
  async (t, scene, pad) => {
    await scene.sync([[{ id: 7, n: 1 }, ...pad(0)]], { range: day(0), fetchedFrom: later() })
    const [{ at: before }] = await own(scene, '_derrick_synced_at as at')
    await scene.sync([[{ id: 7, n: 1 }, ...pad(1)]], { range: day(1), fetchedFrom: later() })
    t.strictSame(await own(scene, '_derrick_range as range, _derrick_synced_at as at'), [
      { range: startOf(1), at: before },
    ])
  },
)

both('a null cursor is oldest; a tie goes to the later read', {}, async (t, scene, pad) => {
  await scene.sync(
    [
      [
        { id: 1, updated_at: at(3), v: 'dated' },
        { id: 2, updated_at: null, v: 'none' },
        { id: 3, updated_at: at(3), v: 'tie' },
        ...pad(3),
      ],
    ],
    { range: day(3), fetchedFrom: 5_000_000 },
  )
  await scene.sync(
    [
      [
        { id: 1, updated_at: null, v: 'null' },
        { id: 2, updated_at: at(1), v: 'some' },
        { id: 3, updated_at: at(3), v: 'late' },
        ...pad(1),
      ],
    ],
    { range: day(1), fetchedFrom: 6_000_000 },
  )
  t.strictSame(await own(scene, 'v'), [{ v: 'dated' }, { v: 'some' }, { v: 'late' }])
  await scene.sync([[{ id: 3, updated_at: at(3), v: 'early' }, ...pad(2)]], {
    range: day(2),
    fetchedFrom: 5_500_000,
  })
  t.match(await own(scene, 'v'), [{}, {}, { v: 'late' }])
})

both('cursors order as instants, not as text', {}, async (t, scene, pad) => {
  const noon = (text: string, v: string): Row => ({ id: 1, updated_at: text, v })
  await scene.sync([[noon('2026-01-04T12:00:00Z', 'noon'), ...pad(3)]], {
    range: day(3),
    fetchedFrom: 1_000_000,
  })
  await scene.sync([[noon('2026-01-04T23:00:00+14:00', 'morning'), ...pad(2)]], {
    range: day(2),
    fetchedFrom: 2_000_000,
  })
  t.match(await own(scene, 'v'), [{ v: 'noon' }])
  await scene.sync([[noon('2026-01-04T12:00:00.000001Z', 'finer'), ...pad(1)]], {
    range: day(1),
    fetchedFrom: 500_000,
  })
  t.match(await own(scene, 'v'), [{ v: 'finer' }])
})

both('the same range: the newer attempt wins, cursor or not', {}, async (t, scene, pad) => {
  const first = await scene.sync([[{ id: 1, updated_at: at(0, 9), v: 'a' }, ...pad(0)]], {
    fetchedFrom: later(),
  })
  await scene.sync([[{ id: 1, updated_at: at(0, 2), v: 'b' }, ...pad(0)]], {
    range: { committedFence: first.fence },
    fetchedFrom: later(),
  })
  t.match(await own(scene, 'v'), [{ v: 'b' }])
})

both(
  'a field that a record no longer has becomes null; others’ columns stay',
  {},
  async (t, scene, pad) => {
    const first = await scene.sync([[{ id: 1, a: 1, b: 2 }, ...pad(0)]], { fetchedFrom: later() })
    await scene.client.query(
      `alter table ${scene.table} add column note text; update ${scene.table} set note = 'mine'`,
    )
    await scene.sync([[{ id: 1, a: 1 }, ...pad(0)]], {
      range: { committedFence: first.fence },
      fetchedFrom: later(),
    })
    t.strictSame(await own(scene, 'a, b, note'), [{ a: '1', b: null, note: 'mine' }])
  },
)

both('deletes: keep, soft, hard', { tracks: 'creation' }, async (t, scene, pad) => {
  let { fence } = await scene.sync([[{ id: 1 }, { id: 2 }, ...pad(0)]], { fetchedFrom: later() })
  const again = async (rows: Row[], deletes: 'keep' | 'soft' | 'hard') => {
    const options = { target: { deletes }, range: { committedFence: fence }, fetchedFrom: later() }
    const receipt = await scene.sync([[...rows, ...pad(0)]], options)
    fence = receipt.fence
    return receipt.rowsChanged
  }
  t.equal(await again([{ id: 1 }], 'keep'), 0)
  t.equal((await own(scene, 'id')).length, 2)
  t.equal(await again([{ id: 1 }], 'soft'), 1)
  t.match(await own(scene, '_derrick_deleted_at is not null as gone'), [
    { gone: false },
    { gone: true },
  ])
  t.equal(await again([{ id: 1 }], 'soft'), 0, 'marked once')
  t.equal(await again([{ id: 1 }, { id: 2 }], 'soft'), 1, 'it came back')
  t.match(await own(scene, '_derrick_deleted_at is not null as gone'), [
    { gone: false },
    { gone: false },
  ])
  t.equal(await again([{ id: 2 }], 'hard'), 1)
  t.strictSame(await own(scene, 'id'), [{ id: '2' }])
})

both(
  'replace by a full read leaves what the read had',
  { writeMode: 'replace', cursorField: null, tracks: 'none' },
  async (t, scene, pad) => {
    const first = await scene.sync([[{ id: 1 }, { id: 2 }, ...pad(0)]], {
      range: fullRange(),
      fetchedFrom: later(),
    })
    await scene.client.query(
      `create view "${scene.namespace}".seen as select * from ${scene.table}; create role reader_${scenes}; grant select on ${scene.table} to reader_${scenes}`,
    )
    const second = await scene.sync([[{ id: 2 }, { id: 3, extra: 'x' }, ...pad(0)]], {
      range: fullRange({ committedFence: first.fence }),
      fetchedFrom: later(),
    })
    t.strictSame(await own(scene, 'id, _derrick_range'), [
      { id: '2', _derrick_range: null },
      { id: '3', _derrick_range: null },
    ])
    const { rows } = await scene.client.query(
      `select (select count(*) from "${scene.namespace}".seen) > 0 as view, has_table_privilege('reader_${scenes}', '${scene.table}', 'select') as granted`,
    )
    t.strictSame(rows, [{ view: true, granted: true }])
    const empty = scene.sync([[]], {
      range: fullRange({ committedFence: second.fence }),
      fetchedFrom: later(),
    })
    t.equal(await failureCode(empty), 'destination.shrunk', 'an empty answer empties nothing')
    t.equal((await own(scene, 'id')).length, 2)
  },
)

both(
  'append keeps versions; a range replaces its own',
  { writeMode: 'append' },
  async (t, scene, pad) => {
    const first = await scene.sync(
      [[{ id: 1, v: 'a' }, { id: 1, v: 'a' }, { id: 1, v: 'b' }, ...pad(0)]],
      { range: day(0), fetchedFrom: later() },
    )
    await scene.sync([[{ id: 1, v: 'a' }, ...pad(1)]], { range: day(1), fetchedFrom: later() })
    t.equal((await own(scene, 'id')).length, 4)
    const again = await scene.sync([[{ id: 1, v: 'a' }, { id: 1, v: 'c' }, ...pad(0)]], {
      range: day(0, { committedFence: first.fence }),
      fetchedFrom: later(),
    })
    t.equal(again.rowsChanged, 3, 'one came, two went')
    t.strictSame((await own(scene, 'v')).map(({ v }) => v).sort(), ['a', 'a', 'c'])
  },
)

t.test('a window that lost most of its rows is read twice before it deletes', async (t) => {
  const scene = await new Scene(postgres.url, 'shrunk', {
    tracks: 'report',
    deletes: 'hard',
  }).open()
  t.teardown(() => scene.close())
  const rows = (n: number): Row[] => Array.from({ length: n }, (_, id) => ({ id }))
  const { fence } = await scene.sync([rows(50)], { fetchedFrom: later() })
  const again = () =>
    scene.sync([rows(3)], { range: { committedFence: fence }, fetchedFrom: later() })
  t.equal(await failureCode(again()), 'destination.shrunk_once')
  t.equal((await scene.rows()).length, 50)
  t.equal((await again()).records, 3)
  t.equal((await scene.rows()).length, 3)
})
