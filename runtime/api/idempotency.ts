import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Sealed } from '../store/secrets.ts'
import type { App } from './app.ts'
import type { ApiDeps } from './deps.ts'
import { sha256 } from './keys.ts'
import { ApiProblem } from './problem.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** the key this request has taken, until its answer is stored */
    idempotency: { scope: string; key: string } | null
  }
}

const maxKeyLength = 255
/** Headers that are given again with a stored answer. */
const keptHeaders = ['content-type', 'location', 'etag'] as const

/** A POST with an `Idempotency-Key` is done once; repeated within a day it gets the same answer. */
export function addIdempotency(app: App, deps: ApiDeps): void {
  const { stores, secrets, now } = deps
  app.decorateRequest('idempotency', null)

  app.addHook('preValidation', async (request, reply) => {
    const key = keyOf(request)
    if (key === undefined) return
    const scope = scopeOf(request)
    const found = stores.idempotency.begin(scope, key, bodyHash(request.body), now())
    switch (found.kind) {
      case 'new':
        request.idempotency = { scope, key }
        return
      case 'in-flight':
        throw new ApiProblem(
          409,
          'idempotency.in_flight',
          'the first request with this key is still at work',
          {
            remedy: 'wait for it, then repeat',
          },
        )
      case 'other-body':
        throw new ApiProblem(
          422,
          'idempotency.other_body',
          'this key was used for a request with another body',
          {
            remedy: 'use a new Idempotency-Key',
          },
        )
      case 'answered': {
        const { status, headers, body } = found.answer
        reply.code(status).headers(headers).header('idempotent-replayed', 'true')
        // Answers may hold a new key, so they are stored sealed.
        const sealed: Sealed = { $secret: body }
        return reply.send(secrets.open({ kind: 'answer', id: scope }, key, sealed) as string)
      }
    }
  })

  app.addHook('onSend', async (request, reply, payload) => {
    const taken = request.idempotency
    if (!taken) return payload
    request.idempotency = null
    // What failed on our side, or was refused for now, may be sent again.
    const isFinal = reply.statusCode < 500 && reply.statusCode !== 409 && reply.statusCode !== 429
    if (isFinal && (payload === null || payload === undefined || typeof payload === 'string')) {
      const sealed = secrets.seal({ kind: 'answer', id: taken.scope }, taken.key, payload ?? '')
      stores.idempotency.finish(taken.scope, taken.key, {
        status: reply.statusCode,
        headers: headersOf(reply),
        body: sealed.$secret,
      })
    } else {
      stores.idempotency.forget(taken.scope, taken.key)
    }
    return payload
  })
}

/** Sign-ins are never repeated from the store: each makes a cookie of its own. */
function keyOf(request: FastifyRequest): string | undefined {
  const key = request.headers['idempotency-key']
  if (key === undefined || request.method !== 'POST' || !request.principal) return undefined
  if (!request.routeOptions.config.keepsAnswer) return undefined
  if (typeof key === 'string' && key.length > 0 && key.length <= maxKeyLength) return key
  throw new ApiProblem(400, 'idempotency.key_invalid', `a key has 1 to ${maxKeyLength} characters`)
}

function scopeOf(request: FastifyRequest): string {
  const { keyId, sessionId } = request.principal ?? {}
  return `${keyId ?? sessionId ?? 'anyone'} ${request.url}`
}

const bodyHash = (body: unknown): string => sha256(JSON.stringify(body ?? null))

function headersOf(reply: FastifyReply): Record<string, string> {
  const kept = keptHeaders.flatMap((name) => {
    const value = reply.getHeader(name)
    return value === undefined ? [] : [[name, String(value)]]
  })
  return Object.fromEntries(kept)
}
