import type { MessagePort } from 'node:worker_threads'
import type { CheckResult } from '../schema/destination.ts'
import { toFailure } from '../schema/error.ts'
import { loadManifest } from '../schema/manifest/load.ts'
import { rotatingFields } from '../schema/manifest/rotating.ts'
import type { SentTask } from '../schema/protocol.ts'
import { ByteBudget, workerBudgetBytes } from './byte-budget.ts'
import { checkSource } from './connectors/manifest/check.ts'
import { exchangeFor } from './connectors/manifest/exchange.ts'
import { makeStreamReader } from './connectors/manifest/reader.ts'
import { previewTask } from './connectors/preview/preview.ts'
import {
  attachDestination,
  clearRanges,
  clearStream,
  closeDestination,
} from './destinations/destination-actor.ts'
import { destinationKind } from './destinations/index.ts'
import { GovernorLines } from './governor-lines.ts'
import { startHeartbeat } from './heartbeat.ts'
import { makeHttpClient } from './http/client.ts'
import type { HttpClient } from './http/http.ts'
import { openLocalPorts } from './local-ports.ts'
import { ReceivedJobs } from './received-job.ts'
import { keeperOf, keeperOn } from './sign-in-lines.ts'
import { type SyncRangeDeps, syncRange } from './sync-range.ts'

startHeartbeat()

const lines = new GovernorLines()
const jobs = new ReceivedJobs()

/** One HTTP client a worker and network policy: connections and sign-ins are shared by its ranges. */
const clients = new Map<boolean, HttpClient>()

function clientFor(allowPrivateNetworks: boolean): HttpClient {
  const known = clients.get(allowPrivateNetworks)
  if (known) return known
  const client = makeHttpClient({ allowPrivateNetworks })
  clients.set(allowPrivateNetworks, client)
  return client
}

const clock = { now: () => Date.now() }
const random = (): number => Math.random()

const deps: SyncRangeDeps = {
  now: clock.now,
  budget: new ByteBudget(workerBudgetBytes),
  openReader: (job, openGovernor, openSignIn, gate) =>
    makeStreamReader({
      manifest: job.connector.manifest,
      streamName: job.connector.streamName,
      config: job.config,
      http: clientFor(job.allowPrivateNetworks),
      clock,
      random,
      governor: lines.governorOf(job, openGovernor, gate),
      ...(rotatingFields(job.connector.manifest).length > 0
        ? { keeper: keeperOf(job, openSignIn) }
        : {}),
      timezone: job.range.zone,
      maxBodyBytes: job.limits.maxBodyBytes,
    }),
  attachDestination,
  openPorts: openLocalPorts,
  loadKind: destinationKind,
}

type Handlers = {
  [K in SentTask['kind']]: (task: Extract<SentTask<MessagePort>, { kind: K }>) => Promise<unknown>
}

const handlers: Handlers = {
  'sync-range': ({ job, port }) => syncRange(jobs.open(job), port, deps),
  'check-source': async ({
    manifest,
    config,
    allowPrivateNetworks,
    signIn,
  }): Promise<CheckResult> => {
    const keeper = signIn ? keeperOn(signIn) : undefined
    const http = clientFor(allowPrivateNetworks)
    const options = { manifest, config, http, clock, random }
    return checkSource(keeper ? { ...options, keeper } : options).finally(() => keeper?.close())
  },
  'exchange-code': async ({ manifest, config, allowPrivateNetworks, ...agreed }) => {
    const http = clientFor(allowPrivateNetworks)
    return exchangeFor({ manifest, config, http, clock, random }, agreed).then(
      (secrets) => ({ secrets }),
      (error: unknown) => ({ failure: toFailure(error) }),
    )
  },
  'load-manifests': async ({ files }) => files.map(({ file, text }) => loadManifest(text, file)),
  'preview-stream': ({ kind: _kind, allowPrivateNetworks, signIn, ...order }) => {
    const keeper = signIn ? keeperOn(signIn) : undefined
    const http = clientFor(allowPrivateNetworks)
    const options = { ...order, http, now: clock.now, random }
    return previewTask(keeper ? { ...options, keeper } : options).finally(() => keeper?.close())
  },
  'check-destination': async ({ type, config }) => (await destinationKind(type)).check(config),
  'clear-stream': ({ target }) => clearStream(target),
  'clear-ranges': ({ target, ranges }) => clearRanges(target, ranges),
  'close-destination': ({ destinationId }) => closeDestination(destinationId),
}

/** The pool's task function. For a range job the promise means only "returned": its outcome went over its port. */
// biome-ignore lint/style/noDefaultExport: Piscina calls a module's default export
export default function syncActor(task: SentTask<MessagePort>): Promise<unknown> {
  return handlers[task.kind](task as never)
}
