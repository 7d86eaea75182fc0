// In the runtime and in current browsers, but not yet in TypeScript's library.
const { rawJSON, isRawJSON } = JSON as unknown as {
  rawJSON: (text: string) => unknown
  isRawJSON?: (value: unknown) => boolean
}

/**
 * Numbers that a double would change are decoded as `JSON.rawJSON` objects. This gives their value: a bigint for
 * whole numbers, else the nearest double. Anything else is returned as it is.
 */
export function exactNumber(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || !isRawJSON?.(value)) return value
  const text = (value as { rawJSON: string }).rawJSON
  return /^-?\d+$/.test(text) ? BigInt(text) : Number(text)
}

/** For JSON texts: a bigint with all its digits. */
export const rawNumber = (value: bigint): unknown => rawJSON(String(value))
