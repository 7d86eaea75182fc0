import type { TSchema } from 'typebox'
import type { Finding, ManifestPath } from './issue.ts'
import type { Holds, Place } from './kind.ts'

/** The keywords of our TypeBox schemas that the reader understands. */
export interface Shape {
  type?: string
  const?: unknown
  enum?: unknown[]
  anyOf?: Shape[]
  items?: Shape
  properties?: Record<string, Shape>
  patternProperties?: Record<string, Shape>
  required?: string[]
  default?: unknown
  pattern?: string
  minLength?: number
  maxLength?: number
  minimum?: number
  maximum?: number
  minItems?: number
  maxItems?: number
  minProperties?: number
  maxProperties?: number
  'x-holds'?: Holds
  'x-place'?: Place
  'x-by'?: 'type' | 'key' | 'null'
  'x-single'?: boolean
  'x-expected'?: string
}

/** A template or an expression that was read, to be checked when all names are known. */
export interface WrittenExpression {
  text: string
  braced: boolean
  place: Place
  path: ManifestPath
}

export interface ShapeReading {
  findings: Finding[]
  expressions: WrittenExpression[]
}

export const shapeOf = (schema: TSchema): Shape => schema as unknown as Shape

/** The key that an author writes for a key of a loaded manifest: `timeout_ms` is `timeout: 30s` in the file. */
export function authorKey(key: string, shape: Shape): string {
  if (shape['x-holds'] === 'duration') return key.replace(/_ms$/, '')
  if (shape['x-holds'] === 'bytes') return key.replace(/_bytes$/, '')
  return key
}

export type Reader = (
  shape: Shape,
  value: unknown,
  path: ManifestPath,
  reading: ShapeReading,
) => unknown

export function describe(value: unknown): string {
  if (value === null) return 'nothing'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object') return 'a map'
  const text = JSON.stringify(value) ?? 'nothing'
  return text.length > 60 ? `${text.slice(0, 57)}…` : text
}

export function refuse(
  message: string,
  remedy: string,
  path: ManifestPath,
  reading: Pick<ShapeReading, 'findings'>,
  more: { atKey?: boolean } = {},
): undefined {
  reading.findings.push({ code: 'manifest.schema', message, remedy, path, ...more })
  return undefined
}

export function expected(what: string, value: unknown, path: ManifestPath, reading: ShapeReading) {
  const name = path.at(-1) ?? 'the file'
  const isScalar = typeof value === 'number' || typeof value === 'boolean'
  const remedy = what.startsWith('a text') && isScalar ? 'put it in quotes' : `write ${what}`
  return refuse(`${name}: expected ${what}, found ${describe(value)}`, remedy, path, reading)
}

export const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const patterns = new Map<string, RegExp>()

/** Patterns of our own schemas are few and used for every key of every file. */
export function patternOf(source: string): RegExp {
  let pattern = patterns.get(source)
  if (!pattern) {
    pattern = new RegExp(source, 'u')
    patterns.set(source, pattern)
  }
  return pattern
}
