import Type, { type Static } from 'typebox'
import { closed, Param, path, tree } from './kind.ts'

const batching = {
  batch: Type.Optional(
    Type.Integer({ minimum: 2, maximum: 1_000, description: 'this many values in one request' }),
  ),
  join: Type.String({ default: ',', maxLength: 8, description: 'between the values of a batch' }),
  send: Type.Optional(Param),
}

/** One pass for each record of another stream; `each.<name>` has what `take` names. */
export const ParentEach = Type.Object(
  {
    parent: Type.String({ minLength: 1, maxLength: 63 }),
    take: Type.Record(Type.String({ pattern: '^[A-Za-z_][A-Za-z0-9_]{0,62}$' }), path(), {
      minProperties: 1,
      maxProperties: 50,
      description: "name → path in the parent's record",
    }),
    changed_only: Type.Boolean({
      default: false,
      description: "only the parents within the range being read, by the parent's own window",
    }),
    unique: Type.Boolean({ default: true }),
    ...batching,
  },
  closed,
)
export type ParentEach = Static<typeof ParentEach>

/** One pass for each value of a list. */
export const ValuesEach = Type.Object(
  {
    values: tree('values', { description: 'a list, or a template that gives one' }),
    as: Type.String({ pattern: '^[A-Za-z_][A-Za-z0-9_]{0,62}$' }),
    else: Type.Optional(ParentEach),
    ...batching,
  },
  closed,
)
export type ValuesEach = Static<typeof ValuesEach>

/** Several entries give the product of their values. */
export const ForEach = Type.Union([ParentEach, ValuesEach], { 'x-by': 'key' })
export type ForEach = Static<typeof ForEach>
