import Type, { type Static } from 'typebox'

/** RFC 3339 instant in UTC, as the API writes it. */
export const Instant = Type.String({ format: 'date-time' })
/** A name that people choose; it also names folders and schemas by default. */
export const Name = Type.String({
  minLength: 1,
  maxLength: 128,
  pattern: '^[^\\u0000-\\u001f/\\\\]+$',
})
export const Zone = Type.String({ minLength: 1, maxLength: 64, description: 'IANA time zone' })
/** `2024-01-01` or an instant. */
export const StartDate = Type.String({
  pattern: '^\\d{4}-\\d{2}-\\d{2}(T\\d{2}:\\d{2}(:\\d{2}(\\.\\d{1,9})?)?(Z|[+-]\\d{2}:\\d{2}))?$',
})
/** `0`, `500ms`, `30s`, `5m`, `2h`, `3d`, `4w`. */
export const Duration = Type.String({ pattern: '^(0|\\d{1,9}(ms|s|m|h|d|w))$' })

/** How a secret reads back: that it is set, and its last characters. */
export const SecretHint = Type.Object({ set: Type.Boolean(), hint: Type.Optional(Type.String()) })
export type SecretHint = Static<typeof SecretHint>

const unitMs: Record<string, number> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
}

/** Milliseconds of a Duration; undefined when it is none. */
export function durationMs(text: string): number | undefined {
  if (text === '0') return 0
  const match = /^(\d{1,9})(ms|s|m|h|d|w)$/.exec(text)
  if (!match) return undefined
  return Number(match[1]) * (unitMs[match[2] as string] as number)
}

export const instantText = (ms: number): string => new Date(ms).toISOString()
