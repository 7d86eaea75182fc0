import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { derrickError, toFailure } from '../../schema/error.ts'
import { secretFields } from '../../schema/manifest/config.ts'
import type { Manifest } from '../../schema/manifest/manifest.ts'
import type { Run } from '../../schema/run.ts'
import { type Config, defaultDataDir, type Environment, readConfig } from '../config.ts'
import type { ApiRequest } from '../demo-setup.ts'
import { makeLog } from '../log.ts'
import { openSupervisor } from '../supervisor.ts'
import { openWorkbench } from '../workbench.ts'
import { readDerrickFiles } from './derrick-file.ts'
import { exitCodes } from './exit-code.ts'
import { givenConfig, givenManifest } from './given-manifest.ts'
import { type Caller, ensure, makeCaller } from './in-process.ts'
import { issueCount } from './issues.ts'
import { type Column, printRows } from './output.ts'
import type { RunFlags } from './run-command.ts'
import { say } from './say.ts'
import { untilSignal } from './signals.ts'
import { watchRuns } from './watch-runs.ts'
import { windowOf } from './window.ts'

interface Given {
  connector: string | undefined
  streams: string[]
}

/** A run that has ended, under the name that the user gave. */
interface Ended {
  stream: string
  run: Run
}

/** What is to be synced: makes what is missing and starts the runs; their names by run id. */
interface Plan {
  manifestFiles: string[]
  /** what its memory is of: runs of other connectors or places need not wait for it */
  place: string
  start: (request: ApiRequest) => Promise<Map<string, string>>
}

/**
 * `derrick run CONNECTOR STREAM… --to URL|DIR` or `-f FILE`: reads what is due, waits for the end, tells how it was. What is in
 * is remembered in the data dir, so the next run reads only what is new. Exit codes 0, 1, 3 and 130 as in the contract.
 */
export async function runOnce(env: Environment, given: Given, flags: RunFlags): Promise<number> {
  askedWindow(flags)
  const plan =
    flags.file.length > 0 ? filePlan(env, given, flags) : await connectorPlan(env, given, flags)
  const config = configOf(env, flags, plan.place)
  const supervisor = await openSupervisor({
    config,
    log: makeLog(config),
    demo: false,
    listen: false,
    manifestFiles: plan.manifestFiles,
  }).catch(explainLock)
  const interrupted = untilSignal().then(() => 'interrupted' as const)
  try {
    const started = await plan.start(supervisor.request)
    const ended = await Promise.race([watchRuns(supervisor.request, started), interrupted])
    if (ended === 'interrupted') {
      say('interrupted; what is complete stays, the next run goes on')
      return exitCodes.interrupted
    }
    report(ended, flags)
    return codeOf(ended)
  } finally {
    await supervisor.close()
  }
}

async function connectorPlan(
  env: Environment,
  { connector, streams }: Given,
  flags: RunFlags,
): Promise<Plan> {
  const { to } = flags
  if (connector === undefined || to === undefined)
    throw derrickError('unknown', 'config.invalid', 'what is to be synced, and where to?', {
      remedy: 'derrick run CONNECTOR STREAM… --to FOLDER, or derrick run -f derrick.yaml',
    })
  const manifest = await usableManifest(env, connector, flags)
  const config = givenConfig(env, manifest, flags)
  return {
    manifestFiles: existsSync(connector) ? [resolve(connector)] : [],
    // Not of the account: two that write the same tables must not know nothing of each other.
    place: `${manifest.id} to ${destinationOf(to).destination.name}`,
    start: (request) => start(request, { manifest, config, to, streams }, flags),
  }
}

/** All enabled streams of the file's connections. */
function filePlan(env: Environment, { connector }: Given, flags: RunFlags): Plan {
  if (connector !== undefined || flags.to !== undefined || flags.config.length > 0)
    throw derrickError(
      'unknown',
      'config.invalid',
      '-f says all of it: no connector, --to or --config beside it',
      {
        remedy: 'derrick run -f derrick.yaml',
      },
    )
  const file = readDerrickFiles(env, flags.file)
  const connections = Object.keys(file.connections ?? {})
  return {
    manifestFiles: [],
    place: `files ${flags.file.map((path) => resolve(path)).join(' ')}`,
    start: async (request) => {
      const call = makeCaller(request)
      await call('POST', '/apply', { file })
      const runs = new Map<string, string>()
      for (const name of connections) {
        const { data } = await call<{ data: { id: string }[] }>(
          'GET',
          `/connections?limit=1&name=${encodeURIComponent(name)}`,
        )
        const streams = await call<{ data: { id: string; name: string; enabled: boolean }[] }>(
          'GET',
          `/streams?limit=200&connection_id=${data[0]?.id}`,
        )
        for (const stream of streams.data) {
          if (!stream.enabled) continue
          const run = await call<Run>('POST', `/streams/${stream.id}/sync`, askedWindow(flags))
          runs.set(run.id, `${name}/${stream.name}`)
        }
      }
      say(`syncing ${runs.size} streams of ${flags.file.join(', ')}`)
      return runs
    },
  }
}

/** A data dir of its own: the server's has a lock, and other streams; so have runs of other places. */
function configOf(env: Environment, flags: RunFlags, place: string): Config {
  const own = () => join(`${defaultDataDir(env)}-run`, shortHash(place))
  const dataDir = flags.dataDir ?? env.DERRICK_DATA_DIR ?? own()
  return readConfig(
    {
      // The summary tells what failed and why.
      DERRICK_LOG_LEVEL: 'silent',
      ...env,
      DERRICK_AUTH_DISABLED: 'true',
      ...(flags.manifestsDir === undefined ? {} : { DERRICK_MANIFESTS_DIR: flags.manifestsDir }),
    },
    { dataDir, host: '127.0.0.1', port: '0' },
  )
}

/** Two runs of the same would read the same: the second one is told, not kept waiting. */
function explainLock(error: unknown): never {
  const { code, message } = toFailure(error)
  if (code !== 'data_dir.locked') throw error
  throw derrickError('unknown', code, message, {
    remedy:
      'wait until it has ended, or give this run a --data-dir of its own: it then knows nothing of what is in',
  })
}

async function usableManifest(env: Environment, name: string, flags: RunFlags): Promise<Manifest> {
  const workbench = openWorkbench()
  try {
    const { manifest, issues } = await givenManifest(env, name, flags, workbench)
    const isSound = issues.every(({ severity }) => severity !== 'error')
    if (manifest && isSound) return manifest
    throw derrickError('unknown', 'config.manifest_broken', `${name} has ${issueCount(issues)}`, {
      remedy: `derrick connector check ${name}`,
    })
  } finally {
    await workbench.close()
  }
}

interface Wanted {
  manifest: Manifest
  config: Record<string, unknown>
  to: string
  streams: readonly string[]
}

/** Makes what is missing and starts a run of each stream; names of streams by run id. */
async function start(
  request: ApiRequest,
  { manifest, config, to, streams: wanted }: Wanted,
  flags: RunFlags,
): Promise<Map<string, string>> {
  const caller = makeCaller(request)
  const { destination, kind } = destinationOf(to)
  const day = flags.from?.slice(0, 10)
  const startDate = day === undefined ? {} : { start_date: day }
  const source = await ensure(
    caller,
    'sources',
    {
      name: sourceName(manifest, config),
      connector: manifest.id,
      config,
      timezone: flags.timezone,
      ...startDate,
    },
    { config, ...startDate },
  )
  const target = await ensure(caller, 'destinations', destination, { config: destination.config })
  const connection = await ensure(caller, 'connections', {
    name: `${sourceName(manifest, config)} to ${destination.name}`,
    source_id: source,
    destination_id: target,
    namespace: manifest.id,
  })
  const names = wanted.length > 0 ? wanted : await offered(caller, source)
  const runs = new Map<string, string>()
  for (const name of names) {
    const stream = await ensure(caller, 'streams', { connection_id: connection, name })
    const isWindowed = Object.hasOwn(manifest.streams, name) && manifest.streams[name]?.window
    const body = isWindowed ? askedWindow(flags) : {}
    const run = await caller<Run>('POST', `/streams/${stream}/sync`, body)
    runs.set(run.id, name)
  }
  say(`syncing ${names.length} of ${manifest.name} into ${kind}`)
  return runs
}

async function offered(caller: Caller, source: string): Promise<string[]> {
  const { data } = await caller<{ data: { name: string; enabled: boolean }[] }>(
    'GET',
    `/sources/${source}/streams`,
  )
  return data.filter(({ enabled }) => enabled).map(({ name }) => name)
}

const askedWindow = ({ from, toDate }: RunFlags) => windowOf({ from, to: toDate }, '--to-date')

const shortHash = (text: string): string =>
  createHash('sha256').update(text).digest('hex').slice(0, 8)

/** Another account is another source: told apart by what of its config is no secret. */
function sourceName(manifest: Manifest, config: Record<string, unknown>): string {
  const secret = new Set(secretFields(manifest))
  const plain = Object.entries(config).filter(([name]) => !secret.has(name))
  return plain.length === 0
    ? manifest.id
    : `${manifest.id} ${shortHash(JSON.stringify(plain.sort()))}`
}

/** A destination is another one as soon as it lies elsewhere: what is in was said of that place alone. */
function destinationOf(to: string) {
  if (/^postgres(ql)?:\/\//.test(to)) {
    const url = URL.parse(to)
    const place = `${url?.host}${url?.pathname}`
    const destination = {
      name: `postgres ${shortHash(place)}`,
      type: 'postgres',
      config: { url: to } as Record<string, unknown>,
    }
    return { destination, kind: `postgres at ${place}` }
  }
  if (/^[a-z][a-z0-9+.-]+:\/\//i.test(to))
    throw derrickError(
      'unknown',
      'config.invalid',
      `--to ${to.split(':', 1)[0]}: is not supported`,
      {
        remedy: 'give postgres://… or a folder',
      },
    )
  const path = resolve(to)
  const name = `folder ${shortHash(path)}`
  return {
    destination: { name, type: 'local_file', config: { path } as Record<string, unknown> },
    kind: path,
  }
}

function report(ended: readonly Ended[], flags: RunFlags): void {
  const format = flags.json ? 'json' : flags.output
  const columns: Column<Ended>[] = [
    { title: 'STREAM', text: ({ stream }) => stream },
    { title: 'STATUS', text: ({ run }) => run.status },
    { title: 'RANGES', text: ({ run }) => `${run.ranges.complete}/${run.ranges.total}` },
    { title: 'RECORDS', text: ({ run }) => run.records.toLocaleString('en') },
    { title: 'ERROR', text: ({ run }) => run.error?.message ?? '' },
  ]
  if (format === 'table') printRows([...ended], columns, format)
  else
    printRows(
      ended.map(({ stream, run }) => ({ stream, ...run })),
      [],
      format,
    )
  if (format !== 'table') return
  for (const { stream, run } of ended)
    if (run.error?.remedy) say(`${stream}: ${run.error.message}\n  → ${run.error.remedy}`)
}

function codeOf(ended: readonly Ended[]): number {
  const isDone = ended.map(({ run }) => run.status === 'complete')
  if (isDone.every(Boolean)) return exitCodes.done
  const isPartly = isDone.some(Boolean) || ended.some(({ run }) => run.status === 'partial')
  return isPartly ? exitCodes.partly : exitCodes.failed
}
