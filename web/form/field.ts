import type { ConfigField } from '../../schema/manifest/config-field.ts'
import { words } from '../format.ts'

/** One input of a generated form, whatever described it. */
export interface FormField {
  name: string
  kind: 'text' | 'long' | 'number' | 'boolean' | 'choice' | 'list' | 'date' | 'json'
  title: string
  help?: string
  secret: boolean
  required: boolean
  integer: boolean
  /** what the server takes when nothing is given */
  standard?: unknown
  choices?: (string | number | boolean)[]
  min?: number
  max?: number
  /** expression over `config`: asked for only when true */
  showIf?: string
}

const titled = (name: string): string => {
  const text = words(name)
  return text.charAt(0).toUpperCase() + text.slice(1)
}

const manifestKinds: Record<ConfigField['type'], FormField['kind']> = {
  string: 'text',
  integer: 'number',
  number: 'number',
  boolean: 'boolean',
  list: 'list',
  date: 'date',
  json: 'json',
}

/** The fields of a connector's `config`, in the manifest's order. */
export function fieldsOfManifest(config: Record<string, Partial<ConfigField>>): FormField[] {
  return Object.entries(config).map(([name, field]) => {
    const type = field.type ?? 'string'
    const choices = field.enum ?? (field.values ? Object.keys(field.values) : undefined)
    return {
      name,
      kind: choices ? 'choice' : manifestKinds[type],
      title: field.title ?? titled(name),
      secret: field.secret ?? false,
      required: (field.required ?? false) && field.default === undefined,
      integer: type === 'integer',
      ...(field.help ? { help: field.help } : {}),
      ...(field.default === undefined ? {} : { standard: field.default }),
      ...(choices ? { choices } : {}),
      ...(field.min === undefined ? {} : { min: field.min }),
      ...(field.max === undefined ? {} : { max: field.max }),
      ...(field.show_if ? { showIf: field.show_if } : {}),
    }
  })
}

interface Schema {
  type?: string
  properties?: Record<string, Schema>
  required?: readonly string[]
  title?: string
  description?: string
  default?: unknown
  enum?: readonly unknown[]
  const?: unknown
  anyOf?: readonly Schema[]
  items?: Schema
  format?: string
  minimum?: number
  maximum?: number
  maxLength?: number
  'x-secret'?: boolean
}

/** Texts that may be longer than this are written in several lines: certificates and the like. */
const longText = 8_192

/** The fields of a destination's config schema: flat objects of simple values. */
export function fieldsOfSchema(source: unknown): FormField[] {
  const schema = source as Schema
  const required = new Set(schema.required ?? [])
  return Object.entries(schema.properties ?? {}).map(([name, field]) => {
    const choices = choicesOf(field)
    return {
      name,
      kind: choices ? 'choice' : kindOf(field),
      title: field.title ?? titled(name),
      secret: field['x-secret'] === true,
      required: required.has(name) && field.default === undefined,
      integer: field.type === 'integer',
      ...(field.description ? { help: field.description } : {}),
      ...(field.default === undefined ? {} : { standard: field.default }),
      ...(choices ? { choices } : {}),
      ...(field.minimum === undefined ? {} : { min: field.minimum }),
      ...(field.maximum === undefined ? {} : { max: field.maximum }),
    }
  })
}

function choicesOf(field: Schema): (string | number | boolean)[] | undefined {
  const values = field.enum ?? (field.anyOf ?? []).map((option) => option.const)
  const simple = values.filter(
    (value): value is string | number | boolean =>
      typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean',
  )
  return simple.length > 0 && simple.length === values.length ? simple : undefined
}

function kindOf(field: Schema): FormField['kind'] {
  if (field.type === 'boolean') return 'boolean'
  if (field.type === 'integer' || field.type === 'number') return 'number'
  if (field.type === 'array') return 'list'
  if (field.type === 'object') return 'json'
  if (field.format === 'date') return 'date'
  return (field.maxLength ?? 0) > longText ? 'long' : 'text'
}
