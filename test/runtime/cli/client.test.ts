import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { syncOptions } from '../../../runtime/cli/act.ts'
import { makeClient } from '../../../runtime/cli/client.ts'
import { runDerrick } from '../../support/run-derrick.ts'
import { tempDir } from '../../support/temp-dir.ts'

t.test('a bare --wait may stand before the stream', async (t) => {
  t.strictSame(syncOptions('c/orders', { wait: true }), {
    stream: 'c/orders',
    options: { wait: true },
  })
  t.strictSame(syncOptions(undefined, { wait: 'c/orders' }), {
    stream: 'c/orders',
    options: { wait: true },
  })
  t.strictSame(syncOptions('c/orders', { wait: 'fresh' }).options, { wait: 'fresh' })
  t.throws(() => syncOptions(undefined, { wait: 'fresh' }), /which stream/)
  t.throws(() => syncOptions('c/orders', { wait: 'soon' }), /--wait=soon/)
})

t.test('commands find the demo of this user when there is no server of theirs', async (t) => {
  using home = tempDir('home')
  const asked: string[] = []
  const server = createServer((request, answer) => {
    asked.push(String(request.headers.authorization))
    answer.end('{}')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => server.close())
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const place = (folder: string, key: string): void => {
    mkdirSync(join(home.path, folder))
    writeFileSync(join(home.path, folder, 'client.json'), JSON.stringify({ url, api_key: key }))
  }
  const env = { XDG_DATA_HOME: home.path }
  t.throws(() => makeClient(env, {}), /no server is known/)
  place('derrick-demo', 'demo')
  await makeClient(env, {}).call('GET', '/status')
  place('derrick', 'own')
  await makeClient(env, {}).call('GET', '/status')
  t.strictSame(asked, ['Bearer demo', 'Bearer own'])
  t.throws(() => makeClient(env, { dataDir: join(home.path, 'other') }), /other/)
})

t.test('a word that is no command is told with the one that is meant', async (t) => {
  t.match(await runDerrick(['statsu']), { code: 2, stderr: /no command statsu\n.*mean status/ })
  t.match(await runDerrick(['--help']), { code: 0, stdout: /doctor|backup/ })
})
