import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import t from 'tap'
import type { ServerEvent } from '../../../schema/event.ts'
import { waitFor, within } from '../../support/wait.ts'
import { type Harness, openHarness } from './harness.ts'

interface Received {
  id: string
  event: string
  data: Record<string, unknown>
}

/** A client on a real socket that keeps what it received. */
class Listener {
  readonly received: Received[] = []
  lastId = ''
  status = 0
  readonly #abort = new AbortController()
  readonly #changed = new EventTarget()
  ended = false

  async open(url: string, headers: Record<string, string>): Promise<void> {
    const response = await fetch(url, { headers, signal: this.#abort.signal })
    this.status = response.status
    if (response.body)
      void this.#read(response.body)
        .catch(() => {})
        .finally(() => this.#end())
  }

  close(): void {
    this.#abort.abort()
  }

  async until(what: string, found: (listener: this) => boolean): Promise<void> {
    while (!found(this)) await within(what, once(this.#changed, 'change'))
  }

  #end(): void {
    this.ended = true
    this.#changed.dispatchEvent(new Event('change'))
  }

  async #read(body: ReadableStream<Uint8Array>): Promise<void> {
    let text = ''
    const decoder = new TextDecoder()
    for await (const chunk of body) {
      text += decoder.decode(chunk, { stream: true })
      for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
        this.#take(text.slice(0, end))
        text = text.slice(end + 2)
      }
      this.#changed.dispatchEvent(new Event('change'))
    }
  }

  #take(block: string): void {
    const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1]
    this.lastId = field('id') ?? this.lastId
    const data = field('data')
    if (data !== undefined)
      this.received.push({ id: this.lastId, event: field('event') ?? '', data: JSON.parse(data) })
  }
}

async function served(test: Pick<typeof t, 'teardown'>) {
  const h = await openHarness()
  await h.app.listen({ host: '127.0.0.1', port: 0 })
  test.teardown(h.close)
  const { port } = h.app.server.address() as AddressInfo
  const workspaceId = (await h.call('GET', 'session')).body.workspace.id as string
  const listen = async (
    query = '',
    headers: Record<string, string> = {},
    key = h.key('viewer'),
  ) => {
    const listener = new Listener()
    test.teardown(() => listener.close())
    await listener.open(`http://127.0.0.1:${port}/api/v1/events${query}`, {
      authorization: `Bearer ${key}`,
      ...headers,
    })
    return listener
  }
  return { h, workspaceId, listen }
}

const line = (id: number): ServerEvent => ({
  topic: 'activity',
  data: {
    id,
    at: '2026-01-01T00:00:00.000Z',
    level: 'info',
    kind: 'x',
    message: 'm',
    stream_id: null,
    run_id: null,
    range_id: null,
    data: {},
  },
})
const progress = (records: number): ServerEvent => ({
  topic: 'progress',
  data: {
    run_id: 'run_1',
    stream_id: 'str_1',
    records,
    bytes: 0,
    pages: 0,
    records_per_second: 0,
    bytes_per_second: 0,
    ranges_done: 0,
    ranges_total: 0,
    in_flight: 0,
  },
})
const publish = (h: Harness, workspaceId: string | null, ...events: ServerEvent[]): void => {
  for (const event of events) h.deps.hub.publish(workspaceId, event)
}
const ids = (listener: Listener) => listener.received.map((one) => one.data.id)

t.test('events arrive by topic, in order, and progress coalesces', async (t) => {
  const { h, workspaceId, listen } = await served(t)
  const all = await listen()
  const some = await listen('?topics=activity')
  await Promise.all([all, some].map((one) => one.until('first id', (l) => l.lastId !== '')))
  publish(h, workspaceId, line(1), progress(1), progress(2), line(2), progress(3), line(3))
  publish(h, 'ws_other', line(99))
  publish(h, null, { topic: 'scheduler', data: h.engine.schedulerState() })
  await all.until('the last event', (l) => l.received.some((one) => one.event === 'scheduler'))
  t.strictSame(
    all.received.map((one) => one.event),
    ['activity', 'activity', 'progress', 'activity', 'scheduler'],
  )
  t.equal(all.received[2]?.data.records, 3)
  await some.until('three lines', (l) => l.received.length >= 3)
  t.strictSame(ids(some), [1, 2, 3])
  const unknown = await listen('?topics=weather')
  t.equal(unknown.status, 422)
})

t.test('a client that comes back gets what it missed, or is told to read anew', async (t) => {
  const { h, workspaceId, listen } = await served(t)
  const first = await listen()
  await first.until('first id', (l) => l.lastId !== '')
  const beginning = first.lastId
  publish(h, workspaceId, line(1), line(2))
  await first.until('two lines', (l) => l.received.length === 2)
  first.close()
  publish(h, workspaceId, line(3), progress(1), line(4))
  const back = await listen('', { 'last-event-id': first.lastId })
  await back.until('what was missed', (l) => l.received.length >= 2)
  t.strictSame(ids(back), [3, 4])
  const fromStart = await listen('', { 'last-event-id': beginning })
  await fromStart.until('everything', (l) => l.received.length >= 4)
  t.strictSame(ids(fromStart), [1, 2, 3, 4])
  for (const lost of ['other-1', 'test-999999', 'nonsense']) {
    const late = await listen('?topics=run', { 'last-event-id': lost })
    await late.until('resync', (l) => l.received.length >= 1)
    t.strictSame(
      late.received.map((one) => one.event),
      ['resync'],
      lost,
    )
  }
  for (let i = 0; i < 3_000; i += 1) publish(h, workspaceId, line(100 + i))
  const gap = await listen('', { 'last-event-id': first.lastId })
  await gap.until('resync', (l) => l.received.length >= 1)
  t.equal(gap.received[0]?.event, 'resync', 'beyond what is kept')
  t.equal(gap.received.length, 1)
})

t.test('a burst beyond the bound becomes one resync', async (t) => {
  const { h, workspaceId, listen } = await served(t)
  const client = await listen()
  await client.until('first id', (l) => l.lastId !== '')
  for (let i = 0; i < 2_001; i += 1) publish(h, workspaceId, line(i))
  await client.until('resync', (l) => l.received.length >= 1)
  t.strictSame(
    client.received.map((one) => one.event),
    ['resync'],
  )
  publish(h, workspaceId, line(5_000))
  await client.until('later events', (l) => l.received.length >= 2)
  t.strictSame(ids(client).at(-1), 5_000)
  client.close()
  await within(
    'the hub to forget it',
    (async () => {
      while (h.deps.hub.clients() > 0) await new Promise((resolve) => setImmediate(resolve))
    })(),
  )
})

t.test('nobody hears without a key, and a deleted key hears no more', async (t) => {
  const { h, listen } = await served(t)
  const nobody = await listen('', { authorization: '' })
  t.equal(nobody.status, 401)
  const made = (await h.call('POST', 'api_keys', { body: { name: 'x' } })).body
  const client = await listen('', {}, made.key)
  await client.until('first id', (l) => l.lastId !== '')
  await h.call('DELETE', `api_keys/${made.id}`)
  await client.until('the end', (l) => l.ended)
  t.ok(client.ended)
})

t.test('what nobody hears is not made; for those who hear it, once', async (t) => {
  const { h, workspaceId, listen } = await served(t)
  const { hub } = h.deps
  let made = 0
  const event = (id: number) => ({
    topic: 'activity' as const,
    id: String(id),
    make: () => {
      made += 1
      return line(id)
    },
  })
  const before = await listen()
  await before.until('first id', (l) => l.lastId !== '')
  const { lastId } = before
  before.close()
  await waitFor('the client to be gone', () => hub.clients() === 0)
  hub.publishLate(workspaceId, event(1))
  hub.publishLate(workspaceId, event(2))
  t.equal(made, 0)
  const again = [await listen('', { 'last-event-id': lastId })]
  again.push(await listen('', { 'last-event-id': lastId }))
  for (const one of again) await one.until('what was missed', (l) => ids(l).includes(2))
  t.strictSame(again.map(ids), [
    [1, 2],
    [1, 2],
  ])
  t.equal(made, 2)
})
