import { derrickError } from '../../../schema/error.ts'
import { compileExpression } from '../../../schema/manifest/expression/compiler.ts'
import { compileTemplate } from '../../../schema/manifest/expression/template.ts'
import { textOf, truthy } from '../../../schema/manifest/expression/value.ts'
import { type ManifestStream, streamOf } from '../../../schema/manifest/manifest.ts'
import type { Row } from '../../destinations/writer.ts'
import { type ErrorJudge, makeErrorJudge } from './errors.ts'
import { type FieldChange, makeFieldChange } from './fields.ts'
import { type CompiledJob, compileJob } from './job.ts'
import { makeOwnership, type Ownership } from './ownership.ts'
import { makePager, type Pager } from './paging.ts'
import { makeRecordPicker, type RecordPicker } from './records.ts'
import { type CompiledRequest, compileRequest } from './request.ts'
import { namesAt, type ReadScope } from './scope.ts'
import { type SourceSession, streamSession } from './session.ts'

/** A stream of a manifest with everything compiled that can be. */
export interface StreamPlan {
  name: string
  stream: ManifestStream
  /** the source's session as it is, for its other streams */
  source: SourceSession
  /** the source's session, with the stream's own sign-in and limits where it has some */
  session: SourceSession
  /** where a report has to be made first, what fetches it */
  request: CompiledRequest
  /** null for streams that answer at once */
  job: CompiledJob | null
  pager: Pager
  picker: RecordPicker
  change: FieldChange | null
  /** whether the source marks a record, shaped as it lands, as deleted; null when it never does */
  isDeleted: ((record: Row, scope: ReadScope) => boolean) | null
  judge: ErrorJudge
  /** null for streams without a window */
  ownership: Ownership | null
  /** zone that window values are written in */
  zone: string
  /** records of a page; null when the manifest does not say */
  pageSize: number | null
}

type CompiledStream = Omit<StreamPlan, 'source' | 'session'>

/** Compiled streams by the config that all copies of a source's session share, and with it manifest and zone. */
const compiledOfSources = new WeakMap<object, Map<string, CompiledStream>>()

/**
 * A stream of a source, compiled when it is asked for first: it takes a few hundred microseconds, and all ranges of a stream
 * come to the same.
 * @throws DerrickError manifest.stream_unknown, manifest.page_size
 */
export function planStream(session: SourceSession, name: string): StreamPlan {
  const known = compiledOfSources.get(session.config) ?? new Map<string, CompiledStream>()
  compiledOfSources.set(session.config, known)
  const compiled = known.get(name) ?? compileStream(session, name)
  known.set(name, compiled)
  return { ...compiled, source: session, session: streamSession(session, name) }
}

function compileStream(session: SourceSession, name: string): CompiledStream {
  const { manifest } = session
  const stream = streamOf(manifest, name)
  if (!stream) {
    throw derrickError(
      'transform',
      'manifest.stream_unknown',
      `${manifest.id} has no stream ${name}`,
      {
        remedy:
          'the connector may have changed; choose another stream or restore its older version',
      },
    )
  }
  const job = compileJob(stream, name, session)
  const request = requestOf(stream, manifest.api.base_url)
  const zone = windowZone(stream, session)
  return {
    name,
    stream,
    request,
    job,
    pager: makePager(stream.paging),
    picker: makeRecordPicker(stream.records),
    change: makeFieldChange(stream.fields),
    isDeleted: deletedTest(stream),
    judge: makeErrorJudge(stream.errors),
    ownership: ownershipOf(stream, request, zone),
    zone,
    pageSize: pageSizeOf(stream, session),
  }
}

function deletedTest({ deleted_if: expression }: ManifestStream): StreamPlan['isDeleted'] {
  if (expression === undefined) return null
  const test = compileExpression(expression, namesAt('record'))
  return (record, scope) => truthy(test({ ...scope, record }))
}

/** A stream's own request; with a job, the one that fetches the report, though the window is told when it is ordered. */
function requestOf(stream: ManifestStream, baseUrl: string): CompiledRequest {
  const { job } = stream
  if (!job) return compileRequest(stream, baseUrl)
  const { usesWindow } = compileRequest(job.create, baseUrl)
  return { ...compileRequest(job.fetch, baseUrl), usesWindow }
}

/** The zone that times are written in and, where they name none, read in. */
function windowZone({ window }: ManifestStream, session: SourceSession): string {
  if (!window) return session.timezone
  const scope = { config: session.config, source: { timezone: session.timezone } }
  const zone = textOf(compileTemplate(window.zone, namesAt('window'))(scope))
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone })
    return zone
  } catch (cause) {
    throw derrickError('transform', 'window.zone', `there is no time zone ${zone.slice(0, 64)}`, {
      cause,
      remedy: "use an IANA name such as Europe/Berlin in the source's config",
    })
  }
}

/**
 * Null where records are not divided among ranges by their own time: streams without a window, and children of `changed_only`
 * parents, which belong to the range that their parent changed in.
 */
function ownershipOf(
  stream: ManifestStream,
  request: CompiledRequest,
  zone: string,
): Ownership | null {
  const { window } = stream
  if (!window) return null
  const isAsked = window.start !== undefined || window.end !== undefined || request.usesWindow
  const isThroughParent = stream.for_each.some((each) => 'parent' in each && each.changed_only)
  if (!isAsked && isThroughParent) return null
  // Without a key nothing merges the copies of a record that no range can own.
  const isStrict = stream.key.length === 0 && !(isAsked && window.end_filter)
  return makeOwnership(window, zone, isStrict)
}

function pageSizeOf({ paging }: ManifestStream, session: SourceSession): number | null {
  if (paging.type === 'none' || !paging.size) return null
  const { value } = paging.size
  const size =
    typeof value === 'number'
      ? value
      : Number(compileTemplate(value, namesAt('config'))({ config: session.config }))
  if (Number.isSafeInteger(size) && size > 0) return size
  throw derrickError('transform', 'manifest.page_size', 'paging.size is no positive number', {
    remedy: "check the source's config",
  })
}
