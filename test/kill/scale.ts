import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import {
  ApiRefusal,
  type Derrick,
  type DerrickOptions,
  waitUntilReady,
} from '../support/derrick.ts'
import { freePort } from '../support/free-port.ts'
import { createConnection } from '../support/setup.ts'
import { type ShopProcess, startShop } from '../support/simulator.ts'
import { tempDir } from '../support/temp-dir.ts'
import { filesBelow } from './file-records.ts'
import { Installation } from './installation.ts'
import { violation } from './judge.ts'
import { LargeJudge } from './large-judge.ts'
import { type LargePlace, openLargePlace } from './large-place.ts'
import { type LargeShop, largeShop } from './large-shop.ts'
import { type LedgerRange, openLedger } from './ledger.ts'
import { namespace } from './place.ts'
import { makeRandom, type Random } from './random.ts'
import { noteDeath } from './random-kills.ts'
import type { Tally } from './tally.ts'

export interface ScaleOptions {
  records: number
  days: number
  /** seconds that it is at work before it is killed, on average */
  killEvery: number
  seed: number
  destination: LargePlace['type']
  run: DerrickOptions['run']
  keep: boolean
}

const builtIn = join(import.meta.dirname, '../../manifests/demo_shop.yaml')
const connector = 'large_shop'
const pageSize = 1000
const rangesAtOnce = 8
/** A life is this share of the average at least, and so much longer at most: kills come at any stage of it. */
const shortestLife = 0.1
/** Some come while it starts, which takes as long as the machine lets it. */
const killedAtStart = 0.1
const longestStartMs = 2_000
const lookEveryMs = 250
/** Of the ranges that a life completed, so many are compared at once; all are in the end. */
const comparedEachKill = 2
/** So many lives without a completed range say that it does not go on. */
const mostIdleLives = 40

interface Scene {
  shop: LargeShop
  server: ShopProcess
  place: LargePlace
  judge: LargeJudge
  main: Installation
}

/** Kills the program every few seconds until all of a large history is read, then compares every range with the oracle. */
export async function runAtScale(
  options: ScaleOptions,
  tally: Tally,
): Promise<Record<string, unknown>> {
  const home = tempDir('scale')
  const shop = largeShop(options.seed, options.records, options.days)
  const place = await openLargePlace(options.destination, home.path)
  const server = await startShop({
    ...shop.options,
    nowMs: shop.nowMs,
    pageSize,
    maxPageSize: pageSize,
    compress: false,
  })
  const manifests = join(home.path, 'manifests')
  writeConnector(manifests)
  const env = { DERRICK_MANIFESTS_DIR: manifests }
  const port = await freePort()
  const main = new Installation(join(home.path, 'data'), port, { run: options.run, env })
  const scene = { shop, server, place, main, judge: new LargeJudge(shop, place) }
  try {
    const begun = performance.now()
    await configure(scene)
    await killUntilDone(scene, makeRandom(options.seed), options.killEvery, tally)
    const syncSeconds = Math.round((performance.now() - begun) / 1000)
    const { ranges, integrity } = main.ledger()
    if (integrity !== 'ok') tally.found('end', [violation('integrity', '', '', integrity)])
    const last = new LargeJudge(shop, place)
    tally.found('end', await last.all(ranges))
    const spooled = filesBelow(join(main.dataDir, 'spool'))
    tally.found(
      'end',
      spooled.map((what) => violation('leftover', '', '', what)),
    )
    const { records: served } = await server.control<{ records: number }>('GET', '/stats')
    const { compared, records } = last
    return { days: options.days, records, served, compared, sync_seconds: syncSeconds }
  } finally {
    await server.stop()
    await place.close()
    if (options.keep) process.stdout.write(`kept: ${home.path}\n`)
    else home.remove()
  }
}

/** The built-in shop with larger pages. */
function writeConnector(folder: string): void {
  const yaml = readFileSync(builtIn, 'utf8')
    .replace('id: demo_shop', `id: ${connector}`)
    .replaceAll(/(size: \{name: \w+, value: )\d+/g, `$1${pageSize}`)
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, `${connector}.yaml`), yaml)
}

async function configure({ main, server, place, shop }: Scene): Promise<void> {
  const derrick = await main.start()
  const create = async (path: string, body: object) =>
    (await derrick.api<{ id: string }>('POST', path, body)).id
  const source_id = await create('/sources', {
    name: 'shop',
    connector,
    config: { base_url: server.url, api_key: server.apiKey },
    start_date: new Date(shop.options.startMs).toISOString(),
  })
  const { type, config } = place
  const destination_id = await create('/destinations', { name: 'place', type, config })
  const connection = { name: 'shop', source_id, destination_id, namespace }
  const settings = { name: 'events', parallel_ranges: rangesAtOnce, lookback: '0' }
  const made = await createConnection(derrick, connection, [settings])
  main.streamIds.set('events', made.get('events') as string)
  await derrick.kill9()
}

async function killUntilDone(
  scene: Scene,
  random: Random,
  killEvery: number,
  tally: Tally,
): Promise<void> {
  let before = new Set<number>()
  let idle = 0
  while (idle < mostIdleLives) {
    const derrick = scene.main.spawn()
    const work = giveWork(scene, derrick, tally)
    const atStart = random.chance(killedAtStart)
    const lifeMs = 1000 * killEvery * (shortestLife + random.unit() * 2 * (1 - shortestLife))
    if (atStart) await delay(random.unit() * longestStartMs)
    else await work
    const isDone = !atStart && (await live(scene, derrick, lifeMs))
    if (isDone) await derrick.stop()
    else await derrick.kill9()
    await work
    if (isDone) return
    tally.killed(atStart ? 'while it starts' : 'at work')
    await noteDeath(derrick, tally)
    const done = completed(scene.main.ledger().ranges)
    const fresh = done.filter(({ start }) => !before.has(start))
    idle = fresh.length > 0 ? 0 : idle + 1
    before = new Set(done.map(({ start }) => start))
    await scene.place.prepare()
    for (let i = 0; i < comparedEachKill && fresh.length > 0; i++) {
      tally.found(`kill ${tally.killCount}`, await scene.judge.range(random.pick(fresh)))
    }
    const found = tally.violations.length
    process.stderr.write(
      `${tally.killCount} kills, ${done.length} ranges complete, ${found} violations\n`,
    )
  }
  tally.crashed(`${idle} lives without one more range`)
}

/** @returns whether all time was read before the life was over */
async function live({ main, shop }: Scene, derrick: Derrick, lifeMs: number): Promise<boolean> {
  using ledger = openLedger(main.dataDir)
  const endAt = performance.now() + lifeMs
  while (derrick.child.running()) {
    const left = endAt - performance.now()
    if (left <= 0) return false
    await Promise.race([delay(Math.min(left, lookEveryMs)), derrick.child.exited])
    const ranges = ledger.ranges()
    const isWhole = (ranges[0]?.start ?? Infinity) <= shop.options.startMs
    if (isWhole && ranges.length >= shop.days && completed(ranges).length === ranges.length)
      return true
  }
  return false
}

const completed = (ranges: readonly LedgerRange[]): LedgerRange[] =>
  ranges.filter(({ status }) => status === 'complete')

async function giveWork({ main }: Scene, derrick: Derrick, tally: Tally): Promise<void> {
  try {
    await waitUntilReady(derrick)
    await main.sync(derrick)
  } catch (error) {
    // No answer, because it is dead: what this is all about.
    if (error instanceof ApiRefusal) tally.crashed(error.message)
  }
}
