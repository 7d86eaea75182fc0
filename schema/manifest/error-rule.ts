import Type, { type Static } from 'typebox'
import { closed, duration, expression, template } from './kind.ts'

const Status = Type.Union(
  [Type.Integer({ minimum: 100, maximum: 599 }), Type.String({ pattern: '^[1-5]xx$' })],
  { 'x-expected': 'a status such as 404 or "5xx"' },
)

/** All conditions given must hold. */
export const When = Type.Object(
  {
    status: Type.Optional(
      Type.Array(Status, { minItems: 1, maxItems: 100, 'x-single': true, description: 'any of' }),
    ),
    text: Type.Optional(
      Type.String({ minLength: 1, maxLength: 1_000, description: 'the body contains this' }),
    ),
    if: Type.Optional(expression('answer')),
  },
  { ...closed, minProperties: 1 },
)
export type When = Static<typeof When>

/**
 * What an answer means. The first rule that matches decides; a stream's own rules come before the
 * defaults', and the engine's built-in table after both.
 */
export const ErrorRule = Type.Object(
  {
    when: When,
    // biome-ignore lint/suspicious/noThenProperty: the author's word for the action; its value is a text, never a function
    then: Type.Enum(
      ['fail', 'retry', 'rate_limit', 'skip', 'empty', 'reauth', 'smaller_page', 'restart'],
      {
        description:
          'skip: this page gives nothing, paging goes on; empty: it gives nothing and is the last',
      },
    ),
    category: Type.Optional(Type.Enum(['auth', 'rate_limit', 'network', 'transform', 'unknown'])),
    message: Type.Optional(template('answer')),
  },
  closed,
)
export type ErrorRule = Static<typeof ErrorRule>

/** Repeats of one request. Tries of a whole range are the stream's own setting. */
export const RequestRetry = Type.Object(
  {
    attempts: Type.Integer({ minimum: 0, maximum: 20, default: 5 }),
    base_ms: duration({ default: 1_000, description: 'first wait; doubles with each attempt' }),
    max_wait_ms: duration({ default: 300_000 }),
    wait_ms: Type.Optional(duration({ description: 'the same wait each time' })),
    wait_header: Type.Optional(
      Type.String({ maxLength: 128, description: 'seconds to wait, beside Retry-After' }),
    ),
    until_header: Type.Optional(
      Type.String({ maxLength: 128, description: 'moment to wait for: epoch or HTTP date' }),
    ),
    jitter: Type.Boolean({ default: true }),
  },
  closed,
)
export type RequestRetry = Static<typeof RequestRetry>
