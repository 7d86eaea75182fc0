import { spawn } from 'node:child_process'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { startSimulator } from '../../../actors/simulator/server.ts'
import { runDerrick } from '../../support/run-derrick.ts'
import { tempDir } from '../../support/temp-dir.ts'

// Each command is a process of its own, on a machine that may be busy.
t.setTimeout(300_000)
const dayMs = 86_400_000
const today = Date.now() - (Date.now() % dayMs)
const shop = await startSimulator({
  startMs: today - 10 * dayMs,
  nowMs: today + dayMs / 2,
  streams: { orders: { perDay: 20 } },
})
t.teardown(() => shop.close())
const dir = tempDir('run')
t.teardown(dir.remove)
const manifest = join(import.meta.dirname, '../../../manifests/demo_shop.yaml')
const program = join(import.meta.dirname, '../../../runtime/main.ts')
const from = new Date(today - 3 * dayMs).toISOString().slice(0, 10)
const run = (args: string[], key = shop.apiKey) => {
  const config = ['--config', `base_url=${shop.url}`, '--config', `api_key=${key}`]
  return runDerrick(['run', ...args, ...config, '--to', join(dir.path, 'out')], { HOME: dir.path })
}
const orders = (): string[] =>
  readdirSync(join(dir.path, 'out/demo_shop/orders'), { recursive: true, encoding: 'utf8' }).filter(
    (name) => name.endsWith('.jsonl'),
  )

t.test('one shot from a file: synced, told, remembered', async (t) => {
  const first = await run([manifest, 'orders', 'products', '--from', from])
  t.equal(first.code, 0, first.stderr)
  t.match(first.stdout, /orders +complete +4\/4/)
  t.match(first.stdout, /products +complete +1\/1/)
  t.equal(orders().length, 4)
  const text = readFileSync(
    join(dir.path, 'out/demo_shop/orders', orders().sort()[0] ?? ''),
    'utf8',
  )
  t.ok(text.split('\n').length > 10)

  const again = await run([manifest, 'orders', '--json'])
  t.equal(again.code, 0, again.stderr)
  const [{ stream, status, ranges }] = JSON.parse(again.stdout)
  t.match({ stream, status }, { stream: 'orders', status: 'complete' })
  t.ok(ranges.total < 4, 'closed days are not read again')
  t.notMatch(first.stdout + first.stderr + again.stdout + again.stderr, shop.apiKey)
})

t.test(
  'runs of other places need not wait for each other; of the same, the second is told',
  async (t) => {
    const asked = Promise.withResolvers<void>()
    const silent = createServer(() => asked.resolve())
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
    const { port } = silent.address() as AddressInfo
    const into = (place: string, url: string) => [
      ...['run', manifest, 'orders', '--from', from, '--to', join(dir.path, place)],
      ...['--config', `base_url=${url}`, '--config', `api_key=${shop.apiKey}`],
    ]
    const slow = into('one', `http://127.0.0.1:${port}`)
    const first = spawn(process.execPath, [program, ...slow], { env: { HOME: dir.path } })
    t.teardown(() => silent.close())
    const ended = new Promise((resolve) => first.once('exit', resolve))
    await asked.promise
    const [other, again] = await Promise.all([
      runDerrick(into('two', shop.url), { HOME: dir.path }),
      runDerrick(slow, { HOME: dir.path }),
    ])
    t.equal(other.code, 0, other.stderr)
    t.match(again, { code: 1, stderr: /already uses the data dir[^→]*→ wait until it has ended/ })
    first.kill('SIGKILL')
    await ended
    silent.closeAllConnections()
  },
)

t.test('what fails and what is wrong have their own exit codes', async (t) => {
  const refused = await run([manifest, 'events', '--from', from], 'wrong')
  t.match(refused, { code: 1, stdout: /events +failed/, stderr: /credentials/ })
  t.match(await run([manifest, 'evnts']), { code: 2, stderr: /evnts|events/ })
  t.match(await run(['nobody']), { code: 2 })
  const odd = await run([manifest, 'orders', '--from', '20-11-2026'])
  t.match(odd, { code: 2, stderr: /--from 20-11-2026 is no date\n.*YYYY-MM-DD/ })
  const turned = await run([manifest, 'orders', '--from', '2026-02-01', '--to-date', '2026-01-01'])
  t.match(turned, { code: 2, stderr: /--from 2026-02-01 is not before --to-date 2026-01-01/ })
})

t.test('one shot of all that a file names', async (t) => {
  const file = join(dir.path, 'derrick.yaml')
  writeFileSync(
    file,
    `sources: {shop: {connector: demo_shop, start_date: ${from}, config: {base_url: "${shop.url}", api_key: "\${KEY}"}}}
destinations: {lake: {type: local_file, config: {path: ${join(dir.path, 'lake')}}}}
connections: {all: {source: shop, destination: lake, streams: [products, customers]}}
`,
  )
  const args = ['run', '-f', file, '--data-dir', join(dir.path, 'file-state')]
  const env = { HOME: dir.path, KEY: shop.apiKey }
  const done = await runDerrick(args, env)
  t.equal(done.code, 0, done.stderr)
  t.match(done.stdout, /all\/products +complete +1\/1/)
  t.match(done.stdout, /all\/customers +complete +4\/4/)
  t.match(await runDerrick([...args, '--to', 'x'], env), { code: 2 })
  t.match(await runDerrick(['run'], env), { code: 2, stderr: /-f derrick\.yaml/ })
})
