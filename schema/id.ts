/** Prefixes of the ids that users and scripts see. */
export const idPrefixes = [
  'ws',
  'src',
  'dst',
  'con',
  'str',
  'run',
  'rng',
  'key',
  'ntf',
  'evt',
  'ses',
] as const
export type IdPrefix = (typeof idPrefixes)[number]

const alphabet = '0123456789abcdefghjkmnpqrstvwxyz'

/**
 * An opaque id: prefix, then 26 characters that sort by creation (48 bits of time, 80 bits of chance).
 * @param nowMs epoch milliseconds; passed in so that a simulated clock gives repeatable ids
 * @param random ten random bytes
 */
export function makeId(prefix: IdPrefix, nowMs: number, random: Uint8Array): string {
  let value = BigInt(Math.trunc(nowMs)) << 80n
  for (let i = 0; i < 10; i++) value |= BigInt(random[i] ?? 0) << BigInt(8 * (9 - i))
  let text = ''
  for (let i = 0; i < 26; i++) {
    text = alphabet[Number(value & 31n)] + text
    value >>= 5n
  }
  return `${prefix}_${text}`
}

/** Ranges are numbered rows; outside they are `rng_` and the number in base 36. */
export const rangeIdText = (rowId: number): string => `rng_${rowId.toString(36)}`

/** The row number in a range's outside id; undefined when the text is none. */
export function rangeIdOf(text: string): number | undefined {
  if (!/^rng_[0-9a-z]{1,11}$/.test(text)) return undefined
  const rowId = Number.parseInt(text.slice(4), 36)
  return Number.isSafeInteger(rowId) ? rowId : undefined
}
