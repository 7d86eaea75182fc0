import { accessSync, constants, statfsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { CheckResult } from '../../schema/destination.ts'
import { toFailure } from '../../schema/error.ts'
import type { SchedulerState } from '../../schema/event.ts'
import type { Source } from '../../schema/source.ts'
import type { Stream } from '../../schema/stream.ts'
import { dataDirOf, type Environment, readVariable } from '../config.ts'
import { version } from '../version.ts'
import { type Client, type ClientFlags, makeClient } from './client.ts'
import { exitCodes } from './exit-code.ts'
import { type OutputFormat, printRows } from './output.ts'
import { dim, mark, safe, sizeText } from './paint.ts'

/** One thing that was looked at. */
export interface Finding {
  what: string
  state: 'ok' | 'warn' | 'bad'
  detail: string
  remedy?: string
}

/** Below this a sync may soon find the disk full. */
const littleBytes = 1_000_000_000
const tickOverdueMs = 60_000
const mostThings = 200

/** `derrick doctor`: looks at this machine, the server and whether its sources and destinations answer. Exit code 1 if anything is bad. */
export async function doctor(
  env: Environment,
  flags: ClientFlags,
  format: OutputFormat,
): Promise<number> {
  const found: Finding[] = []
  const print = (finding: Finding): void => {
    found.push(finding)
    if (format === 'table') process.stdout.write(findingText(finding))
  }
  const isElsewhere = (flags.url ?? readVariable(env, 'DERRICK_URL')) !== undefined
  if (!isElsewhere) for (const finding of machineFindings(env, flags)) print(finding)
  try {
    const client = makeClient(env, flags)
    for await (const finding of serverFindings(client)) print(finding)
  } catch (error) {
    print(failedFinding('server', error))
  }
  if (format !== 'table') printRows(found, [], format)
  return found.some(({ state }) => state === 'bad') ? exitCodes.failed : exitCodes.done
}

function failedFinding(what: string, error: unknown): Finding {
  const { message, remedy } = toFailure(error)
  return { what, state: 'bad', detail: message, ...(remedy ? { remedy } : {}) }
}

const marks = { ok: mark.good, warn: mark.warn, bad: mark.bad }

function findingText({ what, state, detail, remedy }: Finding): string {
  const line = `${marks[state]()} ${safe(what)}  ${dim(safe(detail))}\n`
  return remedy === undefined ? line : `${line}    → ${safe(remedy)}\n`
}

function machineFindings(env: Environment, flags: ClientFlags): Finding[] {
  const folder = dataDirOf(env, flags.dataDir)
  const what = 'data dir'
  try {
    accessSync(folder, constants.R_OK | constants.W_OK)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    const isMissing = code === 'ENOENT'
    const detail = isMissing ? `${folder} is not there yet` : `${folder}: ${code}`
    const remedy = isMissing
      ? '"derrick serve" makes it'
      : 'let the user that runs Derrick read and write it'
    return [{ what, state: isMissing ? 'warn' : 'bad', detail, remedy }]
  }
  const { bavail, bsize } = statfsSync(folder)
  const free = bavail * bsize
  const detail = `${folder}, ${sizeText(free)} free`
  const room: Finding =
    free < littleBytes
      ? { what, state: 'warn', detail, remedy: 'make room: ranges are staged there' }
      : { what, state: 'ok', detail }
  return [room, ...keyFindings(join(folder, 'secret.key'))]
}

/** Who can read the key can read every stored secret. */
function keyFindings(file: string): Finding[] {
  const found = statSync(file, { throwIfNoEntry: false })
  if (found === undefined || (found.mode & 0o077) === 0) return []
  const remedy = `chmod 600 ${file}`
  return [{ what: 'secret key', state: 'bad', detail: `others may read ${file}`, remedy }]
}

async function* serverFindings(client: Client): AsyncGenerator<Finding> {
  const status = await client.call<{ version: string; scheduler: SchedulerState }>('GET', '/status')
  yield serverFinding(status.version, status.scheduler)
  const connectors = await client.list<{ id: string; ok: boolean }>('/connectors', mostThings)
  for (const { id } of connectors.filter(({ ok }) => !ok))
    yield {
      what: `connector ${id}`,
      state: 'bad',
      detail: 'its manifest has errors',
      remedy: `derrick connector check ${id}`,
    }
  for (const source of await client.list<Source>('/sources', mostThings))
    yield source.state === 'paused'
      ? pausedFinding(source)
      : await checked(client, 'source', 'sources', source)
  const destinations = await client.list<{ id: string; name: string }>('/destinations', mostThings)
  for (const one of destinations) yield await checked(client, 'destination', 'destinations', one)
  yield streamsFinding(await client.list<Stream>('/streams', mostThings))
}

function serverFinding(theirs: string, { last_tick_at: tick }: SchedulerState): Finding {
  const what = 'server'
  const age = tick === null ? 0 : Date.now() - Date.parse(tick)
  if (age > tickOverdueMs)
    return {
      what,
      state: 'bad',
      detail: `its scheduler looked last ${Math.round(age / 1_000)} s ago`,
      remedy: 'see its log; start it again',
    }
  if (theirs === version) return { what, state: 'ok', detail: `answers, version ${version}` }
  const detail = `has version ${theirs}, this command ${version}`
  return { what, state: 'warn', detail, remedy: 'use one version for both' }
}

const pausedFinding = ({ name, state_reason: reason }: Source): Finding => ({
  what: `source ${name}`,
  state: 'bad',
  detail: `is paused: ${reason?.message ?? 'by hand'}`,
  remedy: reason?.remedy ?? 'resume it in the console',
})

/** Asks the other side; a check that can't be made is a finding, not the end. */
async function checked(
  client: Client,
  kind: string,
  path: string,
  { id, name }: { id: string; name: string },
): Promise<Finding> {
  const what = `${kind} ${name}`
  try {
    const { steps } = await client.call<CheckResult>('POST', `/${path}/${id}/check`)
    const bad = steps.find(({ ok }) => !ok)
    if (!bad) return { what, state: 'ok', detail: steps.map((step) => step.name).join(', ') }
    const detail = `${bad.name}: ${bad.message ?? 'failed'}`
    return { what, state: 'bad', detail, ...(bad.remedy ? { remedy: bad.remedy } : {}) }
  } catch (error) {
    return failedFinding(what, error)
  }
}

function streamsFinding(streams: readonly Stream[]): Finding {
  const failing = streams.filter(({ ranges }) => ranges.failed > 0)
  const what = 'streams'
  if (failing.length === 0) return { what, state: 'ok', detail: `${streams.length}, none failing` }
  const detail = `${failing.length} of ${streams.length} have failed ranges`
  return { what, state: 'bad', detail, remedy: 'derrick status, then derrick logs RUN' }
}
