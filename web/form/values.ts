import type { SecretHint } from '../../schema/common.ts'
import type { FieldProblem } from '../problem.ts'
import type { FormField } from './field.ts'

/** What is in a form's inputs: texts as typed, switches as booleans. */
export type Draft = Record<string, string | boolean>

/** The hint of a stored secret; undefined when the value is none. */
export function secretHint(value: unknown): SecretHint | undefined {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, 'set')) return undefined
  return value as SecretHint
}

/** Inputs for a stored config; secrets start empty, which means "as it is". */
export function draftOf(
  fields: readonly FormField[],
  config: Readonly<Record<string, unknown>>,
): Draft {
  const draft: Draft = {}
  for (const field of fields) {
    const stored = Object.hasOwn(config, field.name) ? config[field.name] : undefined
    if (field.kind === 'boolean') draft[field.name] = (stored ?? field.standard ?? false) === true
    else if (field.secret) draft[field.name] = ''
    else draft[field.name] = inputText(field, stored ?? undefined)
  }
  return draft
}

function inputText(field: FormField, value: unknown): string {
  if (value === undefined) {
    return field.kind === 'choice' && field.standard !== undefined ? String(field.standard) : ''
  }
  if (field.kind === 'list' && Array.isArray(value)) return value.join('\n')
  if (typeof value === 'object') return JSON.stringify(value, null, 2)
  return String(value)
}

export interface ReadForm {
  config: Record<string, unknown>
  errors: FieldProblem[]
}

/**
 * The config that a form says. Empty inputs are left out on creation; over a stored config an
 * emptied input is null, which deletes it, and an empty secret is left as it is.
 */
export function readForm(
  fields: readonly FormField[],
  draft: Readonly<Draft>,
  stored?: Readonly<Record<string, unknown>>,
): ReadForm {
  const config: Record<string, unknown> = {}
  const errors: FieldProblem[] = []
  for (const field of fields) {
    const input = draft[field.name]
    const had = stored !== undefined && Object.hasOwn(stored, field.name)
    if (typeof input === 'boolean') {
      if (input || had || field.standard === true) config[field.name] = input
      continue
    }
    // A secret keeps its blanks: some passwords have them.
    const text = field.secret ? (input ?? '') : (input ?? '').trim()
    if (text === '') {
      if (field.required && !(field.secret && had)) errors.push(bad(field, 'is needed'))
      else if (had && !field.secret) config[field.name] = null
      continue
    }
    const value = readInput(field, text)
    if (value.error) errors.push(bad(field, value.error))
    else config[field.name] = value.value
  }
  return { config, errors }
}

const bad = (field: FormField, message: string): FieldProblem => ({
  field: `config.${field.name}`,
  message,
})

type Read = { value?: unknown; error?: string }

function readInput(field: FormField, text: string): Read {
  switch (field.kind) {
    case 'number':
      return readNumber(field, text)
    case 'choice':
      return { value: field.choices?.find((choice) => String(choice) === text) ?? text }
    case 'list':
      return { value: lines(text) }
    case 'json':
      return readJson(text)
    case 'date':
      return /^\d{4}-\d{2}-\d{2}/.test(text)
        ? { value: text }
        : { error: 'must be a date such as 2026-01-31' }
    default:
      return { value: text }
  }
}

function readNumber(field: FormField, text: string): Read {
  const value = Number(text)
  if (!Number.isFinite(value)) return { error: 'must be a number' }
  if (field.integer && !Number.isInteger(value)) return { error: 'must be a whole number' }
  if (field.min !== undefined && value < field.min)
    return { error: `must be at least ${field.min}` }
  if (field.max !== undefined && value > field.max) return { error: `must be at most ${field.max}` }
  return { value }
}

const lines = (text: string): string[] =>
  text
    .split(/\r?\n|,/)
    .map((line) => line.trim())
    .filter((line) => line !== '')

function readJson(text: string): Read {
  try {
    return { value: JSON.parse(text) as unknown }
  } catch (error) {
    return { error: `must be JSON: ${error instanceof Error ? error.message : 'unreadable'}` }
  }
}
