import { crc32 } from 'node:zlib'

const modulus = 2 ** 52
const lengthBits = 2 ** 20

/** Hash of one row's text or bytes: crc32 and length in one safe integer, so that sums are order-free and exact. */
export function rowHash(row: string | Uint8Array, byteLength: number): number {
  return (byteLength % lengthBits) * 2 ** 32 + crc32(row)
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
