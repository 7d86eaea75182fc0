import { compileExpression } from '../../schema/manifest/expression/compiler.ts'
import type { FormField } from './field.ts'

/** Decides which fields of a form are asked for, by their `show_if`. */
export function visibleFields(
  fields: readonly FormField[],
  config: Readonly<Record<string, unknown>>,
): FormField[] {
  return fields.filter((field) => {
    if (!field.showIf) return true
    try {
      return Boolean(compileExpression(field.showIf, ['config'])({ config }))
    } catch {
      // A condition that can't be decided must not hide a field that the server then asks for.
      return true
    }
  })
}
