import { MessageChannel, type MessagePort } from 'node:worker_threads'
import { type Channel, openChannel, type Port } from '../schema/channel.ts'
import { DerrickError, failure, toFailure } from '../schema/error.ts'
import type {
  AttemptProgress,
  RangeCommand,
  RangeEvent,
  RangeJob,
  Receipt,
} from '../schema/protocol.ts'
import { sabotage } from '../schema/sabotage.ts'
import { type ByteBudget, expectedCost } from './byte-budget.ts'
import type { ReadPage, StreamReader } from './connectors/reader.ts'
import { DestinationClient } from './destination-client.ts'
import { addChecksums } from './destinations/row-hash.ts'
import type { DestinationKind, EncodedPage } from './destinations/writer.ts'
import { freeBytes } from './free-bytes.ts'
import { type RangeEvents, rangeEvents } from './range-events.ts'
import { RangeGate } from './range-gate.ts'
import { parsedRecords } from './raw-records.ts'
import { type Asked, askedOf } from './read-part.ts'
import type { ResumeLog } from './resume-log.ts'
import { isWorthKeeping, openResumeLog, resumedReader } from './resumed-reader.ts'

/** What one attempt needs from its worker; passed in so that a simulator can drive it. */
export interface SyncRangeDeps {
  now: () => number
  budget: ByteBudget
  /**
   * @param openGovernor sends a worker's line to the governor of the job's source to the supervisor
   * @param openSignIn the same to the keeper of its sign-in
   * @param gate that its requests pass
   */
  openReader: (
    job: RangeJob,
    openGovernor: (port: MessagePort) => void,
    openSignIn: (port: MessagePort) => void,
    gate: RangeGate,
  ) => StreamReader
  /** Starts the destination actor's end of the port. */
  attachDestination: (port: Port) => void
  loadKind: (type: RangeJob['target']['type']) => Promise<DestinationKind>
  /** a pair of entangled ports between the two actors, which may be in one thread or in two */
  openPorts?: () => { port1: Port; port2: Port }
}

/** Progress messages of one range are at least this far apart. */
const progressEveryMs = 200

const cancelled = new DerrickError(failure('unknown', 'range.cancelled', 'the range was cancelled'))

/**
 * One attempt at one range: claims it at the destination, reads pages, hands them over, commits. Ends with exactly one
 * terminal event on the port: completed (after the destination is durable, and never before), failed or cancelled.
 */
export async function syncRange(
  job: RangeJob,
  port: MessagePort,
  deps: SyncRangeDeps,
): Promise<void> {
  const abort = new AbortController()
  const progress = emptyProgress()
  const { port1, port2 } = deps.openPorts?.() ?? new MessageChannel()
  const giveUp = (): void => abort.abort(cancelled)
  const channel: Channel<RangeEvent> = openChannel<RangeEvent, RangeCommand>(
    port,
    {
      'cancel-range': giveUp,
      'grant-commit-slot': () => destination.grantCommitSlot(),
      'hold-range': ({ nth }) => gate.hold(nth),
      'release-range': () => gate.release(),
    },
    // Nobody waits for this attempt any more, and nobody would grant it a slot.
    giveUp,
  )
  const supervisor = rangeEvents(channel)
  const gate = new RangeGate(job.hold, {
    onHeld: (nth) => supervisor.send({ kind: 'range-held', nth }),
    onAsked: () => {
      if (job.lane === 'fresh') supervisor.send({ kind: 'source-asked' })
    },
  })
  deps.attachDestination(port2)
  const destination = new DestinationClient(port1, {
    onCommitSlotWanted: () => supervisor.send({ kind: 'commit-slot-wanted' }),
    onRejects: ({ rejects }) => {
      progress.rejects += rejects.length
      supervisor.send({ kind: 'records-rejected', rejects })
    },
    onSchemaChange: ({ table, columns }) =>
      supervisor.send({ kind: 'schema-changed', table, columns }),
  })
  // A cancel reaches the destination in whatever it does; what is durable by then stands.
  abort.signal.addEventListener('abort', () => void destination.abort().catch(() => {}))
  try {
    supervisor.send(
      await attempt({ job, deps, destination, supervisor, gate, progress, signal: abort.signal }),
    )
  } catch (error) {
    supervisor.send(await ended(error, destination, progress, abort.signal))
  } finally {
    destination.close()
    supervisor.close()
  }
}

interface Attempt {
  job: RangeJob
  deps: SyncRangeDeps
  destination: DestinationClient
  supervisor: RangeEvents
  gate: RangeGate
  progress: AttemptProgress
  signal: AbortSignal
}

/** The attempt's good ends; anything else is thrown. */
async function attempt(context: Attempt): Promise<RangeEvent> {
  const { job, deps, destination, supervisor, progress, signal } = context
  const kind = await deps.loadKind(job.target.type)
  const begun = await destination.begin(job)
  if ('recovered' in begun) {
    const { recovered } = begun
    const counted = { ...progress, records: recovered.records, bytes: recovered.bytes }
    return { kind: 'range-completed', receipt: recovered, progress: counted, recovered: true }
  }
  const log = await openResumeLog(job, deps.now())
  const fetchedFrom = log?.fetchedFrom ?? deps.now()
  supervisor.hold({ kind: 'range-claimed', fence: begun.fence, fetchedFrom })
  try {
    const done = await readAndCommit(context, kind, { ...begun, fetchedFrom }, log)
    await log?.close(false)
    return done
  } catch (error) {
    await log?.close(isWorthKeeping(error, signal.aborted))
    throw error
  }
}

async function readAndCommit(
  context: Attempt,
  kind: DestinationKind,
  begun: { fence: number; holds: number | null; fetchedFrom: number },
  log: ResumeLog | null,
): Promise<RangeEvent> {
  const { job, destination, supervisor, progress, signal } = context
  const { fetchedFrom } = begun
  const encoder = kind.makeEncoder({ target: job.target, range: job.range, fetchedFrom })
  const { window, isPart } = askedOf(job.range, begun.holds, fetchedFrom)
  const read = await readPages(context, encoder, window, log)
  signal.throwIfAborted()
  supervisor.hold({ kind: 'range-progressed', progress: { ...progress } })
  const commit = destination.commit({ ...read, fetchedFrom, ...(isPart ? { isPart } : {}) })
  if (sabotage === 'mark_before_commit') completeTooEarly(context, { ...read, ...begun })
  const receipt: Receipt = await commit
  return { kind: 'range-completed', receipt, progress, recovered: false }
}

/** The breach of a sabotaged build: the ledger hears of a commit that the destination has only been asked for. */
function completeTooEarly(
  { destination, supervisor, progress, deps }: Attempt,
  read: Pick<Receipt, 'fence' | 'records' | 'fetchedFrom'>,
): void {
  const { fence, records, fetchedFrom } = read
  const more = { bytes: progress.bytes, rowsChanged: null, checksum: '', committedAt: deps.now() }
  const receipt = { fence, records, fetchedFrom, ...more }
  supervisor.send({ kind: 'range-completed', receipt, progress, recovered: false })
  // The supervisor grants no slot to a range that it holds for done.
  destination.grantCommitSlot()
}

type Encoder = ReturnType<DestinationKind['makeEncoder']>

async function readPages(
  { job, deps, destination, supervisor, gate, progress, signal }: Attempt,
  encoder: Encoder,
  window: Asked['window'],
  log: ResumeLog | null,
): Promise<{ pages: number; records: number; checksum: number }> {
  const totals = { pages: 0, records: 0, checksum: 0 }
  const reader = deps.openReader(
    job,
    (port) => supervisor.send({ kind: 'governor-opened', port }, [port]),
    (port) => supervisor.send({ kind: 'sign-in-opened', port }, [port]),
    gate,
  )
  const pages = (log && reader.isResumable ? resumedReader(reader, log) : reader)
    .pages({
      window,
      signal,
      onWait: (untilMs, reason, refused = false) =>
        supervisor.send({ kind: 'source-waited', untilMs, reason, refused }),
      ...(encoder.raw ? { raw: encoder.raw.wish } : {}),
    })
    [Symbol.asyncIterator]()
  let lastBytes = 0
  let lastSent = deps.now()
  try {
    for (;;) {
      const giveBack = await deps.budget.take(expectedCost(lastBytes), signal)
      try {
        const { done, value: page } = await pages.next()
        if (done) return totals
        signal.throwIfAborted()
        lastBytes = page.bytes
        const encoded = encodePage(encoder, page)
        // Records that stay reachable until the next page comes are moved to the old heap, which costs more than parsing them.
        page.records.length = 0
        if (page.raw) freeBytes(page.raw.body)
        totals.pages += 1
        totals.records += encoded.recordCount
        totals.checksum = addChecksums(totals.checksum, encoded.checksum)
        addPage(progress, page, encoded)
        const rejects = [...(page.rejects ?? []), ...encoded.rejects]
        if (rejects.length > 0) supervisor.send({ kind: 'records-rejected', rejects })
        // The page is bytes now: while the destination has no room for it, others must be able to go on and make some.
        giveBack()
        await destination.write(encoded, signal)
      } finally {
        giveBack()
      }
      if (deps.now() - lastSent >= progressEveryMs) {
        lastSent = deps.now()
        supervisor.send({ kind: 'range-progressed', progress: { ...progress } })
      }
    }
  } finally {
    // Closes the connector's iterator, also when the destination failed: no request goes on for nobody.
    await pages.return?.()
  }
}

/** A page as the destination's bytes, from the API's own bytes where that is enough. */
export function encodePage(encoder: Encoder, { raw, records, deleted }: ReadPage): EncodedPage {
  if (!raw) return encoder.encode(records, deleted)
  return encoder.raw?.encode(raw) ?? encoder.encode(parsedRecords(raw))
}

/** The terminal event after something was thrown: cancelled, or failed with its reason. */
async function ended(
  error: unknown,
  destination: DestinationClient,
  progress: AttemptProgress,
  signal: AbortSignal,
): Promise<RangeEvent> {
  const receipt = await destination.abort().catch(() => null)
  if (receipt) return { kind: 'range-completed', receipt, progress, recovered: false }
  if (signal.aborted) return { kind: 'range-cancelled', progress }
  return { kind: 'range-failed', failure: toFailure(error), progress }
}

function emptyProgress(): AttemptProgress {
  return { pages: 0, records: 0, bytes: 0, requests: 0, dropped: 0, sanitised: 0, rejects: 0 }
}

function addPage(
  progress: AttemptProgress,
  page: ReadPage,
  encoded: { recordCount: number; sanitised: number; rejects: unknown[] },
): void {
  progress.pages += 1
  progress.records += encoded.recordCount
  progress.bytes += page.bytes
  progress.requests += page.requests
  progress.dropped += page.dropped
  progress.sanitised += encoded.sanitised
  progress.rejects += encoded.rejects.length + (page.rejects?.length ?? 0)
}
