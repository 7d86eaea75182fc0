import Type from 'typebox'
import { Activity } from '../../schema/event.ts'
import { IdOf } from '../../schema/id-schema.ts'
import type { App } from './app.ts'
import { workspaceOf } from './auth.ts'
import type { ApiDeps } from './deps.ts'
import { defaultLimit, listOf, operation, pageQuery, query } from './operation.ts'
import { decodeCursor, pageOf } from './paging.ts'
import { presentActivity } from './present.ts'

const listOp = operation({
  id: 'listActivity',
  summary: 'What happened, newest first',
  tag: 'activity',
  role: 'viewer',
  query: query({
    ...pageQuery,
    stream_id: Type.Optional(IdOf('str')),
    run_id: Type.Optional(IdOf('run')),
    level: Type.Optional(Type.Enum(['info', 'warn', 'error'])),
  }),
  answer: { 200: listOf(Activity) },
})

export function activityRoutes(app: App, deps: ApiDeps): void {
  app.get('/api/v1/activity', listOp, async (request) => {
    const {
      limit = defaultLimit,
      cursor,
      stream_id: streamId,
      run_id: runId,
      level,
    } = request.query
    const rows = deps.stores.activity.list(workspaceOf(request, deps).id, {
      limit: limit + 1,
      ...(streamId === undefined ? {} : { streamId }),
      ...(runId === undefined ? {} : { runId }),
      ...(level === undefined ? {} : { level }),
      ...(cursor === undefined ? {} : { after: decodeCursor(cursor, ['number'])[0] }),
    })
    return pageOf(rows, limit, (line) => [line.id], presentActivity)
  })
}
