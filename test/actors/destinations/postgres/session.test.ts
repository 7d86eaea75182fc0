/** The destination's end of a range while its server comes and goes: the reader on the other side notices nothing. */
import { MessageChannel } from 'node:worker_threads'
import t, { type Test } from 'tap'
import { attachDestination } from '../../../../actors/destinations/destination-actor.ts'
import { makeEncoder } from '../../../../actors/destinations/postgres/encoder.ts'
import { DestinationRegistry } from '../../../../actors/destinations/registry.ts'
import { openChannel } from '../../../../schema/channel.ts'
import type { PageCommand, PageEvent } from '../../../../schema/protocol.ts'
import { startPostgres } from '../../../support/postgres.ts'
import { startTcpProxy } from '../../../support/tcp-proxy.ts'
import { waitFor } from '../../../support/wait.ts'
import { tempFolder } from '../attempts.ts'
import { day, Scene } from './scene.ts'

const postgres = await startPostgres()
t.teardown(() => postgres.remove())
t.setTimeout(120_000)

/** long for a connection, short for a server that starts again */
const outageMs = 3_000
const fetchedFrom = Date.UTC(2026, 5, 1)

async function behindProxy(t: Test, name: string) {
  const proxy = await startTcpProxy(postgres.port)
  const url = postgres.url.replace(`:${postgres.port}/`, `:${proxy.port}/`)
  const scene = await new Scene(postgres.url, name).open()
  const registry = new DestinationRegistry()
  const target = { ...scene.target, config: { url } }
  const spoolDir = await tempFolder(t)
  t.teardown(async () => {
    await registry.closeDestination(target.destinationId)
    await proxy.close()
    await scene.close()
  })
  const { port1, port2 } = new MessageChannel()
  void attachDestination(port2, registry)
  const events: PageEvent[] = []
  const on = (event: PageEvent) => void events.push(event)
  const channel = openChannel<PageCommand, PageEvent>(port1, {
    'range-begun': on,
    'range-recovered': on,
    'page-written': on,
    'commit-slot-wanted': on,
    'records-rejected': on,
    'schema-changed': on,
    'range-committed': on,
    'range-aborted': on,
    'range-write-failed': on,
  })
  const next = (...kinds: PageEvent['kind'][]) =>
    waitFor(kinds.join(' or '), () => events.find(({ kind }) => kinds.includes(kind)))
  const limits = { spoolMemoryBytes: 100_000, maxBodyBytes: 1_000_000 }
  const begin = (): void =>
    channel.send({ kind: 'begin-range', target, range: day(0), offeredFence: 1, spoolDir, limits })
  return { proxy, scene, target, channel, next, begin }
}

t.test('a claim whose connection is cut is made again', async (t) => {
  const { proxy, next, begin, channel } = await behindProxy(t, 'claimed')
  let cuts = 0
  proxy.intercept((chunk) => {
    if (!chunk.includes('_derrick_ranges') || cuts === 2) return 'pass'
    cuts += 1
    return cuts === 1 ? 'cut' : 'deliver-then-cut'
  })
  begin()
  t.match(await next('range-begun', 'range-write-failed'), { kind: 'range-begun' })
  t.equal(cuts, 2)
  channel.send({ kind: 'abort-range' })
  await next('range-aborted')
})

t.test('a server that is away for some seconds costs a commit nothing but time', async (t) => {
  const { proxy, scene, target, next, begin, channel } = await behindProxy(t, 'away')
  begin()
  await next('range-begun')
  const records = Array.from({ length: 30 }, (_, id) => ({
    id,
    updated_at: '2026-01-01T01:00:00Z',
  }))
  const page = makeEncoder({ target, range: day(0), fetchedFrom }).encode(records)
  const { bytes, recordCount, checksum, meta } = page
  channel.send({ kind: 'write-page', pageNo: 1, recordCount, checksum, meta, bytes }, [
    bytes.buffer,
  ])
  await next('page-written')
  proxy.set({ kind: 'refuse' })
  proxy.killAll()
  const back = setTimeout(() => proxy.set({ kind: 'pass' }), outageMs)
  t.teardown(() => clearTimeout(back))
  channel.send({ kind: 'commit-range', pages: 1, records: recordCount, checksum, fetchedFrom })
  await next('commit-slot-wanted')
  channel.send({ kind: 'grant-commit-slot' })
  t.match(await next('range-committed', 'range-write-failed'), { kind: 'range-committed' })
  t.equal((await scene.rows('id')).length, 30)
})
