const durationUnits: Record<string, number> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
  mo: 30 * 86_400_000,
  y: 365 * 86_400_000,
}
const byteUnits: Record<string, number> = { B: 1, KB: 1024, MB: 1024 ** 2, GB: 1024 ** 3 }

/** `0`, `500ms`, `30s`, `5m`, `2h`, `30d`, `4w`, `1mo` (30 days), `1y` (365 days). */
export const durationPattern = '^(0|\\d{1,9}(ms|s|m|h|d|w|mo|y))$'
export const bytesPattern = '^\\d{1,9}(B|KB|MB|GB)$'

/** Milliseconds of a manifest's duration; undefined when it is none. */
export function manifestDurationMs(text: string): number | undefined {
  if (text === '0') return 0
  const match = /^(\d{1,9})(ms|s|m|h|d|w|mo|y)$/.exec(text)
  return match ? Number(match[1]) * (durationUnits[match[2] as string] as number) : undefined
}

/** Bytes of `32MB` and the like; undefined when it is none. */
export function manifestBytes(text: string): number | undefined {
  const match = /^(\d{1,9})(B|KB|MB|GB)$/.exec(text)
  return match ? Number(match[1]) * (byteUnits[match[2] as string] as number) : undefined
}

/** A duration as an author would write it, for defaults in the editors' schema. */
export function durationText(ms: number): string {
  if (ms === 0) return '0'
  for (const unit of ['d', 'h', 'm', 's']) {
    const size = durationUnits[unit] as number
    if (ms % size === 0) return `${ms / size}${unit}`
  }
  return `${ms}ms`
}

/** The largest unit that divides a number of bytes. */
export function bytesText(bytes: number): string {
  for (const unit of ['GB', 'MB', 'KB']) {
    const size = byteUnits[unit] as number
    if (bytes % size === 0) return `${bytes / size}${unit}`
  }
  return `${bytes}B`
}
