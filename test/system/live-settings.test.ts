/** What somebody edits while a run is under way holds from its next range on. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import type { Run } from '../../schema/run.ts'
import { startDerrick } from '../support/derrick.ts'
import { createConnection, createFiles, runToEnd } from '../support/setup.ts'
import { tempDir } from '../support/temp-dir.ts'
import { waitFor } from '../support/wait.ts'

const hourMs = 3_600_000
const hours = 120

/** An API without records that notes who asks, and lets the first ranges pass only. */
async function startNotingApi() {
  const keys: string[] = []
  const open = Promise.withResolvers<void>()
  const server = createServer((request, response) => {
    keys.push(String(request.headers.authorization))
    const answer = () => {
      response.writeHead(200, { 'content-type': 'application/json' })
      response.end('{"data": [], "links": {"next": null}}')
    }
    if (keys.length <= 10) answer()
    else void open.promise.then(answer)
  })
  server.listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as AddressInfo
  const close = () => {
    server.closeAllConnections()
    server.close()
  }
  return { url: `http://127.0.0.1:${port}`, keys, open: () => open.resolve(), close }
}

t.test('a new secret is used by the next range of the run that is under way', async (t) => {
  const dir = tempDir('live')
  const api = await startNotingApi()
  const derrick = await startDerrick({ dataDir: join(dir.path, 'data'), run: 'source' })
  t.teardown(async () => {
    await derrick.kill9()
    api.close()
    dir.remove()
  })
  const end = Math.floor(Date.now() / hourMs) * hourMs - hourMs
  const start = new Date(end - hours * hourMs).toISOString()
  const { id: source_id } = await derrick.api<{ id: string }>('POST', '/sources', {
    name: 'shop',
    connector: 'demo_shop',
    config: { base_url: api.url, api_key: 'first' },
    start_date: start,
  })
  const destination_id = await createFiles(derrick, join(dir.path, 'files'))
  const connection = { name: 'shop', source_id, destination_id, namespace: 'shop' }
  const stream = { name: 'events', sync_granularity: 'hour' as const, parallel_ranges: 2 }
  const streams = await createConnection(derrick, connection, [stream])
  const path = `/streams/${streams.get('events')}/sync`
  const window = { from: start, to: new Date(end).toISOString() }
  const { id } = await derrick.api<{ id: string }>('POST', path, window)
  await waitFor('requests that wait', () => api.keys.length === 12)
  await derrick.api('PATCH', `/sources/${source_id}`, { config: { api_key: 'second' } })
  const run = await derrick.api<Run>('GET', `/runs/${id}`)
  t.equal(run.status, 'running')
  api.open()
  t.match(await runToEnd(derrick, id), { status: 'complete', ranges: { complete: hours } })
  t.equal(api.keys.length, hours)
  t.same(new Set(api.keys.slice(0, 12)), new Set(['Bearer first']))
  t.same(new Set(api.keys.slice(12)), new Set(['Bearer second']))
})
