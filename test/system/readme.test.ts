/** What the README tells people to type works as it stands there. */
import { execFile } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import t from 'tap'
import { startSimulator } from '../../actors/simulator/server.ts'
import { startDerrick } from '../support/derrick.ts'
import { runDerrick } from '../support/run-derrick.ts'
import { inCi } from '../support/services.ts'
import { tempDir } from '../support/temp-dir.ts'

t.setTimeout(240_000)
const readme = readFileSync(join(import.meta.dirname, '../../README.md'), 'utf8')
const dir = tempDir('readme')
const dayMs = 86_400_000
const shop = await startSimulator({
  startMs: Date.now() - 30 * dayMs,
  nowMs: Date.now(),
  streams: { orders: { perDay: 20 } },
})
const derrick = await startDerrick({ dataDir: join(dir.path, 'data') })
t.teardown(async () => {
  await derrick.stop()
  await shop.close()
  dir.remove()
})

/** A block of the README, against this shop. */
const block = (language: string, holds: string): string => {
  const blocks = [...readme.matchAll(/^```(\w*)\n(.*?)^```$/gms)]
  const found = blocks.find(([, name, text]) => name === language && text?.includes(holds))?.[2]
  if (found === undefined) throw new Error(`the README has no ${language} block with ${holds}`)
  return found.replaceAll('http://127.0.0.1:7171', shop.url)
}
const env = { HOME: dir.path, DERRICK_URL: derrick.url, DERRICK_API_KEY: derrick.apiKey }
const onPath = (name: string): boolean =>
  (process.env.PATH ?? '').split(delimiter).some((folder) => existsSync(join(folder, name)))
const inShell = (text: string) =>
  promisify(execFile)('bash', ['-e', '-o', 'pipefail', '-c', text], {
    env: { ...env, PATH: process.env.PATH ?? '' },
    timeout: 120_000,
  })

t.test('derrick.yaml is applied and synced', async (t) => {
  const file = join(dir.path, 'derrick.yaml')
  writeFileSync(file, block('yaml', 'destinations:'))
  const all = { ...env, SHOP_KEY: shop.apiKey, PG_URL: 'postgres://nobody@127.0.0.1:1/none' }
  t.match(await runDerrick(['validate', '-f', file], env), { code: 0, stderr: /PG_URL, SHOP_KEY/ })
  const applied = await runDerrick(['apply', '-f', file], all)
  t.equal(applied.code, 0, applied.stderr)
  t.match(applied.stdout, /\+ stream shop-to-warehouse\/products/)
  const synced = await runDerrick(['sync', 'shop-to-files/products', '--wait'], all)
  t.equal(synced.code, 0, synced.stderr)
  t.ok(readdirSync(join(dir.path, 'derrick-data/shop/products')).length > 0)
  const states = (await runDerrick(['status'], env)).stdout
  t.match(states, /products +complete/)
  t.match(states, /shop-to-files\/refunds +not synced yet/)
  const fresh = await runDerrick(['sync', 'shop-to-files/orders', '--wait=fresh'], env)
  t.equal(fresh.code, 0, fresh.stderr)
  const followed = await runDerrick(['logs', fresh.stdout.trim(), '-f', '--json'], env)
  t.equal(followed.code, 0, followed.stderr)
  const lines = followed.stdout.trim().split('\n')
  t.match(JSON.parse(lines[0] ?? ''), { kind: 'run.started' })
  t.match(JSON.parse(lines.at(-1) ?? ''), { kind: 'run.complete' })
  t.match(await runDerrick(['get', 'run'], env), { code: 0, stdout: fresh.stdout.trim() })
})

const tools = ['curl', 'jq'].filter((name) => !onPath(name))
const skip = tools.length > 0 && !inCi() ? `missing: ${tools.join(', ')}` : false
t.test('the doctor finds what is well, and what is not', async (t) => {
  const found = await runDerrick(['doctor', '--json'], env)
  t.equal(found.code, 1, 'there is no such database')
  const findings = JSON.parse(found.stdout) as { what: string; state: string; remedy?: string }[]
  const of = (what: string) => findings.find((one) => one.what === what)
  t.equal(of('server')?.state, 'ok')
  t.equal(of('source shop')?.state, 'ok')
  t.equal(of('destination files')?.state, 'ok')
  t.match(of('destination warehouse'), { state: 'bad', remedy: /./ })
  const alone = await runDerrick(['doctor'], { HOME: join(dir.path, 'nobody') })
  t.match(alone, { code: 1, stdout: /! data dir.*✗ server.*→ start "derrick serve"/s })
})

t.test('the steps with curl end in files', { skip }, async (t) => {
  const steps = block('sh', 'call() {').replaceAll('shop_demo_key', shop.apiKey)
  // curl ends with 28 when the time to follow is over.
  const { stdout } = await inShell(steps.replace('--max-time 5 ', '--max-time 5 || true '))
  t.match(stdout, /^(cancelled|running|queued)\n/)
  t.match(stdout, /event: range\n/)
  t.match(stdout, /\{"status":"(running|complete)","ranges":\{"total":\d+/)
  t.match(stdout, /"run_id":"run_/)
  t.ok(readdirSync(join(dir.path, 'derrick-files/my_shop/orders')).length > 0)
})
