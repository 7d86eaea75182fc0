import Type, { type Static } from 'typebox'
import { closed, duration, Param, path, template } from './kind.ts'

/** How a stream is limited by time, and what the API does at the edges. A stream without one is read whole. */
export const Window = Type.Object(
  {
    field: path({ minLength: 1, description: "the finished record's own time" }),
    tracks: Type.Enum(['updates', 'creation', 'report']),
    end_filter: Type.Boolean({ description: 'the API takes an end; newest_first needs it' }),
    start: Type.Optional(Param),
    end: Type.Optional(Param),
    start_is: Type.Enum(['inclusive', 'exclusive'], { default: 'inclusive' }),
    end_is: Type.Enum(['exclusive', 'inclusive'], { default: 'exclusive' }),
    format: Type.String({
      default: 'iso',
      minLength: 1,
      maxLength: 100,
      description:
        'iso, iso_ms, iso_micro, iso_offset, date, epoch, epoch_ms, or a pattern such as %Y-%m-%d %H:%M:%S',
    }),
    zone: template('window', {
      default: 'UTC',
      description:
        "zone of the times sent; for dates without hours the source's own is the default",
    }),
    unit: Type.Enum(['second', 'hour', 'day'], {
      default: 'second',
      description: 'finest span that the API honours',
    }),
    max_span_ms: Type.Optional(duration({ minimum: 1, description: 'longest span of one call' })),
    max_age_ms: Type.Optional(duration({ minimum: 1, description: 'older data does not exist' })),
    settle_ms: duration({ default: 0, description: 'the newest data is not complete until then' }),
    revise: template('window', {
      default: '0',
      description: 'a duration; ranges younger than this are read again',
    }),
    order: Type.Enum(['asc', 'desc', 'none'], { default: 'none' }),
  },
  closed,
)
export type Window = Static<typeof Window>
