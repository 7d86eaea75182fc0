/** Records that no reader wants and every reader meets. Pure, so that a test knows what to expect of each. */
import { fields } from './record.ts'
import { hourMs, type StreamName } from './shop.ts'

export const hostileVariants = [
  'proto',
  'nul',
  'surrogate',
  'deep',
  'huge',
  'many_keys',
  'numbers',
  'null_key',
  'missing_key',
  'null_cursor',
  'bad_cursor',
  'not_an_object',
  'outside',
  'duplicate',
] as const
export type HostileVariant = (typeof hostileVariants)[number]

/** Deeper than the 512 levels that a reader must bear. */
const depth = 600
const hugeBytes = 4 * 1024 * 1024
const manyKeys = 12_000
/** Keys of hostile records start here: far above the shop's own, below 2^53. */
const firstKey = 8_000_000_000_000_000

/** The members that make each variant what it is; the text goes into the record as it stands. */
const members: Record<Exclude<HostileVariant, 'duplicate' | 'not_an_object'>, () => string> = {
  proto: () =>
    '"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}},"then":"no","toString":1',
  nul: () => '"note":"a\\u0000b","bad\\u0000name":"\\u0000"',
  surrogate: () => '"note":"half \\ud83d of a pair","other":"\\udc00\\ud800","\\ud800":1',
  deep: () => `"nested":${'{"d":'.repeat(depth)}null${'}'.repeat(depth)}`,
  huge: () => `"blob":"${'x'.repeat(hugeBytes)}"`,
  many_keys: () => Array.from({ length: manyKeys }, (_, n) => `"k${n}":${n}`).join(','),
  numbers: () =>
    '"big":123456789012345678901234567890,"tiny":1e-400,"over":1e400,"minus_zero":-0,"exact":0.1000000000000000055511151231257827,"edge":9007199254740993',
  null_key: () => '"hostile":"null_key"',
  missing_key: () => '"hostile":"missing_key"',
  null_cursor: () => '"hostile":"null_cursor"',
  bad_cursor: () => '"hostile":"bad_cursor"',
  outside: () => '"hostile":"outside"',
}

/** The key that a hostile record carries, as text; the two without a key answer null. */
export function hostileKey(stream: StreamName, variant: HostileVariant): string | null {
  if (variant === 'null_key' || variant === 'missing_key') return null
  const key = firstKey + hostileVariants.indexOf(variant)
  return stream === 'orders' || stream === 'customers' ? String(key) : `hostile_${variant}`
}

/**
 * The exact JSON text of a hostile record whose own time is `atMs` (for `outside`: the caller gives a
 * time outside). `duplicate` has no text of its own: it repeats a record of the page before.
 */
export function hostileRecord(
  stream: StreamName,
  variant: Exclude<HostileVariant, 'duplicate'>,
  atMs: number,
): string {
  if (variant === 'not_an_object') return '42'
  const { key, cursor } = fields[stream]
  const id = hostileKey(stream, variant)
  const isNumber = stream === 'orders' || stream === 'customers'
  const parts: string[] = []
  if (variant !== 'missing_key') {
    parts.push(`"${key}":${id === null || isNumber ? String(id) : JSON.stringify(id)}`)
  }
  if (cursor !== null) {
    const time = JSON.stringify(new Date(atMs - (atMs % 1000)).toISOString())
    const odd = variant === 'null_cursor' ? 'null' : '"yesterday at noon"'
    const isOdd = variant === 'null_cursor' || variant === 'bad_cursor'
    parts.push(`"${cursor}":${isOdd ? odd : time}`)
  }
  return `{${[...parts, members[variant]()].join(',')}}`
}

/** When a hostile record claims to have happened, for a window that was asked for. */
export function hostileTime(
  variant: HostileVariant,
  window: { start: number; end: number } | null,
  asOfMs: number,
): number {
  const bounded = window !== null && window.start > 0
  if (variant === 'outside') return bounded ? Math.max(0, window.start - hourMs) : asOfMs + hourMs
  return bounded ? window.start : asOfMs - (asOfMs % hourMs)
}
