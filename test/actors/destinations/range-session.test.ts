import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { MessageChannel } from 'node:worker_threads'
import t, { type Test } from 'tap'
import { attachDestination } from '../../../actors/destinations/destination-actor.ts'
import { localFile } from '../../../actors/destinations/local-file/kind.ts'
import { DestinationRegistry } from '../../../actors/destinations/registry.ts'
import { addChecksums } from '../../../actors/destinations/row-hash.ts'
import { type Channel, openChannel } from '../../../schema/channel.ts'
import type { JobRange, PageCommand, PageEvent, Target } from '../../../schema/protocol.ts'
import { dayRange, nextOffer, pagesOf, records, tempFolder } from './attempts.ts'
import { versions } from './bench.ts'
import { localFileSuite, readRows } from './local-file/place.ts'

interface Peer extends Channel<PageCommand> {
  events: PageEvent[]
  /** the next event of one of these kinds, past ones included; rejects when the port closes without one */
  until(...kinds: PageEvent['kind'][]): Promise<PageEvent>
  portClosed: Promise<void>
  sessionClosed: Promise<void>
}

/** The sync actor's side of a range, one message at a time. */
function attach(registry: DestinationRegistry): Peer {
  const { port1, port2 } = new MessageChannel()
  const sessionClosed = attachDestination(port2, registry)
  const events: PageEvent[] = []
  const portClosed = Promise.withResolvers<void>()
  let arrived = Promise.withResolvers<void>()
  const on = (event: PageEvent): void => {
    events.push(event)
    arrived.resolve()
    arrived = Promise.withResolvers()
  }
  const kinds = {
    'range-begun': on,
    'range-recovered': on,
    'page-written': on,
    'commit-slot-wanted': on,
    'records-rejected': on,
    'schema-changed': on,
    'range-committed': on,
    'range-aborted': on,
    'range-write-failed': on,
  }
  const channel = openChannel<PageCommand, PageEvent>(port1, kinds, () => portClosed.resolve())
  const until: Peer['until'] = async (...kinds) => {
    for (;;) {
      const found = events.find(({ kind }) => kinds.includes(kind))
      if (found) return found
      const closed = await Promise.race([arrived.promise, portClosed.promise.then(() => true)])
      if (closed && !events.some(({ kind }) => kinds.includes(kind))) {
        throw new Error(`closed without ${kinds.join(' or ')}`)
      }
    }
  }
  return { ...channel, events, until, portClosed: portClosed.promise, sessionClosed }
}

interface Setup {
  registry: DestinationRegistry
  target: Target
  spoolDir: string
  begin(range?: JobRange): Peer
  /** sends rows as pages of 10; returns the report */
  write(
    peer: Peer,
    rows: ReturnType<typeof records>,
  ): Promise<Extract<PageCommand, { kind: 'commit-range' }>>
  visible(): Promise<string[]>
}

async function setup(t: Test): Promise<Setup> {
  const folder = await tempFolder(t)
  const registry = new DestinationRegistry()
  const target = localFileSuite.target({ path: join(folder, 'out') })
  const spoolDir = join(folder, 'spool')
  t.teardown(() => registry.closeDestination(target.destinationId))
  return {
    registry,
    target,
    spoolDir,
    begin(range = dayRange(0)) {
      const peer = attach(registry)
      const limits = { spoolMemoryBytes: 100, maxBodyBytes: 1_000_000 }
      peer.send({ kind: 'begin-range', target, range, offeredFence: nextOffer(), spoolDir, limits })
      return peer
    },
    async write(peer, rows) {
      const encoder = localFile.makeEncoder({ target, range: dayRange(0), fetchedFrom: 5000 })
      const report = {
        kind: 'commit-range' as const,
        pages: 0,
        records: 0,
        checksum: 0,
        fetchedFrom: 5000,
      }
      for (const page of pagesOf(rows, 10)) {
        const { bytes, recordCount, checksum, meta } = encoder.encode(page)
        report.pages += 1
        report.records += recordCount
        report.checksum = addChecksums(report.checksum, checksum)
        const pageNo = report.pages
        peer.send({ kind: 'write-page', pageNo, recordCount, checksum, meta, bytes }, [
          bytes.buffer,
        ])
        while (peer.events.filter(({ kind }) => kind === 'page-written').length < pageNo) {
          await new Promise((resolve) => setImmediate(resolve))
        }
      }
      return report
    },
    visible: async () => versions(await readRows(join(folder, 'out'), target)),
  }
}

const ends = ['range-recovered', 'range-committed', 'range-aborted', 'range-write-failed']
const endsOf = (peer: Peer): string[] =>
  peer.events.map(({ kind }) => kind).filter((kind) => ends.includes(kind))

t.test(
  'begin, pages, slot, commit: one end, then the port closes and nothing is held',
  async (t) => {
    const { begin, write, visible, registry, spoolDir } = await setup(t)
    const peer = begin()
    const report = await write(peer, records(55, 'a'))
    t.strictSame(await readdir(spoolDir).then((names) => names.length), 1)
    peer.send(report)
    await peer.until('commit-slot-wanted')
    t.strictSame(await visible(), [])
    peer.send({ kind: 'grant-commit-slot' })
    t.match(await peer.until('range-committed'), { receipt: { records: 55, fetchedFrom: 5000 } })
    await Promise.all([peer.portClosed, peer.sessionClosed])
    t.strictSame(endsOf(peer), ['range-committed'])
    t.equal(peer.events[0]?.kind, 'range-begun')
    t.strictSame(await visible(), versions(records(55, 'a')))
    t.strictSame(await readdir(spoolDir), [])
    t.equal(registry.spools.used, 0)
  },
)

t.test('an unknown commit is recovered, and that is the end', async (t) => {
  const { begin, write } = await setup(t)
  const first = begin()
  first.send(await write(first, records(5, 'a')))
  first.send({ kind: 'grant-commit-slot' })
  await first.until('range-committed')
  const second = begin()
  t.match(await second.until('range-recovered'), { receipt: { records: 5 } })
  await second.portClosed
  t.strictSame(endsOf(second), ['range-recovered'])
})

t.test(
  'an abort works at any time: before pages, between them, while waiting for a slot',
  async (t) => {
    for (const at of ['begin', 'pages', 'slot'] as const) {
      const { begin, write, visible, registry, spoolDir } = await setup(t)
      const peer = begin()
      if (at !== 'begin') {
        const report = await write(peer, records(30, 'a'))
        if (at === 'slot') {
          peer.send(report)
          await peer.until('commit-slot-wanted')
        }
      }
      peer.send({ kind: 'abort-range' })
      peer.send({ kind: 'abort-range' })
      await peer.until('range-aborted')
      await Promise.all([peer.portClosed, peer.sessionClosed])
      t.strictSame(endsOf(peer), ['range-aborted'], at)
      t.strictSame(await visible(), [])
      t.equal(registry.spools.used, 0)
      t.strictSame(await readdir(spoolDir).catch(() => []), [])
    }
  },
)

t.test('a peer that goes away without an end leaves nothing', async (t) => {
  const { begin, write, visible, registry } = await setup(t)
  const peer = begin()
  await write(peer, records(30, 'a'))
  peer.close()
  await peer.sessionClosed
  t.equal(registry.spools.used, 0)
  t.strictSame(await visible(), [])
})

t.test('a report that is not what arrived commits nothing', async (t) => {
  const wrong = [{ pages: 4 }, { records: 31 }, { checksum: 1 }]
  for (const change of wrong) {
    const { begin, write, visible } = await setup(t)
    const peer = begin()
    peer.send({ ...(await write(peer, records(30, 'a'))), ...change })
    peer.send({ kind: 'grant-commit-slot' })
    t.match(await peer.until('range-write-failed'), {
      failure: { code: 'destination.pages_mismatch', retryable: true },
    })
    await peer.portClosed
    t.equal(endsOf(peer).length, 1)
    t.strictSame(await visible(), [])
  }
})

t.test('messages out of turn and pages over the credits end the range, once', async (t) => {
  const { begin, registry } = await setup(t)
  const early = attach(registry)
  early.send({ kind: 'commit-range', pages: 0, records: 0, checksum: 0, fetchedFrom: 1 })
  t.match(await early.until('range-write-failed'), { failure: { code: 'protocol.out_of_turn' } })
  const flood = begin()
  for (let pageNo = 1; pageNo <= 50; pageNo += 1) {
    const meta = { columns: [], superseded: [], crc: 0 }
    const bytes = new Uint8Array(1)
    flood.send({ kind: 'write-page', pageNo, recordCount: 0, checksum: 0, meta, bytes })
  }
  t.match(await flood.until('range-write-failed'), { failure: { code: 'protocol.out_of_turn' } })
  await flood.portClosed
  t.equal(endsOf(flood).length, 1)
})

t.test('a destination closes after its last range; a new config opens a new one', async (t) => {
  const { registry, target } = await setup(t)
  const first = await registry.use(target)
  const same = await registry.use(target)
  t.equal(same.writer, first.writer)
  const changed = await registry.use({ ...target, configVersion: 2 })
  t.not(changed.writer, first.writer)
  t.equal(registry.size, 1)
  await registry.closeDestination(target.destinationId)
  t.equal(registry.size, 0)
  for (const lease of [first, same, changed]) await lease.release()
  const failed = registry.use({ ...target, type: 'nothing' as Target['type'] })
  await t.rejects(failed, { failure: { code: 'destination.type_unknown' } } as never)
  t.equal(registry.size, 0)
})
