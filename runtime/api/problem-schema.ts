import Type, { type Static } from 'typebox'
import { categories } from '../../schema/error.ts'

/** One bad field: a JSON pointer into the body, or the name of a parameter. */
export const FieldError = Type.Object({
  pointer: Type.String(),
  detail: Type.String(),
  remedy: Type.Optional(Type.String()),
})
export type FieldError = Static<typeof FieldError>

/** RFC 9457. `code` is stable; `remedy` says what the caller can do. */
export const Problem = Type.Object({
  type: Type.String(),
  title: Type.String(),
  status: Type.Integer(),
  detail: Type.String(),
  code: Type.String(),
  category: Type.Optional(Type.Enum(categories)),
  remedy: Type.Optional(Type.String()),
  errors: Type.Optional(Type.Array(FieldError)),
})
export type Problem = Static<typeof Problem>
