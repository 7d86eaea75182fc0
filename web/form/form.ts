import { createSignal } from 'solid-js'
import { createStore, reconcile } from 'solid-js/store'
import { type FieldProblem, type Problem, problemOf } from '../problem.ts'
import type { FormField } from './field.ts'
import { type Draft, draftOf, type ReadForm, readForm } from './values.ts'

/**
 * The state of a form with a generated config: inputs, which fields are asked for, what is wrong
 * with them (said by us or by the server), and whether it is being sent.
 */
export function createForm() {
  const [draft, setDraft] = createStore<Draft>({})
  const [visible, setVisible] = createSignal<FormField[]>([])
  const [errors, setErrors] = createSignal<FieldProblem[]>([])
  const [problem, setProblem] = createSignal<Problem>()
  const [busy, setBusy] = createSignal<string>()

  /** Runs one step of the form; what the server refuses shows at the fields or above the buttons. */
  const during = async (name: string, work: () => Promise<void>): Promise<void> => {
    setBusy(name)
    setProblem(undefined)
    setErrors([])
    try {
      await work()
    } catch (error) {
      const found = problemOf(error)
      setErrors(found.errors)
      setProblem(found)
    } finally {
      setBusy(undefined)
    }
  }
  return {
    draft,
    visible,
    setVisible,
    errors,
    problem,
    busy,
    during,
    set: (name: string, value: string | boolean) => setDraft(name, value),
    /** Starts with a stored or an empty config. */
    begin: (fields: readonly FormField[], config: Readonly<Record<string, unknown>> = {}) =>
      setDraft(reconcile(draftOf(fields, config))),
    /** The config of the visible inputs; undefined when one of them is wrong, which is then shown. */
    read: (stored?: Readonly<Record<string, unknown>>): ReadForm['config'] | undefined => {
      const found = readForm(visible(), draft, stored)
      setErrors(found.errors)
      return found.errors.length > 0 ? undefined : found.config
    },
    errorOf: (field: string): string | undefined =>
      errors().find((error) => error.field === field)?.message,
  }
}

export type Form = ReturnType<typeof createForm>
