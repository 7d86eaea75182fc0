/**
 * P36: a backup that is made while everything is read starts another server, which goes on where the backup was. More
 * moments of it: `node test/promises/backup.test.ts --rounds 10`.
 */
import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import t, { type Test } from 'tap'
import { expectedRecords } from '../../actors/simulator/oracle.ts'
import { canonicalRecord } from '../kill/canonical.ts'
import { readTable } from '../kill/file-records.ts'
import { readLedger } from '../kill/ledger.ts'
import { startDerrick } from '../support/derrick.ts'
import { runDerrick } from '../support/run-derrick.ts'
import { createConnection, createFiles, createShopSource, syncToEnd } from '../support/setup.ts'
import { startShop } from '../support/simulator.ts'
import { tempDir } from '../support/temp-dir.ts'
import { waitFor } from '../support/wait.ts'

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '1' } } })
const rounds = Number(values.rounds)
t.setTimeout(rounds * 120_000)
const dayMs = 86_400_000
const days = 12
// The shop stands still since its last day ended: what was read once is what is there.
const nowMs = Math.floor(Date.now() / dayMs - 1) * dayMs
const startMs = nowMs - days * dayMs
const quick = 20
/** Slow enough that the work goes on while another process makes a backup. */
const slow = 2_000

/** A server with one stream of days, and a key of its own beside the first one. */
async function openScene(t: Test, home: string, seed: number) {
  const place = (name: string) => join(home, name)
  const events = { perDay: 500, lateShare: 0 }
  const shop = await startShop({ seed, startMs, nowMs, streams: { events } })
  t.teardown(() => shop.stop())
  const first = await startDerrick({ dataDir: place('one') })
  t.teardown(() => first.kill9())
  const source_id = await createShopSource(first, shop, startMs)
  const destination_id = await createFiles(first, place('files'))
  const connection = { name: 'shop', source_id, destination_id, namespace: 'shop' }
  const settings = { name: 'events', parallel_ranges: 3, lookback: '0' }
  const streams = await createConnection(first, connection, [settings])
  const made = { name: 'me', role: 'viewer' }
  const { key } = await first.api<{ key: string }>('POST', '/api_keys', made)
  return { place, shop, first, id: streams.get('events') as string, key }
}

for (let round = 1; round <= rounds; round++) {
  t.test(`what was complete in a backup of a busy server is read no more (${round})`, async (t) => {
    using home = tempDir('backup')
    const { place, shop, first, id, key } = await openScene(t, home.path, round)
    const done = (dir: string) =>
      readLedger(place(dir), false).ranges.filter(({ status }) => status === 'complete').length

    await shop.setLatency(quick, quick)
    await first.api('POST', `/streams/${id}/sync`, {})
    await waitFor('some ranges', () => done('one') >= 2 + (round % 5))
    await shop.setLatency(slow, slow)
    t.match(await runDerrick(['backup', place('copy'), '--data-dir', place('one')]), { code: 0 })
    await shop.setLatency(quick, quick)
    await waitFor('more of them', () => done('one') > done('copy'))
    await first.kill9()

    const { ranges, integrity } = readLedger(place('copy'))
    t.equal(integrity, 'ok')
    const kept = ranges.filter(({ status, end }) => status === 'complete' && end <= nowMs)
    t.ok(kept.length > 0 && kept.length < days, `${kept.length} of ${days} days were there`)
    // Restoring may not depend on where the copy is.
    cpSync(place('copy'), place('moved'), { recursive: true })
    t.match(await runDerrick(['restore', place('moved'), '--data-dir', place('two')]), { code: 0 })
    await shop.control('DELETE', '/requests')
    const second = await startDerrick({ dataDir: place('two'), apiKey: first.apiKey })
    t.teardown(() => second.kill9())
    const headers = { authorization: `Bearer ${key}` }
    const door = await fetch(`${second.url}/api/v1/streams/${id}`, { headers })
    t.equal(door.status, 200, 'its keys open the door')
    t.match(await syncToEnd(second, id), { status: 'complete' })

    const log = await shop.control<{ requests: { params: Record<string, string> }[] }>(
      'GET',
      '/requests',
    )
    const asked = log.requests.map(({ params }) => Number(params.since) * 1000)
    t.ok(asked.some((since) => since < nowMs))
    const again = kept.filter(({ start }) => asked.includes(start))
    t.same(again, [], 'none of them is read again')
    const seen = readTable(join(place('files'), 'shop', 'events'))
    t.same(seen.oddities, [])
    const held = [...seen.ranges.values()].flatMap(({ rows }) => rows.map(({ record }) => record))
    const truth = expectedRecords(shop.options, 'events', { start: startMs, end: nowMs + 1 }, nowMs)
    const expected = truth.map(({ json }) => canonicalRecord(json)).sort()
    t.ok(JSON.stringify(held.sort()) === JSON.stringify(expected), `${truth.length} records, once`)
    t.ok(readLedger(place('two')).ranges.every(({ status }) => status === 'complete'))
  })
}
