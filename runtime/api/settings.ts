import { Settings, SettingsPatch } from '../../schema/settings.ts'
import type { App } from './app.ts'
import { callerOf } from './auth.ts'
import type { ApiDeps } from './deps.ts'
import { checkIfMatch, contentTag, sendTagged } from './etag.ts'
import { operation } from './operation.ts'
import { requireUnbound } from './principal.ts'

const tag = 'settings'
const getOp = operation({
  id: 'getSettings',
  summary: 'Get the settings of this server',
  tag,
  role: 'viewer',
  answer: { 200: Settings },
})
const patchOp = operation({
  id: 'updateSettings',
  summary: 'Change settings; they hold at once',
  tag,
  role: 'admin',
  body: SettingsPatch,
  answer: { 200: Settings },
})

export function settingsRoutes(app: App, { stores, engine }: ApiDeps): void {
  app.get('/api/v1/settings', getOp, async (_request, reply) => {
    const settings = stores.settings.get()
    return sendTagged(reply, contentTag(settings), settings)
  })
  app.patch('/api/v1/settings', patchOp, async (request, reply) => {
    requireUnbound(callerOf(request))
    checkIfMatch(request, contentTag(stores.settings.get()))
    const settings = stores.settings.save(request.body)
    engine.settingsChanged(settings)
    return sendTagged(reply, contentTag(settings), settings)
  })
}
