import { randomBytes } from 'node:crypto'
import { mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { MessageChannel } from 'node:worker_threads'
import { derrickError } from '../schema/error.ts'
import { type App, buildApi } from './api/app.ts'
import type { ApiDeps } from './api/deps.ts'
import { makeEngineListener } from './api/engine-listener.ts'
import { makeEventHub } from './api/events.ts'
import { makeLoginLink } from './api/keys.ts'
import { makeConfiguration } from './configuration.ts'
import { type Connector, openConnectors } from './connectors.ts'
import { breathe } from './engine/breathe.ts'
import { CommitSlots } from './engine/commit-slots.ts'
import type { EngineDeps } from './engine/context.ts'
import type { Engine } from './engine/engine.ts'
import type { EngineEvent } from './engine/engine-events.ts'
import { FreshForecast } from './engine/fresh-forecast.ts'
import { Governors } from './engine/governors.ts'
import { LedgerEngine } from './engine/ledger-engine.ts'
import { Permits } from './engine/permits.ts'
import { makePool } from './engine/pool.ts'
import { sweepResumePages } from './engine/resume-pages.ts'
import { RunQueue } from './engine/run-queue.ts'
import { Scheduler } from './engine/scheduler.ts'
import { SignIns } from './engine/sign-ins.ts'
import type { Logger } from './log.ts'
import { makeMaintenance } from './maintenance.ts'
import { projectFileText } from './manifest-folder.ts'
import { makeSourceSecrets } from './source-secrets.ts'
import type { Database } from './store/database.ts'
import { FenceCounter } from './store/fence-counter.ts'
import { makeSourceStore } from './store/sources.ts'
import { makeStores } from './store/stores.ts'
import type { SupervisorOptions } from './supervisor.ts'
import { version } from './version.ts'
import { openWorkbench } from './workbench.ts'

export type RoomOptions = SupervisorOptions &
  Omit<ApiDeps, 'stores' | 'connectors' | 'engine' | 'workbench' | 'hub' | 'config'> & {
    db: Database
  }

/** All that works behind the door. */
export interface EngineRoom {
  api: App
  engine: Engine
  /** The path of a link that signs in once. */
  makeLoginLink(): string
  /** Recovers what an earlier process left and begins to work. */
  start(): void
  /** Lets ranges that can commit do so; the API goes on answering. */
  stop(): Promise<void>
  /** Ends the threads, when the API is closed. */
  close(): Promise<void>
}

/** Builds engine, scheduler, workers and API. Nothing runs before `start`. */
export async function openEngineRoom(options: RoomOptions): Promise<EngineRoom> {
  const { config, log, demo, manifestFiles = [], db, secrets, now, newId } = options
  const stores = makeStores(db.full)
  const workbench = openWorkbench()
  try {
    const connectors = openConnectors(config.manifestsDir, {
      files: manifestFiles,
      load: workbench.load,
      onRead: (connector) => logConnector(log, connector),
      onProject: (file) => log.info({ file }, projectFileText(file)),
    })
    const hub = makeEventHub(randomBytes(4).toString('hex'))
    await breathe()
    const { engine, scheduler, pool } = buildEngine({ ...options, connectors, hub })
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
    await connectors.refresh()
    await breathe()
    const api = await buildApi(deps)
    return {
      api,
      engine,
      makeLoginLink: () => makeLoginLink(deps),
      start: () => {
        engine.start()
        scheduler.start()
      },
      stop: async () => {
        scheduler.stop()
        await engine.stop(config.shutdownSeconds * 1000)
      },
      close: async () => {
        await Promise.all([pool.close(), workbench.close()])
      },
    }
  } catch (error) {
    await workbench.close()
    throw error
  }
}

type EngineParts = RoomOptions & {
  connectors: ReturnType<typeof openConnectors>
  hub: ReturnType<typeof makeEventHub>
}

/** The engine writes through the ledger's connection; what the API configures it reads there too. */
function buildEngine({ config, log, db, secrets, connectors, hub, now, newId }: EngineParts) {
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
  const forecast = new FreshForecast({ config: configuration, now })
  const deps: EngineDeps = {
    now,
    random: Math.random,
    newId,
    wakeAt: wakeAt(now),
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
    forecast,
    governors: new Governors({
      now,
      elapsed: () => performance.now(),
      wakeAt: wakeAt(now),
      budgets: stores.sourceBudgets,
      savePause: configuration.setSourcePausedUntil,
      expectsFresh: (sourceId, ms) => forecast.isDueWithin(sourceId, ms),
      onWaiting: (sourceId) => engine.sourceWaits(sourceId),
    }),
    signIns: new SignIns({ now, wakeAt: wakeAt(now), ...sourceSecrets }),
    pool,
    emit: (event) => {
      logEvent(log, event)
      listener(event)
    },
    spoolDir: emptySpool(config.dataDir),
    resumeDir: sweepResumePages(config.dataDir, now()),
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

const wakeAt =
  (now: () => number) =>
  (at: number, call: () => void): (() => void) => {
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
