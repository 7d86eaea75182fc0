import Type, { type Static } from 'typebox'
import { categories } from './error.ts'

/** A failure as plain data: it crosses threads, is stored with its range and shown by API, console and log. */
export const Failure = Type.Object({
  category: Type.Enum(categories),
  code: Type.String({ description: 'stable, dotted, e.g. http.status_500' }),
  message: Type.String({ description: 'what happened, for a person; never holds secrets' }),
  remedy: Type.Optional(Type.String({ description: 'what the person can do about it' })),
  retryable: Type.Boolean(),
  retry_after_ms: Type.Optional(
    Type.Integer({ minimum: 0, description: 'the other side asked for this wait' }),
  ),
})
export type Failure = Static<typeof Failure>
