import t from 'tap'
import { assetKeys, readAsset } from '../../../runtime/binary/embedded.ts'
import { openHarness } from './harness.ts'

const isBuilt = readAsset('web/index.html') !== undefined

t.test('the console falls back to its page; unknown API paths do not', async (t) => {
  const h = await openHarness()
  t.teardown(h.close)
  for (const path of ['/', '/connections/con_1', '/login?token=x', '/%E0%A4%A']) {
    const answer = await h.call('GET', path, { key: '' })
    if (path === '/%E0%A4%A')
      t.ok([200, 400, 404].includes(answer.status), 'a broken escape breaks nothing')
    else t.equal(answer.status, isBuilt ? 200 : 404, path)
    if (answer.status === 200) t.match(answer.headers['content-type'], /^text\/html/)
  }
  for (const path of ['/api', '/api/', '/api/v2/x', '/api/v1/../../etc/passwd/api']) {
    const answer = await h.call('GET', path)
    if (path.startsWith('/api/v1/..')) t.notMatch(answer.text, 'root:')
    else t.match(answer, { status: 404, body: { code: 'route.not_found' } }, path)
  }
  t.equal((await h.call('POST', '/connections')).status, 404, 'pages are only read')
})

t.test('no path leads out of the console’s folder', async (t) => {
  const h = await openHarness()
  t.teardown(h.close)
  const climbs = [
    '/../package.json',
    '/%2e%2e/package.json',
    '/assets/..%2f..%2f..%2fpackage.json',
    '/..%5cpackage.json',
    '/assets/%00',
    '/web/../../package.json',
  ]
  for (const path of climbs) {
    const answer = await h.call('GET', path, { key: '' })
    t.notMatch(answer.text, /"dependencies"/, path)
  }
})

t.test('security headers are on everything', async (t) => {
  const h = await openHarness({ publicUrl: 'https://derrick.example.com' })
  t.teardown(h.close)
  for (const path of ['/', '/api/v1/session', '/healthz', '/api/nowhere']) {
    const { headers } = await h.call('GET', path, { key: '' })
    t.match(headers['content-security-policy'], /default-src 'self'.*frame-ancestors 'none'/, path)
    t.notMatch(headers['content-security-policy'], /unsafe/)
    t.equal(headers['x-content-type-options'], 'nosniff')
    t.match(headers['strict-transport-security'], /max-age/)
  }
  t.equal((await h.call('GET', 'session')).headers['cache-control'], 'no-store')
})

t.test(
  'files: compressed when asked, never sent twice, hashed ones for ever',
  { skip: !isBuilt && 'the console is not built' },
  async (t) => {
    const h = await openHarness()
    t.teardown(h.close)
    const hashed = assetKeys('web/assets/')
      .find((key) => key.endsWith('.js'))
      ?.slice('web'.length) as string
    const first = await h.call('GET', hashed, { key: '' })
    t.match(first.headers, { 'content-type': /^text\/javascript/, 'cache-control': /immutable/ })
    const etag = String(first.headers.etag)
    for (const tag of [etag, `W/${etag}`]) {
      t.equal(
        (await h.call('GET', hashed, { key: '', headers: { 'if-none-match': tag } })).status,
        304,
      )
    }
    t.equal((await h.call('GET', '/', { key: '' })).headers['cache-control'], 'no-cache')
    t.equal(
      (await h.call('GET', '/assets/gone-12345.js', { key: '' })).status,
      404,
      'a missing file is no page',
    )
  },
)
