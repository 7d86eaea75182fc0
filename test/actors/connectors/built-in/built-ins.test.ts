import { readdirSync } from 'node:fs'
import t from 'tap'
import { builtIns } from './built-ins.ts'

t.test('every connector of this build stands in the suite, and has its file of tests', (t) => {
  const folder = new URL('../../../../manifests/', import.meta.url)
  const manifests = readdirSync(folder).map((name) => name.replace(/\.yaml$/, ''))
  const known = Object.values(builtIns).map(({ id }) => id)
  t.same(known.sort(), manifests.sort())
  const tests = readdirSync(new URL('./', import.meta.url))
  const apis = tests.filter((name) => name.endsWith('-api.ts') && name !== 'simulated-api.ts')
  t.equal(apis.length, known.length)
  for (const name of apis) t.ok(tests.includes(name.replace('-api.ts', '.test.ts')), name)
  t.end()
})
