import { createHmac, createSign } from 'node:crypto'
import { DerrickError, derrickError, toFailure } from '../../../schema/error.ts'
import type { AuthOf, Jwt } from '../../../schema/manifest/auth.ts'
import type { ErrorRule } from '../../../schema/manifest/error-rule.ts'
import { compileTemplate, compileTree } from '../../../schema/manifest/expression/template.ts'
import { textOf } from '../../../schema/manifest/expression/value.ts'
import { compilePath } from '../../../schema/manifest/path.ts'
import { ask } from './ask.ts'
import { type AuthScope, credential } from './auth.ts'
import type { DraftBody, RequestDraft } from './draft.ts'
import { makeErrorJudge } from './errors.ts'
import { jsonObject } from './records.ts'
import { compileRequest } from './request.ts'
import { waitOf } from './retry.ts'
import { namesAt, noPage, type RequestScope } from './scope.ts'
import type { SourceSession } from './session.ts'
import type { Token, TokenAuth } from './token-sign-in.ts'
import { setPath } from './value.ts'
import { noWindow } from './window.ts'

/** Fetches a token, or makes one (jwt). @throws DerrickError auth.* for what the API refuses, network.* for what may pass */
export async function fetchToken(
  auth: TokenAuth,
  scope: AuthScope,
  session: SourceSession,
  signal: AbortSignal,
): Promise<Token> {
  switch (auth.type) {
    case 'jwt': {
      const value = signedJwt(auth.jwt, scope)
      return { value, expiresAt: scope.now + auth.jwt.ttl_ms, saved: {} }
    }
    case 'login': {
      const draft = compileRequest(auth.request, session.manifest.api.base_url)
      const answer = await askForToken(() => draft.draft(requestScope(session)), session, signal)
      return tokenOf(answer, auth, {}, scope.now)
    }
    case 'oauth2': {
      const rules = auth.revoked_when ? [revokedRule(auth.revoked_when)] : []
      const answer = await askForToken(() => tokenDraft(auth, scope), session, signal, rules)
      const token = tokenOf(answer, auth, auth.save, scope.now)
      const successor = auth.rotates ? compilePath(auth.refresh_token_at)(answer) : undefined
      // An API that gives none goes on taking the old one.
      return typeof successor === 'string' && successor !== '' ? { ...token, successor } : token
    }
  }
}

const requestScope = (session: SourceSession): RequestScope => ({
  config: session.config,
  source: { timezone: session.timezone },
  now: session.clock.now(),
  window: noWindow,
  each: {},
  job: {},
  auth: {},
  page: noPage,
})

/** Any answer of a token endpoint but an outage is the account's matter: repeating it would lock the account. */
async function askForToken(
  draft: () => RequestDraft,
  session: SourceSession,
  signal: AbortSignal,
  rules: ErrorRule[] = [],
): Promise<unknown> {
  const unsigned = {
    ...session,
    signIn: { sign: async () => {}, renew: () => false, saved: async () => ({}) },
  }
  try {
    const { document } = await ask(
      {
        scope: requestScope(session),
        draft,
        judge: makeErrorJudge([...rules, ...revokedRules]),
        retry: session.manifest.retry,
        records: jsonObject,
        signal,
        onWait: () => {},
      },
      unsigned,
    )
    return document.response
  } catch (error) {
    const given = toFailure(error)
    if (given.message === revoked) throw grantRevoked(error)
    if (!/^http\.status_4/.test(given.code) || given.category === 'rate_limit') throw error
    throw new DerrickError({
      ...given,
      category: 'auth',
      code: 'auth.token_refused',
      retryable: false,
      remedy: 'check the client id, secret and refresh token; the grant may have been revoked',
    })
  }
}

const revoked = 'the account has revoked the access that this source was given'

/** What RFC 6749 has for it; a manifest may say how its API tells. */
const revokedRule = (when: ErrorRule['when']): ErrorRule => ({
  when,
  // biome-ignore lint/suspicious/noThenProperty: the author's word for the action; its value is a text, never a function
  then: 'fail',
  category: 'auth',
  message: revoked,
})
const revokedRules = [revokedRule({ status: [400, 401], text: 'invalid_grant' })]

const grantRevoked = (cause: unknown) =>
  derrickError('auth', 'auth.revoked', revoked, {
    cause,
    remedy: "give it access again, and put the new refresh token into the source's config",
  })

function tokenOf(
  answer: unknown,
  auth: { token_at: string; expires_at?: string; expires_in_ms?: number },
  save: Record<string, string>,
  now: number,
): Token {
  const value = compilePath(auth.token_at)(answer)
  if (typeof value !== 'string' || value === '') {
    throw derrickError('auth', 'auth.no_token', `the sign-in answer has no ${auth.token_at}`, {
      remedy: 'check token_at in the manifest',
    })
  }
  const until = auth.expires_at === undefined ? undefined : compilePath(auth.expires_at)(answer)
  const text = typeof until === 'string' || typeof until === 'number' ? String(until) : undefined
  const life = waitOf(text, now) ?? auth.expires_in_ms ?? null
  const saved: Record<string, unknown> = {}
  for (const [name, path] of Object.entries(save)) saved[name] = compilePath(path)(answer) ?? null
  return { value, expiresAt: life === null ? null : now + life, saved }
}

/** What a browser brought back after somebody had agreed. */
export interface AgreedCode {
  code: string
  redirectUri: string
  /** of PKCE (RFC 7636); null where the API knows none */
  verifier: string | null
}

/**
 * The refresh token that a code stands for. A code works once.
 * @throws DerrickError auth.* for what the API refuses, network.* for what may pass
 */
export async function exchangeCode(
  auth: AuthOf<'oauth2'>,
  { code, redirectUri, verifier }: AgreedCode,
  session: SourceSession,
  signal: AbortSignal,
): Promise<string> {
  const fields = new Map<string, unknown>([
    ['grant_type', 'authorization_code'],
    ['code', code],
    ['redirect_uri', redirectUri],
  ])
  if (verifier !== null) fields.set('code_verifier', verifier)
  const scope: AuthScope = { config: session.config, now: session.clock.now() }
  const draft = (): RequestDraft => tokenDraft(auth, scope, new Map(fields))
  const answer = await askForToken(draft, session, signal)
  const token = compilePath(auth.refresh_token_at)(answer)
  if (typeof token === 'string' && token !== '') return token
  throw derrickError('auth', 'auth.no_refresh_token', 'the API gave access, but no refresh token', {
    remedy:
      'ask for lasting access in the manifest: a scope such as offline_access, or authorize_params: {access_type: offline, prompt: consent}',
  })
}

/** The form of RFC 6749, with the variations that APIs have. */
function tokenDraft(
  auth: AuthOf<'oauth2'>,
  scope: AuthScope,
  fields = new Map<string, unknown>([['grant_type', grantType(auth)]]),
): RequestDraft {
  const give = (name: string, template: string | undefined): void => {
    if (template !== undefined) fields.set(name, credential(template, name, scope))
  }
  if (!fields.has('code') && refreshes(auth)) give('refresh_token', auth.refresh_token ?? '')
  if (auth.grant === 'jwt_bearer' && auth.jwt) fields.set('assertion', signedJwt(auth.jwt, scope))
  if (!fields.has('code') && auth.scopes.length > 0)
    fields.set('scope', auth.scopes.join(auth.scope_separator))
  const headers = new Map([['accept', 'application/json']])
  if (auth.client_auth === 'basic') {
    const id = credential(auth.client_id ?? '', 'client_id', scope)
    const secret = credential(auth.client_secret ?? '', 'client_secret', scope)
    headers.set('authorization', `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`)
  } else {
    give('client_id', auth.client_id)
    give('client_secret', auth.client_secret)
  }
  const params = compileTree(auth.token_params, namesAt('auth'))(scope)
  for (const [name, value] of Object.entries(params as Record<string, unknown>))
    if (value !== null) fields.set(name, value)
  const extra = compileTree(auth.token_headers, namesAt('auth'))(scope)
  for (const [name, value] of Object.entries(extra as Record<string, unknown>))
    if (value !== null) headers.set(name.toLowerCase(), textOf(value))
  const url = new URL(textOf(compileTemplate(auth.token_url, namesAt('auth'))(scope)))
  const tail = url.search.slice(1)
  url.search = ''
  const inQuery = auth.body_format === 'query'
  return {
    method: 'POST',
    url: url.href,
    tail,
    query: inQuery ? fields : new Map(),
    headers,
    body: inQuery ? null : tokenBody(fields, auth.body_format === 'json'),
  }
}

function tokenBody(fields: Map<string, unknown>, asJson: boolean): DraftBody {
  if (!asJson) return { kind: 'form', fields }
  let value: unknown = {}
  for (const [name, field] of fields) value = setPath(value, name, field)
  return { kind: 'json', value }
}

/** Once somebody has agreed in a browser, only the refresh token that came of it is used. */
const refreshes = ({ grant }: AuthOf<'oauth2'>): boolean =>
  grant === 'refresh_token' || grant === 'authorization_code'

function grantType(auth: AuthOf<'oauth2'>): string {
  if (auth.grant === 'jwt_bearer') return 'urn:ietf:params:oauth:grant-type:jwt-bearer'
  if (auth.grant === 'custom') return auth.grant_name ?? auth.grant
  return refreshes(auth) ? 'refresh_token' : auth.grant
}

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')

/** A signed JSON Web Token; `iat` and `exp` are set unless the manifest sets them. */
function signedJwt(jwt: Jwt, scope: AuthScope): string {
  const seconds = Math.floor(scope.now / 1_000)
  const headers = compileTree(jwt.headers, namesAt('auth'))(scope) as Record<string, unknown>
  const claims = compileTree(jwt.claims, namesAt('auth'))(scope) as Record<string, unknown>
  const head = encode({ alg: jwt.algorithm, typ: 'JWT', ...headers })
  const times = { iat: seconds, exp: seconds + Math.floor(jwt.ttl_ms / 1_000) }
  const text = `${head}.${encode({ ...times, ...claims })}`
  const key = credential(jwt.key, 'key', scope)
  const hash = `sha${jwt.algorithm.slice(2)}`
  try {
    if (jwt.algorithm.startsWith('HS'))
      return `${text}.${createHmac(hash, key).update(text).digest('base64url')}`
    const signer = createSign(hash).update(text)
    const dsaEncoding = jwt.algorithm.startsWith('ES') ? { dsaEncoding: 'ieee-p1363' as const } : {}
    return `${text}.${signer.sign({ key, ...dsaEncoding }, 'base64url')}`
  } catch (cause) {
    throw derrickError('auth', 'auth.config', 'the key of the sign-in is not a private key', {
      cause,
      remedy: 'paste the whole PEM text, with its first and last line',
    })
  }
}
