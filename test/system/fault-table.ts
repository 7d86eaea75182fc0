/** Faults of APIs, each with what must come of it. */
import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { gzipSync } from 'node:zlib'

/** How a server mishandles one request. */
export type Misbehave = (response: ServerResponse, socket: Socket) => void

/** What becomes of the range and of what it belongs to. */
export type Verdict =
  /** counted tries, with growing waits, until they are used up */
  | 'tries again'
  /** waits as long as the API asks, uncounted, and all of its source with it */
  | 'waits'
  /** nothing but a person can mend it; other ranges go on */
  | 'gives up'
  | 'pauses the source'
  | 'pauses the stream'
  /** it passed after all */
  | 'is read'

export interface ApiFault {
  name: string
  serve?: Misbehave
  /** instead of a server */
  url?: string
  /** category and code, `ok` when it is read all the same */
  is: string
  /** requests until the attempt ends: three when the request itself is repeated */
  requests: number
  /** waits between them in ms; our own back-off doubles from 500 */
  waits?: number[]
  verdict: Verdict
}

const status =
  (code: number, headers: Record<string, string> = {}): Misbehave =>
  (response) =>
    response.writeHead(code, headers).end('{}')
const body =
  (text: string | Uint8Array, headers: Record<string, string> = {}): Misbehave =>
  (response) =>
    response.writeHead(200, { 'content-type': 'application/json', ...headers }).end(text)
const raw =
  (text: string): Misbehave =>
  (_response, socket) =>
    socket.end(text)
const record = '{"data": [{"id": 1}]}'
const backoff = [500, 1_000]

const statuses: ApiFault[] = [
  {
    name: '400',
    serve: status(400),
    is: 'unknown http.status_400',
    requests: 1,
    verdict: 'tries again',
  },
  {
    name: '401',
    serve: status(401),
    is: 'auth http.status_401',
    requests: 1,
    verdict: 'pauses the source',
  },
  {
    name: '403',
    serve: status(403),
    is: 'auth http.status_403',
    requests: 1,
    verdict: 'pauses the stream',
  },
  {
    name: '404',
    serve: status(404),
    is: 'unknown http.status_404',
    requests: 1,
    verdict: 'tries again',
  },
  {
    name: '409',
    serve: status(409),
    is: 'unknown http.status_409',
    requests: 1,
    verdict: 'tries again',
  },
  {
    name: '410',
    serve: status(410),
    is: 'unknown http.status_410',
    requests: 1,
    verdict: 'tries again',
  },
  {
    name: '422',
    serve: status(422),
    is: 'unknown http.status_422',
    requests: 1,
    verdict: 'tries again',
  },
  ...[408, 425, 500, 501, 502, 503, 504, 520, 599].map(
    (code): ApiFault => ({
      name: String(code),
      serve: status(code),
      is: `network http.status_${code}`,
      requests: 3,
      waits: backoff,
      verdict: 'tries again',
    }),
  ),
  {
    name: '503 with Retry-After',
    serve: status(503, { 'retry-after': '7' }),
    is: 'network http.status_503',
    requests: 3,
    waits: [7_000, 7_000],
    verdict: 'tries again',
  },
  {
    name: '503 with a long Retry-After',
    serve: status(503, { 'retry-after': '7200' }),
    is: 'rate_limit http.status_503',
    requests: 1,
    verdict: 'waits',
  },
]

const limits: ApiFault[] = [
  {
    name: '429',
    serve: status(429),
    is: 'rate_limit http.status_429',
    requests: 3,
    waits: backoff,
    verdict: 'tries again',
  },
  {
    name: '429 in seconds',
    serve: status(429, { 'retry-after': '2' }),
    is: 'rate_limit http.status_429',
    requests: 3,
    waits: [2_000, 2_000],
    verdict: 'waits',
  },
  {
    name: '429, Retry-After 0',
    serve: status(429, { 'retry-after': '0' }),
    is: 'rate_limit http.status_429',
    requests: 3,
    waits: backoff,
    verdict: 'tries again',
  },
  {
    name: '429, negative',
    serve: status(429, { 'retry-after': '-5' }),
    is: 'rate_limit http.status_429',
    requests: 3,
    waits: backoff,
    verdict: 'tries again',
  },
  {
    name: '429, garbage',
    serve: status(429, { 'retry-after': 'soon' }),
    is: 'rate_limit http.status_429',
    requests: 3,
    waits: backoff,
    verdict: 'tries again',
  },
  {
    name: '429, two hours',
    serve: status(429, { 'retry-after': '7200' }),
    is: 'rate_limit http.status_429',
    requests: 1,
    verdict: 'waits',
  },
  {
    name: '429, 10^9 seconds',
    serve: status(429, { 'retry-after': '1000000000' }),
    is: 'rate_limit http.status_429',
    requests: 3,
    waits: backoff,
    verdict: 'tries again',
  },
  {
    name: '429 with a date',
    serve: status(429, { 'retry-after': 'Sat, 10 Jan 2026 00:00:05 GMT' }),
    is: 'rate_limit http.status_429',
    requests: 3,
    waits: [5_000, 1_000],
    verdict: 'tries again',
  },
  {
    name: '429 with a reset',
    serve: status(429, { 'x-ratelimit-reset': '4' }),
    is: 'rate_limit http.status_429',
    requests: 3,
    waits: [4_000, 4_000],
    verdict: 'waits',
  },
  {
    name: '403 that means 429',
    serve: status(403, { 'retry-after': '2' }),
    is: 'rate_limit http.status_403',
    requests: 3,
    waits: [2_000, 2_000],
    verdict: 'waits',
  },
]

const network = (name: string, code: string, serve: Misbehave): ApiFault => ({
  name,
  serve,
  is: `network ${code}`,
  requests: 3,
  waits: backoff,
  verdict: 'tries again',
})
const transform = (name: string, serve: Misbehave, code: string): ApiFault => ({
  name,
  serve,
  is: `transform ${code}`,
  requests: 1,
  verdict: 'gives up',
})
const bodies: ApiFault[] = [
  network('JSON that is cut', 'json.cut', body('{"data": [')),
  transform(
    'a page of HTML with 200',
    body('<html>sign in</html>', { 'content-type': 'text/html' }),
    'json.html',
  ),
  network('an empty body', 'json.empty', body('')),
  transform('malformed JSON', body('{"data": x}'), 'json.malformed'),
  transform('nothing where records should be', body('{"other": []}'), 'records.missing'),
  transform('a text where records should be', body('{"data": "none"}'), 'records.shape'),
  transform(
    'nesting without end',
    body(`{"data": ${'['.repeat(2_000)}${']'.repeat(2_000)}}`),
    'json.too_deep',
  ),
  transform(
    'a body over the bound',
    body(`{"data": ["${'x'.repeat(200_000)}"]}`),
    'http.body_too_large',
  ),
  transform(
    'a small body that becomes large',
    body(gzipSync(Buffer.alloc(50_000_000)), { 'content-encoding': 'gzip' }),
    'http.body_too_large',
  ),
  transform(
    'an encoding that nobody knows',
    body(record, { 'content-encoding': 'snappy' }),
    'http.encoding_unsupported',
  ),
  {
    name: 'JSON under a wrong content type',
    serve: body(record, { 'content-type': 'text/plain' }),
    is: 'ok',
    requests: 1,
    verdict: 'is read',
  },
]

const head = 'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n'
const connections: ApiFault[] = [
  network('the connection is reset', 'network.connection_lost', (_response, socket) =>
    socket.resetAndDestroy(),
  ),
  network('the connection is closed', 'network.connection_lost', (_response, socket) =>
    socket.destroy(),
  ),
  network(
    'a body that is cut',
    'network.connection_lost',
    raw(`${head}content-length: 500\r\n\r\n${record}`),
  ),
  network(
    'a chunk that is cut',
    'network.connection_lost',
    raw(`${head}transfer-encoding: chunked\r\n\r\nff\r\n{"da`),
  ),
  network('no HTTP at all', 'http.protocol', raw('SSH-2.0-OpenSSH_9.2\r\n')),
  network(
    'headers without end',
    'http.headers_too_large',
    raw(`${head}x: ${'y'.repeat(100_000)}\r\n\r\n`),
  ),
  network('no answer', 'http.timeout', () => {}),
  network(
    'a body that stalls',
    'http.timeout',
    (response) => void response.writeHead(200).write('{"data": ['),
  ),
  network('a body that trickles', 'http.timeout', (response) => {
    response.writeHead(200)
    const timer = setInterval(() => response.write(' '), 20)
    response.on('close', () => clearInterval(timer))
  }),
  network(
    'a damaged encoding',
    'http.body_corrupt',
    body(gzipSync(record).subarray(0, 20), { 'content-encoding': 'gzip' }),
  ),
]

const refusedForGood = (name: string, code: string, more: Partial<ApiFault>): ApiFault => ({
  name,
  is: `network ${code}`,
  requests: 1,
  verdict: 'gives up',
  ...more,
})
const redirect = (to: string): Misbehave => status(302, { location: to })
const addresses: ApiFault[] = [
  {
    name: 'refused connections',
    url: 'http://127.0.0.1:1',
    is: 'network network.refused',
    requests: 0,
    waits: backoff,
    verdict: 'tries again',
  },
  {
    name: 'an unknown host name',
    url: 'http://unknown.test',
    is: 'network network.name_unknown',
    requests: 0,
    waits: backoff,
    verdict: 'tries again',
  },
  {
    name: 'a resolver that is away',
    url: 'http://away.test',
    is: 'network network.name_lookup',
    requests: 0,
    waits: backoff,
    verdict: 'tries again',
  },
  refusedForGood('an address of a cloud', 'network.address_refused', {
    url: 'http://169.254.169.254',
    requests: 0,
  }),
  refusedForGood('a name for such an address', 'network.address_refused', {
    url: 'http://rebound.test',
    requests: 0,
  }),
  refusedForGood('a redirect to such an address', 'network.address_refused', {
    serve: redirect('http://169.254.169.254/'),
  }),
  refusedForGood('a redirect that never ends', 'http.redirect_loop', {
    serve: redirect('/again'),
    requests: 6,
  }),
  refusedForGood('a redirect to a file', 'http.redirect_refused', {
    serve: redirect('file:///etc/passwd'),
  }),
]

export const apiFaults: ApiFault[] = [
  ...statuses,
  ...limits,
  ...bodies,
  ...connections,
  ...addresses,
]
