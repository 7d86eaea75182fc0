import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { startDerrick } from '../../support/derrick.ts'
import { runDerrick } from '../../support/run-derrick.ts'
import { tempDir } from '../../support/temp-dir.ts'

// Each command is a process of its own, on a machine that may be busy.
t.setTimeout(300_000)
const dir = tempDir('apply')
const derrick = await startDerrick({ dataDir: join(dir.path, 'data'), run: 'newest' })
t.teardown(async () => {
  await derrick.stop()
  dir.remove()
})
const env = { DERRICK_URL: derrick.url, DERRICK_API_KEY: derrick.apiKey }
const run = (args: string[], more: Record<string, string> = {}) =>
  runDerrick(args, { HOME: dir.path, ...env, ...more })
const write = (name: string, text: string): string => {
  const path = join(dir.path, name)
  writeFileSync(path, text)
  return path
}
const text = `sources:
  shop: {connector: demo_shop, config: {base_url: "http://127.0.0.1:1", api_key: "\${SHOP_KEY}"}}
destinations:
  lake: {type: local_file, config: {path: ${join(dir.path, 'lake')}}}
connections:
  shop-to-lake: {source: shop, destination: lake, streams: [orders, products, {name: events, lookback: 3d}]}
`

t.test('diff, apply, export: from a file and back', async (t) => {
  const file = write('derrick.yaml', text)
  const key = { SHOP_KEY: 'key_of_the_shop' }
  t.match(await run(['validate', '-f', file], key), { code: 0, stderr: '' })
  t.match(await run(['validate', '-f', file]), { code: 0, stderr: /not set here.*: SHOP_KEY\n/ })
  t.match(await run(['apply', '-f', file]), { code: 2, stderr: /has no SHOP_KEY/ })
  t.match(await run(['diff', '-f', file], key), {
    code: 1,
    stdout: /\+ stream shop-to-lake\/orders/,
  })
  const applied = await run(['apply', '-f', file], key)
  t.match(applied, { code: 0, stdout: /6 created/ }, applied.stderr)
  t.match(await run(['diff', '-f', file], key), { code: 0, stdout: /6 things as wanted/ })
  const streams = await run(['get', 'streams'])
  t.match(streams.stdout, /shop-to-lake\/orders +str_/)
  t.match(await run(['get', 'streams', 'shop-to-lake/orders', '--json']), {
    code: 0,
    stdout: /"address": "shop-to-lake\/orders"/,
  })
  t.match((await run(['status'])).stdout, /shop-to-lake\/products .*read whole/)
  t.match((await run(['status'])).stdout, /shop-to-lake\/orders .*newest first, by day/)
  const exported = await run(['export'])
  t.notMatch(exported.stdout, 'key_of_the_shop')
  const back = write('exported.yaml', exported.stdout)
  const same = await run(['diff', '-f', back, '--prune'], { SHOP_API_KEY: 'key_of_the_shop' })
  t.match(same, { code: 0 }, same.stdout + same.stderr)
})

t.test('what is wrong is named with its place, and exit code 2', async (t) => {
  const file = write(
    'bad.yaml',
    text.replace('type: local_file', 'typ: local_file').replace('source: shop', 'sourc: shop'),
  )
  const { code, stderr } = await run(['validate', '-f', file])
  t.equal(code, 2)
  t.match(stderr, /bad\.yaml:\d+:\d+ .*typ/)
  t.match(stderr, /sourc/)
  const unknown = write(
    'unknown.yaml',
    text.replace('demo_shop', 'demo_shp').replace(/\$\{SHOP_KEY\}/, 'x'),
  )
  t.match(await run(['apply', '-f', unknown]), { code: 2, stderr: /\/sources\/shop\/connector/ })
})

t.test('keys are made, used and taken back', async (t) => {
  const made = await run(['keys', 'create', 'robot', '--role', 'viewer'])
  t.match(made, { code: 0, stdout: /^dk_live_[0-9a-f]{32}\n$/ })
  const robot = { DERRICK_API_KEY: made.stdout.trim() }
  t.equal((await run(['status'], robot)).code, 0)
  t.equal((await run(['keys'], robot)).code, 4, 'a viewer may not look at keys')
  const listed = JSON.parse((await run(['keys', '--json'])).stdout) as {
    id: string
    name: string
  }[]
  const id = listed.find(({ name }) => name === 'robot')?.id ?? ''
  t.equal((await run(['keys', 'delete', id])).code, 0)
  t.equal((await run(['status'], robot)).code, 4)
  t.equal((await run(['keys', 'create'])).code, 2)
})

t.test('completion knows every command and its options', async (t) => {
  const { stdout } = await run(['completion', 'bash'])
  const script = `${stdout}\nCOMP_WORDS=(derrick connector preview x.yaml --rep); COMP_CWORD=4; _derrick; echo "$COMPREPLY"`
  t.equal(execFileSync('bash', ['-c', script], { encoding: 'utf8' }), '--replay\n')
  t.match((await run(['completion', 'fish'])).stdout, /seen_subcommand_from connector.*-a preview/)
  t.equal((await run(['completion', 'dos'])).code, 2)
})
