/** What goes wrong outside gives one clear error, with category and remedy, by API and log; nothing crashes, nothing is lost. */
import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import t, { type Test } from 'tap'
import type { Run } from '../../schema/run.ts'
import { readTable } from '../kill/file-records.ts'
import { startChild } from '../support/child.ts'
import { type Derrick, executable, startDerrick } from '../support/derrick.ts'
import { createConnection, createFiles, createShopSource, syncToEnd } from '../support/setup.ts'
import { type ShopProcess, startShop } from '../support/simulator.ts'
import { tempDir } from '../support/temp-dir.ts'

t.setTimeout(300_000)

const dayMs = 86_400_000
const nowMs = Date.now() - dayMs
const startMs = Math.floor(nowMs / dayMs) * dayMs - 4 * dayMs

interface Scene {
  derrick: Derrick
  shop: ShopProcess
  source: string
  home: string
}

async function openScene(t: Test, env: Record<string, string> = {}): Promise<Scene> {
  const home = tempDir('errors')
  const shop = await startShop({
    seed: 3,
    startMs: startMs - dayMs,
    nowMs,
    streams: { orders: { perDay: 40 } },
  })
  const derrick = await startDerrick({ dataDir: join(home.path, 'data'), env })
  t.teardown(async () => {
    await derrick.kill9()
    await shop.stop()
    home.remove()
  })
  return { derrick, shop, home: home.path, source: await createShopSource(derrick, shop, startMs) }
}

async function ordersInto(scene: Scene, folder: string, more: object = {}): Promise<string> {
  const destination_id = await createFiles(scene.derrick, folder)
  const connection = { name: 'shop', source_id: scene.source, destination_id, namespace: 'shop' }
  const ids = await createConnection(scene.derrick, connection, [{ name: 'orders', ...more }])
  return ids.get('orders') as string
}

/** The error as API, activity log and process log show it. */
async function seen(t: Test, { derrick }: Scene, run: Run, code: RegExp): Promise<void> {
  t.match(run.error?.code ?? '', code)
  t.type(run.error?.remedy, 'string', `a remedy: ${run.error?.remedy}`)
  const { data } = await derrick.api<{ data: { level: string; message: string }[] }>(
    'GET',
    `/runs/${run.id}/log`,
  )
  t.ok(
    data.some(({ level }) => level === 'error'),
    'the run’s log says it',
  )
  t.match(
    derrick.log(),
    new RegExp(escaped(run.error?.message.slice(0, 30) ?? '')),
    'the process’s log says it',
  )
  t.equal((await fetch(`${derrick.url}/readyz`)).status, 200, 'it goes on')
}

const escaped = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')

t.test('an API that is down: network, retried, then said; complete once it is back', async (t) => {
  const scene = await openScene(t)
  const stream = await ordersInto(scene, join(scene.home, 'files'), {
    retry: { max_attempts: 2, backoff_seconds: 0.1 },
  })
  const { port, options } = scene.shop
  await scene.shop.stop()
  const run = await syncToEnd(scene.derrick, stream)
  t.equal(run.status, 'failed')
  t.equal(run.error?.category, 'network')
  await seen(t, scene, run, /^(network|http)\./)
  const back = await startShop({ ...options, port })
  t.teardown(() => back.stop())
  t.match(await syncToEnd(scene.derrick, stream), { status: 'complete', error: null })
})

t.test(
  'a key that the API refuses: auth, the source pauses after one range, a new key resumes it',
  async (t) => {
    const scene = await openScene(t)
    const { derrick, shop, source } = scene
    const stream = await ordersInto(scene, join(scene.home, 'files'))
    const config = (api_key: string) => ({ config: { base_url: shop.url, api_key } })
    await derrick.api('PATCH', `/sources/${source}`, config('canary_key_7f3a'))
    const run = await syncToEnd(derrick, stream)
    t.equal(run.error?.category, 'auth')
    await seen(t, scene, run, /401/)
    t.notMatch(derrick.log(), /canary_key/, 'the key is in no log')
    t.match(await derrick.api('GET', `/sources/${source}`), { state: 'paused' })
    const { requests } = await shop.control<{ requests: number }>('GET', '/stats')
    t.ok(requests <= 12, `${requests} requests: a refused key does not hammer the API`)
    await derrick.api('PATCH', `/sources/${source}`, { ...config(shop.apiKey), state: 'active' })
    t.match(await syncToEnd(derrick, stream), { status: 'complete' })
  },
)

t.test('a folder that can’t be written: destination, at once, old data untouched', async (t) => {
  const scene = await openScene(t)
  const blocked = join(scene.home, 'blocked')
  writeFileSync(blocked, 'a file where the folder should be')
  const stream = await ordersInto(scene, join(blocked, 'files'))
  const run = await syncToEnd(scene.derrick, stream)
  t.match(run, { status: 'failed', error: { category: 'destination' } })
  await seen(t, scene, run, /./)
  t.equal(readFileSync(blocked, 'utf8'), 'a file where the folder should be')
  const check = await scene.derrick.api<{ ok: boolean; steps: { ok: boolean; remedy?: string }[] }>(
    'POST',
    '/destinations/check',
    { type: 'local_file', config: { path: join(blocked, 'files') } },
  )
  t.equal(check.ok, false)
  t.type(check.steps.find((step) => !step.ok)?.remedy, 'string')
})

t.test('a full disk: destination, nothing half-written; complete once there is room', async (t) => {
  if (process.getuid?.() !== 0) return t.comment('skipped: mounting a small file system needs root')
  const scene = await openScene(t)
  const disk = join(scene.home, 'disk')
  mkdirSync(disk)
  const mount = (size: string, ...more: string[]) =>
    execFileSync('mount', ['-t', 'tmpfs', '-o', `${more.join('')}size=${size}`, 'tmpfs', disk])
  mount('96k')
  t.teardown(() => execFileSync('umount', ['-l', disk]))
  const stream = await ordersInto(scene, join(disk, 'files'), {
    retry: { max_attempts: 1, backoff_seconds: 0.1 },
  })
  const run = await syncToEnd(scene.derrick, stream)
  t.match(run.error, { category: 'destination' })
  await seen(t, scene, run, /enospc/)
  const table = readTable(join(disk, 'files', 'shop', 'orders'))
  t.same(table.oddities, [], 'what is there is whole')
  mount('64m', 'remount,')
  t.match(await syncToEnd(scene.derrick, stream), { status: 'complete' })
})

t.test('a broken manifest is listed with line and column, and stops nothing', async (t) => {
  using folder = tempDir('manifests')
  writeFileSync(
    join(folder.path, 'mine.yaml'),
    'derrick: 1\nid: mine\nversion: 1.0.0\napi:\n  base_url: [oops\n',
  )
  const scene = await openScene(t, { DERRICK_MANIFESTS_DIR: folder.path })
  const { data } = await scene.derrick.api<{
    data: { id: string; ok: boolean; issues: { line: number; remedy: string }[] }[]
  }>('GET', '/connectors')
  const broken = data.find(({ ok }) => !ok)
  t.ok(broken, 'it is listed as broken')
  t.ok((broken?.issues[0]?.line ?? 0) >= 5)
  t.type(broken?.issues[0]?.remedy, 'string')
  const refused = await scene.derrick.call<{ code: string; remedy: string }>('POST', '/sources', {
    name: 'x',
    connector: 'mine',
  })
  t.equal(refused.status, 422)
  t.match(await syncToEnd(scene.derrick, await ordersInto(scene, join(scene.home, 'files'))), {
    status: 'complete',
  })
})

/** `serve` on this data dir; resolves with what it says when it does not start. */
async function refusal(
  dataDir: string,
  options: { under?: string[] } = {},
): Promise<{ code: number | null; log: string }> {
  const [file = '', ...args] = [
    ...(options.under ?? []),
    executable,
    'serve',
    '--port',
    '0',
    '--data-dir',
    dataDir,
  ]
  const child = startChild(file, args, { env: { ...process.env, HOME: dataDir } })
  const { code } = await child.exited
  return { code, log: child.log() }
}

t.test('a database of a newer version is refused, untouched', async (t) => {
  using home = tempDir('newer')
  const derrick = await startDerrick({ dataDir: home.path })
  await derrick.stop()
  const file = join(home.path, 'derrick.db')
  const db = new Sqlite(file)
  db.pragma('user_version = 999')
  db.close()
  const { code, log } = await refusal(home.path)
  t.equal(code, 1)
  t.match(log, /999/)
  t.match(log, /→/, 'with a remedy')
})

t.test('a data dir that can’t be written is refused', async (t) => {
  using home = tempDir('readonly', { open: true })
  const dir = join(home.path, 'data')
  mkdirSync(dir)
  chmodSync(dir, 0o555)
  const root = process.getuid?.() === 0
  const { code, log } = await refusal(
    dir,
    root ? { under: ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'] } : {},
  )
  t.equal(code, 1)
  t.match(log, /→/, 'with a remedy')
  t.match(log, /data/)
})

t.test('a port that is taken is refused', async (t) => {
  using home = tempDir('port')
  const derrick = await startDerrick({ dataDir: join(home.path, 'a') })
  t.teardown(() => derrick.kill9())
  const args = ['serve', '--port', new URL(derrick.url).port, '--data-dir', join(home.path, 'b')]
  const child = startChild(executable, args)
  t.equal((await child.exited).code, 1)
  t.match(child.log(), /port .* is taken/)
})
