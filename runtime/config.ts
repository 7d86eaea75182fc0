import { readFileSync } from 'node:fs'
import { availableParallelism, homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { derrickError } from '../schema/error.ts'
import { keyPattern } from '../schema/key-pattern.ts'

/** How the server was asked to run: flags before environment before defaults. */
export interface Config {
  host: string
  port: number
  dataDir: string
  adminApiKey: string | undefined
  /** true: no sign-in is asked for */
  authDisabled: boolean
  secretKey: string | undefined
  manifestsDir: string | undefined
  publicUrl: string | undefined
  trustProxy: boolean
  allowPrivateNetworks: boolean
  workers: number
  logLevel: (typeof logLevels)[number]
  logFormat: 'text' | 'json'
  shutdownSeconds: number
}

export type Environment = Readonly<Record<string, string | undefined>>

export interface Flags {
  host?: string
  port?: string
  dataDir?: string
}

const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'silent'] as const

const invalid = (name: string, value: string, expected: string): Error =>
  derrickError(
    'unknown',
    'config.invalid',
    `${name} is ${JSON.stringify(value)}; expected ${expected}`,
    {
      remedy: `set ${name} to ${expected} or leave it out`,
    },
  )

/** Reads the configuration. Throws DerrickError `config.invalid` or `config.refused` that names the variable. */
export function readConfig(env: Environment, flags: Flags = {}): Config {
  const text = (name: string): string | undefined => readVariable(env, name)
  const host = flags.host ?? text('DERRICK_HOST') ?? '127.0.0.1'
  const loopback = isLoopback(host)
  return {
    host,
    port: integer('DERRICK_PORT', flags.port ?? text('DERRICK_PORT') ?? '7070', 0, 65_535),
    dataDir: dataDirOf(env, flags.dataDir),
    adminApiKey: adminKey(text('DERRICK_ADMIN_API_KEY')),
    authDisabled: authDisabled(text('DERRICK_AUTH_DISABLED'), loopback, host),
    secretKey: text('DERRICK_SECRET_KEY'),
    manifestsDir: text('DERRICK_MANIFESTS_DIR'),
    publicUrl: text('DERRICK_PUBLIC_URL'),
    trustProxy: flag('DERRICK_TRUST_PROXY', text('DERRICK_TRUST_PROXY'), false),
    allowPrivateNetworks: flag(
      'DERRICK_ALLOW_PRIVATE_NETWORKS',
      text('DERRICK_ALLOW_PRIVATE_NETWORKS'),
      loopback,
    ),
    workers: integer('DERRICK_WORKERS', text('DERRICK_WORKERS') ?? String(defaultWorkers()), 1, 64),
    logLevel: oneOf('DERRICK_LOG_LEVEL', text('DERRICK_LOG_LEVEL') ?? 'info', logLevels),
    logFormat: oneOf('DERRICK_LOG_FORMAT', text('DERRICK_LOG_FORMAT') ?? 'text', [
      'text',
      'json',
    ] as const),
    shutdownSeconds: integer(
      'DERRICK_SHUTDOWN_SECONDS',
      text('DERRICK_SHUTDOWN_SECONDS') ?? '20',
      0,
      3_600,
    ),
  }
}

/** The supervisor needs a core too; one worker's event loop carries dozens of ranges. */
const defaultWorkers = (): number => Math.min(4, Math.max(1, availableParallelism() - 1))

export const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || host === '[::1]' || /^127(\.\d{1,3}){3}$/.test(host)

export function defaultDataDir(env: Environment): string {
  const base = env.XDG_DATA_HOME || join(env.HOME || homeOrTemp(), '.local', 'share')
  return join(base, 'derrick')
}

/** The data dir that a flag, the environment or custom names. */
export const dataDirOf = (env: Environment, flag: string | undefined): string =>
  resolve(flag ?? readVariable(env, 'DERRICK_DATA_DIR') ?? defaultDataDir(env))

/** The demo has a data dir of its own, beside the one of `serve`. */
export const defaultDemoDir = (env: Environment): string => `${defaultDataDir(env)}-demo`

function homeOrTemp(): string {
  try {
    return homedir()
  } catch {
    return '/tmp'
  }
}

/** `NAME`, or the content of the file that `NAME_FILE` names, without its last line end. */
export function readVariable(env: Environment, name: string): string | undefined {
  const value = env[name]
  if (value !== undefined && value !== '') return value
  const file = env[`${name}_FILE`]
  if (file === undefined || file === '') return undefined
  try {
    return readFileSync(file, 'utf8').replace(/\r?\n$/, '')
  } catch (cause) {
    throw derrickError(
      'unknown',
      'config.invalid',
      `${name}_FILE names ${file}, which can't be read`,
      {
        remedy: 'check the path and its permissions',
        cause,
      },
    )
  }
}

function integer(name: string, value: string, min: number, max: number): number {
  const number = Number(value)
  if (!/^\d+$/.test(value) || number < min || number > max) {
    throw invalid(name, value, `a whole number from ${min} to ${max}`)
  }
  return number
}

function flag(name: string, value: string | undefined, fallback: boolean): boolean {
  if (value === undefined) return fallback
  if (/^(1|true|yes|on)$/i.test(value)) return true
  if (/^(0|false|no|off)$/i.test(value)) return false
  throw invalid(name, value, 'true or false')
}

function oneOf<T extends string>(name: string, value: string, known: readonly T[]): T {
  const found = known.find((one) => one === value)
  if (found === undefined) throw invalid(name, value, `one of ${known.join(', ')}`)
  return found
}

function adminKey(value: string | undefined): string | undefined {
  if (value === undefined || keyPattern.test(value)) return value
  const example = `dk_live_${'0123456789abcdef'.repeat(2)}`
  throw derrickError('unknown', 'config.invalid', 'DERRICK_ADMIN_API_KEY is not a valid key', {
    remedy: `a key is dk_live_ and 32 hex digits, such as ${example} (make one: openssl rand -hex 16)`,
  })
}

function authDisabled(value: string | undefined, loopback: boolean, host: string): boolean {
  if (value === 'really') return true
  if (!flag('DERRICK_AUTH_DISABLED', value, false)) return false
  if (loopback) return true
  throw derrickError(
    'unknown',
    'config.refused',
    `sign-in can't be switched off while Derrick listens on ${host}`,
    {
      remedy:
        'listen on 127.0.0.1, or set DERRICK_AUTH_DISABLED=really if everyone who reaches it may do everything',
    },
  )
}
