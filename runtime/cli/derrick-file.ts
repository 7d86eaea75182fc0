import { readFileSync } from 'node:fs'
import { Compile } from 'typebox/compile'
import { DerrickFile } from '../../schema/derrick-file.ts'
import { derrickError } from '../../schema/error.ts'
import { readDocument } from '../../schema/manifest/document.ts'
import { fieldErrorsOf } from '../api/problem.ts'
import { type Environment, readVariable } from '../config.ts'
import { expanded } from './given-manifest.ts'

const validator = Compile(DerrickFile)

/**
 * Reads `derrick.yaml` files as one, with `${NAME}` from the environment. Throws DerrickError `config.invalid` that names
 * every error with its file, line and column.
 */
export const readDerrickFiles = (env: Environment, paths: readonly string[]): DerrickFile =>
  merged(paths, (path, problems) => readOne(path, problems, (name) => readVariable(env, name)))

/** Checks the same without the values of variables; returns those that the environment lacks. */
export function checkDerrickFiles(env: Environment, paths: readonly string[]): string[] {
  const unset = new Set<string>()
  const lookUp: LookUp = (name) => {
    const value = readVariable(env, name)
    if (value === undefined) unset.add(name)
    return value ?? anyValue
  }
  merged(paths, (path, problems) => readOne(path, problems, lookUp))
  return [...unset].sort()
}

type LookUp = (name: string) => string | undefined

/** Stands for a value that is not known; what has it in it is not checked further. */
const anyValue = '\u{0}unset\u{0}'

function merged(
  paths: readonly string[],
  read: (path: string, problems: string[]) => DerrickFile,
): DerrickFile {
  const problems: string[] = []
  const parts = paths.map((path) => read(path, problems))
  if (problems.length > 0)
    throw derrickError('unknown', 'config.invalid', problems.join('\n'), {
      remedy: 'put these right; nothing was changed',
    })
  const whole: DerrickFile = {}
  for (const [at, part] of parts.entries()) mergeInto(whole, part, paths[at] as string)
  return whole
}

function readOne(path: string, problems: string[], lookUp: LookUp): DerrickFile {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch {
    problems.push(`${path}: the file can't be read`)
    return {}
  }
  const document = readDocument(text)
  for (const { line, column, message } of document.problems)
    problems.push(`${path}:${line}:${column} ${message}`)
  if (document.problems.length > 0) return {}
  const value = withVariables(lookUp, document.value, path, problems)
  if (validator.Check(value)) return value
  for (const { pointer, detail } of fieldErrorsOf(validator.Errors(value))) {
    const steps = pointer.split('/').slice(1).map(step)
    if (isUnknown(value, steps)) continue
    const { line, column } = document.place({ path: steps })
    problems.push(`${path}:${line}:${column} ${steps.join('.') || 'the file'} ${detail}`)
  }
  return {}
}

function isUnknown(value: unknown, steps: readonly (string | number)[]): boolean {
  let at = value
  for (const one of steps) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, one)) return false
    at = (at as Record<string | number, unknown>)[one]
  }
  return typeof at === 'string' && at.includes(anyValue)
}

/** Numbers are places in lists; everything else is a name. */
const step = (text: string): string | number =>
  /^\d+$/.test(text) ? Number(text) : text.replaceAll('~1', '/').replaceAll('~0', '~')

function withVariables(lookUp: LookUp, value: unknown, where: string, problems: string[]): unknown {
  if (Array.isArray(value)) return value.map((one) => withVariables(lookUp, one, where, problems))
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(
      Object.entries(value).map(([name, one]) => [
        name,
        withVariables(lookUp, one, `${where}, ${name}`, problems),
      ]),
    )
  try {
    return expanded(lookUp, value, where)
  } catch (error) {
    problems.push((error as Error).message)
    return value
  }
}

/** One name in two files is a mistake, not an order. */
function mergeInto(merged: DerrickFile, part: DerrickFile, path: string): void {
  for (const kind of ['sources', 'destinations', 'connections'] as const) {
    const before: Record<string, unknown> = merged[kind] ?? {}
    const more: Record<string, unknown> = part[kind] ?? {}
    const twice = Object.keys(more).find((name) => Object.hasOwn(before, name))
    if (twice !== undefined)
      throw derrickError(
        'unknown',
        'config.invalid',
        `${path}: ${kind}.${twice} is in another file`,
        {
          remedy: 'name each thing in one file only',
        },
      )
    if (part[kind]) Object.assign(merged, { [kind]: { ...before, ...more } })
  }
  if (part.settings) merged.settings = { ...merged.settings, ...part.settings }
}
