/**
 * Ranges over the bound of one transaction, broken off at each message that their commit sends, in turn by a cut, a lost
 * answer, the death of the process and a crash of the server; somebody looks at the table all the time.
 *
 * `node test/actors/destinations/postgres/chunked.test.ts --rounds 7` breaks off at each message in each of the ways.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import pg from 'pg'
import t from 'tap'
import { PostgresWriter } from '../../../../actors/destinations/postgres/writer.ts'
import type { Row } from '../../../../actors/destinations/writer.ts'
import { toFailure } from '../../../../schema/error.ts'
import { type Postgres, startPostgres } from '../../../support/postgres.ts'
import { startTcpProxy, type TcpProxy } from '../../../support/tcp-proxy.ts'
import { type Attempt, Scene } from './scene.ts'

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '1' } } })
const rounds = Number(values.rounds)
t.setTimeout(300_000 * rounds)

const chunkBytes = 14_000
const pages = 6
const lookEveryMs = 15
/** A server that starts again may take some seconds. */
const mostCommits = 1_000
const betweenCommitsMs = 25
const namespace = 'chunked'
const target = { tracks: 'report', deletes: 'hard' } as const

/** Versions differ in size, so that rows of an old one which stay behind show. */
const countOf = (version: number): number => 320 - (version % 3) * 16
const pagesOf = (version: number): Row[][] => {
  const rows = Array.from({ length: countOf(version) }, (_, i) => ({
    id: `k${i}`,
    updated_at: '2026-01-01T01:00:00Z',
    version,
    filling: 'x'.repeat(100),
  }))
  const each = Math.ceil(rows.length / pages)
  return Array.from({ length: pages }, (_, n) => rows.slice(n * each, (n + 1) * each))
}

interface Stage {
  postgres: Postgres
  proxy: TcpProxy
  scene: Scene
  /** of the process that lives */
  writer: PostgresWriter
  openWriter(): PostgresWriter
}

/** What happens at a message: to the connection, to the process that commits, to the server. */
type Way = 'cut' | 'deliver-then-cut' | 'death' | 'crash'
/** Crashes take the longest, so that they are fewer. */
const turns: Way[] = [
  ...(['death', 'deliver-then-cut', 'cut'] as const),
  ...(['death', 'cut', 'deliver-then-cut'] as const),
  'crash',
]

/** Breaks off at the n-th message from now on; tells whether it came to that. */
function breakAt({ proxy, postgres }: Stage, at: number, way: Way) {
  let left = at
  const crashed = Promise.withResolvers<void>()
  const met = Promise.withResolvers<void>()
  proxy.intercept(() => {
    left -= 1
    if (left !== 0) return 'pass'
    met.resolve()
    if (way === 'cut' || way === 'deliver-then-cut') return way
    if (way === 'crash') void postgres.kill().then(() => crashed.resolve())
    // The dead clean nothing up: nothing of them passes any more.
    proxy.set({ kind: 'refuse' })
    return 'cut'
  })
  return {
    happened: () => left <= 0,
    met: met.promise,
    mend: async (): Promise<void> => {
      proxy.intercept(null)
      if (way === 'crash' && left <= 0) {
        await crashed.promise
        await postgres.start()
      }
      proxy.set({ kind: 'pass' })
    },
  }
}

/** Begins, and hands all pages over unless the range is there already. */
async function fill(attempt: Attempt, version: number): Promise<{ isThere: boolean }> {
  const { recovered } = await attempt.begin()
  if (recovered) return { isThere: true }
  for (const page of pagesOf(version)) await attempt.write(page)
  return { isThere: false }
}

/** As a range's session does: again from the spool while the failure is one of the network. */
async function commitAtLast(attempt: Attempt): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      return void (await attempt.commit())
    } catch (error) {
      if (toFailure(error).category !== 'network' || tries === mostCommits) throw error
      await delay(betweenCommitsMs)
    }
  }
}

/** Somebody's dashboard. What it saw that nobody should see is what `stop` answers. */
function watchTable(url: string, table: string) {
  const wrong = new Set<string>()
  let looks = 0
  let isOver = false
  const look = async (client: pg.Client): Promise<void> => {
    await client.query('begin isolation level repeatable read read only')
    const { rows } = await client.query(
      `select version, count(*)::int as n from ${table} group by 1`,
    )
    const { rows: ledger } = await client.query(
      `select rows::int as n from ${namespace}._derrick_ranges where committed is not null`,
    )
    await client.query('commit')
    const [only] = rows as { version: number; n: number }[]
    const isWhole = rows.length === 1 && only?.n === countOf(Number(only?.version))
    if (!isWhole || ledger[0]?.n !== only?.n) wrong.add(JSON.stringify([rows, ledger]))
    looks += 1
  }
  const watching = (async () => {
    while (!isOver) {
      const client = new pg.Client({ connectionString: url })
      client.on('error', () => {})
      try {
        await client.connect()
        while (!isOver) {
          await look(client)
          await delay(lookEveryMs)
        }
      } catch {
        // No server just now.
        await delay(lookEveryMs)
      } finally {
        await client.end().catch(() => {})
      }
    }
  })()
  return {
    looks: () => looks,
    stop: async (): Promise<string[]> => {
      isOver = true
      await watching
      return [...wrong]
    },
  }
}

async function openStage(): Promise<Stage> {
  const postgres = await startPostgres({ fsync: true })
  const proxy = await startTcpProxy(postgres.port)
  const url = postgres.url.replace(`:${postgres.port}/`, `:${proxy.port}/`)
  const scene = await new Scene(postgres.url, namespace, target).open()
  t.teardown(async () => {
    await proxy.close()
    await scene.close().catch(() => {})
    await postgres.remove()
  })
  const openWriter = () => {
    const writer = new PostgresWriter({ url }, { chunkBytes })
    t.teardown(() => writer.close())
    return writer
  }
  return { postgres, proxy, scene, writer: openWriter(), openWriter }
}

/** One more version of the range, broken off at a message; false when the commit does not have so many. */
async function replace(stage: Stage, version: number, at: number, way: Way): Promise<boolean> {
  const { scene, openWriter } = stage
  const range = { committedFence: await committedFence(stage.postgres.url) }
  const attempt = scene.attempt({ writer: stage.writer, range })
  await fill(attempt, version)
  const fault = breakAt(stage, at, way)
  const isDeath = way === 'death'
  // Whoever lives tries again, as long as the server is away; whoever died is replaced by another process.
  const committing = isDeath ? attempt.commit().catch(() => {}) : commitAtLast(attempt)
  committing.catch(() => {})
  await (way === 'crash' ? Promise.race([committing, fault.met]) : committing)
  await fault.mend()
  await committing
  if (!isDeath) return fault.happened()
  stage.writer = openWriter()
  const next = scene.attempt({ writer: stage.writer, range })
  if (!(await fill(next, version)).isThere) await commitAtLast(next)
  return fault.happened()
}

let looking: pg.Client | null = null
t.teardown(() => looking?.end())

/** One look, past everybody; over a connection that is kept until the server crashes. */
async function ask<T>(url: string, sql: string): Promise<T[]> {
  try {
    if (!looking) {
      looking = new pg.Client({ connectionString: url })
      looking.on('error', () => {
        looking = null
      })
      await looking.connect()
    }
    return (await looking.query(sql)).rows as T[]
  } catch (error) {
    looking = null
    throw error
  }
}

/** What the ledger of a supervisor would say of the range. */
async function committedFence(url: string): Promise<number> {
  const sql = `select committed::int as fence from ${namespace}._derrick_ranges`
  return (await ask<{ fence: number }>(url, sql))[0]?.fence ?? 0
}

const shown = async (url: string) => ({
  versions: await ask(
    url,
    `select version::int, count(*)::int as n from ${namespace}.orders group by 1`,
  ),
  stages: await ask(url, `select relname from pg_class where relname like '\\_derrick\\_stage%'`),
})

t.test(
  'chunks broken off at any message: the old version or the new one, never both',
  async (t) => {
    const stage = await openStage()
    const { url } = stage.postgres
    let version = 1
    await stage.scene.sync(pagesOf(version), { writer: stage.writer })
    const watcher = watchTable(url, stage.scene.table)
    const played: Record<Way, number> = { cut: 0, 'deliver-then-cut': 0, death: 0, crash: 0 }
    const wrong: unknown[] = []
    for (let round = 0; round < rounds; round += 1) {
      for (let at = 1, isLast = false; !isLast; at += 1) {
        const way = turns[(at + round) % turns.length] as Way
        version += 1
        isLast = !(await replace(stage, version, at, way))
        if (!isLast) played[way] += 1
        const seen = await shown(url)
        const expected = { versions: [{ version, n: countOf(version) }], stages: [] }
        if (JSON.stringify(seen) !== JSON.stringify(expected)) wrong.push({ at, way, seen })
      }
    }
    t.same(wrong, [], 'after each the new version is there, whole, and no stage is left')
    t.same(await watcher.stop(), [], 'nobody saw another thing')
    const count = Object.values(played).reduce((sum, each) => sum + each, 0)
    t.ok(count > 16 && Object.values(played).every(Boolean), JSON.stringify(played))
    t.ok(watcher.looks() > count, `${watcher.looks()} looks`)
  },
)
