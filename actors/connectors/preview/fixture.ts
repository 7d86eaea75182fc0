import { isUtf8 } from 'node:buffer'
import Type, { type Static } from 'typebox'
import { Compile } from 'typebox/compile'
import { derrickError } from '../../../schema/error.ts'
import { secretFields } from '../../../schema/manifest/config.ts'
import type { Manifest } from '../../../schema/manifest/manifest.ts'
import type { HttpClient, HttpRequest, HttpResponse } from '../../http/http.ts'
import type { SecretMask } from './mask.ts'
import type { Exchange } from './recorder.ts'

const FixtureExchange = Type.Object({
  method: Type.Enum(['GET', 'POST']),
  url: Type.String(),
  request_body: Type.Optional(Type.String()),
  status: Type.Integer(),
  headers: Type.Record(Type.String(), Type.String()),
  /** one of the two */
  body: Type.Optional(Type.String()),
  body_base64: Type.Optional(Type.String()),
})

/** What an API answered to a preview, without its secrets: enough to run the preview again with no network. */
const Fixture = Type.Object({
  derrick_fixture: Type.Literal(1),
  connector: Type.String(),
  stream: Type.String(),
  recorded_at: Type.String(),
  /** epoch ms at which the preview's clock stood */
  now: Type.Number(),
  timezone: Type.String(),
  from: Type.Union([Type.Number(), Type.Null()]),
  to: Type.Union([Type.Number(), Type.Null()]),
  pages: Type.Integer(),
  /** without its secrets */
  config: Type.Record(Type.String(), Type.Unknown()),
  exchanges: Type.Array(FixtureExchange, { maxItems: 1_000 }),
})
export type Fixture = Static<typeof Fixture>
const validator = Compile(Fixture)

/** Stands in for every secret while a fixture is replayed; the mask hides it like a real one. */
export const replayedSecret = 'secret-of-a-fixture'

/** Headers that say nothing of the content, or describe an encoding that is undone. */
const leftOut = new Set([
  'set-cookie',
  'content-encoding',
  'content-length',
  'transfer-encoding',
  'connection',
  'keep-alive',
  'date',
])

/** @throws DerrickError fixture.invalid */
export function parseFixture(
  text: string,
  { manifest, stream }: { manifest: Manifest; stream: string },
): Fixture {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw unusable('it is not JSON')
  }
  if (!validator.Check(value)) {
    const [first] = validator.Errors(value)
    throw unusable(`${first?.instancePath || 'it'} ${first?.message ?? 'is not as expected'}`)
  }
  if (value.connector !== manifest.id || value.stream !== stream)
    throw unusable(`it was recorded for ${value.connector}, stream ${value.stream}`)
  return value
}

/** A fixture of everything but sign-ins: replaying needs none. */
export function makeFixture(
  about: Omit<Fixture, 'derrick_fixture' | 'config' | 'exchanges'>,
  { manifest, config }: { manifest: Manifest; config: Record<string, unknown> },
  exchanges: readonly Exchange[],
  mask: SecretMask,
): Fixture {
  const secret = new Set(secretFields(manifest))
  return {
    derrick_fixture: 1,
    ...about,
    config: Object.fromEntries(
      Object.entries(config)
        .filter(([name]) => !secret.has(name))
        .map(([name, value]) => [name, mask.value(value)]),
    ),
    exchanges: exchanges.flatMap(({ purpose, request, response }) => {
      if (purpose === 'sign-in' || !response) return []
      const headers = Object.entries(mask.headers(response.headers))
      return {
        method: request.method,
        url: mask.url(request.url),
        ...(request.body === undefined ? {} : { request_body: mask.text(request.body) }),
        status: response.status,
        headers: Object.fromEntries(headers.filter(([name]) => !leftOut.has(name))),
        ...recordedBody(response.body, mask),
      }
    }),
  }
}

/** Compressed files can't be masked; they are recorded as they are. */
function recordedBody(body: Uint8Array, mask: SecretMask) {
  const bytes = Buffer.from(body)
  if (!isUtf8(bytes)) return { body_base64: bytes.toString('base64') }
  return { body: mask.text(bytes.toString('utf8')) }
}

/** Config for a replay: the recorded one, what the caller gives instead, and something in place of each secret. */
export function replayConfig(
  fixture: Fixture,
  manifest: Manifest,
  given: Record<string, unknown>,
): Record<string, unknown> {
  const secrets = Object.fromEntries(secretFields(manifest).map((name) => [name, replayedSecret]))
  return { ...secrets, ...fixture.config, ...given }
}

/** Answers as recorded: each request with the next answer that it got, the last one again and again. Never asks a network. */
export function makeReplay(fixture: Fixture, mask: SecretMask): HttpClient {
  const answers = new Map<string, Fixture['exchanges']>()
  for (const exchange of fixture.exchanges) {
    const key = keyOf(exchange.method, exchange.url, exchange.request_body)
    const known = answers.get(key)
    if (known) known.push(exchange)
    else answers.set(key, [exchange])
  }
  return {
    async send(request: HttpRequest): Promise<HttpResponse> {
      const url = mask.url(request.url)
      const body = request.body === undefined ? undefined : mask.text(request.body)
      const known = answers.get(keyOf(request.method, url, body))
      if (!known) throw unknownRequest(`${request.method} ${url}`)
      const answer = (known.length > 1 ? known.shift() : known[0]) as Fixture['exchanges'][number]
      const bytes = Buffer.from(
        answer.body ?? answer.body_base64 ?? '',
        answer.body === undefined ? 'base64' : 'utf8',
      )
      return { status: answer.status, headers: answer.headers, body: bytes, url: request.url }
    },
  }
}

/** Credentials are no part of it: while replaying there are none. */
function keyOf(method: string, url: string, body: string | undefined): string {
  const [address = '', query = ''] = url.split('?', 2)
  const params = query.split('&').filter((part) => part !== '' && !part.endsWith('=***'))
  return JSON.stringify([method, address, params, body === undefined ? null : withoutMasked(body)])
}

/** A body without the fields that were masked. */
function withoutMasked(body: string): unknown {
  if (!/^\s*[[{]/.test(body))
    return body
      .split('&')
      .filter((part) => !part.endsWith('=***'))
      .join('&')
  try {
    return JSON.parse(body, (_key, value: unknown) => (value === '***' ? undefined : value))
  } catch {
    return body
  }
}

const unusable = (why: string) =>
  derrickError('transform', 'fixture.invalid', `this fixture can't be replayed: ${why}`, {
    remedy: 'record it again: derrick connector preview FILE STREAM --record FIXTURE',
  })

const unknownRequest = (request: string) =>
  derrickError('transform', 'fixture.request_unknown', `the fixture has no answer to ${request}`, {
    remedy: 'the manifest asks otherwise than when it was recorded; record it again',
    retryable: false,
  })
