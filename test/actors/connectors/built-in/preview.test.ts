import t from 'tap'
import { previewStream } from '../../../../actors/connectors/preview/preview.ts'
import { builtIns } from './built-ins.ts'
import { open } from './conformance.ts'
import type { BuiltIn } from './vendor.ts'

t.setTimeout(180_000)
const from = Date.UTC(2026, 2, 3)
const to = from + 86_400_000

/** What authors are shown of their manifests: for the built-in ones there must be nothing to put right. */
async function mistakes(builtIn: BuiltIn, name: string): Promise<string[]> {
  // The preview waits on the real clock; how limits are kept is the suite's matter.
  const bench = await open(builtIn, name, ({ api }) => {
    api.limits = []
  })
  const now = (): number => to + 86_400_000
  const order = { stream: name, from, to, pages: 3, records: 5, edges: true }
  const { report } = await previewStream({
    manifest: bench.manifest,
    config: builtIn.config,
    timezone: 'UTC',
    order,
    http: bench.connected.http(now),
    now,
    random: () => 0.5,
  })
  const shown = JSON.stringify(report)
  for (const secret of builtIn.secrets) t.notOk(shown.includes(secret), 'no secret is shown')
  if (report.failure) return [report.failure.message]
  return report.warnings
    .filter(({ severity }) => severity === 'error')
    .filter(({ code }) => !(code === 'preview.key_not_unique' && builtIn.streams[name]?.mayRepeat))
    .map(({ code, message }) => `${code}: ${message}`)
}

for (const builtIn of Object.values(builtIns))
  t.test(builtIn.id, async (t) => {
    for (const name of Object.keys(builtIn.streams)) t.same(await mistakes(builtIn, name), [], name)
  })
