import type { PostgresConfig } from '../../../schema/destination.ts'
import { type DerrickError, derrickError } from '../../../schema/error.ts'

export type SslMode = NonNullable<PostgresConfig['ssl']>

/** Where to connect; of a URL nothing else is taken, so it can name no files and set no options. */
export interface Address {
  host: string
  port: number
  user: string
  password: string
  database: string
  ssl: SslMode
  sslCa: string | undefined
  channelBinding: boolean
}

const strictness: SslMode[] = ['disable', 'prefer', 'require', 'verify']
const urlModes: Record<string, SslMode> = {
  disable: 'disable',
  allow: 'prefer',
  prefer: 'prefer',
  require: 'require',
  'verify-ca': 'verify',
  'verify-full': 'verify',
}
const defaultPort = 5432

/** The parts of `postgres://user:password@host:5432/database`; throws `postgres.url` saying what is wrong with it. */
export function parseAddress({ url, ssl, ssl_ca: sslCa }: PostgresConfig): Address {
  const parsed = URL.canParse(url) ? new URL(url) : null
  if (!parsed || !/^postgres(ql)?:$/.test(parsed.protocol)) throw badUrl('it is no postgres:// URL')
  if (parsed.hostname === '') throw badUrl('it names no host')
  if (parsed.username === '') throw badUrl('it names no user')
  const options = Object.fromEntries(parsed.searchParams)
  const { sslmode, channel_binding: channelBinding, ...unknown } = options
  const refused = Object.keys(unknown)
  if (refused.length > 0) throw badUrl(`it has options that Derrick does not take: ${refused}`)
  if (sslmode !== undefined && !Object.hasOwn(urlModes, sslmode)) {
    throw badUrl('its sslmode is none of disable, prefer, require, verify-full')
  }
  const modes = [ssl ?? 'prefer', urlModes[sslmode ?? 'disable'] as SslMode]
  const user = decoded(parsed.username)
  return {
    host: parsed.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: parsed.port === '' ? defaultPort : Number(parsed.port),
    user,
    password: decoded(parsed.password),
    database: decoded(parsed.pathname.slice(1)) || user,
    // Of two wishes the stricter one; nobody who asks for TLS in the URL gets less.
    ssl: strictness[Math.max(...modes.map((mode) => strictness.indexOf(mode)))] as SslMode,
    sslCa,
    channelBinding: channelBinding === 'require' || channelBinding === 'prefer',
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw badUrl('it holds a % that is not followed by two hex digits')
  }
}

/** The URL itself is a secret: it is never shown. */
const badUrl = (why: string): DerrickError =>
  derrickError('destination', 'postgres.url', `the URL cannot be used: ${why}`, {
    remedy: 'write it as postgres://user:password@host:5432/database, special characters as %XX',
  })
