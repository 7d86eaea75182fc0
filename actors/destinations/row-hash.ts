const modulus = 2 ** 52
const highBits = 2 ** 20

/** How `rowHash` sees bytes; made once for many rows. */
export const viewOf = ({ buffer, byteOffset, byteLength }: Uint8Array): DataView =>
  new DataView(buffer, byteOffset, byteLength)

/**
 * Hash of one row's bytes as a safe integer, so that sums are order-free and exact. Two lanes of four bytes a step: a
 * call of zlib's crc32 for each row would cost four times as much. Each step is a bijection, so that a change within one
 * lane's word always shows.
 */
export function rowHash(view: DataView, from: number, to: number): number {
  let low = 0x9e3779b9 ^ (to - from)
  let high = to - from
  let at = from
  for (const last = to - 8; at <= last; at += 8) {
    low = Math.imul(low ^ view.getInt32(at, true), 0x85ebca6b)
    high = Math.imul(high ^ view.getInt32(at + 4, true), 0xc2b2ae35)
    low ^= low >>> 15
    high ^= high >>> 13
  }
  for (; at < to; at += 1) low = Math.imul(low ^ view.getUint8(at), 0x01000193)
  high = Math.imul(high ^ (low >>> 16), 0x27d4eb2f)
  low ^= low >>> 13
  return ((high ^ (high >>> 15)) & (highBits - 1)) * 2 ** 32 + (low >>> 0)
}

/** Adds row hashes or sums of them. Order-free; both sides are under 2^52, so nothing is rounded. */
export function addChecksums(a: number, b: number): number {
  return (a + b) % modulus
}

/** Takes a row hash out of a sum again. */
export function subtractChecksum(sum: number, hash: number): number {
  return (sum - hash + modulus) % modulus
}

/** A checksum as receipts and ledgers show it: 13 hex digits. */
export function checksumText(sum: number): string {
  return sum.toString(16).padStart(13, '0')
}
