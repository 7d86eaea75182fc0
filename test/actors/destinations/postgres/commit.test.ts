import t from 'tap'
import { startPostgres } from '../../../support/postgres.ts'
import { day, Scene } from './scene.ts'

const postgres = await startPostgres()
t.teardown(() => postgres.remove())

const order = (id: number, more: Record<string, unknown> = {}) => ({
  id,
  updated_at: '2026-01-01T10:00:00Z',
  name: `order ${id}`,
  total: id + 0.5,
  paid: id % 2 === 0,
  lines: [{ sku: 'a', n: id }],
  ...more,
})
const orders = (n: number, more: Record<string, unknown> = {}) =>
  Array.from({ length: n }, (_, i) => order(i + 1, more))

for (const count of [3, 700]) {
  t.test(`a range of ${count} rows lands whole, typed, with its ledger row`, async (t) => {
    const scene = await new Scene(postgres.url, `first_${count}`).open()
    t.teardown(() => scene.close())
    const receipt = await scene.sync([orders(count)])
    t.equal(receipt.records, count)
    t.equal(receipt.rowsChanged, count)
    const rows = await scene.rows()
    t.equal(rows.length, count)
    t.match(rows[0], {
      id: '1',
      name: 'order 1',
      total: '1.5',
      paid: false,
      lines: [{ sku: 'a', n: 1 }],
    })
    const ledger = await scene.client.query(`select * from "first_${count}"._derrick_ranges`)
    t.match(ledger.rows, [{ rows: String(count), state: 'final', table_name: 'orders' }])
    const again = await scene.sync([orders(count, { name: 'new' })], {
      range: { committedFence: receipt.fence },
      fetchedFrom: Date.UTC(2026, 5, 2),
    })
    t.equal(again.rowsChanged, count)
    const same = await scene.sync([orders(count, { name: 'new' })], {
      range: { committedFence: again.fence },
      fetchedFrom: Date.UTC(2026, 5, 3),
    })
    t.equal(same.rowsChanged, 0)
    t.match((await scene.rows())[0], {
      name: 'new',
      _derrick_range: new Date(day(0).start),
      _derrick_synced_at: new Date(Date.UTC(2026, 5, 2)),
    })
  })
}
