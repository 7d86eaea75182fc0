import { randomBytes } from 'node:crypto'
import { mkdirSync, readdirSync, rmSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { MessageChannel } from 'node:worker_threads'
import { derrickError } from '../schema/error.ts'
import { type IdPrefix, makeId } from '../schema/id.ts'
import { buildApp } from './api/app.ts'
import type { ApiDeps } from './api/deps.ts'
import { makeEngineListener } from './api/engine-listener.ts'
import { makeEventHub } from './api/events.ts'
import {
  ensureDefaultWorkspace,
  hasAdminKey,
  makeLoginLink,
  seedAdminKey,
  writeClientFile,
} from './api/keys.ts'
import type { Config } from './config.ts'
import { makeConfiguration } from './configuration.ts'
import { type Connector, openConnectors } from './connectors.ts'
import type { ApiRequest } from './demo-setup.ts'
import { CommitSlots } from './engine/commit-slots.ts'
import type { EngineDeps } from './engine/context.ts'
import type { EngineEvent } from './engine/engine-events.ts'
import { Governors } from './engine/governors.ts'
import { LedgerEngine } from './engine/ledger-engine.ts'
import { Permits } from './engine/permits.ts'
import { makePool } from './engine/pool.ts'
import { RunQueue } from './engine/run-queue.ts'
import { Scheduler } from './engine/scheduler.ts'
import { SignIns } from './engine/sign-ins.ts'
import type { Logger } from './log.ts'
import { makeMaintenance } from './maintenance.ts'
import { makeSourceSecrets } from './source-secrets.ts'
import { type Database, openDatabase } from './store/database.ts'
import { FenceCounter } from './store/fence-counter.ts'
import { openSecretBox } from './store/secrets.ts'
import { makeSourceStore } from './store/sources.ts'
import { makeStores } from './store/stores.ts'
import { version } from './version.ts'
import { openWorkbench, type Workbench } from './workbench.ts'

export interface Supervisor {
  url: string
  /** first boot without a seeded key: signs in once */
  loginLink: string | undefined
  /** calls the HTTP API in process */
  request: ApiRequest
  close(): Promise<void>
}

export interface SupervisorOptions {
  config: Config
  log: Logger
  demo: boolean
  /** false: no port is opened; the API answers `request` alone */
  listen?: boolean
  /** manifests beside those of the folder */
  manifestFiles?: string[]
}

const now = (): number => Date.now()
const newId = (prefix: IdPrefix): string => makeId(prefix, now(), randomBytes(10))

/**
 * Builds all parts on one data dir and starts them: lock and database, HTTP, recovery, scheduler. Throws DerrickError
 * with a remedy when the data dir, the port or the configuration can't be used.
 */
export async function openSupervisor(options: SupervisorOptions): Promise<Supervisor> {
  const db = openDatabase(options.config.dataDir)
  const workbench = openWorkbench()
  try {
    return await build(options, db, workbench)
  } catch (error) {
    await workbench.close()
    db.close()
    throw error
  }
}

async function build(
  { config, log, demo, listen: opensPort = true, manifestFiles = [] }: SupervisorOptions,
  db: Database,
  workbench: Workbench,
): Promise<Supervisor> {
  const secrets = openSecretBox(db.full, config.dataDir, config.secretKey)
  const connectors = openConnectors(config.manifestsDir, {
    files: manifestFiles,
    load: workbench.load,
    onRead: (connector) => logConnector(log, connector),
  })
  const stores = makeStores(db.full)
  const hub = makeEventHub(randomBytes(4).toString('hex'))
  const engineParts = buildEngine({ config, log, db, secrets, connectors, hub })
  const { engine, scheduler, pool } = engineParts
  const deps: ApiDeps = {
    stores,
    secrets,
    connectors,
    engine,
    workbench,
    hub,
    log,
    config: { ...config, demo, version },
    now,
    newId,
    randomBytes,
  }
  ensureDefaultWorkspace(deps)
  seedAdminKey(deps, config.adminApiKey)
  await connectors.refresh()
  const app = await buildApp(deps)
  const url = opensPort ? await listen(app, config) : 'http://localhost'
  if (opensPort) writeClientFile(deps, config.dataDir, url)
  else await app.ready()
  engine.start()
  scheduler.start()
  log.info({ url, dataDir: config.dataDir, version }, 'Derrick is up')
  return {
    url,
    loginLink:
      config.authDisabled || hasAdminKey(deps)
        ? undefined
        : `${config.publicUrl ?? url}${makeLoginLink(deps)}`,
    request: async (method, path, body) => {
      const answer = await app.inject({
        method,
        url: path,
        ...(body === undefined ? {} : { payload: body as object }),
        headers: { host: new URL(url).host },
      })
      return { status: answer.statusCode, body: answer.body === '' ? null : answer.json() }
    },
    close: async () => {
      scheduler.stop()
      await engine.stop(config.shutdownSeconds * 1000)
      await app.close()
      await Promise.all([pool.close(), workbench.close()])
      db.close()
    },
  }
}

type EngineParts = Pick<SupervisorOptions, 'config' | 'log'> & {
  db: Database
  secrets: ReturnType<typeof openSecretBox>
  connectors: ReturnType<typeof openConnectors>
  hub: ReturnType<typeof makeEventHub>
}

/** The engine writes through the ledger's connection; what the API configures it reads there too. */
function buildEngine({ config, log, db, secrets, connectors, hub }: EngineParts) {
  const stores = makeStores(db.normal)
  const settings = stores.settings.get()
  const permits = new Permits({
    global: settings.max_concurrent_syncs,
    perSource: settings.max_concurrent_syncs_per_source,
  })
  const pool = makePool(config.workers, {
    onStray: (error) => log.error({ err: error }, 'a worker that had nothing to do ended'),
    onSilent: (thread) => log.error({ thread }, 'a worker gave no sign of life and is replaced'),
  })
  const listener = makeEngineListener({ stores, connectors, hub, now, newId, engine: () => engine })
  const configuration = makeConfiguration({ ...stores, connectors, secrets })
  const sourceSecrets = makeSourceSecrets(makeSourceStore(db.full), connectors, secrets)
  const deps: EngineDeps = {
    now,
    random: Math.random,
    newId,
    wakeAt,
    every,
    openPorts: () => new MessageChannel(),
    ranges: stores.ranges,
    runs: stores.runs,
    attempts: stores.attempts,
    fences: new FenceCounter(db.normal, now),
    config: configuration,
    permits,
    queue: new RunQueue(permits),
    slots: new CommitSlots(),
    governors: new Governors({
      now,
      elapsed: () => performance.now(),
      wakeAt,
      budgets: stores.sourceBudgets,
      savePause: configuration.setSourcePausedUntil,
      onWaiting: (sourceId) => engine.sourceWaits(sourceId),
    }),
    signIns: new SignIns({ now, wakeAt, ...sourceSecrets }),
    pool,
    emit: (event) => {
      logEvent(log, event)
      listener(event)
    },
    spoolDir: emptySpool(config.dataDir),
    allowPrivateNetworks: config.allowPrivateNetworks,
  }
  const manifestOf = (id: string) => {
    const manifest = connectors.manifest(id)
    if (manifest) return manifest
    throw derrickError('transform', 'connector.missing', `there is no usable connector ${id}`)
  }
  const engine: LedgerEngine = new LedgerEngine(deps, manifestOf, () => scheduler.lastTickAt)
  const scheduler: Scheduler = new Scheduler(
    deps,
    engine,
    {
      before: [
        makeMaintenance(stores, now),
        () => engine.settingsChanged(stores.settings.get()),
        () => void connectors.refresh(),
      ],
    },
    (error) => log.error({ error }, 'a duty of the scheduler failed; the next tick tries again'),
  )
  return { engine, scheduler, pool }
}

/** The log has what the activity log has. */
function logEvent(log: Logger, event: EngineEvent): void {
  if (event.kind !== 'happened') return
  const { level, message, kind, runId } = event.activity
  log[level]({ kind, run: runId }, message)
}

/** A file with errors, with every one of them; one that is fine in a line. */
function logConnector(log: Logger, { id, file, issues, manifest }: Connector): void {
  const errors = issues.filter((issue) => issue.severity === 'error')
  if (errors.length === 0) {
    log.info({ connector: id, file }, 'connector read')
    return
  }
  const state = manifest ? 'its last good version is used' : 'it is not used'
  log.error({ connector: id, file }, `${file} has errors: ${state}; other connectors go on`)
  for (const { line, column, code, message, remedy } of errors)
    log.error({ connector: id, code }, `${file}:${line}:${column} ${message} → ${remedy}`)
}

/** Whoever waits longer is woken to look at the clock again: it may have been set, or the machine have slept. */
const longestTimerMs = 60_000

function wakeAt(at: number, call: () => void): () => void {
  const timer = setTimeout(call, Math.min(Math.max(at - now(), 0), longestTimerMs))
  return () => clearTimeout(timer)
}

function every(ms: number, call: () => void): () => void {
  const timer = setInterval(call, ms)
  timer.unref()
  return () => clearInterval(timer)
}

/** Spool files of an earlier process belong to attempts that are over. */
function emptySpool(dataDir: string): string {
  const folder = join(dataDir, 'spool')
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  for (const name of readdirSync(folder))
    rmSync(join(folder, name), { force: true, recursive: true })
  return folder
}

async function listen(app: Awaited<ReturnType<typeof buildApp>>, config: Config): Promise<string> {
  try {
    await app.listen({ host: config.host, port: config.port })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error
    throw derrickError('unknown', 'port.taken', `port ${config.port} of ${config.host} is taken`, {
      remedy:
        'stop what listens there, or choose another with --port or DERRICK_PORT (0 takes a free one)',
    })
  }
  const { port } = app.server.address() as AddressInfo
  const host = config.host === '0.0.0.0' || config.host === '::' ? 'localhost' : config.host
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`
}
