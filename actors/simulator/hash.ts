/**
 * Seeded randomness without state: every value is a function of where it is used, so any hour of any
 * stream can be computed without the hours before it, and in any order.
 */

/** Mixes a seed and three integers (each taken modulo 2^32) to 32 well-spread bits, unsigned. */
export function hash(seed: number, a: number, b: number, c: number): number {
  let h = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b)
  h = Math.imul((h ^ (h >>> 15)) + a, 0xc2b2ae35)
  h = Math.imul((h ^ (h >>> 13)) + b, 0x27d4eb2f)
  h = Math.imul((h ^ (h >>> 16)) + c, 0x165667b1)
  h = Math.imul(h ^ (h >>> 15), 0x2c1b3c6d)
  h = Math.imul(h ^ (h >>> 12), 0x297a2d39)
  return (h ^ (h >>> 15)) >>> 0
}

/** The n-th 32-bit value that belongs to the record with this hash. */
export function draw(h: number, n: number): number {
  let x = (h + Math.imul(n + 1, 0x9e3779b9)) | 0
  x = Math.imul(x ^ (x >>> 16), 0x21f0aaad)
  x = Math.imul(x ^ (x >>> 15), 0x735a2d97)
  return (x ^ (x >>> 15)) >>> 0
}

/** The n-th value as a fraction in [0, 1). */
export function unit(h: number, n: number): number {
  return draw(h, n) / 0x1_0000_0000
}

/** True in about `share` of all records. */
export function chance(h: number, n: number, share: number): boolean {
  return unit(h, n) < share
}

/** An integer in [min, max]. */
export function between(h: number, n: number, min: number, max: number): number {
  return min + Math.floor(unit(h, n) * (max - min + 1))
}

/** One of `list`, which must not be empty. */
export function pick<T>(list: readonly T[], h: number, n: number): T {
  return list[draw(h, n) % list.length] as T
}
