/** What a start of the executable evaluates, and what it leaves for later: no clock is asked. */
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t from 'tap'
import { executable, startDerrick } from '../support/derrick.ts'
import { tempDir } from '../support/temp-dir.ts'
import { waitFor } from '../support/wait.ts'

interface Evaluated {
  chunk: string
  /** 0 is the main one */
  thread: number
  beforeListen: boolean
  cached: boolean
  modules: string[]
}

const probe = join(import.meta.dirname, 'start-probe.cjs')
const probing = (folder: string) => ({
  NODE_OPTIONS: `--require ${probe}`,
  DERRICK_PROBE: join(folder, 'evaluated.jsonl'),
})

function evaluated(folder: string): Evaluated[] {
  const lines = readFileSync(join(folder, 'evaluated.jsonl'), 'utf8').trimEnd().split('\n')
  return lines.map((line) => JSON.parse(line) as Evaluated)
}

const modulesOf = (chunks: Evaluated[]) => chunks.flatMap(({ modules }) => modules)

/** Nothing of these is needed to answer a first time. */
const later = [
  /^(schema\/manifest|runtime\/engine|actors)\//,
  /^runtime\/(engine-room|connectors)\.ts$/,
  /^runtime\/api\/(app|sources|connectors|openapi-document)\.ts$/,
  /^runtime\/store\/stores\.ts$/,
  /node_modules\/(typebox|yaml|re2js|piscina|croner|@fastify\/swagger)\//,
]
const server = /node_modules\/(typebox|fastify|better-sqlite3|pino|piscina)\//

t.test('the door opens before engine, manifests and API are evaluated', async (t) => {
  using folder = tempDir('start')
  const derrick = await startDerrick({
    dataDir: join(folder.path, 'data'),
    run: 'executable',
    env: probing(folder.path),
  })
  t.teardown(() => derrick.kill9())
  await derrick.api('GET', '/session')
  const early = evaluated(folder.path).filter(({ beforeListen }) => beforeListen)
  const modules = modulesOf(early)
  t.ok(modules.includes('runtime/supervisor.ts'), 'the probe sees modules')
  t.same(
    modules.filter((path) => later.some((pattern) => pattern.test(path))),
    [],
  )
  const whole = modulesOf(evaluated(folder.path))
  t.ok(whole.includes('runtime/engine-room.ts'), 'they are evaluated later')
  t.notOk(whole.includes('runtime/api/openapi-document.ts'), 'the document waits for who asks')
  await derrick.api('GET', '/openapi.json')
  t.ok(modulesOf(evaluated(folder.path)).includes('runtime/api/openapi-document.ts'))
  t.same(
    early.filter(({ cached }) => !cached).map(({ chunk }) => chunk),
    [],
    'V8 takes the code caches of the build',
  )
  t.equal(await derrick.stop(), 0)
})

t.test('the workers of a sync start from code caches as well', async (t) => {
  using folder = tempDir('start')
  const derrick = await startDerrick({
    dataDir: join(folder.path, 'data'),
    run: 'executable',
    args: ['demo'],
    env: probing(folder.path),
  })
  t.teardown(() => derrick.kill9())
  await waitFor('a completed range', async () => {
    const { data } = await derrick.api<{ data: { ranges: { complete: number } }[] }>('GET', '/runs')
    return data.some((run) => run.ranges.complete > 0)
  })
  const chunks = evaluated(folder.path)
  const syncs = ({ modules }: Evaluated) => modules.includes('actors/sync-range.ts')
  const workers = new Set(chunks.filter(syncs).map(({ thread }) => thread))
  t.ok(workers.size > 0)
  const theirs = chunks.filter(({ thread }) => workers.has(thread))
  t.same(
    theirs.filter(({ cached }) => !cached).map(({ chunk }) => chunk),
    [],
  )
  t.equal(await derrick.stop(), 0)
})

t.test('commands that ask a server load nothing of it', async (t) => {
  using folder = tempDir('start')
  for (const args of [['version'], ['--help'], ['status', '--url', 'http://127.0.0.1:1']]) {
    const env = { ...process.env, ...probing(folder.path) }
    await promisify(execFile)(executable, args, { env }).catch(() => {}) // nobody answers there
  }
  const modules = modulesOf(evaluated(folder.path))
  t.ok(modules.includes('runtime/cli/client.ts'), 'the probe sees modules')
  t.same(
    modules.filter((path) => server.test(path)),
    [],
  )
})
