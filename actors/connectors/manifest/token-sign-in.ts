import { derrickError } from '../../../schema/error.ts'
import type { AuthOf } from '../../../schema/manifest/auth.ts'
import { compileTemplate } from '../../../schema/manifest/expression/template.ts'
import { textOf } from '../../../schema/manifest/expression/value.ts'
import { configField } from '../../../schema/manifest/rotating.ts'
import type { IssuedToken } from '../../../schema/protocol.ts'
import type { AuthScope, SignIn } from './auth.ts'
import { put } from './draft.ts'
import type { SignInKeeper } from './keeper.ts'
import { namesAt } from './scope.ts'

/** A token and until when it is used. */
export interface Token extends IssuedToken {
  /** the refresh token that takes the place of the one used */
  successor?: string
}

export interface TokenDeps {
  now: () => number
  /** Asks for a new token: the HTTP side of `token-request.ts`. */
  fetchToken: (auth: TokenAuth, scope: AuthScope, signal: AbortSignal) => Promise<Token>
  /** where sign-ins whose secret changes are kept; undefined where nobody could store them */
  keeper: () => SignInKeeper | undefined
}

export type TokenAuth = AuthOf<'oauth2'> | AuthOf<'login'> | AuthOf<'jwt'>

/** Tokens are renewed this long before they end, or at half their life where that is sooner. */
const renewEarlyMs = 300_000

/**
 * Signs with a token that has to be fetched. All requests of the source share it: one fetch at a time, however many ask. The fetch
 * does not hang on the signal of whoever asked first.
 */
export function makeTokenSignIn(auth: TokenAuth, scope: AuthScope, deps: TokenDeps): SignIn {
  const value = compileTemplate(auth.send.value, namesAt('token'))
  let token: IssuedToken | null = null
  /** a token that the API refused, or that is about to end */
  let stale: string | null = null
  let renewAt = 0
  let fetching: Promise<IssuedToken> | null = null

  const rotates = rotatingField(auth)
  const fetch = (more: Record<string, unknown> = {}): Promise<Token> => {
    const config = { ...scope.config, ...more }
    return deps.fetchToken(
      auth,
      { ...scope, config, now: deps.now() },
      new AbortController().signal,
    )
  }
  const fetchOnce = (): Promise<IssuedToken> => {
    fetching ??= (rotates === null ? fetch() : keptToken(rotates, stale, fetch, deps.keeper()))
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
  const current = async (signal: AbortSignal): Promise<IssuedToken> => {
    if (token && deps.now() < renewAt) return token
    stale = token?.value ?? stale
    return abortable(fetchOnce(), signal)
  }
  return {
    async sign(draft, signal) {
      const { value: text, saved } = await current(signal)
      const sent = value({ config: scope.config, token: text, auth: saved })
      put(draft, { in: auth.send.in, name: auth.send.name }, textOf(sent))
    },
    renew() {
      stale = token?.value ?? stale
      token = null
      return true
    },
    saved: async (signal) => (await current(signal)).saved,
  }
}

function renewalOf(token: IssuedToken, now: number): number {
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

/** The field of the config that holds a refresh token which changes with each use; null for sign-ins without one. */
function rotatingField(auth: TokenAuth): string | null {
  if (auth.type !== 'oauth2' || !auth.rotates) return null
  return configField(auth.refresh_token)
}

/**
 * A token by way of whoever keeps the sign-in. One that is still good is taken as it is: each renewal uses up a secret. Renewed is
 * with the secret as it is stored now, which may be newer than the one that this worker was started with.
 */
async function keptToken(
  field: string,
  stale: string | null,
  fetch: (config: Record<string, unknown>) => Promise<Token>,
  keeper: SignInKeeper | undefined,
): Promise<IssuedToken> {
  if (!keeper) throw unkept()
  return keeper.token(stale, async (secrets) => {
    const { successor, ...token } = await fetch({ [field]: secrets[field] })
    return { token, secrets: successor === undefined ? {} : { [field]: successor } }
  })
}

const unkept = () =>
  derrickError(
    'auth',
    'auth.not_kept',
    'its refresh token changes with each use, and here nobody could store the next',
    {
      remedy: 'save the source and let it sync: only there are tokens renewed and stored',
    },
  )
