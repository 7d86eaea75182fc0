import Type from 'typebox'
import { ApplyResult, DerrickFile } from '../../schema/derrick-file.ts'
import type { App } from './app.ts'
import { applyFile } from './apply-file.ts'
import { callerOf, workspaceOf } from './auth.ts'
import type { ApiDeps } from './deps.ts'
import { exportFile } from './export-file.ts'
import { NoBody, operation } from './operation.ts'
import { requireUnbound } from './principal.ts'

const tag = 'configuration'
const applyOp = operation({
  id: 'apply',
  summary: 'Make a workspace hold what a file says: all of it or nothing',
  tag,
  role: 'admin',
  body: Type.Object(
    {
      ...NoBody.properties,
      file: DerrickFile,
      dry_run: Type.Optional(Type.Boolean({ description: 'only tell what would change' })),
      prune: Type.Optional(
        Type.Boolean({ description: 'delete what the file no longer names; data stay' }),
      ),
    },
    { additionalProperties: false },
  ),
  answer: { 200: ApplyResult },
})
const exportOp = operation({
  id: 'export',
  summary: 'What a workspace holds, as a file for apply; secrets are names of variables',
  tag,
  role: 'viewer',
  answer: { 200: DerrickFile },
})

export function applyRoutes(app: App, deps: ApiDeps): void {
  app.post('/api/v1/apply', applyOp, async (request) => {
    const { file, dry_run = false, prune = false } = request.body
    if (file.settings) requireUnbound(callerOf(request))
    await deps.connectors.refresh()
    const workspace = workspaceOf(request, deps)
    return applyFile(workspace, file, { dryRun: dry_run, prune }, deps)
  })
  app.get('/api/v1/export', exportOp, async (request) =>
    exportFile(workspaceOf(request, deps), deps),
  )
}
