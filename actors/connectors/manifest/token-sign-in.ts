import { derrickError } from '../../../schema/error.ts'
import type { AuthOf } from '../../../schema/manifest/auth.ts'
import { compileTemplate } from '../../../schema/manifest/expression/template.ts'
import { textOf } from '../../../schema/manifest/expression/value.ts'
import type { AuthScope, SignIn } from './auth.ts'
import { put } from './draft.ts'
import { namesAt } from './scope.ts'

/** A token and until when it is used. */
export interface Token {
  value: string
  /** epoch ms; null when the API does not say and the manifest neither */
  expiresAt: number | null
  saved: Record<string, unknown>
}

export interface TokenDeps {
  now: () => number
  /** Asks for a new token: the HTTP side of `token-request.ts`. */
  fetchToken: (auth: TokenAuth, scope: AuthScope, signal: AbortSignal) => Promise<Token>
}

export type TokenAuth = AuthOf<'oauth2'> | AuthOf<'login'> | AuthOf<'jwt'>

/** Tokens are renewed this long before they end, or at half their life where that is sooner. */
const renewEarlyMs = 300_000

/**
 * Signs with a token that has to be fetched. All requests of the source share it: one fetch at a time, however many ask. The fetch
 * does not hang on the signal of whoever asked first.
 */
export function makeTokenSignIn(auth: TokenAuth, scope: AuthScope, deps: TokenDeps): SignIn {
  refuseUnsupported(auth)
  const value = compileTemplate(auth.send.value, namesAt('token'))
  let token: Token | null = null
  let renewAt = 0
  let fetching: Promise<Token> | null = null

  const fetchOnce = (): Promise<Token> => {
    fetching ??= deps
      .fetchToken(auth, { ...scope, now: deps.now() }, new AbortController().signal)
      .then((fresh) => {
        token = fresh
        renewAt = renewalOf(fresh, deps.now())
        return fresh
      })
      .finally(() => {
        fetching = null
      })
    return fetching
  }
  const current = async (signal: AbortSignal): Promise<Token> => {
    if (token && deps.now() < renewAt) return token
    return abortable(fetchOnce(), signal)
  }
  return {
    async sign(draft, signal) {
      const { value: text, saved } = await current(signal)
      const sent = value({ config: scope.config, token: text, auth: saved })
      put(draft, { in: auth.send.in, name: auth.send.name }, textOf(sent))
    },
    renew() {
      token = null
      return true
    },
    saved: async (signal) => (await current(signal)).saved,
  }
}

function renewalOf(token: Token, now: number): number {
  if (token.expiresAt === null) return Number.POSITIVE_INFINITY
  return token.expiresAt - Math.min(renewEarlyMs, (token.expiresAt - now) / 2)
}

/** A promise that the signal gives up on; the work behind it goes on for the others who wait for it. */
function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason)
    const onAbort = (): void => reject(signal.reason)
    signal.addEventListener('abort', onAbort, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}

/** A refresh token that changes with each use must be stored before it is used; this worker cannot store it. */
function refuseUnsupported(auth: TokenAuth): void {
  if (auth.type !== 'oauth2') return
  const { grant } = auth
  if (auth.rotates) throw unsupported('rotating refresh tokens')
  if (grant === 'authorization_code' || grant === 'custom') throw unsupported(`grant ${grant}`)
}

const unsupported = (what: string) =>
  derrickError('auth', 'manifest.unsupported', `oauth2 with ${what} is not supported yet`, {
    remedy: 'use client_credentials or a refresh token that stays valid, if the API offers it',
  })
