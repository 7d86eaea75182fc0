import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import { brotliCompressSync, gzipSync, zstdCompressSync } from 'node:zlib'
import t from 'tap'
import { makeHttpClient } from '../../../actors/http/client.ts'
import type { HttpRequest } from '../../../actors/http/http.ts'
import { toFailure } from '../../../schema/error.ts'

type Handler = (request: IncomingMessage, response: ServerResponse) => void

async function serve(handler: Handler): Promise<string> {
  const server = createServer(handler)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const client = makeHttpClient({ allowPrivateNetworks: true })
t.teardown(() => client.close())

const get = (url: string, more: Partial<HttpRequest> = {}): HttpRequest => ({
  method: 'GET',
  url,
  headers: {},
  timeoutMs: 10_000,
  maxBodyBytes: 32 << 20,
  signal: new AbortController().signal,
  ...more,
})

const codeOf = async (work: Promise<unknown>): Promise<string> => {
  try {
    await work
  } catch (error) {
    const { category, code } = toFailure(error)
    return `${category} ${code}`
  }
  return 'no error'
}

t.test('bodies are decoded by their encoding', async (t) => {
  const text = JSON.stringify({ text: 'ä'.repeat(10_000) })
  const encoders: Record<string, (text: string) => Uint8Array> = {
    gzip: gzipSync,
    zstd: zstdCompressSync,
    br: brotliCompressSync,
    identity: Buffer.from,
  }
  const url = await serve((request, response) => {
    const name = request.url?.slice(1) ?? ''
    t.match(request.headers['accept-encoding'], /zstd, gzip, br/)
    response.setHeader('content-encoding', name)
    response.end(encoders[name]?.(text))
  })
  for (const name of Object.keys(encoders)) {
    const { body } = await client.send(get(`${url}/${name}`))
    t.equal(Buffer.from(body).toString(), text, name)
  }
  t.equal(await codeOf(client.send(get(`${url}/compress`))), 'no error', 'an empty body needs none')
})

t.test('bombs, oversize and damaged bodies are refused', async (t) => {
  const zeros = Buffer.alloc(64 << 20)
  const bodies: Record<string, [string, Uint8Array]> = {
    bomb: ['gzip', gzipSync(zeros)],
    zstd: ['zstd', zstdCompressSync(zeros)],
    br: ['br', brotliCompressSync(zeros)],
    double: ['gzip, gzip', gzipSync(gzipSync(zeros))],
    plain: ['identity', zeros],
    cut: ['gzip', gzipSync(Buffer.from('x'.repeat(1_000))).subarray(0, 20)],
  }
  const url = await serve((request, response) => {
    const [encoding, body] = bodies[request.url?.slice(1) ?? ''] as [string, Uint8Array]
    response.setHeader('content-encoding', encoding)
    response.end(body)
  })
  for (const name of ['bomb', 'zstd', 'br', 'plain'])
    t.equal(await codeOf(client.send(get(`${url}/${name}`))), 'transform http.body_too_large', name)
  t.equal(await codeOf(client.send(get(`${url}/double`))), 'transform http.encoding_unsupported')
  t.equal(await codeOf(client.send(get(`${url}/cut`))), 'network http.body_corrupt')
  const endless = await serve((_request, response) => {
    const more = (): void => {
      while (response.write(zeros.subarray(0, 1 << 20)));
      response.once('drain', more)
    }
    more()
  })
  const small = get(endless, { maxBodyBytes: 4 << 20 })
  t.equal(await codeOf(client.send(small)), 'transform http.body_too_large', 'endless')
})

t.test('redirects: same origin keeps credentials, another one gets none', async (t) => {
  const headersAt: IncomingMessage['headers'][] = []
  const stranger = await serve((request, response) => {
    headersAt.push(request.headers)
    response.end('{}')
  })
  const url = await serve((request, response) => {
    const code = Number(request.url?.slice(1, 4))
    if (request.url === '/here') {
      headersAt.push(request.headers)
      response.end('{}')
      return
    }
    if (request.url === '/loop') response.setHeader('location', '/loop')
    else if (request.url?.endsWith('away')) response.setHeader('location', `${stranger}/x`)
    else if (request.url?.endsWith('file')) response.setHeader('location', 'file:///etc/passwd')
    else response.setHeader('location', '/here')
    response.statusCode = code || 302
    response.end()
  })
  const headers = {
    authorization: 'Bearer canary',
    'x-shopify-access-token': 'canary',
    cookie: 'canary',
    accept: 'application/json',
  }
  await client.send(get(`${url}/302/stay`, { headers }))
  t.equal(headersAt.at(-1)?.['x-shopify-access-token'], 'canary')
  for (const code of [301, 302, 303, 307, 308]) {
    const response = await client.send(get(`${url}/${code}/away`, { headers }))
    t.equal(response.url, `${stranger}/x`)
    t.notMatch(JSON.stringify(headersAt.at(-1)), /canary/, `${code}`)
    t.equal(headersAt.at(-1)?.accept, 'application/json')
  }
  const post = { method: 'POST' as const, body: 'secret=canary', headers }
  t.equal(
    await codeOf(client.send(get(`${url}/307/away`, post))),
    'network http.redirect_refused',
    'no body to another host',
  )
  t.equal(await codeOf(client.send(get(`${url}/302/file`))), 'network http.redirect_refused')
  t.equal(await codeOf(client.send(get(`${url}/loop`))), 'network http.redirect_loop')
})

t.test('addresses are judged after resolution, on every hop', async (t) => {
  const strict = makeHttpClient({
    allowPrivateNetworks: false,
    resolve: (name, done) => {
      const address = name.startsWith('inside') ? '10.0.0.7' : '169.254.169.254'
      done(null, [{ address, family: 4 }])
    },
  })
  t.teardown(() => strict.close())
  for (const host of ['inside.example', 'rebound.example', '127.0.0.1', '[::1]', '2130706433'])
    t.equal(
      await codeOf(strict.send(get(`https://${host}/`))),
      'network network.address_refused',
      host,
    )
  t.equal(await codeOf(strict.send(get('http://a.example/'))), 'network http.url_refused')
  t.equal(await codeOf(strict.send(get('https://user:pw@a.example/'))), 'network http.url_refused')
  const meta = await serve((_request, response) => {
    response.statusCode = 302
    response.setHeader('location', 'http://169.254.169.254/latest/meta-data/')
    response.end()
  })
  t.equal(await codeOf(client.send(get(meta))), 'network network.address_refused', 'a redirect')
})

t.test('an abort ends a request at once, wherever it stands', async (t) => {
  const stalled = await serve((request, response) => {
    if (request.url === '/body') {
      response.writeHead(200, { 'content-length': '100' })
      response.write('half')
    }
  })
  for (const path of ['/headers', '/body']) {
    const abort = new AbortController()
    const reason = new Error('cancelled by the user')
    const sent = client.send(get(stalled + path, { signal: abort.signal }))
    setTimeout(() => abort.abort(reason), 50)
    await t.rejects(sent, { message: reason.message }, path)
  }
  const aborted = AbortSignal.abort(new Error('before'))
  await t.rejects(client.send(get(stalled, { signal: aborted })), { message: 'before' })
})

t.test('time-outs, cuts and what is not HTTP are network failures', async (t) => {
  const url = await serve((request, response) => {
    if (request.url === '/stall') return
    if (request.url === '/trickle') {
      response.writeHead(200)
      const timer = setInterval(() => response.write(' '), 20)
      response.once('close', () => clearInterval(timer))
      return
    }
    response.writeHead(200, { 'content-length': '1000' })
    response.write('half', () => request.socket.destroy())
  })
  t.equal(
    await codeOf(client.send(get(`${url}/stall`, { timeoutMs: 300 }))),
    'network http.timeout',
  )
  t.match(
    await codeOf(client.send(get(`${url}/cut`))),
    /^network (http.body_cut|network.connection_lost)$/,
  )
  const hasty = makeHttpClient({ allowPrivateNetworks: true, totalTimeoutMs: 300 })
  t.teardown(() => hasty.close())
  t.equal(await codeOf(hasty.send(get(`${url}/trickle`))), 'network http.timeout')
  const odd = createTcpServer((socket) => socket.resume().end('SSH-2.0-OpenSSH_9.9\r\n'))
  odd.listen(0, '127.0.0.1')
  await once(odd, 'listening')
  const { port } = odd.address() as AddressInfo
  t.equal(await codeOf(client.send(get(`http://127.0.0.1:${port}/`))), 'network http.protocol')
  odd.close()
  await once(odd, 'close')
  t.equal(await codeOf(client.send(get(`http://127.0.0.1:${port}/`))), 'network network.refused')
})

t.test('no secret gets into an error', async (t) => {
  const secret = 'sk-canary'
  const work = client.send(get(`http://127.0.0.1:1/path?key=${secret}`, { headers: { a: secret } }))
  const failure = await work.then(() => null, toFailure)
  t.notMatch(JSON.stringify(failure), secret)
  const broken = client.send(get('http://127.0.0.1:1/', { headers: { a: `${secret}\n` } }))
  const refused = await broken.then(() => null, toFailure)
  t.equal(refused?.code, 'http.request_invalid')
  t.equal(refused?.retryable, false)
  t.notMatch(JSON.stringify(refused), secret)
})
