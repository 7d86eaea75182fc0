import Type, { type Static } from 'typebox'
import { Instant, Name } from './common.ts'
import { IdOf } from './id-schema.ts'

export const Workspace = Type.Object({ id: IdOf('ws'), name: Name, created_at: Instant })
export type Workspace = Static<typeof Workspace>
export const WorkspaceCreate = Type.Object({ name: Name }, { additionalProperties: false })
export type WorkspaceCreate = Static<typeof WorkspaceCreate>
