import Type, { type Static } from 'typebox'
import { Instant } from './common.ts'
import { Failure } from './failure.ts'
import { IdOf } from './id-schema.ts'

export const runTriggers = ['manual', 'schedule', 'retry', 'api'] as const
export type RunTrigger = (typeof runTriggers)[number]
export const runStatuses = [
  'queued',
  'running',
  'complete',
  'partial',
  'failed',
  'cancelled',
] as const
export type RunStatus = (typeof runStatuses)[number]

export const Run = Type.Object({
  id: IdOf('run'),
  workspace_id: IdOf('ws'),
  stream_id: IdOf('str'),
  connection_id: IdOf('con'),
  trigger: Type.Enum(runTriggers),
  status: Type.Enum(runStatuses),
  waiting_for: Type.Optional(Type.String({ description: 'why a queued run does not run yet' })),
  cancelling: Type.Optional(Type.Boolean()),
  ranges: Type.Object({ total: Type.Integer(), complete: Type.Integer(), failed: Type.Integer() }),
  records: Type.Integer(),
  bytes: Type.Integer(),
  pages: Type.Integer(),
  created_at: Instant,
  started_at: Type.Union([Instant, Type.Null()]),
  finished_at: Type.Union([Instant, Type.Null()]),
  error: Type.Union([Failure, Type.Null()]),
})
export type Run = Static<typeof Run>
