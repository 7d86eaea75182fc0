import { createHash } from 'node:crypto'
import { configScope } from '../../../schema/manifest/config.ts'
import { type Manifest, streamOf } from '../../../schema/manifest/manifest.ts'
import { rotatingFields } from '../../../schema/manifest/rotating.ts'
import type { HttpClient } from '../../http/http.ts'
import { type AuthScope, makeSignIn, type SignIn } from './auth.ts'
import type { SignInKeeper } from './keeper.ts'
import { type Governor, makeLocalGovernor } from './limits.ts'
import { secretsOf } from './secrets.ts'
import { type Clock, systemClock } from './sleep.ts'
import { fetchToken } from './token-request.ts'

/** A source as one worker sees it: what all reads of it share. */
export interface SourceSession {
  manifest: Manifest
  /** `config` as expressions see it */
  config: Record<string, unknown>
  secrets: string[]
  timezone: string
  http: HttpClient
  clock: Clock
  /** 0 ≤ x < 1 */
  random: () => number
  governor: Governor
  /** what requests for tokens ask: all ranges wait for them, so they hang on none */
  tokenGovernor: Governor
  /** the connector's own sign-in; streams may have another */
  signIn: SignIn
  maxBodyBytes: number
  /** the keeper of whoever opened the session last: lines end, sessions stay */
  keeping: { keeper: SignInKeeper | undefined }
  /** sign-ins of streams that have their own, by stream; filled by `streamSession` */
  ofStreams: Map<string, SourceSession>
}

/** A clock that cannot be slept by is given the system's sleep. */
export type ClockOptions = Pick<Clock, 'now'> & Partial<Clock>

export interface SourceOptions {
  manifest: Manifest
  config: Record<string, unknown>
  http: HttpClient
  clock: ClockOptions
  random: () => number
  /** zone of the source; UTC unless told */
  timezone?: string
  /** the worker's own cap on bodies; the manifest's may be lower */
  maxBodyBytes?: number
  /** what requests of the source ask for leave, where they are not alone; else a governor of their own */
  governor?: Governor
  /** who stores secrets that change with each use; without one, such sign-ins cannot be renewed */
  keeper?: SignInKeeper
}

/** Sessions by what they depend on. Reads of one source in one worker share its token and its budget. */
const sessions = new WeakMap<HttpClient, Map<string, SourceSession>>()
const maxSessions = 256
const mostSecrets = 200

/** What a config object was opened with last, and its key: what comes again as it was need not be hashed again. */
const lastKeys = new WeakMap<
  object,
  Pick<SourceOptions, 'manifest' | 'timezone' | 'maxBodyBytes'> & { key: string }
>()

/** The session of a source, made when first asked for. @throws DerrickError auth.config */
export function openSession(options: SourceOptions): SourceSession {
  const { http, keeper, governor } = options
  const key = keyOf(options)
  let known = sessions.get(http)
  if (!known) {
    known = new Map()
    sessions.set(http, known)
  }
  const session = known.get(key) ?? makeSession(options)
  // Most recently used last: the first is the one to forget.
  known.delete(key)
  known.set(key, session)
  if (known.size > maxSessions) known.delete(known.keys().next().value as string)
  session.keeping.keeper = keeper
  return governor ? { ...session, governor } : session
}

function keyOf({ manifest, config, timezone = 'UTC', maxBodyBytes = 0 }: SourceOptions): string {
  const last = lastKeys.get(config)
  const isSame =
    last?.manifest === manifest && last.timezone === timezone && last.maxBodyBytes === maxBodyBytes
  if (isSame) return last.key
  const key = createHash('sha256')
    .update(JSON.stringify([manifest, lastingConfig(manifest, config), timezone, maxBodyBytes]))
    .digest('base64')
  lastKeys.set(config, { manifest, timezone, maxBodyBytes, key })
  return key
}

/** A secret that changes with each use is not what tells two sources apart, or each renewal would begin a new session. */
function lastingConfig(
  manifest: Manifest,
  config: Record<string, unknown>,
): Record<string, unknown> {
  const changing = rotatingFields(manifest)
  if (changing.length === 0) return config
  return Object.fromEntries(Object.entries(config).filter(([name]) => !changing.includes(name)))
}

function makeSession(options: SourceOptions): SourceSession {
  const { manifest, http, random, timezone = 'UTC' } = options
  const clock: Clock = { sleep: systemClock.sleep, ...options.clock }
  const { api } = manifest
  const config = configScope(manifest, options.config)
  const governor = makeLocalGovernor({ limits: api.limits, maxInFlight: api.max_in_flight, clock })
  const session: SourceSession = {
    manifest,
    config,
    secrets: secretsOf(manifest, options.config),
    timezone,
    http,
    clock,
    random,
    governor,
    tokenGovernor: governor,
    signIn: noSignIn,
    keeping: { keeper: options.keeper },
    ofStreams: new Map(),
    maxBodyBytes: Math.min(api.max_body_bytes, options.maxBodyBytes ?? api.max_body_bytes),
  }
  session.signIn = signInOf(manifest.auth, session)
  return session
}

const noSignIn: SignIn = { sign: async () => {}, renew: () => false, saved: async () => ({}) }

/** A sign-in that fetches its tokens through the session. */
function signInOf(auth: Manifest['auth'], session: SourceSession): SignIn {
  const scope: AuthScope = { config: session.config, now: session.clock.now() }
  return makeSignIn(auth, scope, {
    now: () => session.clock.now(),
    async fetchToken(way, tokenScope, signal) {
      const fields = rotatingFields(session.manifest)
      keepSecret(session, ...fields.map((field) => tokenScope.config[field]))
      const asking = { ...session, governor: session.tokenGovernor }
      const token = await fetchToken(way, tokenScope, asking, signal)
      keepSecret(session, token.value, token.successor)
      return token
    },
    keeper: () => session.keeping.keeper,
    style: session.manifest.api,
  })
}

/** Tokens must appear in no message either. The newest are remembered: older ones do not work any more. */
function keepSecret({ secrets }: SourceSession, ...values: unknown[]): void {
  for (const value of values)
    if (typeof value === 'string' && !secrets.includes(value)) secrets.push(value)
  if (secrets.length > mostSecrets) secrets.splice(0, secrets.length - mostSecrets)
}

/** The session as a stream sees it: its own sign-in instead of the connector's, its own limits beside them. */
export function streamSession(session: SourceSession, name: string): SourceSession {
  const stream = streamOf(session.manifest, name)
  if (!stream || (!stream.auth && stream.limits.length === 0)) return session
  const { limits } = stream
  const governor = limits.length > 0 ? session.governor.ofStream(name, limits) : session.governor
  const known = session.ofStreams.get(name)
  if (known) return { ...known, governor }
  const made = { ...session, governor }
  if (stream.auth) made.signIn = signInOf(stream.auth, session)
  session.ofStreams.set(name, made)
  return made
}
