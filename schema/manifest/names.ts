import { checkNode, type NameUse, nameUses } from './expression/checker.ts'
import { ExpressionError } from './expression/error.ts'
import type { Node } from './expression/node.ts'
import { parseExpression } from './expression/parser.ts'
import { parseTemplate } from './expression/template.ts'
import type { Finding, ManifestPath } from './issue.ts'
import { nearest } from './nearest.ts'
import { fixedMembers, scopesOf } from './scope.ts'
import { isMap, type WrittenExpression } from './shape-finding.ts'

/** A name that some expression of the manifest reads. */
export interface WrittenUse extends NameUse {
  path: ManifestPath
}

export interface NameCheck {
  findings: Finding[]
  uses: WrittenUse[]
}

/**
 * Parses every expression and checks its names against what the manifest declares.
 * @param file the merged form of the file, unchecked
 */
export function checkNames(expressions: readonly WrittenExpression[], file: unknown): NameCheck {
  const result: NameCheck = { findings: [], uses: [] }
  const parsed = new Map<string, Parsed>()
  for (const expression of expressions) {
    const key = `${expression.braced}${expression.text}`
    const nodes = parsed.get(key) ?? parse(expression)
    parsed.set(key, nodes)
    if (nodes instanceof ExpressionError) result.findings.push(finding(nodes, expression.path))
    else checkNodes(nodes, expression, file, result)
  }
  return result
}

type Parsed = Node[] | ExpressionError

function parse({ text, braced }: WrittenExpression): Parsed {
  try {
    if (!braced) return [parseExpression(text)]
    return parseTemplate(text).flatMap((part) => (typeof part === 'string' ? [] : [part.node]))
  } catch (error) {
    if (error instanceof ExpressionError) return error
    throw error
  }
}

function checkNodes(
  nodes: Node[],
  { place, path }: WrittenExpression,
  file: unknown,
  result: NameCheck,
): void {
  const scopes = scopesAt(place, path)
  const declared = membersAt(path, file)
  for (const node of nodes) {
    try {
      checkNode(node, scopes)
    } catch (error) {
      result.findings.push(finding(error as ExpressionError, path))
      continue
    }
    for (const use of nameUses(node)) {
      result.uses.push({ ...use, path })
      const problem = useProblem(use, declared)
      if (problem) {
        result.findings.push({ code: 'manifest.name', ...problem, path, offset: use.offset })
      }
    }
  }
}

function finding(error: ExpressionError, path: ManifestPath): Finding {
  const isName = error.code === 'unknown_name'
  return {
    code: isName ? 'manifest.name' : 'manifest.expr',
    message: error.message,
    remedy: isName ? 'use a name that is known at this place' : remedyOf(error),
    path,
    offset: error.offset,
  }
}

function remedyOf({ code }: ExpressionError): string {
  switch (code) {
    case 'unknown_function':
      return 'use a function of the language, or a path'
    case 'arguments':
      return 'give the arguments that the function takes'
    case 'regex':
      return 'use RE2 syntax: no look-around, no back references'
    case 'too_big':
    case 'too_deep':
    case 'too_long':
      return 'make the expression simpler'
    default:
      return 'correct the expression at this place'
  }
}

/** Requests of a sign-in or a check are not part of reading a stream: they have no window, page or parent. */
function scopesAt(place: WrittenExpression['place'], path: ManifestPath): readonly string[] {
  if (place !== 'request') return scopesOf(place)
  if (path[0] === 'auth' || path[2] === 'auth') return scopesOf('auth')
  if (path[0] === 'check') return ['config', 'source', 'auth', 'now']
  if (path[2] === 'job' && path[3] === 'create') {
    return scopesOf('request').filter((scope) => scope !== 'job')
  }
  return scopesOf(place)
}

/** Known members by scope; a scope that is not there may hold anything. */
type Members = Map<string, { names: readonly string[]; none: string }>

function membersAt(path: ManifestPath, file: unknown): Members {
  const members: Members = new Map()
  if (!isMap(file)) return members
  const config = file.config ?? {}
  if (isMap(config)) {
    members.set('config', { names: Object.keys(config), none: 'the connector declares no config' })
  }
  for (const [scope, names] of Object.entries(fixedMembers)) members.set(scope, { names, none: '' })
  const stream = path[0] === 'streams' ? streamAt(file, path[1]) : undefined
  if (stream) {
    if (stream.window === undefined || stream.window === null) {
      members.set('window', { names: [], none: 'the stream has no window' })
    }
    members.set('each', { names: eachNames(stream), none: 'the stream has no for_each' })
    members.set('each.parent', {
      names: parentStreams(stream, file).flatMap((parent) => eachNames(parent)),
      none: 'the parent stream has no for_each',
    })
    const job = isMap(stream.job) ? stream.job.take : undefined
    members.set('job', { names: isMap(job) ? Object.keys(job) : [], none: 'the job takes nothing' })
  }
  const saved = [...savedNames(file.auth), ...savedNames(stream?.auth)]
  members.set('auth', { names: saved, none: 'the sign-in saves nothing' })
  return members
}

type Problem = Pick<Finding, 'message' | 'remedy' | 'severity'>

function useProblem(use: NameUse, members: Members): Problem | undefined {
  if (use.scope === 'each' && use.member === 'parent') {
    return memberProblem('each.parent', use.below, members)
  }
  if (use.scope === 'config' && use.optional && use.member !== undefined) {
    return optionalConfig(use.member, members.get('config')?.names ?? [])
  }
  return memberProblem(use.scope, use.member, members)
}

/**
 * `config?.x` says that x may not be there, so a field that is declared nowhere is no error: it is null. Not so where it looks
 * like a misspelt one. It isn't declared by being used either: nothing tells its type, and whether it is a secret.
 */
function optionalConfig(field: string, known: readonly string[]): Problem | undefined {
  if (known.includes(field)) return undefined
  const message = `config has no ${field}`
  const close = nearest(field, known)
  if (close) return { message, remedy: `did you mean config?.${close}?` }
  const remedy = `declare it, such as ${field}: {type: boolean}, so that sources can set it`
  return { severity: 'warning', message: `${message}, so it is always null`, remedy }
}

function memberProblem(
  scope: string,
  member: string | undefined,
  members: Members,
): Problem | undefined {
  const known = members.get(scope)
  if (!known) return undefined
  if (known.names.length === 0 && known.none) {
    return { message: `${scope}: ${known.none}`, remedy: `declare it, or do without ${scope}` }
  }
  if (member === undefined || known.names.includes(member)) return undefined
  const close = nearest(member, known.names)
  return {
    message: `${scope} has no ${member}`,
    remedy: close ? `did you mean ${scope}.${close}?` : `known: ${known.names.join(', ')}`,
  }
}

function streamAt(file: Record<string, unknown>, name: unknown) {
  const streams = file.streams
  if (!isMap(streams) || typeof name !== 'string' || !Object.hasOwn(streams, name)) return undefined
  const stream = streams[name]
  return isMap(stream) ? stream : undefined
}

const entriesOf = (stream: Record<string, unknown>): Record<string, unknown>[] =>
  Array.isArray(stream.for_each)
    ? stream.for_each
        .filter(isMap)
        .flatMap((entry) => (isMap(entry.else) ? [entry, entry.else] : [entry]))
    : []

const eachNames = (stream: Record<string, unknown>): string[] =>
  entriesOf(stream).flatMap((entry) => [
    ...(isMap(entry.take) ? Object.keys(entry.take) : []),
    ...(typeof entry.as === 'string' ? [entry.as] : []),
  ])

function parentStreams(
  stream: Record<string, unknown>,
  file: Record<string, unknown>,
): Record<string, unknown>[] {
  const parents = entriesOf(stream).map((entry) => streamAt(file, entry.parent))
  return parents.filter((parent) => parent !== undefined)
}

function savedNames(auth: unknown): string[] {
  if (!isMap(auth)) return []
  if (isMap(auth.options))
    return Object.values(auth.options).flatMap((option) => savedNames(option))
  return isMap(auth.save) ? Object.keys(auth.save) : []
}
