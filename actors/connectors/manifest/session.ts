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

/** The session that a config object was opened with last: what comes again as it was need not be hashed again. */
const lastOpened = new WeakMap<
  object,
  Pick<SourceOptions, 'manifest' | 'http' | 'timezone' | 'maxBodyBytes'> & {
    session: SourceSession
  }
>()

/** The session of a source, made when first asked for. @throws DerrickError auth.config */
export function openSession(options: SourceOptions): SourceSession {
  const { manifest, config, http, timezone, maxBodyBytes } = options
  const last = lastOpened.get(config)
  const isSame =
    last?.manifest === manifest &&
    last.http === http &&
    last.timezone === timezone &&
    last.maxBodyBytes === maxBodyBytes
  const session = isSame ? last.session : findSession(options)
  if (!isSame) lastOpened.set(config, { manifest, http, timezone, maxBodyBytes, session })
  session.keeping.keeper = options.keeper
  return options.governor ? { ...session, governor: options.governor } : session
}

function findSession(options: SourceOptions): SourceSession {
  const { manifest, config, http, timezone = 'UTC', maxBodyBytes = 0 } = options
  const key = createHash('sha256')
    .update(JSON.stringify([manifest, lastingConfig(manifest, config), timezone, maxBodyBytes]))
    .digest('base64')
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
  return session
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
  const session: SourceSession = {
    manifest,
    config,
    secrets: secretsOf(manifest, options.config),
    timezone,
    http,
    clock,
    random,
    governor: makeLocalGovernor({
      limits: api.limits,
      maxInFlight: api.max_in_flight,
      clock,
    }),
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
      const token = await fetchToken(way, tokenScope, session, signal)
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
