import { once } from 'node:events'
import { createServer } from 'node:net'
import pg from 'pg'
import t from 'tap'
import { openBrowser } from './browser.ts'
import { startPostgres } from './postgres.ts'
import { missingServices } from './services.ts'
import { startShop } from './simulator.ts'
import { startTcpProxy } from './tcp-proxy.ts'
import { waitFor } from './wait.ts'

t.test(
  'PostgreSQL keeps its data over a stop and a kill',
  {
    skip: missingServices('postgres'),
  },
  async (t) => {
    const server = await startPostgres({ fsync: true })
    t.teardown(() => server.remove())
    const query = async (sql: string) => {
      const client = new pg.Client({ connectionString: server.url })
      await client.connect()
      try {
        return (await client.query(sql)).rows
      } finally {
        await client.end()
      }
    }
    await query('create table kept (n int); insert into kept values (1)')
    await server.restart()
    await server.kill()
    await server.start()
    t.same(await query('select n from kept'), [{ n: 1 }])
  },
)

t.test('Chromium shows a page', { skip: missingServices('chromium') }, async (t) => {
  const window = await openBrowser()
  t.teardown(() => window.close())
  await window.page.setContent('<title>x</title><h1>Derrick</h1>')
  t.equal(await window.page.textContent('h1'), 'Derrick')
  await window.page.evaluate('setTimeout(() => { throw new Error("seen") })')
  await waitFor('the complaint', () => window.complaints.some((each) => each.includes('seen')))
})

t.test('the shop runs in its own process and stands still', async (t) => {
  const startMs = Date.UTC(2025, 0, 1)
  const shop = await startShop({ startMs, nowMs: startMs + 86_400_000 })
  t.teardown(() => shop.stop())
  await shop.freeze(startMs + 1000)
  t.same(await shop.control('GET', '/clock'), { now_ms: startMs + 1000, frozen: true })
})

t.test('the proxy passes, eats replies, resets', async (t) => {
  const echo = createServer((socket) => socket.on('error', () => {}).pipe(socket))
  echo.listen(0, '127.0.0.1')
  await once(echo, 'listening')
  const address = echo.address()
  const proxy = await startTcpProxy(typeof address === 'object' ? (address?.port ?? 0) : 0)
  t.teardown(async () => {
    await proxy.close()
    echo.close()
  })
  const { connect } = await import('node:net')
  const client = connect(proxy.port, '127.0.0.1')
  const failed = once(client, 'error')
  client.write('one')
  t.equal(String((await once(client, 'data'))[0]), 'one')
  proxy.set({ kind: 'eat-replies' })
  client.write('two')
  await waitFor('the reply to reach the proxy', () => proxy.stats().bytesDown === 6)
  proxy.set({ kind: 'reset-after', bytes: 2 })
  client.write('three')
  t.match(await failed, [{ code: 'ECONNRESET' }])
  t.equal(client.bytesRead, 3, 'the second reply never came')
})
