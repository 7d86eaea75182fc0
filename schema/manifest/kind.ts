import Type, { type Static, type TSchemaOptions } from 'typebox'

/**
 * Building blocks of the manifest's schemas. One definition serves three readers: TypeScript (the type of
 * a loaded manifest), the loader (what an author writes, with defaults, durations and sizes turned into numbers)
 * and editors (the JSON Schema of the file). The `x-` keywords tell the last two what a value stands for.
 */

/** Where an expression stands; it decides which names are in scope there (`scope.ts`). */
export type Place =
  | 'config'
  | 'auth'
  | 'token'
  | 'request'
  | 'answer'
  | 'record'
  | 'window'
  | 'values'

/** What a value holds beyond its JSON type. */
export type Holds =
  | 'template'
  | 'expression'
  | 'tree'
  | 'path'
  | 'duration'
  | 'bytes'
  | 'regex'
  | 'url'

/** Any JSON value whose strings may hold `{{ }}`; a string that is exactly one `{{ }}` keeps its type. */
export type TemplateValue =
  | string
  | number
  | boolean
  | null
  | TemplateValue[]
  | { [key: string]: TemplateValue }

const maxTemplateLength = 64_000
const maxExpressionLength = 4_000

/** A string with `{{ expression }}` inside. */
export const template = (place: Place, options: TSchemaOptions = {}) =>
  Type.String({
    maxLength: maxTemplateLength,
    'x-holds': 'template',
    'x-place': place,
    ...options,
  })

/** An expression without braces. */
export const expression = (place: Place, options: TSchemaOptions = {}) =>
  Type.String({
    minLength: 1,
    maxLength: maxExpressionLength,
    'x-holds': 'expression',
    'x-place': place,
    ...options,
  })

/** Any JSON value with templates in its strings. */
export const tree = (place: Place, options: TSchemaOptions = {}) =>
  Type.Unsafe<TemplateValue>({ 'x-holds': 'tree', 'x-place': place, ...options })

/** A map of names to values with templates: query parameters, headers, claims. */
export const treeMap = (place: Place, options: TSchemaOptions = {}) =>
  Type.Record(Type.String({ maxLength: 256 }), tree(place), options)

/** Dotted path into an answer or a record: `a.b`, `a.*.b`, `a[0]`; empty = the whole. */
export const path = (options: TSchemaOptions = {}) =>
  Type.String({ maxLength: 500, 'x-holds': 'path', ...options })

/** Milliseconds. In the file: the key without `_ms`, and a text such as `30s`. */
export const duration = (options: TSchemaOptions = {}) =>
  Type.Integer({ minimum: 0, 'x-holds': 'duration', ...options })

/** Bytes. In the file: the key without `_bytes`, and a text such as `32MB`. */
export const bytes = (options: TSchemaOptions = {}) =>
  Type.Integer({ minimum: 1, 'x-holds': 'bytes', ...options })

/** A regular expression in RE2 syntax (linear time). */
export const regex = (options: TSchemaOptions = {}) =>
  Type.String({ minLength: 1, maxLength: 1_000, 'x-holds': 'regex', ...options })

/** A closed object: unknown keys are errors. */
export const closed = { additionalProperties: false } as const

/** Where a value is put into a request; in a body, `name` is a dotted path of the JSON or the form field. */
export const ParamPlace = Type.Enum(['query', 'header', 'body'], { default: 'query' })
export const Param = Type.Object(
  { in: ParamPlace, name: Type.String({ minLength: 1, maxLength: 256 }) },
  closed,
)
export type Param = Static<typeof Param>
