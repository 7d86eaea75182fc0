import type { ManifestPath } from './issue.ts'
import type { Place } from './kind.ts'
import { nearest } from './nearest.ts'
import {
  authorKey,
  describe,
  expected,
  isMap,
  patternOf,
  type Reader,
  refuse,
  type Shape,
  type ShapeReading,
} from './shape-finding.ts'
import { readNumber, readSize, readText } from './shape-scalar.ts'

/**
 * Reads a value of a file by its shape: defaults filled in, durations and sizes as numbers. Everything wrong is added
 * to the findings; what is returned is of use only when there are none.
 */
export const readShape: Reader = (shape, value, path, reading) => {
  if (shape['x-by'] === 'null') {
    return value === null ? null : readShape(shape.anyOf?.[0] as Shape, value, path, reading)
  }
  if (shape['x-by'] === 'type') return readByType(shape, value, path, reading)
  if (shape['x-by'] === 'key') return readByKey(shape, value, path, reading)
  if (shape.anyOf) return readAny(shape, value, path, reading)
  if (shape.enum || 'const' in shape) return readEnum(shape, value, path, reading)
  const holds = shape['x-holds']
  if (holds === 'tree') return readTree(shape, value, path, reading)
  if (holds === 'duration' || holds === 'bytes') return readSize(shape, value, path, reading)
  switch (shape.type) {
    case 'object':
      return shape.properties
        ? readObject(shape, value, path, reading)
        : readRecord(shape, value, path, reading)
    case 'array':
      return readArray(shape, value, path, reading)
    case 'string':
      return readText(shape, value, path, reading)
    case 'integer':
    case 'number':
      return readNumber(shape, value, path, reading)
    case 'boolean':
      if (typeof value !== 'boolean') expected('true or false', value, path, reading)
      return value
    default:
      return value
  }
}

/** Picks the branch by `type` before anything else is looked at, so that messages are about that branch. */
const readByType: Reader = (shape, value, path, reading) => {
  if (!isMap(value)) return expected('a map with a type', value, path, reading)
  const branches = shape.anyOf ?? []
  const types = branches.map((branch) => String(branch.properties?.type?.const))
  const branch = branches[types.indexOf(String(value.type))]
  if (branch) return readShape(branch, value, path, reading)
  const name = path.at(-1)
  if (!Object.hasOwn(value, 'type')) {
    return refuse(`${name}: type is missing`, `one of ${types.join(', ')}`, path, reading)
  }
  const close = nearest(String(value.type), types)
  return refuse(
    `${name}: there is no type ${describe(value.type)}`,
    close ? `did you mean ${close}? (${types.join(', ')})` : `one of ${types.join(', ')}`,
    [...path, 'type'],
    reading,
  )
}

/** Picks the branch by its first key. */
const readByKey: Reader = (shape, value, path, reading) => {
  const branches = shape.anyOf ?? []
  const keys = branches.map((branch) => Object.keys(branch.properties ?? {})[0] as string)
  if (!isMap(value)) return expected(`a map with ${keys.join(' or ')}`, value, path, reading)
  const found = keys.filter((key) => Object.hasOwn(value, key))
  if (found.length === 1) {
    return readShape(branches[keys.indexOf(found[0] as string)] as Shape, value, path, reading)
  }
  if (found.length > 1) {
    return refuse(
      `${found.join(' and ')} cannot stand together`,
      `keep one of ${keys.join(', ')}`,
      [...path, found[1] as string],
      reading,
      { atKey: true },
    )
  }
  const written = Object.keys(value)[0]
  const close = written === undefined ? undefined : nearest(written, keys)
  return refuse(
    `${path.at(-1)}: expected one of ${keys.join(', ')}`,
    close ? `did you mean ${close}?` : `write one of ${keys.join(', ')}`,
    path,
    reading,
  )
}

const readAny: Reader = (shape, value, path, reading) => {
  for (const branch of shape.anyOf ?? []) {
    const trial: ShapeReading = { findings: [], expressions: [] }
    const read = readShape(branch, value, path, trial)
    if (trial.findings.length > 0) continue
    reading.expressions.push(...trial.expressions)
    return read
  }
  return expected(shape['x-expected'] ?? 'another value', value, path, reading)
}

const readEnum: Reader = (shape, value, path, reading) => {
  const choices = shape.enum ?? [shape.const]
  if (choices.includes(value)) return value
  const close = typeof value === 'string' ? nearest(value, choices.map(String)) : undefined
  const list = choices.map(String).join(', ')
  return refuse(
    `${path.at(-1)}: ${describe(value)} is not ${choices.length > 1 ? `one of ${list}` : list}`,
    close ? `did you mean ${close}?` : `write ${choices.length > 1 ? `one of ${list}` : list}`,
    path,
    reading,
  )
}

/** What readObject wants to know of a key, found once for a shape. */
interface KeyPlan {
  key: string
  /** as authors write it */
  written: string
  property: Shape
  isRequired: boolean
  mayBeNull: boolean
}

const keyPlans = new WeakMap<Shape, { keys: KeyPlan[]; known: Set<string> }>()

function keysOf(shape: Shape) {
  const planned = keyPlans.get(shape)
  if (planned) return planned
  const keys = Object.entries(shape.properties ?? {}).map(([key, property]) => ({
    key,
    written: authorKey(key, property),
    property,
    isRequired: shape.required?.includes(key) ?? false,
    mayBeNull: property['x-by'] === 'null' || holdsAny(property),
  }))
  const made = { keys, known: new Set(keys.map(({ written }) => written)) }
  keyPlans.set(shape, made)
  return made
}

const readObject: Reader = (shape, value, path, reading) => {
  if (!isMap(value)) return expected('a map', value, path, reading)
  const { keys, known } = keysOf(shape)
  const given = Object.keys(value)
  for (const key of given) if (!known.has(key)) unknownKey(key, [...known], path, reading)
  if (shape.minProperties && given.length < shape.minProperties) {
    refuse(`${path.at(-1)} is empty`, `write one of ${[...known].join(', ')}`, path, reading)
  }
  const made: Record<string, unknown> = {}
  for (const { key, written, property, isRequired, mayBeNull } of keys) {
    const item = Object.hasOwn(value, written) ? value[written] : undefined
    if (item === undefined || (item === null && !mayBeNull)) {
      if (!isRequired) continue
      if ('default' in property) made[key] = filled(property, [...path, written], reading)
      else missingKey(written, property, path, reading)
      continue
    }
    made[key] = readShape(property, item, [...path, written], reading)
  }
  return made
}

/** Such values may be null themselves; for all others null means "not given". */
const holdsAny = (shape: Shape): boolean =>
  shape['x-holds'] === 'tree' ||
  !('type' in shape || 'anyOf' in shape || 'enum' in shape || 'const' in shape)

function unknownKey(key: string, known: string[], path: ManifestPath, reading: ShapeReading): void {
  const close = nearest(key, known)
  const where = path.length === 0 ? 'the file' : String(path.at(-1))
  refuse(
    `${where} has no key ${describe(key)}`,
    close ? `did you mean ${close}?` : `known keys: ${known.join(', ')}`,
    [...path, key],
    reading,
    { atKey: true },
  )
}

function missingKey(key: string, shape: Shape, path: ManifestPath, reading: ShapeReading): void {
  const where = path.length === 0 ? 'the file' : String(path.at(-1))
  const choices = shape.enum?.map(String).join(' | ')
  const what = choices ?? (shape.type === 'boolean' ? 'true | false' : '…')
  refuse(`${where} needs ${key}`, `add ${key}: ${what}`, path, reading, { atKey: true })
}

/** A default as a loaded manifest has it; maps are filled with the defaults of their own keys. */
function filled(shape: Shape, path: ManifestPath, reading: ShapeReading): unknown {
  const value = shape.default
  if (!isMap(value)) return Array.isArray(value) ? [] : value
  return readShape(shape, value, path, reading)
}

const readRecord: Reader = (shape, value, path, reading) => {
  if (!isMap(value)) return expected('a map', value, path, reading)
  const [pattern, item] = Object.entries(shape.patternProperties ?? {})[0] as [string, Shape]
  const keys = Object.keys(value)
  if (keys.length < (shape.minProperties ?? 0)) {
    refuse(`${path.at(-1)} needs at least ${shape.minProperties}`, 'add one', path, reading)
  }
  if (keys.length > (shape.maxProperties ?? 1_000)) {
    refuse(
      `${path.at(-1)} has more than ${shape.maxProperties ?? 1_000} entries`,
      'remove some',
      path,
      reading,
    )
  }
  const names = patternOf(pattern)
  const made: Record<string, unknown> = {}
  for (const key of keys) {
    if (!names.test(key) || key.length > 256) {
      refuse(
        `${describe(key)} is not a name here`,
        `names look like ${pattern}`,
        [...path, key],
        reading,
        { atKey: true },
      )
      continue
    }
    made[key] = readShape(item, value[key], [...path, key], reading)
  }
  return made
}

const readArray: Reader = (shape, value, path, reading) => {
  const item = shape.items as Shape
  if (shape['x-single'] && value !== null && !Array.isArray(value)) {
    return [readShape(item, value, path, reading)]
  }
  if (!Array.isArray(value)) return expected('a list', value, path, reading)
  if (value.length < (shape.minItems ?? 0)) {
    refuse(`${path.at(-1)} is empty`, `write at least ${shape.minItems}`, path, reading)
  }
  if (value.length > (shape.maxItems ?? 10_000)) {
    return refuse(
      `${path.at(-1)} has more than ${shape.maxItems} entries`,
      `at most ${shape.maxItems}`,
      path,
      reading,
    )
  }
  return value.map((entry, index) => readShape(item, entry, [...path, index], reading))
}

const maxTreeDepth = 60

const readTree: Reader = (shape, value, path, reading) => {
  if (path.length > maxTreeDepth) {
    return refuse('the value is nested too deep', 'flatten it', path, reading)
  }
  if (typeof value === 'string') {
    const place = shape['x-place'] as Place
    if (value.includes('{{')) reading.expressions.push({ text: value, braced: true, place, path })
    return value
  }
  if (Array.isArray(value)) {
    return value.map((item, index) => readTree(shape, item, [...path, index], reading))
  }
  if (!isMap(value)) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [
      key,
      readTree(shape, item, [...path, key], reading),
    ]),
  )
}
