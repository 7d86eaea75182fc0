import Type, { type Static } from 'typebox'
import { Instant } from './common.ts'
import { IdOf } from './id-schema.ts'

export const notificationKinds = [
  'schema_changed',
  'sync_failed',
  'token_failed',
  'source_paused',
  'stream_paused',
] as const
export type NotificationKind = (typeof notificationKinds)[number]

export const Notification = Type.Object({
  id: IdOf('ntf'),
  workspace_id: IdOf('ws'),
  kind: Type.Enum(notificationKinds),
  title: Type.String(),
  detail: Type.Record(Type.String(), Type.Unknown()),
  stream_id: Type.Union([IdOf('str'), Type.Null()]),
  count: Type.Integer({ description: 'how often it happened since it was last read' }),
  read: Type.Boolean(),
  created_at: Instant,
  updated_at: Instant,
})
export type Notification = Static<typeof Notification>
