import type { ConfigField } from './config-field.ts'
import { compileExpression } from './expression/compiler.ts'
import { regexOf } from './expression/regex.ts'
import type { Manifest } from './manifest.ts'
import { nearest } from './nearest.ts'
import { scopesOf } from './scope.ts'

/** What is wrong with one field of a source's config, in the shape of the API's `errors[]`. */
export interface ConfigIssue {
  field: string
  code: 'unknown' | 'required' | 'type' | 'enum' | 'pattern' | 'min' | 'max'
  message: string
  remedy: string
}

type Config = Readonly<Record<string, unknown>>

const maxTextLength = 100_000

const isGiven = (config: Config, field: string): boolean =>
  Object.hasOwn(config, field) &&
  config[field] !== null &&
  config[field] !== undefined &&
  config[field] !== ''

/**
 * Everything that is wrong with a source's config. Fields hidden by `show_if` are not required; null and the empty
 * text count as not given.
 */
export function checkConfig(manifest: Manifest, config: Config): ConfigIssue[] {
  const issues: ConfigIssue[] = []
  const known = Object.keys(manifest.config)
  for (const field of Object.keys(config)) {
    if (Object.hasOwn(manifest.config, field)) continue
    const close = nearest(field, known)
    const remedy = close ? `did you mean ${close}?` : `known fields: ${known.join(', ') || 'none'}`
    issues.push({
      field,
      code: 'unknown',
      message: `${manifest.name} has no field ${field.slice(0, 64)}`,
      remedy,
    })
  }
  for (const [name, field] of Object.entries(manifest.config)) {
    if (isGiven(config, name)) {
      const issue = fieldProblem(field, config[name])
      if (issue) issues.push({ field: name, ...issue })
    } else if (field.required && field.default === undefined && isShown(manifest, field, config)) {
      issues.push({
        field: name,
        code: 'required',
        message: `${field.title ?? name} is required`,
        remedy: field.help ?? `give ${name}`,
      })
    }
  }
  return issues
}

/** Names of the fields that are stored encrypted and never read back. */
export function secretFields(manifest: Manifest): string[] {
  return Object.entries(manifest.config).flatMap(([name, field]) => (field.secret ? [name] : []))
}

/**
 * The `config` scope of expressions: defaults filled in and `values` looked up. A field that is not given and has no
 * default is absent, so that `config.x` is an error and `config?.x` is null.
 */
export function configScope(manifest: Manifest, config: Config): Record<string, unknown> {
  const scope: Record<string, unknown> = {}
  for (const [name, field] of Object.entries(manifest.config)) {
    const value = isGiven(config, name) ? config[name] : field.default
    if (value === undefined || value === null) continue
    const key = String(value)
    scope[name] = field.values && Object.hasOwn(field.values, key) ? field.values[key] : value
  }
  return scope
}

/** Whether a field is asked for. A condition that cannot be evaluated yet hides it. */
export function isShown(manifest: Manifest, field: ConfigField, config: Config): boolean {
  if (field.show_if === undefined) return true
  try {
    const test = compileExpression(`(${field.show_if}) ? true : false`, scopesOf('config'))
    return test({ config: withoutValues(manifest, config) }) === true
  } catch {
    return false
  }
}

/** Conditions compare what was chosen, not what `values` makes of it. */
function withoutValues(manifest: Manifest, config: Config): Record<string, unknown> {
  const scope: Record<string, unknown> = {}
  for (const [name, field] of Object.entries(manifest.config)) {
    const value = isGiven(config, name) ? config[name] : field.default
    if (value !== undefined && value !== null) scope[name] = value
  }
  return scope
}

type Problem = Omit<ConfigIssue, 'field'>

/** What is wrong with a given value of a field; also used for the default that a manifest declares. */
export function fieldProblem(field: ConfigField, value: unknown): Problem | undefined {
  const wanted = typeProblem(field.type, value)
  if (wanted) {
    return { code: 'type', message: `expected ${wanted}`, remedy: `give ${wanted}` }
  }
  const choices = field.enum ?? (field.values ? Object.keys(field.values) : undefined)
  if (choices) {
    const given = Array.isArray(value) ? value : [value]
    const odd = given.find((item) => !choices.includes(item as string))
    if (odd !== undefined) {
      return {
        code: 'enum',
        message: 'not one of the choices',
        remedy: `one of ${choices.slice(0, 20).map(String).join(', ')}`,
      }
    }
  }
  return sizeProblem(field, value) ?? patternProblem(field, value)
}

function typeProblem(type: ConfigField['type'], value: unknown): string | undefined {
  switch (type) {
    case 'string':
      if (typeof value === 'string' && value.length <= maxTextLength) return undefined
      return `a text of at most ${maxTextLength} characters`
    case 'integer':
      return Number.isSafeInteger(value) ? undefined : 'a whole number'
    case 'number':
      return typeof value === 'number' && Number.isFinite(value) ? undefined : 'a number'
    case 'boolean':
      return typeof value === 'boolean' ? undefined : 'true or false'
    case 'list':
      return Array.isArray(value) && value.length <= 10_000 ? undefined : 'a list'
    case 'date': {
      const isDate = typeof value === 'string' && /^\d{4}-\d{2}-\d{2}$/.test(value)
      const exists = isDate && !Number.isNaN(Date.parse(`${value}T00:00:00Z`))
      return exists ? undefined : 'a date such as 2024-01-31'
    }
    case 'json':
      return undefined
  }
}

function sizeProblem({ min, max }: ConfigField, value: unknown): Problem | undefined {
  const isNumber = typeof value === 'number'
  const size = isNumber
    ? value
    : typeof value === 'string' || Array.isArray(value)
      ? value.length
      : undefined
  if (size === undefined) return undefined
  const what = isNumber ? '' : typeof value === 'string' ? ' characters' : ' entries'
  if (min !== undefined && size < min) {
    return { code: 'min', message: `less than ${min}${what}`, remedy: `at least ${min}${what}` }
  }
  if (max !== undefined && size > max) {
    return { code: 'max', message: `more than ${max}${what}`, remedy: `at most ${max}${what}` }
  }
  return undefined
}

function patternProblem({ pattern, help }: ConfigField, value: unknown): Problem | undefined {
  if (pattern === undefined || typeof value !== 'string') return undefined
  if (regexOf(pattern).matcher(value).find()) return undefined
  return {
    code: 'pattern',
    message: 'not in the expected form',
    remedy: help ?? `must match ${pattern}`,
  }
}
