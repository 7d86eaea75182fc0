import { randomInt } from 'node:crypto'
import { parseArgs } from 'node:util'
import type { Sabotage } from '../../schema/sabotage.ts'
import { type PlaceType, placeTypes } from './place.ts'

export interface KillOptions {
  kills: number
  seed: number
  mode: Mode
  /** rounds in which a stopped process is overtaken and comes back */
  zombies: number
  sabotage: Sabotage
  destination: PlaceType
  /** run the checkout instead of the executable */
  source: boolean
  /** leave data dir and files for a look */
  keep: boolean
  /** a history of so many records, read while it is killed; null: the usual small one */
  scale: { records: number; days: number; killEvery: number } | null
}

const modes = ['random', 'syscall', 'zombie', 'fault'] as const
type Mode = (typeof modes)[number]
const sabotages = [
  '',
  'mark_before_commit',
  'cleanup_first',
  'no_fence',
] as const satisfies Sabotage[]
const mostKills = 100_000
/** Enumerating system calls is slow: one point costs some seconds. */
const mostPoints = 200
const killsPerZombie = 50
const defaultDays = '1095'
const defaultKillEvery = '5'

/** What the command line asks for, or why it can't be. */
export function parseKillOptions(args: string[]): KillOptions | { problem: string } {
  let values: Record<string, string | boolean | undefined>
  try {
    values = parseArgs({
      args,
      options: {
        kills: { type: 'string', default: '300' },
        seed: { type: 'string', default: String(randomInt(1, 1_000_000)) },
        mode: { type: 'string' },
        zombies: { type: 'string' },
        sabotage: { type: 'string', default: '' },
        destination: { type: 'string', default: 'local_file' },
        source: { type: 'boolean', default: false },
        keep: { type: 'boolean', default: false },
        records: { type: 'string' },
        days: { type: 'string', default: defaultDays },
        'kill-every': { type: 'string', default: defaultKillEvery },
      },
    }).values
  } catch (error) {
    return { problem: error instanceof Error ? error.message : String(error) }
  }
  return checked(values)
}

function checked(
  values: Record<string, string | boolean | undefined>,
): KillOptions | { problem: string } {
  const sabotage = sabotages.find((name) => name === values.sabotage)
  if (sabotage === undefined) return { problem: `--sabotage is one of ${sabotages.join(' ')}` }
  const wanted = values.mode ?? (sabotage === 'no_fence' ? 'zombie' : 'random')
  const mode = modes.find((name) => name === wanted)
  if (mode === undefined) return { problem: `--mode is one of ${modes.join(' ')}` }
  const destination = placeTypes.find((name) => name === values.destination)
  if (destination === undefined) {
    return { problem: `--destination is one of ${placeTypes.join(' ')}` }
  }
  if (mode === 'fault' && destination === 'local_file') {
    return { problem: '--mode fault needs --destination postgres: files have no connection' }
  }
  const most = mode === 'syscall' ? mostPoints : mostKills
  const kills = Math.min(Number(values.kills), most)
  const zombies = Number(values.zombies ?? defaultZombies(mode, kills))
  const seed = Number(values.seed)
  const isCount = (value: number) => Number.isSafeInteger(value) && value >= 0
  if (![kills, zombies, seed].every(isCount)) {
    return { problem: '--kills, --zombies and --seed are whole numbers' }
  }
  const scale = scaleOf(values)
  if (
    scale &&
    (!Object.values(scale).every((value) => value > 0) || destination === 'postgres18')
  ) {
    return {
      problem: '--records, --days and --kill-every are above 0, into local_file or postgres',
    }
  }
  return {
    kills,
    zombies,
    seed,
    mode,
    sabotage,
    destination,
    source: values.source === true,
    keep: values.keep === true,
    scale,
  }
}

function scaleOf(values: Record<string, string | boolean | undefined>): KillOptions['scale'] {
  if (values.records === undefined) return null
  return {
    records: Math.floor(Number(values.records)),
    days: Math.floor(Number(values.days)),
    killEvery: Number(values['kill-every']),
  }
}

function defaultZombies(mode: Mode, kills: number): number {
  if (mode === 'zombie') return kills
  return mode === 'random' ? Math.ceil(kills / killsPerZombie) : 0
}
