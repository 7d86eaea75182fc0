import type { ConnectionOptions } from 'node:tls'
import type { Address } from './url.ts'

/** What the driver is told: `prefer` and `require` encrypt whoever answers, `verify` also proves who it is. */
export function tlsOptions({
  ssl,
  sslCa,
}: Pick<Address, 'ssl' | 'sslCa'>): false | ConnectionOptions {
  if (ssl === 'disable') return false
  if (ssl !== 'verify') return { rejectUnauthorized: false }
  return sslCa === undefined
    ? { rejectUnauthorized: true }
    : { rejectUnauthorized: true, ca: sslCa }
}

/** Whether an error means that the server has no TLS at all: then `prefer` goes on without. */
export const hasNoTls = (error: unknown): boolean =>
  error instanceof Error && /does not support SSL/.test(error.message)
