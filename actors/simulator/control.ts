/** The test's hand in the running shop: faults, clock, latency, log. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import Type, { type Static } from 'typebox'
import Value from 'typebox/value'
import type { Clock } from './clock.ts'
import { type Answer, send } from './delivery.ts'
import { Fault, type FaultBook } from './fault.ts'
import type { Latency } from './options.ts'
import { Problem } from './problem.ts'
import type { RateLimit } from './rate-limit.ts'
import type { RequestLog } from './request-log.ts'

export interface Controls {
  clock: Clock
  faults: FaultBook
  log: RequestLog
  latency: { current: Latency }
  limitRate(limit: RateLimit | null): void
}

const closed = { additionalProperties: false }
const ClockBody = Type.Union([
  Type.Object({ now_ms: Type.Integer({ minimum: 0 }) }, closed),
  Type.Object({ advance_ms: Type.Integer() }, closed),
  Type.Object({ real: Type.Literal(true) }, closed),
])
const LatencyBody = Type.Object(
  { ms: Type.Number({ minimum: 0 }), jitter_ms: Type.Optional(Type.Number({ minimum: 0 })) },
  closed,
)
const RateBody = Type.Union([
  Type.Null(),
  Type.Object(
    {
      requests: Type.Number({ exclusiveMinimum: 0 }),
      per_ms: Type.Number({ exclusiveMinimum: 0 }),
      burst: Type.Optional(Type.Number({ minimum: 1 })),
      retry_after: Type.Optional(Type.Enum(['seconds', 'date', 'none'])),
    },
    closed,
  ),
])
const FaultBody = Type.Union([Fault, Type.Array(Fault, { maxItems: 1000 })])

export type ClockMove = Static<typeof ClockBody>

const maxBodyBytes = 1024 * 1024

/** Sets the clock as a control call or a test says. Answers the shop's time. */
export function moveClock(clock: Clock, move: ClockMove): { now_ms: number; frozen: boolean } {
  if ('now_ms' in move) clock.freeze(move.now_ms)
  else if ('advance_ms' in move) clock.advance(move.advance_ms)
  else clock.run()
  return { now_ms: clock.now(), frozen: clock.frozen() }
}

/** Answers a request below /_control. */
export async function answerControl(
  controls: Controls,
  request: IncomingMessage,
  response: ServerResponse,
  url: URL,
): Promise<void> {
  const name = `${request.method} ${url.pathname.slice('/_control'.length)}`
  const handler = Object.hasOwn(handlers, name) ? handlers[name] : undefined
  if (handler === undefined) throw new Problem(404, 'not_found', `no control call ${name}`)
  const body = request.method === 'POST' ? await readBody(request) : undefined
  send(response, json(handler(controls, body, url)))
}

type Handler = (controls: Controls, body: unknown, url: URL) => unknown

const handlers: Record<string, Handler> = {
  'POST /faults': ({ faults }, body) => {
    const given = checked(FaultBody, body)
    try {
      return { ids: (Array.isArray(given) ? given : [given]).map((fault) => faults.add(fault)) }
    } catch (error) {
      throw new Problem(
        400,
        'invalid_fault',
        error instanceof Error ? error.message : String(error),
      )
    }
  },
  'GET /faults': ({ faults }) => ({ faults: faults.list() }),
  'DELETE /faults': ({ faults }, _body, url) => {
    const id = url.searchParams.get('id')
    if (id === null) faults.clear()
    else faults.remove(id)
    return { faults: faults.list() }
  },
  'POST /clock': ({ clock }, body) => moveClock(clock, checked(ClockBody, body)),
  'GET /clock': ({ clock }) => ({ now_ms: clock.now(), frozen: clock.frozen() }),
  'POST /latency': ({ latency }, body) => {
    const { ms, jitter_ms } = checked(LatencyBody, body)
    latency.current = { ms, jitterMs: jitter_ms ?? 0 }
    return { ms, jitter_ms: jitter_ms ?? 0 }
  },
  'POST /rate_limit': ({ limitRate }, body) => {
    const given = checked(RateBody, body)
    if (given === null) {
      limitRate(null)
      return { rate_limit: null }
    }
    const { requests, per_ms: perMs, burst, retry_after: retryAfter } = given
    limitRate({ requests, perMs, burst, retryAfter })
    return { rate_limit: given }
  },
  'GET /requests': ({ log }, _body, url) => {
    const after = Number(url.searchParams.get('after') ?? 0)
    const { inFlightHigh, streams } = log.stats()
    const high = Object.entries(streams).map(([name, stats]) => [name, stats.inFlightHigh])
    return {
      requests: log.requests(Number.isSafeInteger(after) ? after : 0).map(snakeCased),
      in_flight_high: { all: inFlightHigh, ...Object.fromEntries(high) },
    }
  },
  'DELETE /requests': ({ log }) => {
    log.clear()
    return {}
  },
  'GET /stats': ({ log }) => {
    const { streams, ...all } = log.stats()
    const each = Object.entries(streams).map(([name, stats]) => [name, snakeCased(stats)])
    return { ...snakeCased(all), streams: Object.fromEntries(each) }
  },
}

/** The body must say that it is JSON: a web page cannot send that here without being asked first. */
async function readBody(request: IncomingMessage): Promise<unknown> {
  if (!/^application\/json\b/i.test(request.headers['content-type'] ?? '')) {
    throw new Problem(415, 'unsupported_media_type', 'content-type: application/json is needed')
  }
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > maxBodyBytes) throw new Problem(413, 'too_large', `at most ${maxBodyBytes} bytes`)
    chunks.push(chunk)
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString())
  } catch {
    throw new Problem(400, 'invalid_json', 'the body is not JSON')
  }
}

function checked<Schema extends Type.TSchema>(schema: Schema, body: unknown): Static<Schema> {
  if (Value.Check(schema, body)) return body as Static<Schema>
  const [first] = Value.Errors(schema, body)
  throw new Problem(
    400,
    'invalid_body',
    `${first?.instancePath || 'body'}: ${first?.message ?? ''}`,
  )
}

function snakeCased(value: object): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [
      name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
      inner,
    ]),
  )
}

function json(value: unknown): Answer {
  return {
    status: 200,
    headers: { 'content-type': 'application/json' },
    bytes: Buffer.from(JSON.stringify(value)),
  }
}
