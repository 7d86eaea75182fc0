import Type, { type Static } from 'typebox'
import { closed, expression, path, tree } from './kind.ts'

/** Where an answer's records are and how they are decoded. */
export const Records = Type.Object(
  {
    at: path({ default: '', description: 'path to the records; empty = the whole body' }),
    shape: Type.Enum(['list', 'object', 'values', 'scalars', 'table'], {
      default: 'list',
      description:
        'object: one record; values: an object of records; scalars: {value}; table: first row = names',
    }),
    or_at: Type.Optional(path({ description: 'used when there is nothing at `at`' })),
    where: Type.Optional(expression('record', { description: 'keep only these records' })),
    expand: Type.Optional(
      Type.Object(
        {
          at: path({ minLength: 1, description: 'a list inside each record: one record an item' }),
          keep: Type.Union(
            [Type.Array(path({ minLength: 1 }), { maxItems: 200 }), Type.Literal('all')],
            {
              default: [],
              'x-expected': 'a list of paths or "all"',
              description: 'fields of the outer record that each item gets',
            },
          ),
          as: Type.Optional(
            Type.String({
              minLength: 1,
              maxLength: 256,
              description: 'put the item under this field',
            }),
          ),
        },
        closed,
      ),
    ),
    include: Type.Optional(
      Type.Enum(['jsonapi'], { description: 'put `included` resources into their records' }),
    ),
    format: Type.Enum(['json', 'jsonl', 'csv', 'xml', 'lines'], { default: 'json' }),
    compression: Type.Enum(['auto', 'none', 'gzip', 'zip'], { default: 'auto' }),
    delimiter: Type.String({ default: ',', minLength: 1, maxLength: 1 }),
    charset: Type.String({ default: 'utf-8', minLength: 1, maxLength: 40 }),
    xml_item: Type.Optional(Type.String({ minLength: 1, maxLength: 256 })),
  },
  closed,
)
export type Records = Static<typeof Records>

/** One change to each record; a stream's rules run in order. */
export const FieldRule = Type.Union(
  [
    Type.Object(
      {
        set: path({ minLength: 1 }),
        to: tree('record'),
        as: Type.Optional(
          Type.Enum(['string', 'int', 'number', 'boolean', 'json', 'timestamp'], {
            description: 'convert the value first',
          }),
        ),
        when: Type.Optional(expression('record')),
      },
      closed,
    ),
    Type.Object({ remove: path({ minLength: 1 }) }, closed),
    Type.Object(
      { rename: Type.Record(Type.String({ minLength: 1 }), path({ minLength: 1 })) },
      closed,
    ),
    Type.Object(
      {
        flatten: path({ description: 'an object whose fields move up; empty = all objects' }),
        prefix: Type.Optional(Type.String({ maxLength: 64 })),
        replace: Type.Boolean({ default: false, description: 'overwrite fields of the same name' }),
      },
      closed,
    ),
    Type.Object({ names: Type.Enum(['snake', 'lower']) }, closed),
    Type.Object({ null_if: Type.Array(tree('record'), { minItems: 1, maxItems: 100 }) }, closed),
    Type.Object({ drop_empty: Type.Literal(true) }, closed),
  ],
  { 'x-by': 'key' },
)
export type FieldRule = Static<typeof FieldRule>
