import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import type { Verdict } from '../support/tcp-proxy.ts'
import { waitFor } from '../support/wait.ts'
import { namespace } from './place.ts'
import type { PostgresPlace } from './postgres-place.ts'
import type { Random } from './random.ts'

/**
 * Something that goes wrong between the program and its server, or at the server. Resolves when it is over or under way; false
 * when there was nothing to break.
 */
export interface Fault {
  name: string
  /** `slow` ones are only noticed by the program's own patience, or take the server away for longer than a moment */
  pace: 'fast' | 'slow'
  play(place: PostgresPlace, random: Random): Promise<boolean>
}

/** A message to wait for; without traffic there is nothing to break. */
const patienceMs = 1_500
const shortestRefusalMs = 50
const longestRefusalMs = 800
const longestLockMs = 500
const mostBytesToReset = 60_000
/** longer than the program waits before it asks what became of its session */
const blackHoleMs = 25_000

const copyData = 0x64
const isCopyData = (chunk: Buffer): boolean => chunk[0] === copyData
const has = (text: string) => (chunk: Buffer) => chunk.includes(text)
const isCommit = has('commit\0')
const isClaim = has("'claimed'")
const isSmallCommit = (chunk: Buffer): boolean =>
  /with (fence|given) as/.test(chunk.toString('latin1')) && !isClaim(chunk)

/** Plays a verdict at the next message of a kind. */
const at =
  (isIt: (chunk: Buffer) => boolean, verdict: Verdict): Fault['play'] =>
  async ({ proxy }) => {
    let isPlayed = false
    proxy.intercept((chunk) => {
      if (isPlayed || !isIt(chunk)) return 'pass'
      isPlayed = true
      return verdict
    })
    await waitFor('such a message', () => isPlayed, { withinMs: patienceMs, everyMs: 2 }).catch(
      () => {},
    )
    proxy.intercept(null)
    return isPlayed
  }

const asAdmin =
  (work: (client: pg.Client, random: Random) => Promise<unknown>): Fault['play'] =>
  async ({ server }, random) => {
    const client = new pg.Client({ connectionString: server.url })
    client.on('error', () => {})
    await client.connect()
    await work(client, random).finally(() => client.end())
    return true
  }

const always =
  (act: (place: PostgresPlace, random: Random) => Promise<void>): Fault['play'] =>
  async (place, random) => {
    await act(place, random)
    return true
  }

const ofDerrick = `from pg_stat_activity where application_name = 'derrick'`

export const faults: Fault[] = [
  { name: 'lost COMMIT reply', pace: 'fast', play: at(isCommit, 'deliver-then-cut') },
  { name: 'lost COMMIT', pace: 'fast', play: at(isCommit, 'cut') },
  {
    name: 'lost reply of a small commit',
    pace: 'fast',
    play: at(isSmallCommit, 'deliver-then-cut'),
  },
  { name: 'torn small commit', pace: 'fast', play: at(isSmallCommit, 'tear') },
  { name: 'cut in COPY', pace: 'fast', play: at(isCopyData, 'cut') },
  { name: 'torn COPY', pace: 'fast', play: at(isCopyData, 'tear') },
  { name: 'cut at a claim', pace: 'fast', play: at(isClaim, 'cut') },
  { name: 'lost reply of a claim', pace: 'fast', play: at(isClaim, 'deliver-then-cut') },
  { name: 'polite end', pace: 'fast', play: at(() => true, 'end') },
  { name: 'all reset', pace: 'fast', play: always(async ({ proxy }) => proxy.killAll()) },
  {
    name: 'reset after some bytes',
    pace: 'fast',
    play: always(async ({ proxy }, random) => {
      proxy.set({ kind: 'reset-after', bytes: random.between(1, mostBytesToReset) })
      await delay(random.between(shortestRefusalMs, longestRefusalMs))
      proxy.set({ kind: 'pass' })
    }),
  },
  {
    name: 'refused for a while',
    pace: 'fast',
    play: always(async ({ proxy }, random) => {
      proxy.set({ kind: 'refuse' })
      proxy.killAll()
      await delay(random.between(shortestRefusalMs, longestRefusalMs))
      proxy.set({ kind: 'pass' })
    }),
  },
  {
    name: 'sessions terminated',
    pace: 'fast',
    play: asAdmin((client) => client.query(`select pg_terminate_backend(pid) ${ofDerrick}`)),
  },
  {
    name: 'statements cancelled',
    pace: 'fast',
    play: asAdmin((client) => client.query(`select pg_cancel_backend(pid) ${ofDerrick}`)),
  },
  {
    name: 'table locked',
    pace: 'fast',
    play: asAdmin(async (client, random) => {
      const table = random.pick(['orders', 'events', '_derrick_ranges'])
      await client.query(`begin; lock table ${namespace}.${table} in access exclusive mode`)
      await delay(random.between(shortestRefusalMs, longestLockMs))
    }),
  },
  {
    name: 'server killed',
    pace: 'slow',
    play: always(async ({ server }) => {
      await server.kill()
      await server.start()
    }),
  },
  { name: 'server restarted', pace: 'slow', play: always(({ server }) => server.restart()) },
  { name: 'half open after a commit', pace: 'slow', play: at(isSmallCommit, 'mute') },
  { name: 'half open after COMMIT', pace: 'slow', play: at(isCommit, 'mute') },
  { name: 'swallowed COPY', pace: 'slow', play: at(isCopyData, 'hole') },
  { name: 'swallowed claim', pace: 'slow', play: at(isClaim, 'hole') },
  {
    name: 'black hole',
    pace: 'slow',
    play: always(async ({ proxy }) => {
      proxy.set({ kind: 'blackhole' })
      await delay(blackHoleMs)
      proxy.killAll()
      proxy.set({ kind: 'pass' })
    }),
  },
]
