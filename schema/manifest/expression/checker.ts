import { nearest } from '../nearest.ts'
import { ExpressionError } from './error.ts'
import { functionNames, functionTable, mapEach } from './function-table.ts'
import { childrenOf, type Node } from './node.ts'
import { regexOf } from './regex.ts'

/** A name that an expression reads: a scope and, where it is written plainly, the member below it. */
export interface NameUse {
  scope: string
  member: string | undefined
  /** the member after that, for `each.parent.x` */
  below: string | undefined
  optional: boolean
  offset: number
}

/**
 * Checks names, functions, numbers of arguments and literal regexes, which is all that can be known before values
 * are there.
 * @throws ExpressionError
 */
export function checkNode(node: Node, scopes: readonly string[]): void {
  if (node.kind === 'scope' && !scopes.includes(node.name)) {
    const close = nearest(node.name, scopes)
    const hint = close ? `; did you mean ${close}?` : ''
    throw new ExpressionError(
      'unknown_name',
      `${node.name} is not known here (known: ${scopes.join(', ')})${hint}`,
      node.offset,
    )
  }
  if (node.kind === 'call') checkCall(node)
  for (const child of childrenOf(node)) checkNode(child, scopes)
}

function checkCall(node: Extract<Node, { kind: 'call' }>): void {
  const called = node.name === mapEach.name ? mapEach : functionTable.get(node.name)
  if (!called) {
    const close = nearest(node.name, functionNames)
    const hint = close ? `; did you mean ${close}?` : ''
    throw new ExpressionError('unknown_function', `no function ${node.name}${hint}`, node.offset)
  }
  checkCount(node.name, node.args.length, called, node.offset)
  if (node.name === mapEach.name) checkMapEach(node)
  const at = functionTable.get(node.name)?.regexAt
  const regex = at === undefined ? undefined : node.args[at]
  if (regex?.kind === 'literal' && typeof regex.value === 'string') {
    try {
      regexOf(regex.value)
    } catch (error) {
      throw new ExpressionError('regex', (error as Error).message, regex.offset)
    }
  }
}

function checkCount(
  name: string,
  count: number,
  { min, max }: { min: number; max: number },
  offset: number,
): void {
  if (count >= min && count <= max) return
  const wanted = min === max ? String(min) : `${min} to ${max}`
  throw new ExpressionError('arguments', `${name} takes ${wanted} arguments, not ${count}`, offset)
}

function checkMapEach(node: Extract<Node, { kind: 'call' }>): void {
  const applied = node.args[1]
  const name = applied?.kind === 'literal' ? applied.value : undefined
  const found = typeof name === 'string' ? functionTable.get(name) : undefined
  if (!found) {
    throw new ExpressionError(
      'unknown_function',
      'mapEach needs the name of a function in quotes, such as mapEach(list, "lower")',
      applied?.offset ?? node.offset,
    )
  }
  checkCount(String(name), node.args.length - 1, found, node.offset)
}

/** Every scope that a tree reads, with the members written after it. */
export function nameUses(node: Node): NameUse[] {
  const uses: NameUse[] = []
  collect(node, uses)
  return uses
}

function collect(node: Node, uses: NameUse[]): void {
  const path: { name: string | undefined; optional: boolean; offset: number }[] = []
  let at = node
  while (at.kind === 'member' || at.kind === 'index') {
    const name = at.kind === 'member' ? at.name : literalText(at.key)
    path.unshift({ name, optional: at.optional, offset: at.offset })
    if (at.kind === 'index') collect(at.key, uses)
    at = at.of
  }
  if (at.kind === 'scope') {
    uses.push({
      scope: at.name,
      member: path[0]?.name,
      below: path[1]?.name,
      optional: path[0]?.optional ?? false,
      offset: at.offset,
    })
    return
  }
  for (const child of childrenOf(at)) collect(child, uses)
}

function literalText(node: Node): string | undefined {
  return node.kind === 'literal' && typeof node.value === 'string' ? node.value : undefined
}
