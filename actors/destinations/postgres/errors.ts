import { type Category, DerrickError, derrickError } from '../../../schema/error.ts'

interface Rule {
  category: Category
  code: string
  remedy: string
  retryable?: boolean
}

const busy = 'nothing to do: it is tried again; if it persists, look for long transactions'
const away = 'nothing to do: it is tried again; if it persists, check that the server is up'

/** What a SQLSTATE, or its class (two characters), means for the range. Lost and refused connections are `network`. */
const rules: Record<string, Rule> = {
  '08': { category: 'network', code: 'postgres.connection', remedy: away },
  '57P01': { category: 'network', code: 'postgres.shutdown', remedy: away },
  '57P02': { category: 'network', code: 'postgres.shutdown', remedy: away },
  '57P03': { category: 'network', code: 'postgres.starting', remedy: away },
  '57014': {
    category: 'network',
    code: 'postgres.cancelled',
    remedy: 'somebody, or a timeout set at the server, cancelled it; it is tried again',
  },
  '25P03': { category: 'network', code: 'postgres.idle', remedy: away },
  '25006': {
    category: 'destination',
    code: 'postgres.read_only',
    remedy: 'give the address of the primary; this server takes no writes',
    retryable: true,
  },
  '40001': { category: 'network', code: 'postgres.serialization', remedy: busy },
  '40P01': { category: 'network', code: 'postgres.deadlock', remedy: busy },
  '55P03': { category: 'network', code: 'postgres.lock', remedy: busy },
  '53300': {
    category: 'network',
    code: 'postgres.connections',
    remedy: 'raise max_connections, or lower commit_slots of this destination',
  },
  '53200': { category: 'network', code: 'postgres.memory', remedy: away },
  '53100': {
    category: 'destination',
    code: 'postgres.disk_full',
    remedy: 'free space on the server, then retry; nothing that was committed is lost',
  },
  '28': {
    category: 'destination',
    code: 'postgres.sign_in',
    remedy: 'check user and password in the URL, and pg_hba.conf of the server',
  },
  '3D000': {
    category: 'destination',
    code: 'postgres.database',
    remedy: 'create the database, or name another one in the URL',
  },
  '42501': {
    category: 'destination',
    code: 'postgres.permission',
    remedy: 'grant the user CREATE on the database (or on the schema) and ownership of its tables',
  },
  '54': {
    category: 'destination',
    code: 'postgres.limit',
    remedy: 'the record or the table is over a limit of the server: leave out columns',
  },
}

/** Errors that say that what is known of a table is out of date: it was altered or dropped meanwhile. */
const staleStates = new Set(['42P01', '42703', '42804', '3F000', '42P10', '42846', '42883'])

/** SQLSTATE of a server's error; undefined for any other. */
export function sqlState(error: unknown): string | undefined {
  const { code, severity } = (error ?? {}) as { code?: unknown; severity?: unknown }
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) && severity !== undefined
    ? code
    : undefined
}

export const isStale = (error: unknown): boolean => staleStates.has(sqlState(error) ?? '')

/** Anything that a connection threw, as an error with category, code and remedy. */
export function postgresError(error: unknown): unknown {
  if (error instanceof DerrickError) return error
  const message = error instanceof Error ? error.message : String(error)
  const state = sqlState(error)
  if (state === undefined) return connectionError(error, message)
  const rule = rules[state] ?? rules[state.slice(0, 2)]
  if (!rule) {
    return derrickError('destination', `postgres.${state.toLowerCase()}`, message, {
      remedy: 'the server refused it; its log tells more',
      cause: error,
    })
  }
  const { category, code, remedy, retryable } = rule
  return derrickError(category, code, message, {
    remedy,
    cause: error,
    ...(retryable === undefined ? {} : { retryable }),
  })
}

/** The driver's own errors have no code; all of them are about the connection. */
const driverMessage =
  /^(Connection terminated|timeout expired|Client has encountered a connection|Query read timeout|timeout exceeded)/

function connectionError(error: unknown, message: string): unknown {
  const code = (error as { code?: unknown } | null)?.code
  if (typeof code === 'string' && /^(ERR_TLS|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO)/.test(code)) {
    return derrickError('destination', 'postgres.tls', message, {
      remedy:
        'give the authority that signed the server certificate as ssl_ca, or set ssl: require',
      cause: error,
    })
  }
  if (/does not support SSL/.test(message)) {
    return derrickError('destination', 'postgres.tls', message, {
      remedy: 'turn TLS on at the server, or set ssl: prefer or disable',
      cause: error,
    })
  }
  if (!driverMessage.test(message)) return error
  return derrickError('network', 'postgres.connection', message, { remedy: away, cause: error })
}

/** This attempt was overtaken; it must not write. */
export const fencedOff = (): DerrickError =>
  derrickError(
    'destination',
    'destination.fenced',
    'a newer attempt holds this range; this one wrote nothing',
    { remedy: 'nothing to do: the newer attempt carries on', retryable: true },
  )
