import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { startSimulator } from '../../../actors/simulator/server.ts'
import { runDerrick } from '../../support/run-derrick.ts'
import { tempDir } from '../../support/temp-dir.ts'

// Each command is a process of its own, on a machine that may be busy.
t.setTimeout(300_000)

const now = Date.UTC(2026, 0, 10)
const shop = await startSimulator({ startMs: now - 10 * 86_400_000, nowMs: now })
t.teardown(() => shop.close())
const dir = tempDir('cli')
t.teardown(dir.remove)
const config = ['--config', `base_url=${shop.url}`, '--config', `api_key=${shop.apiKey}`]
const window = ['--from', '2026-01-05', '--to', '2026-01-06']
const derrick = (args: string[], env: Record<string, string> = {}) =>
  runDerrick(['connector', ...args], { HOME: dir.path, ...env })

const manifest = `derrick: 1
id: mine
name: Mine
version: 1.0.0
config:
  base_url: {required: true}
  api_key: {secret: true, required: true}
api: {base_url: "{{ config.base_url }}"}
auth: {type: bearer, token: "{{ config.api_key }}"}
streams:
  orders:
    path: /v1/orders
    records: {at: orders}
    key: [id]
    window: {field: updated_at, tracks: updates, end_filter: true, start: {name: updated_at_min}, end: {name: updated_at_max}, format: iso_ms}
`
const write = (name: string, text: string): string => {
  const file = join(dir.path, name)
  writeFileSync(file, text)
  return file
}

t.test('check: every error with its place and remedy; exit code 2', async (t) => {
  const file = write('bad.yaml', manifest.replace('path:', 'pth:').replace('key: [id]', 'key: id'))
  const { code, stdout } = await derrick(['check', file])
  t.equal(code, 2)
  t.match(stdout, /bad\.yaml:12:5 .*no key "pth"/)
  t.match(stdout, /bad\.yaml:14:\d+ .*expected a list/)
  t.match(stdout, /did you mean path\?/)
  const json = await derrick(['check', file, '--json'])
  t.equal(json.code, 2)
  t.match(JSON.parse(json.stdout), [{ ok: false, issues: [{ line: 12 }, { line: 14 }] }])
})

t.test('check: without config the file alone, with it the API', async (t) => {
  const file = write('mine.yaml', manifest)
  const alone = await derrick(['check', file])
  t.match(alone, { code: 0, stdout: /give its config to try it:\n +--config base_url/ })
  t.match(alone.stdout, /orders {2}ranges of a day or hour · key id\n +✓ newest first/)
  const onlySince = manifest
    .replace('end_filter: true', 'end_filter: false')
    .replace(/ end: .*max}, /, ' ')
  const { stdout: why } = await derrick(['check', write('since.yaml', onlySince)])
  t.match(why, /not newest first: the API takes no end date.*without order: asc/)
  const asJson = await derrick(['check', file, '--json'])
  t.match(JSON.parse(asJson.stdout), [{ streams: [{ name: 'orders', newest_first: true }] }])
  t.match(await derrick(['check', file, ...config]), { code: 0, stdout: /first page/ })
  const wrong = await derrick([
    'check',
    file,
    '--config',
    `base_url=${shop.url}`,
    '--config',
    'api_key=no',
  ])
  t.match(wrong, { code: 1, stdout: /sign-in/ })
  t.match(await derrick(['check', file, '--config', 'base_url=x']), { code: 2, stdout: /api_key/ })
})

t.test('preview: finds what would be lost, and is content when it is put right', async (t) => {
  const file = write('mine.yaml', manifest)
  const lossy = await derrick(['preview', file, ...config, ...window])
  t.match(lossy, { code: 1, stdout: /has_more|next_page_token/ })
  t.match(lossy.stdout, /manifest reads only the first/)
  t.notMatch(lossy.stdout, shop.apiKey)
  const paging = '    paging: {type: cursor, name: page_token, at: next_page_token}\n'
  write('mine.yaml', manifest + paging)
  const good = await derrick(['preview', file, ...config, ...window])
  t.match(good, { code: 0, stdout: /nothing here looks wrong/ })
  t.match(good.stdout, /start is inclusive, as declared/)
  t.match(good.stdout, /updated_at_min +2026-01-05T00:00:00\.000Z/)
  const json = await derrick(['preview', file, ...config, ...window, '--json'])
  t.match(JSON.parse(json.stdout), { stream: 'orders', failure: null, key: { duplicates: 0 } })
})

t.test('a fixture runs offline, without secrets', async (t) => {
  const fixture = join(dir.path, 'orders.json')
  const args = ['preview', 'demo_shop', 'orders', ...window]
  const live = await derrick([...args, ...config, '--record', fixture])
  t.equal(live.code, 0, live.stderr)
  t.notMatch(readFileSync(fixture, 'utf8'), shop.apiKey)
  const replayed = await derrick([...args, '--replay', fixture])
  t.equal(replayed.code, 0, replayed.stderr)
  const records = (text: string) => text.slice(text.indexOf('\nRecords'))
  t.equal(records(replayed.stdout), records(live.stdout))
  t.match(await derrick(['preview', 'demo_shop', 'events', '--replay', fixture]), {
    code: 1,
    stderr: /recorded for demo_shop, stream orders/,
  })
})

t.test('list: built-in and own connectors, broken ones with their errors', async (t) => {
  const own = tempDir('manifests')
  t.teardown(own.remove)
  writeFileSync(join(own.path, 'mine.yaml'), manifest)
  const env = { DERRICK_MANIFESTS_DIR: own.path }
  const listed = await derrick(['list'], env)
  t.match(listed, { code: 0, stdout: /mine +Mine +1\.0\.0 +1 +mine\.yaml +ok/ })
  t.match(listed.stdout, /demo_shop .*built in/)
  const project = join(own.path, 'derrick.yaml')
  writeFileSync(project, 'sources: {shop: {connector: mine}}\n')
  const beside = await derrick(['list'], env)
  t.match(beside, { code: 0, stderr: /derrick\.yaml .*no connector: derrick apply -f/ })
  t.notMatch(beside.stdout, 'derrick.yaml')
  t.match(await derrick(['check', project]), { code: 2, stderr: /derrick validate -f/ })
  writeFileSync(join(own.path, 'bad.yaml'), 'derrick: 1\nid: bad\n')
  const broken = await derrick(['list'], env)
  t.equal(broken.code, 1)
  t.match(broken.stdout, /bad\.yaml:1:1/)
  t.match(await derrick(['list', 'demo_shop']), {
    code: 0,
    stdout: /not newest first: the API takes no end/,
  })
})

t.test('secrets can come from the environment; wrong usage is told with exit code 2', async (t) => {
  const file = write('config.yaml', `base_url: ${shop.url}\napi_key: \${SHOP_KEY}\n`)
  const args = ['check', 'demo_shop', '--config-file', file]
  t.equal((await derrick(args, { SHOP_KEY: shop.apiKey })).code, 0)
  t.match(await derrick(args), { code: 2, stderr: /no SHOP_KEY/ })
  for (const wrong of [
    ['preview', 'demo_shop'],
    ['preview', 'demo_shop', 'ordrs'],
    ['preview', 'dmo_shop', 'orders'],
    ['preview', 'demo_shop', 'orders', '--pages', '0'],
    ['preview', 'demo_shop', 'orders', '--to', '2026-01-01'],
    ['check', 'demo_shop', '--config', 'x'],
  ])
    t.equal((await derrick(wrong)).code, 2, wrong.join(' '))
})
