import { type LookupAddress, lookup as systemLookup } from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'
import { buildConnector } from 'undici'
import { derrickError } from '../../schema/error.ts'
import { addressKind } from './address.ts'

/** As `dns.lookup` with `all: true`; injected where tests must rebind names. */
export type ResolveName = (
  hostname: string,
  callback: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void

const resolveBySystem: ResolveName = (hostname, callback) =>
  systemLookup(hostname, { all: true, order: 'verbatim' }, callback)

const connectTimeoutMs = 10_000

function refused(hostname: string, kind: 'private' | 'forbidden') {
  return derrickError(
    'network',
    'network.address_refused',
    kind === 'private'
      ? `${hostname} is an address inside a private network`
      : `${hostname} is a link-local, metadata or reserved address`,
    {
      retryable: false,
      remedy:
        kind === 'private'
          ? 'if this API is yours, set DERRICK_ALLOW_PRIVATE_NETWORKS=true'
          : 'such addresses are never connected to; use a host name of the API itself',
    },
  )
}

/**
 * Opens sockets for undici and looks at every address after resolution, just before it is connected to: what was
 * checked is what is used, so a name that resolves differently a moment later gains nothing.
 */
export function makeConnector(options: {
  allowPrivateNetworks: boolean
  resolve?: ResolveName
}): buildConnector.connector {
  const resolve = options.resolve ?? resolveBySystem
  const allowed = (address: string): boolean => {
    const kind = addressKind(address)
    return kind === 'public' || (kind === 'private' && options.allowPrivateNetworks)
  }
  const lookup: LookupFunction = (hostname, wanted, callback) => {
    resolve(hostname, (error, addresses) => {
      if (error) return callback(error, '')
      const usable = addresses.filter(({ address }) => allowed(address))
      const first = usable[0]
      if (!first) {
        const kinds = addresses.map(({ address }) => addressKind(address))
        const kind = kinds.includes('private') ? 'private' : 'forbidden'
        return callback(refused(hostname, kind), '')
      }
      if (wanted.all) return callback(null, usable)
      callback(null, first.address, first.family)
    })
  }
  // HTTP/2 would put many requests on one connection, against what was measured and what limits count.
  const connect = buildConnector({ timeout: connectTimeoutMs, allowH2: false, lookup })
  return (target, callback) => {
    const hostname = target.hostname.replace(/^\[|\]$/g, '')
    // Literal addresses are never looked up, so they are judged here.
    if (isIP(hostname) !== 0 && !allowed(hostname)) {
      const kind = addressKind(hostname) === 'private' ? 'private' : 'forbidden'
      return callback(refused(hostname, kind), null)
    }
    connect(target, callback)
  }
}
