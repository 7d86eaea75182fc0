import { createHash } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import Type from 'typebox'
import { Instant, instantText } from '../../schema/common.ts'
import { DerrickError } from '../../schema/error.ts'
import { configScope } from '../../schema/manifest/config.ts'
import { compileTemplate, compileTree } from '../../schema/manifest/expression/template.ts'
import { textOf } from '../../schema/manifest/expression/value.ts'
import type { Manifest } from '../../schema/manifest/manifest.ts'
import { type AgreedSignIn, agreedSignIn } from '../../schema/manifest/rotating.ts'
import { scopesOf } from '../../schema/manifest/scope.ts'
import type { SourceRow } from '../store/sources.ts'
import type { App } from './app.ts'
import { workspaceOf } from './auth.ts'
import type { ApiDeps } from './deps.ts'
import { idParams, operation } from './operation.ts'
import { ApiProblem, notFound } from './problem.ts'

/** Somebody was sent to the API's page and has not come back yet. */
interface Pending {
  sourceId: string
  workspaceId: string
  redirectUri: string
  verifier: string | null
  expiresAt: number
}

const pendingMs = 600_000
const mostPending = 1_000
const callbackPath = '/api/v1/oauth/callback'

const ops = {
  authorize: operation({
    id: 'authorizeSource',
    summary: "Where to agree, in a browser, to a source's access",
    tag: 'sources',
    role: 'admin',
    params: idParams('src'),
    answer: { 200: Type.Object({ authorize_url: Type.String(), expires_at: Instant }) },
  }),
  callback: operation({
    id: 'authorizationCallback',
    summary: 'Where the browser comes back to',
    tag: 'sources',
    role: 'public',
    // Not closed: APIs bring back more than the standard has.
    query: Type.Object({
      state: Type.String({ minLength: 1, maxLength: 200 }),
      code: Type.Optional(Type.String({ minLength: 1, maxLength: 4_000 })),
      error: Type.Optional(Type.String({ maxLength: 200 })),
      error_description: Type.Optional(Type.String({ maxLength: 2_000 })),
    }),
    answer: { 303: Type.Null() },
  }),
}

/**
 * Access that a person gives in a browser (RFC 6749, 4.1). The state is what proves that who comes back was sent by us: random, good
 * once and for ten minutes; after a restart one begins again.
 */
export function authorizeRoutes(app: App, deps: ApiDeps): void {
  const { connectors, now, randomBytes, stores } = deps
  const pending = new Map<string, Pending>()

  app.get('/api/v1/sources/:id/authorize', ops.authorize, async (request) => {
    const workspace = workspaceOf(request, deps)
    const source = stores.sources.get(workspace.id, request.params.id)
    if (!source) throw notFound('source', request.params.id)
    const manifest = connectors.manifest(source.connector)
    const found = manifest && agreedSignIn(manifest)
    if (!found) throw notAgreed(source)
    forgetOld(pending, now())
    const state = randomBytes(24).toString('base64url')
    const verifier = found.auth.pkce ? randomBytes(32).toString('base64url') : null
    const expiresAt = now() + pendingMs
    const redirectUri = `${originOf(request, deps)}${callbackPath}`
    pending.set(state, {
      sourceId: source.id,
      workspaceId: workspace.id,
      redirectUri,
      verifier,
      expiresAt,
    })
    const url = authorizeUrl(found, scopeOf(source, manifest, deps), {
      state,
      redirectUri,
      verifier,
    })
    return { authorize_url: url, expires_at: instantText(expiresAt) }
  })

  app.get(callbackPath, ops.callback, async (request, reply) => {
    const { state, code, error, error_description: described } = request.query
    const sent = pending.get(state)
    pending.delete(state)
    try {
      if (!sent || sent.expiresAt <= now()) throw unknownState()
      if (code === undefined) throw refused(described ?? error ?? 'it sent no code')
      await store(sent, code, deps)
    } catch (problem) {
      // Who sits in front of a browser is told by the console. Only the code goes into the address: what stands there, anybody may write.
      if (!(problem instanceof ApiProblem) || !isBrowser(request)) throw problem
      const told = new URLSearchParams({ not_signed_in: problem.code })
      if (sent) told.set('source', sent.sourceId)
      return reply.code(303).header('location', `/sources?${told}`).send()
    }
    return reply.code(303).header('location', `/sources?signed_in=${sent.sourceId}`).send()
  })
}

const isBrowser = ({ headers }: FastifyRequest): boolean =>
  /\btext\/html\b/.test(headers.accept ?? '')

/** Trades the code and stores what comes of it; what failed for want of it is tried again. */
async function store(sent: Pending, code: string, deps: ApiDeps): Promise<void> {
  const { stores, secrets, connectors, workbench, engine, config } = deps
  const source = stores.sources.get(sent.workspaceId, sent.sourceId)
  const manifest = source && connectors.manifest(source.connector)
  if (!source || !manifest) throw unknownState()
  const owner = { kind: 'source' as const, id: source.id }
  const changed = await workbench
    .exchange({
      manifest,
      config: secrets.decryptConfig(owner, source.config),
      code,
      redirectUri: sent.redirectUri,
      verifier: sent.verifier,
      allowPrivateNetworks: config.allowPrivateNetworks,
    })
    .catch((error: unknown) => {
      if (!(error instanceof DerrickError)) throw error
      const { code: name, message, remedy } = error.failure
      throw new ApiProblem(422, name, message, remedy === undefined ? {} : { remedy })
    })
  const latest = stores.sources.get(sent.workspaceId, sent.sourceId)
  if (!latest) throw unknownState()
  const sealed = secrets.sealConfig(owner, changed, new Set(Object.keys(changed)))
  const isRefused = latest.stateReason?.category === 'auth'
  const state = isRefused ? { state: 'active' as const, stateReason: null } : {}
  stores.sources.save({
    ...latest,
    ...state,
    config: { ...latest.config, ...sealed },
    updatedAt: deps.now(),
  })
  engine.sourceChanged(source.id)
}

function authorizeUrl(
  { auth }: AgreedSignIn,
  scope: Record<string, unknown>,
  sent: { state: string; redirectUri: string; verifier: string | null },
): string {
  const given = (template: string): string => {
    try {
      return textOf(compileTemplate(template, scopesOf('auth'))(scope))
    } catch {
      throw new ApiProblem(422, 'authorization.config', 'the config is not complete', {
        remedy: 'fill in the client id and whatever else the address needs',
      })
    }
  }
  const url = URL.parse(given(auth.authorize_url ?? ''))
  if (url?.protocol !== 'https:' && url?.protocol !== 'http:')
    throw new ApiProblem(422, 'authorization.address', 'authorize_url is no web address', {
      remedy: "check the source's config and the manifest",
    })
  const params = compileTree(auth.authorize_params, scopesOf('auth'))(scope)
  for (const [name, value] of Object.entries(params as Record<string, unknown>))
    if (value !== null) url.searchParams.set(name, textOf(value))
  url.searchParams.set('response_type', 'code')
  url.searchParams.set('client_id', given(auth.client_id ?? ''))
  url.searchParams.set('redirect_uri', sent.redirectUri)
  url.searchParams.set('state', sent.state)
  if (auth.scopes.length > 0) url.searchParams.set('scope', auth.scopes.join(auth.scope_separator))
  if (sent.verifier !== null) {
    const challenge = createHash('sha256').update(sent.verifier).digest('base64url')
    url.searchParams.set('code_challenge', challenge)
    url.searchParams.set('code_challenge_method', 'S256')
  }
  return url.href
}

/** Credentials of the source that are plain or sealed; a template that needs one that is missing says so. */
function scopeOf(source: SourceRow, manifest: Manifest, { secrets, now }: ApiDeps) {
  const config = secrets.decryptConfig({ kind: 'source', id: source.id }, source.config)
  return { config: configScope(manifest, config), now: now() }
}

/** The address that people use, which must be the one that is registered with the API. */
const originOf = (request: FastifyRequest, { config }: ApiDeps): string =>
  (config.publicUrl ?? `${request.protocol}://${request.host}`).replace(/\/+$/, '')

function forgetOld(pending: Map<string, Pending>, now: number): void {
  for (const [state, { expiresAt }] of pending) if (expiresAt <= now) pending.delete(state)
  while (pending.size >= mostPending) pending.delete(pending.keys().next().value as string)
}

const notAgreed = ({ connector }: SourceRow) =>
  new ApiProblem(422, 'authorization.none', `${connector} asks for no agreement in a browser`, {
    remedy: "put its credentials into the source's config",
  })

const unknownState = () =>
  new ApiProblem(400, 'authorization.state', 'this agreement was not asked for, or too long ago', {
    remedy: 'begin again at the source',
  })

const refused = (why: string) =>
  new ApiProblem(422, 'authorization.refused', `the API gave no access: ${why}`, {
    remedy: 'begin again at the source, and agree to what it asks for',
  })
