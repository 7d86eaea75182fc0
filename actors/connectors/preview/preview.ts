import { instantText } from '../../../schema/common.ts'
import { derrickError, type Failure, failure, toFailure } from '../../../schema/error.ts'
import { checkConfig } from '../../../schema/manifest/config.ts'
import type { Manifest } from '../../../schema/manifest/manifest.ts'
import { type PreviewOrder, type PreviewReport, previewLimits } from '../../../schema/preview.ts'
import type { Row } from '../../destinations/writer.ts'
import type { HttpClient } from '../../http/http.ts'
import type { SignInKeeper } from '../manifest/keeper.ts'
import { makeOwnership } from '../manifest/ownership.ts'
import { readStream } from '../manifest/reader.ts'
import { openSession, type SourceSession } from '../manifest/session.ts'
import { type Clock, systemClock } from '../manifest/sleep.ts'
import { planStream, type StreamPlan } from '../manifest/stream-plan.ts'
import type { Span } from '../manifest/window.ts'
import { type EdgeFindings, tryEdges } from './edges.ts'
import { inferFields, type KnownTypes } from './field-types.ts'
import { makeFixture, makeReplay, parseFixture, replayConfig } from './fixture.ts'
import { checkKey } from './key.ts'
import { SecretMask } from './mask.ts'
import { isBudgetSpent, Recorder } from './recorder.ts'
import { findTraps } from './traps.ts'

export interface PreviewOptions {
  manifest: Manifest
  config: Record<string, unknown>
  timezone: string
  order: PreviewOrder
  http: HttpClient
  now: () => number
  random: () => number
  /** text of a fixture: nothing is asked of a network */
  replay?: string
  /** give a fixture of what was asked */
  record?: boolean
  /** as for any other read */
  keeper?: SignInKeeper
}

/** As previewStream; errors as data, for they cross threads. */
export async function previewTask(
  options: PreviewOptions,
): Promise<PreviewAnswer | { failure: Failure }> {
  try {
    return await previewStream(options)
  } catch (error) {
    return { failure: toFailure(error) }
  }
}

/** What a worker answers. */
export interface PreviewAnswer {
  report: PreviewReport
  /** JSON */
  fixture?: string
}

const dayMs = 86_400_000
/** Looked back this far, in turn, until there are records. */
const usualDays = [1, 30, 365, 3_650]
const quickRetry = { attempts: 1, base_ms: 200, max_wait_ms: 3_000, jitter: true }
/** Records that types and keys are judged by. */
const maxJudged = 5_000

/** One preview under way. */
interface Look {
  plan: StreamPlan
  recorder: Recorder
  order: PreviewOrder
  signal: AbortSignal
  /** what is known so far; stays when a request fails */
  pages: PreviewReport['pages']
  records: Row[]
  end: PreviewReport['end']
}

/**
 * Reads a little of a stream and says all that its author wants to know. A failure of the API or of the manifest is part of
 * the report. @throws DerrickError for what can't be previewed at all: config, fixture
 */
export async function previewStream(options: PreviewOptions): Promise<PreviewAnswer> {
  const { manifest, order } = options
  const fixture =
    options.replay === undefined
      ? null
      : parseFixture(options.replay, { manifest, stream: order.stream })
  const config = fixture ? replayConfig(fixture, manifest, options.config) : options.config
  const mask = new SecretMask([])
  requireConfig(manifest, config, fixture !== null)
  // One instant for the whole preview: a replay must ask for the very same windows.
  const startedAt = fixture?.now ?? options.now()
  const now = fixture ? () => fixture.now : options.now
  const http = fixture ? makeReplay(fixture, mask) : options.http
  const recorder = new Recorder(http, options.now, mask)
  const timezone = fixture?.timezone ?? options.timezone
  const clock: Clock = { now, sleep: fixture ? async () => {} : systemClock.sleep }
  const session = openSession({
    manifest,
    config,
    http: recorder,
    clock,
    random: options.random,
    timezone,
    ...(options.keeper ? { keeper: options.keeper } : {}),
  })
  for (const secret of session.secrets) mask.add(secret)
  if (fixture) session.signIn = noSignIn
  const asked = fixture
    ? { ...order, from: order.from ?? fixture.from, to: order.to ?? fixture.to }
    : order
  const report = await look(session, recorder, asked, {
    mask,
    isReplay: fixture !== null,
    startedAt,
  })
  if (!options.record) return { report }
  const about = {
    connector: manifest.id,
    stream: order.stream,
    recorded_at: instantText(startedAt),
    now: startedAt,
    timezone,
    from: order.from,
    to: order.to,
    pages: order.pages,
  }
  const made = makeFixture(about, { manifest, config }, recorder.exchanges, mask)
  return { report, fixture: `${JSON.stringify(made, null, 2)}\n` }
}

/** A fixture's answers need no credentials. */
const noSignIn: SourceSession['signIn'] = {
  sign: async () => {},
  renew: () => false,
  saved: async () => ({}),
}

function requireConfig(
  manifest: Manifest,
  config: Record<string, unknown>,
  isReplay: boolean,
): void {
  const issues = checkConfig(manifest, config).filter(
    ({ field }) => !(isReplay && manifest.config[field]?.secret),
  )
  const [first] = issues
  if (!first) return
  const fields = issues.map(({ field, message }) => `${field}: ${message}`).join('; ')
  throw derrickError('unknown', 'config.invalid', `the config can't be used: ${fields}`, {
    remedy: `${first.field}: ${first.remedy}`,
  })
}

interface LookOptions {
  mask: SecretMask
  isReplay: boolean
  /** epoch ms */
  startedAt: number
}

async function look(
  session: SourceSession,
  recorder: Recorder,
  order: PreviewOrder,
  { mask, isReplay, startedAt }: LookOptions,
): Promise<PreviewReport> {
  const report = emptyReport(session.manifest, order.stream)
  const signal = AbortSignal.timeout(previewLimits.timeoutMs)
  let seen: Look | null = null
  let span: (Span & { widened: boolean }) | null = null
  let edges: EdgeFindings | null = null
  try {
    if (!isReplay) recorder.watchSignIn(session)
    const plan = quickPlan(planStream(session, order.stream))
    if (!isReplay && plan.session.signIn !== session.signIn) recorder.watchSignIn(plan.session)
    for (const tried of windowsOf(plan, order, startedAt)) {
      span = tried
      seen = { plan, recorder, order, signal, pages: [], records: [], end: 'failed' }
      await readSome(seen, tried)
      if (seen.records.length > 0) break
    }
    // Children of parents that changed go by their parent's window: they have no edges of their own.
    if (seen && order.edges && span && plan.ownership) {
      recorder.purpose = 'edge'
      edges = await tryEdges(plan, seen.records, signal)
    }
  } catch (error) {
    report.failure = isBudgetSpent(error) ? null : failureOf(error, signal, mask)
    if (isBudgetSpent(error) && seen) seen.end = 'limit'
  }
  if (span)
    report.window = {
      from: instantText(span.start),
      to: instantText(span.end),
      widened: span.widened,
    }
  report.exchanges = recorder.shown()
  if (!seen) return report
  const { pages, records, end } = seen
  Object.assign(report, { end, record_count: records.length })
  report.pages = mask.value(pages) as PreviewReport['pages']
  report.records = records.slice(0, order.records).map((record) => mask.value(record) as Row)
  report.fields = mask.value(inferFields(records, knownTypes(seen.plan))) as PreviewReport['fields']
  report.key = mask.value(checkKey(records, seen.plan.stream.key)) as PreviewReport['key']
  report.edges = edges && { start: edges.start, end: edges.end }
  if (report.failure === null || records.length > 0)
    report.warnings = trapsOf(seen, report, edges).map((one) => mask.value(one) as typeof one)
  return report
}

const knownTypes = ({ stream }: StreamPlan): KnownTypes => ({
  declared: stream.types ?? {},
  fixed: [...stream.key, ...(stream.window ? [stream.window.field] : [])],
})

const emptyReport = ({ id }: Manifest, stream: string): PreviewReport => ({
  connector: id,
  stream,
  window: null,
  exchanges: [],
  pages: [],
  end: 'failed',
  records: [],
  record_count: 0,
  fields: [],
  key: { declared: [], checked: 0, missing: 0, duplicates: 0, example: null, candidates: [] },
  edges: null,
  warnings: [],
  failure: null,
})

function failureOf(
  error: unknown,
  signal: AbortSignal,
  mask: SecretMask,
): PreviewReport['failure'] {
  if (signal.aborted)
    return failure(
      'network',
      'preview.timeout',
      `no end within ${previewLimits.timeoutMs / 1_000} s`,
      {
        remedy: 'ask for fewer pages or a shorter window',
      },
    )
  const given = toFailure(error)
  return { ...given, message: mask.text(given.message) }
}

/** Nobody waits for a preview as long as a sync may. */
const quickPlan = (plan: StreamPlan): StreamPlan => ({
  ...plan,
  stream: { ...plan.stream, retry: quickRetry },
})

/** What to read: what was asked for, else the last day, and longer while there is nothing. */
function windowsOf(
  { stream }: StreamPlan,
  order: PreviewOrder,
  now: number,
): ((Span & { widened: boolean }) | null)[] {
  if (!stream.window) return [null]
  const end = order.to ?? now
  if (order.from !== null) return [{ start: order.from, end, widened: false }]
  const days = stream.window.max_age_ms
    ? usualDays.filter((count) => count === 1 || count * dayMs <= (stream.window?.max_age_ms ?? 0))
    : usualDays
  return days.map((count, at) => ({ start: end - count * dayMs, end, widened: at > 0 }))
}

/** Reads pages until there are no more, or enough. */
async function readSome(look: Look, span: Span | null): Promise<void> {
  const { plan, recorder, order, signal, pages, records } = look
  let before: string | null = null
  for await (const page of readStream(plan, { window: span, signal, onWait: () => {} })) {
    const exchange = recorder.exchanges.length - 1
    const url = recorder.exchanges[exchange]?.request.url ?? ''
    pages.push({
      exchange,
      records: page.records.length,
      dropped: page.dropped,
      rejected: page.rejects?.length ?? 0,
      bytes: page.bytes,
      step: stepText(before, url),
    })
    before = url
    records.push(...page.records.slice(0, maxJudged - records.length))
    if (pages.length >= order.pages) {
      look.end = 'limit'
      break
    }
  }
  if (look.end === 'failed') look.end = 'complete'
}

/** What is different in the address of a page: the page token, most often. Cut, and masked with the rest. */
function stepText(before: string | null, url: string): string {
  const [now, then] = [URL.parse(url), before === null ? null : URL.parse(before)]
  if (!now) return ''
  if (!then) return 'first page'
  if (then.pathname !== now.pathname) return `next: ${now.pathname}`
  const changed = [...now.searchParams].filter(
    ([name, value]) => then.searchParams.get(name) !== value,
  )
  const gone = [...then.searchParams.keys()].filter((name) => !now.searchParams.has(name))
  const parts = [
    ...changed.map(
      ([name, value]) => `${name}=${value.length > 40 ? `${value.slice(0, 39)}…` : value}`,
    ),
    ...gone.map((name) => `without ${name}`),
  ]
  return parts.join(', ') || 'the same address, another body'
}

function trapsOf(
  { plan, recorder, records, end, pages }: Look,
  report: PreviewReport,
  edges: EdgeFindings | null,
): PreviewReport['warnings'] {
  const { stream } = plan
  const first = recorder.exchanges[pages[0]?.exchange ?? -1]?.response
  const owner =
    stream.window && plan.ownership ? makeOwnership(stream.window, plan.zone, false) : null
  return findTraps({
    stream,
    response: first ? jsonOf(first.body) : undefined,
    headers: first?.headers ?? {},
    pages,
    pageSize: plan.pageSize,
    isComplete: end === 'complete',
    records,
    times: owner ? records.map((record) => owner.timeOf(record) ?? null) : [],
    key: report.key,
    edges,
  })
}

function jsonOf(body: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(body).toString('utf8'))
  } catch {
    return undefined
  }
}
