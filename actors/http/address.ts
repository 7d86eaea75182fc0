import ipaddr from 'ipaddr.js'

/** What kind of place an address is. Only `public` is reachable without `DERRICK_ALLOW_PRIVATE_NETWORKS`; `forbidden` never is. */
export type AddressKind = 'public' | 'private' | 'forbidden'

const privateRanges = new Set(['loopback', 'private', 'carrierGradeNat', 'uniqueLocal'])

/**
 * Cloud metadata services outside the link-local ranges: Alibaba's, Oracle's, and AWS's IPv6 one. The last lies inside
 * a range that may otherwise be allowed, so it must be looked for first.
 */
const metadataAddresses = new Set(['100.100.100.200', '192.0.0.192', 'fd00:ec2:0:0:0:0:0:254'])

/**
 * The kind of a resolved IP address. IPv4 addresses dressed as IPv6 (mapped, NAT64, 6to4) are judged by what is inside,
 * since the kernel or a gateway would take them there. Text that is no address is forbidden.
 */
export function addressKind(text: string): AddressKind {
  const bare = text.replace(/^\[|\]$/g, '').replace(/%.*$/, '')
  if (!ipaddr.isValid(bare)) return 'forbidden'
  const address = unwrap(ipaddr.parse(bare))
  if (metadataAddresses.has(address.toNormalizedString())) return 'forbidden'
  const range = address.range()
  if (range === 'unicast') return 'public'
  return privateRanges.has(range) ? 'private' : 'forbidden'
}

type Address = ReturnType<typeof ipaddr.parse>

/** The IPv4 address inside an IPv6 one, where there is one. */
function unwrap(address: Address): Address {
  if (!(address instanceof ipaddr.IPv6)) return address
  if (address.isIPv4MappedAddress()) return address.toIPv4Address()
  const bytes = address.toByteArray()
  const range = address.range()
  if (range === 'rfc6052' || range === 'rfc6145') return new ipaddr.IPv4(bytes.slice(12))
  if (range === '6to4') return new ipaddr.IPv4(bytes.slice(2, 6))
  // The old IPv4-compatible form ::a.b.c.d; :: and ::1 are themselves.
  if (bytes.slice(0, 12).every((byte) => byte === 0) && bytes.slice(12).some((byte) => byte > 1))
    return new ipaddr.IPv4(bytes.slice(12))
  return address
}
