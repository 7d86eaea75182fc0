import Type, { type Static } from 'typebox'
import { Instant } from './common.ts'
import { Failure } from './failure.ts'

/** How much a preview may read; it is a look, not a sync. */
export const previewLimits = {
  pages: { standard: 2, most: 20 },
  records: { standard: 10, most: 200 },
  /** characters of an answer that are shown */
  answerChars: 16_384,
  requests: 60,
  timeoutMs: 50_000,
} as const

/** What may be asked of a preview beside the stream and its config. */
export const previewAsk = {
  from: Type.Optional(Instant),
  to: Type.Optional(Instant),
  pages: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: previewLimits.pages.most,
      default: previewLimits.pages.standard,
    }),
  ),
  limit: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: previewLimits.records.most,
      default: previewLimits.records.standard,
      description: 'records in the answer; all that were read count for types and keys',
    }),
  ),
  edges: Type.Optional(
    Type.Boolean({
      default: true,
      description: "two more requests try whether a window's start and end are inclusive",
    }),
  ),
}

/** One request and its answer, secrets masked. */
export const PreviewExchange = Type.Object({
  purpose: Type.Enum(['sign-in', 'read', 'edge']),
  method: Type.String(),
  url: Type.String(),
  headers: Type.Record(Type.String(), Type.String()),
  body: Type.Union([Type.String(), Type.Null()]),
  status: Type.Union([Type.Integer(), Type.Null()], { description: 'null: no answer came' }),
  response_headers: Type.Record(Type.String(), Type.String()),
  response: Type.String({ description: 'the beginning of the answer as it came' }),
  response_bytes: Type.Integer(),
  truncated: Type.Boolean(),
  ms: Type.Number(),
  error: Type.Union([Type.String(), Type.Null()]),
})
export type PreviewExchange = Static<typeof PreviewExchange>

export const PreviewPage = Type.Object({
  exchange: Type.Integer({ description: 'index in exchanges of the request that gave it' }),
  records: Type.Integer({ description: 'within the window' }),
  dropped: Type.Integer({ description: 'outside the window: another range owns them' }),
  rejected: Type.Integer(),
  bytes: Type.Integer(),
  step: Type.String({ description: 'what led to this page' }),
})
export type PreviewPage = Static<typeof PreviewPage>

export const PreviewField = Type.Object({
  name: Type.String(),
  types: Type.Array(Type.String(), { description: 'what its values are, commonest first' }),
  nulls: Type.Integer(),
  absent: Type.Integer(),
  example: Type.String(),
  note: Type.Optional(Type.String()),
  declare: Type.Optional(Type.String({ description: 'a line for `types:` of the stream' })),
  convert: Type.Optional(Type.String({ description: 'a line for `fields:` of the stream' })),
})
export type PreviewField = Static<typeof PreviewField>

export const PreviewKey = Type.Object({
  declared: Type.Array(Type.String()),
  checked: Type.Integer({ description: 'records looked at' }),
  missing: Type.Integer({ description: 'records in which a part of the key is null or absent' }),
  duplicates: Type.Integer(),
  example: Type.Union([Type.String(), Type.Null()], { description: 'a key that came twice' }),
  candidates: Type.Array(Type.String(), { description: 'fields that are unique and never null' }),
})
export type PreviewKey = Static<typeof PreviewKey>

export const PreviewEdge = Type.Object({
  declared: Type.Enum(['inclusive', 'exclusive']),
  found: Type.Enum(['inclusive', 'exclusive', 'unknown']),
  sent: Type.Union([Type.String(), Type.Null()], { description: 'the time that was sent' }),
  text: Type.String(),
})
export type PreviewEdge = Static<typeof PreviewEdge>

export const PreviewWarning = Type.Object({
  code: Type.String(),
  severity: Type.Enum(['error', 'warning', 'note'], {
    description: 'error: records are lost or doubled without anybody noticing',
  }),
  message: Type.String(),
  remedy: Type.String(),
})
export type PreviewWarning = Static<typeof PreviewWarning>

/** A stream tried against its API: everything that its author wants to see, nothing stored. */
export const PreviewReport = Type.Object({
  connector: Type.String(),
  stream: Type.String(),
  window: Type.Union([
    Type.Object({
      from: Instant,
      to: Instant,
      widened: Type.Boolean({ description: 'the usual window had no records' }),
    }),
    Type.Null(),
  ]),
  exchanges: Type.Array(PreviewExchange),
  pages: Type.Array(PreviewPage),
  end: Type.Enum(['complete', 'limit', 'failed'], {
    description: 'complete: the API has no more; limit: the preview stopped',
  }),
  records: Type.Array(Type.Record(Type.String(), Type.Unknown())),
  record_count: Type.Integer(),
  fields: Type.Array(PreviewField),
  key: PreviewKey,
  edges: Type.Union([
    Type.Object({ start: PreviewEdge, end: Type.Union([PreviewEdge, Type.Null()]) }),
    Type.Null(),
  ]),
  warnings: Type.Array(PreviewWarning),
  failure: Type.Union([Failure, Type.Null()]),
})
export type PreviewReport = Static<typeof PreviewReport>

/** A preview as a worker is asked for it. */
export interface PreviewOrder {
  stream: string
  /** epoch ms; null: the last days that have records */
  from: number | null
  to: number | null
  pages: number
  records: number
  edges: boolean
}
