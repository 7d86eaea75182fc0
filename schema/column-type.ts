import Type, { type Static } from 'typebox'

/**
 * Types that somebody may declare for a field. Without one a field's type follows from its values, and text stays text. A
 * value that is not of its type is not lost: it lands as text beside the column (`name__text`).
 */
export const columnTypes = ['text', 'integer', 'number', 'boolean', 'timestamp', 'date'] as const
export const ColumnType = Type.Enum(columnTypes)
export type ColumnType = (typeof columnTypes)[number]

/** Declared types by the name of a top-level field. */
export const ColumnTypes = Type.Record(Type.String({ minLength: 1, maxLength: 500 }), ColumnType, {
  maxProperties: 500,
  description:
    'types by field, where destinations have types: text, integer, number, boolean, timestamp (with zone), date',
})
export type ColumnTypes = Static<typeof ColumnTypes>
