import Type, { type Static } from 'typebox'
import { closed, expression, regex } from './kind.ts'

const Choice = Type.Union([Type.String(), Type.Number(), Type.Boolean()])

/** One field of the form in the console, and of `config` in the API. */
export const ConfigField = Type.Object(
  {
    type: Type.Enum(['string', 'integer', 'number', 'boolean', 'list', 'date', 'json'], {
      default: 'string',
    }),
    title: Type.Optional(Type.String({ maxLength: 200 })),
    help: Type.Optional(Type.String({ maxLength: 2_000 })),
    secret: Type.Boolean({ default: false, description: 'encrypted, never read back' }),
    required: Type.Boolean({ default: false }),
    default: Type.Optional(Type.Unknown()),
    enum: Type.Optional(Type.Array(Choice, { minItems: 1, maxItems: 500 })),
    values: Type.Optional(
      Type.Record(Type.String(), Choice, {
        minProperties: 1,
        maxProperties: 500,
        description: 'choice → what `config.<field>` is then, e.g. region → host',
      }),
    ),
    pattern: Type.Optional(regex()),
    min: Type.Optional(
      Type.Number({ description: 'of a number; of the length of a text or list' }),
    ),
    max: Type.Optional(Type.Number()),
    show_if: Type.Optional(
      expression('config', { description: 'asked for, and required, only when true' }),
    ),
  },
  closed,
)
export type ConfigField = Static<typeof ConfigField>
