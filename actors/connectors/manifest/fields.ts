import { derrickError } from '../../../schema/error.ts'
import { compileExpression } from '../../../schema/manifest/expression/compiler.ts'
import { compileTree } from '../../../schema/manifest/expression/template.ts'
import { snakeCase } from '../../../schema/manifest/expression/text-functions.ts'
import { equal, setOwn, textOf, truthy } from '../../../schema/manifest/expression/value.ts'
import { compilePath } from '../../../schema/manifest/path.ts'
import type { FieldRule } from '../../../schema/manifest/records.ts'
import { instantOf } from '../../../schema/manifest/time.ts'
import type { Row } from '../../destinations/writer.ts'
import { namesAt, type ReadScope } from './scope.ts'
import { copyOf, isRecord, removePath, setPath, stepsOf } from './value.ts'

/** Changes a record; gives a new one or the same. @throws DerrickError fields.value, ExpressionError */
export type FieldChange = (record: Row, scope: ReadScope) => Row

/** A stream's rules as one change, in their order; null when there are none. */
export function makeFieldChange(rules: readonly FieldRule[]): FieldChange | null {
  if (rules.length === 0) return null
  const changes = rules.map(changeOf)
  return (record, scope) => changes.reduce((row, change) => change(row, scope), record)
}

function changeOf(rule: FieldRule): FieldChange {
  if ('set' in rule) return setter(rule)
  if ('remove' in rule) {
    const steps = stepsOf(rule.remove)
    return (record) => removePath(record, steps) as Row
  }
  if ('rename' in rule) return renamer(rule.rename)
  if ('flatten' in rule) return flattener(rule)
  if ('names' in rule) {
    const rename = rule.names === 'snake' ? snakeCase : (name: string) => name.toLowerCase()
    return (record) => renamed(record, rename)
  }
  if ('null_if' in rule) return nuller(rule.null_if)
  return dropEmpty
}

type SetRule = Extract<FieldRule, { set: string }>

function setter(rule: SetRule): FieldChange {
  const names = namesAt('record')
  const value = compileTree(rule.to, names)
  const when = rule.when === undefined ? null : compileExpression(rule.when, names)
  return (record, scope) => {
    const full = { ...scope, record }
    if (when && !truthy(when(full))) return record
    const given = value(full)
    return setPath(record, rule.set, rule.as ? converted(given, rule.as, rule.set) : given) as Row
  }
}

function converted(value: unknown, as: NonNullable<SetRule['as']>, field: string): unknown {
  if (value === null || value === undefined) return null
  switch (as) {
    case 'string':
      return textOf(value)
    case 'boolean':
      return typeof value === 'string' ? /^(true|yes|y|t|1|on)$/i.test(value.trim()) : truthy(value)
    case 'json':
      return jsonValue(value, field)
    case 'timestamp': {
      const ms = instantOf(value)
      if (ms === undefined) throw notConvertible(field, 'a time', value)
      return new Date(ms).toISOString()
    }
    case 'int':
    case 'number':
      return numberValue(value, as, field)
  }
}

const rawJson = (JSON as unknown as { rawJSON: (text: string) => unknown }).rawJSON

/** Numbers that a double would change keep their digits. */
function numberValue(value: unknown, as: 'int' | 'number', field: string): unknown {
  if (typeof value === 'boolean') return Number(value)
  const text = textOf(value).trim()
  if (text === '') return null
  if (!/^-?\d{1,400}(\.\d{1,400})?([eE][+-]?\d{1,4})?$/.test(text))
    throw notConvertible(field, 'a number', value)
  const number = Number(text)
  if (as === 'number') {
    const plain = text.replace(/^(-?)0+(?=\d)/, '$1')
    return plain.length <= 15 ? number : rawJson(plain)
  }
  if (Number.isSafeInteger(Math.trunc(number))) return Math.trunc(number)
  const whole = /^(-?)0*(\d+)(?:\.\d+)?$/.exec(text)
  if (!whole) throw notConvertible(field, 'an integer', value)
  return rawJson(`${whole[1]}${whole[2]}`)
}

function jsonValue(value: unknown, field: string): unknown {
  if (typeof value !== 'string') return value
  if (value.trim() === '') return null
  try {
    return JSON.parse(value)
  } catch {
    throw notConvertible(field, 'JSON', value)
  }
}

const notConvertible = (field: string, wanted: string, value: unknown) =>
  derrickError(
    'transform',
    'fields.value',
    `${field} is not ${wanted}: ${String(JSON.stringify(value)).slice(0, 60)}`,
    { remedy: 'guard the rule with when, or leave out its as' },
  )

function renamer(map: Record<string, string>): FieldChange {
  const moves = Object.entries(map).map(([from, to]) => {
    return { readValue: compilePath(from), from: stepsOf(from), to }
  })
  return (record) => {
    let row = record
    // All values are taken first, so that two names can be swapped.
    const values = moves.map(({ readValue }) => readValue(record))
    for (const [index, { from }] of moves.entries())
      if (values[index] !== undefined) row = removePath(row, from) as Row
    for (const [index, { to }] of moves.entries())
      if (values[index] !== undefined) row = setPath(row, to, values[index]) as Row
    return row
  }
}

type FlattenRule = Extract<FieldRule, { flatten: string }>

function flattener({ flatten, prefix = '', replace }: FlattenRule): FieldChange {
  const readValue = compilePath(flatten)
  const steps = stepsOf(flatten)
  const lift = (row: Row, inner: Row): void => {
    for (const [name, value] of Object.entries(inner)) {
      const lifted = prefix + name
      if (replace || !Object.hasOwn(row, lifted)) setOwn(row, lifted, value)
    }
  }
  return (record) => {
    if (flatten === '') {
      const row: Row = {}
      const inners: Row[] = []
      for (const [name, value] of Object.entries(record)) {
        if (isRecord(value)) inners.push(value)
        else setOwn(row, name, value)
      }
      for (const inner of inners) lift(row, inner)
      return row
    }
    const inner = readValue(record)
    if (!isRecord(inner)) return record
    const row = copyOf(removePath(record, steps) as Row)
    lift(row, inner)
    return row
  }
}

/** The first of two names that become one keeps its value. */
function renamed(record: Row, rename: (name: string) => string): Row {
  const row: Row = {}
  for (const [name, value] of Object.entries(record)) {
    const next = rename(name)
    if (!Object.hasOwn(row, next)) setOwn(row, next, value)
  }
  return row
}

function nuller(values: readonly unknown[]): FieldChange {
  const nulls = values.map((value) => compileTree(value, namesAt('record')))
  return (record, scope) => {
    const wanted = nulls.map((value) => value({ ...scope, record }))
    let row: Row | null = null
    for (const [name, value] of Object.entries(record)) {
      if (value === null || !wanted.some((other) => equal(value, other))) continue
      row ??= copyOf(record)
      setOwn(row, name, null)
    }
    return row ?? record
  }
}

const dropEmpty: FieldChange = (record) => {
  const row: Row = {}
  for (const [name, value] of Object.entries(record)) {
    const isEmpty =
      value === null ||
      value === '' ||
      (Array.isArray(value) && value.length === 0) ||
      (isRecord(value) && Object.keys(value).length === 0)
    if (!isEmpty) setOwn(row, name, value)
  }
  return row
}
