/** Bytes that JSON is made of. */
export const quote = 0x22
export const comma = 0x2c
export const minus = 0x2d
export const point = 0x2e
export const slash = 0x2f
export const zero = 0x30
export const openList = 0x5b
export const backslash = 0x5c
export const closeList = 0x5d
export const openMap = 0x7b
export const closeMap = 0x7d

/** 1: goes on inside a string as it is. Beyond the body's end there is nothing, which ends every loop as well. */
export const plain = new Uint8Array(256).fill(1, 0x20)
plain[quote] = 0
plain[backslash] = 0

/** What may follow a backslash and is what JSON.stringify writes: `"` `\` b f n r t. */
export const shortEscapes = new Set([...'"\\bfnrt'].map((char) => char.charCodeAt(0)))

export const isDigit = (byte: number | undefined): boolean =>
  byte !== undefined && byte >= zero && byte <= 0x39

export const isExponent = (byte: number | undefined): boolean => byte === 0x65 || byte === 0x45

/** The next byte that is no blank of JSON. */
export function afterBlanks(body: Uint8Array, from: number): number {
  let at = from
  for (;;) {
    const byte = body[at]
    if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return at
    at += 1
  }
}

/** The end of true, false or null; -1 for anything else. */
export function word(body: Uint8Array, at: number): number {
  const second = body[at + 1]
  const third = body[at + 2]
  const fourth = body[at + 3]
  switch (body[at]) {
    case 0x6e:
      return second === 0x75 && third === 0x6c && fourth === 0x6c ? at + 4 : -1
    case 0x74:
      return second === 0x72 && third === 0x75 && fourth === 0x65 ? at + 4 : -1
    case 0x66: {
      const isFalse = second === 0x61 && third === 0x6c && fourth === 0x73 && body[at + 4] === 0x65
      return isFalse ? at + 5 : -1
    }
  }
  return -1
}

/** Whether the four digits at `at` are a control character as JSON.stringify writes it; NUL is not stored as it is. */
export function isControlEscape(body: Uint8Array, at: number): boolean {
  if (body[at] !== zero || body[at + 1] !== zero) return false
  const high = (body[at + 2] as number) - zero
  const digit = body[at + 3] as number
  const low = isDigit(digit) ? digit - zero : digit >= 0x61 && digit <= 0x66 ? digit - 0x57 : -1
  if (low < 0 || (high !== 0 && high !== 1)) return false
  const code = high * 16 + low
  // These have a short form: \b \t \n \f \r.
  return code !== 0 && code !== 8 && code !== 9 && code !== 10 && code !== 12 && code !== 13
}
