import { derrickError } from '../../../schema/error.ts'
import type { Auth, AuthOf, AuthOption } from '../../../schema/manifest/auth.ts'
import { compileExpression } from '../../../schema/manifest/expression/compiler.ts'
import { compileTemplate } from '../../../schema/manifest/expression/template.ts'
import { textOf } from '../../../schema/manifest/expression/value.ts'
import { put, type QueryStyle, type RequestDraft } from './draft.ts'
import { namesAt } from './scope.ts'
import { type AwsKeys, signAws } from './sigv4.ts'
import { makeTokenSignIn, type TokenDeps } from './token-sign-in.ts'

/** Scope of credentials. */
export interface AuthScope {
  [name: string]: unknown
  config: Record<string, unknown>
  now: number
}

/** How requests of a source are signed. */
export interface SignIn {
  /** Puts credentials on a request; may first have to fetch a token. */
  sign(draft: RequestDraft, signal: AbortSignal): Promise<void>
  /** After a 401: forgets what can be fetched anew. False when there is nothing to renew, and repeating is no use. */
  renew(): boolean
  /** what the token answer's `save` kept, as `auth` in requests */
  saved(signal: AbortSignal): Promise<Record<string, unknown>>
}

/** What signing in needs from outside. */
export interface AuthDeps extends TokenDeps {
  /** how queries are written, for signatures over them */
  style: QueryStyle
}

/**
 * Compiles a way to sign in for one source's config.
 * @throws DerrickError auth.config (something is missing)
 */
export function makeSignIn(auth: Auth, scope: AuthScope, deps: AuthDeps): SignIn {
  if (auth.type === 'choice') return makeSignIn(chosen(auth, scope), scope, deps)
  switch (auth.type) {
    case 'none':
      return fixed(() => {})
    case 'bearer': {
      const value = `${auth.scheme} ${credential(auth.token, 'token', scope)}`.trim()
      return fixed((draft) => void draft.headers.set('authorization', value))
    }
    case 'basic': {
      const user = credential(auth.username, 'username', scope)
      const password = credential(auth.password, 'password', scope)
      const value = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`
      return fixed((draft) => void draft.headers.set('authorization', value))
    }
    case 'api_key': {
      const value = credential(auth.value, 'value', scope)
      return fixed((draft) => put(draft, auth, value))
    }
    case 'oauth2':
    case 'login':
    case 'jwt':
      return makeTokenSignIn(auth, scope, deps)
    case 'aws_sigv4': {
      const keys = awsKeys(auth, scope)
      return fixed((draft) => signAws(draft, keys, deps.style, deps.now()))
    }
  }
}

function awsKeys(auth: AuthOf<'aws_sigv4'>, scope: AuthScope): AwsKeys {
  const { service, session_token: token } = auth
  return {
    service,
    region: credential(auth.region, 'region', scope),
    accessKey: credential(auth.access_key, 'access key', scope),
    secretKey: credential(auth.secret_key, 'secret key', scope),
    sessionToken: token === undefined ? null : credential(token, 'session token', scope) || null,
  }
}

function fixed(sign: (draft: RequestDraft) => void): SignIn {
  return {
    sign: async (draft) => sign(draft),
    renew: () => false,
    saved: async () => ({}),
  }
}

/** Evaluates a credential. Line breaks at its ends come from copying and pasting; within, no header can hold them. */
export function credential(template: string, name: string, scope: AuthScope): string {
  let value: unknown
  try {
    value = compileTemplate(template, namesAt('auth'))(scope)
  } catch (cause) {
    throw incomplete(name, cause)
  }
  if (value === null || value === undefined) throw incomplete(name)
  return textOf(value).trim()
}

const incomplete = (name: string, cause?: unknown) =>
  derrickError('auth', 'auth.config', `the sign-in has no ${name}`, {
    cause,
    remedy: "fill in the credentials in the source's config",
  })

/** The option that `by` names, else the first whose templates all have values. */
function chosen(auth: AuthOf<'choice'>, scope: AuthScope): AuthOption {
  if (auth.by !== undefined) {
    const name = compileExpression(auth.by, namesAt('config'))({ config: scope.config })
    if (typeof name === 'string' && Object.hasOwn(auth.options, name))
      return auth.options[name] as AuthOption
    throw derrickError('auth', 'auth.config', `there is no sign-in named ${String(name)}`, {
      remedy: `choose one of ${Object.keys(auth.options).join(', ')}`,
    })
  }
  const found = Object.values(auth.options).find((option) => isComplete(option, scope))
  if (found) return found
  throw derrickError('auth', 'auth.config', 'the config has credentials for no way to sign in', {
    remedy: `fill in one of ${Object.keys(auth.options).join(', ')}`,
  })
}

/** Whether every template of a sign-in has a value with this config. */
function isComplete(option: AuthOption, scope: AuthScope): boolean {
  return Object.entries(option).every(([key, value]) => {
    if (key === 'send' || typeof value !== 'string' || !value.includes('{{')) return true
    try {
      const given = compileTemplate(value, namesAt('auth'))(scope)
      return given !== null && given !== undefined && given !== ''
    } catch {
      return false
    }
  })
}
