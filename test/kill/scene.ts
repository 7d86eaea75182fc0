import { copyFileSync, linkSync } from 'node:fs'
import { join } from 'node:path'
import type { StreamName } from '../../actors/simulator/shop.ts'
import { type DerrickOptions, executable } from '../support/derrick.ts'
import { freePort } from '../support/free-port.ts'
import { type ShopProcess, startShop } from '../support/simulator.ts'
import { type TempDir, tempDir } from '../support/temp-dir.ts'
import { ClockLog } from './clock-log.ts'
import { filesBelow } from './file-records.ts'
import { dayMs, historyDays, hourMs, Installation, streamNames } from './installation.ts'
import { Judge, type Violation, violation } from './judge.ts'
import type { LedgerRange } from './ledger.ts'
import type { Place } from './place.ts'
import type { VisibleStream } from './visible.ts'

/** The shop's clock begins so far in the past, so that it can be moved on for the whole run without overtaking ours. */
const clockBehindMs = 6 * dayMs
const volumes = {
  orders: { perDay: 120 },
  events: { perDay: 250 },
  customers: { perDay: 30 },
  products: { base: 60 },
  refunds: { perDay: 15 },
}

/** Source, destination, installation and judge of one harness run. */
export interface Scene {
  home: TempDir
  place: Place
  shop: ShopProcess
  clock: ClockLog
  judge: Judge
  main: Installation
  run: DerrickOptions['run']
  /** Moves the source on and stands it still again; nothing may be reading. */
  moveClock(byMs: number): Promise<void>
  /** Looks at destination and ledger as they are. */
  look(of?: Installation): Promise<Violation[]>
  /** The same after everything came to rest, and that nothing is left of dead attempts. */
  lookAtRest(): Promise<Violation[]>
  /** That the destination has what the source shows now. */
  lookUpToDate(): Promise<Violation[]>
  /** Ends the shop; removes everything unless it is to be kept. */
  close(keep?: boolean): Promise<void>
}

export async function openScene(
  seed: number,
  run: DerrickOptions['run'],
  open: (home: string) => Promise<Place>,
): Promise<Scene> {
  const home = tempDir('kill')
  const place = await open(home.path)
  const startMs = Math.floor(Date.now() / dayMs - historyDays - 2) * dayMs
  const shopMs = Date.now() - clockBehindMs
  const data = { seed, startMs, streams: { ...volumes, ...place.volumes } }
  const latency = { ms: 4, jitterMs: 4 }
  const shop = await startShop({ ...data, nowMs: shopMs, pageSize: place.pageSize, latency })
  const clock = new ClockLog()
  clock.moved(Date.now(), shopMs)
  const judge = new Judge(data, clock, place.reader)
  const own = ownCopy(run, home.path)
  const main = new Installation(join(home.path, 'data'), await freePort(), { run: own })

  const each = async (of: Installation, rule: LookRule): Promise<Violation[]> => {
    // The ledger first: what it knows was in the destination before.
    const { ranges, integrity } = of.ledger()
    const found = integrity === 'ok' ? [] : [violation('integrity', '', '', integrity)]
    for (const name of streamNames) {
      const own = ranges.filter(({ stream }) => stream === name)
      found.push(...rule(name, own, await place.reader.read(name)))
    }
    return found
  }
  return {
    home,
    place,
    shop,
    clock,
    judge,
    main,
    run: own,
    async moveClock(byMs) {
      // An open day is read by delta into a database: that is right for sources whose clock is not hours behind.
      const openDay = Math.floor(Date.now() / dayMs) * dayMs
      const latest = place.type === 'postgres' ? openDay - 1 : Date.now() - hourMs
      const next = Math.min(clock.now() + byMs, latest)
      await shop.freeze(next)
      clock.moved(Date.now(), next)
    },
    look: (of = main) => each(of, (...args) => judge.stream(...args)),
    lookAtRest: async () => [
      ...(await each(main, (...args) => judge.atRest(...args))),
      ...leftovers(await place.reader.leftovers(), main.dataDir),
    ],
    lookUpToDate: () => each(main, (...args) => judge.upToDate(...args)),
    async close(keep = false) {
      await shop.stop()
      await place.close()
      if (!keep) home.remove()
    },
  }
}

type LookRule = (name: StreamName, ranges: LedgerRange[], seen: VisibleStream) => Violation[]

/** The executable by a name of its own, so that a build in the middle of a run does not exchange it. */
function ownCopy(run: DerrickOptions['run'], folder: string): DerrickOptions['run'] {
  const built = run === 'executable' ? { file: executable } : run
  if (typeof built !== 'object') return built
  const file = join(folder, 'derrick')
  try {
    linkSync(built.file, file)
  } catch {
    // Another file system, or one without links.
    copyFileSync(built.file, file)
  }
  return { ...built, file }
}

/** What dead attempts left at the destination, and spool files in the data dir. */
function leftovers(there: string[], dataDir: string): Violation[] {
  const spooled = filesBelow(join(dataDir, 'spool'))
  return [...there, ...spooled].map((what) => violation('leftover', '', '', what))
}
