import { setOwn } from '../../../schema/manifest/expression/value.ts'
import { type PathStep, parsePath } from '../../../schema/manifest/path.ts'

/** Whether a value is a number kept as its text (`JSON.rawJSON`). */
export const isExactNumber: (value: unknown) => boolean = (
  JSON as unknown as { isRawJSON: (value: unknown) => boolean }
).isRawJSON

/** A map with fields, as records are: no list, no null, no exact number. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return (
    typeof value === 'object' && value !== null && !Array.isArray(value) && !isExactNumber(value)
  )
}

/**
 * A value with something set at a dotted path. Maps on the way are copied, so values that share parts stay
 * apart; what is missing or no map is made one. Only names count: a list on the way is replaced by no list, but kept and
 * indexed when the step is an index within it.
 */
export function setPath(value: unknown, path: string, set: unknown): unknown {
  return setSteps(value, stepsOf(path), set, 0)
}

/** Steps of a path that the loader has checked. */
export function stepsOf(path: string): PathStep[] {
  const steps = parsePath(path)
  if (!steps) throw new RangeError(`not a path: ${path}`)
  return steps
}

function setSteps(value: unknown, steps: PathStep[], set: unknown, at: number): unknown {
  const step = steps[at]
  if (!step) return set
  if ('every' in step) {
    if (!Array.isArray(value)) return value
    return value.map((item: unknown) => setSteps(item, steps, set, at + 1))
  }
  if ('index' in step) {
    if (!Array.isArray(value) || step.index >= value.length) return value
    return value.with(step.index, setSteps(value[step.index], steps, set, at + 1))
  }
  const copy = isRecord(value) ? copyOf(value) : {}
  const below = Object.hasOwn(copy, step.name) ? copy[step.name] : undefined
  setOwn(copy, step.name, setSteps(below, steps, set, at + 1))
  return copy
}

/** A value without what is at a path; maps on the way are copied. */
export function removePath(value: unknown, steps: PathStep[], at = 0): unknown {
  const step = steps[at]
  if (!step) return value
  if ('every' in step) {
    if (!Array.isArray(value)) return value
    return value.map((item: unknown) => removePath(item, steps, at + 1))
  }
  if ('index' in step) {
    if (!Array.isArray(value) || step.index >= value.length) return value
    if (at === steps.length - 1) return value.toSpliced(step.index, 1)
    return value.with(step.index, removePath(value[step.index], steps, at + 1))
  }
  if (!isRecord(value) || !Object.hasOwn(value, step.name)) return value
  const copy = copyOf(value)
  if (at === steps.length - 1) delete copy[step.name]
  else setOwn(copy, step.name, removePath(copy[step.name], steps, at + 1))
  return copy
}

/** A shallow copy; unlike `Object.assign`, `{...}` keeps `__proto__` a field like any other. */
export const copyOf = (record: Record<string, unknown>): Record<string, unknown> => ({ ...record })
