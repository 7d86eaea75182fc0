import { checkNode } from './checker.ts'
import { ExpressionError, located } from './error.ts'
import { functionTable, mapEach } from './function-table.ts'
import { beginWork, charge, chargeResult } from './limit.ts'
import type { BinaryOperator, Node } from './node.ts'
import { parseExpression } from './parser.ts'
import { compare, equal, finite, numberOf, setOwn, textOf, truthy, typeName } from './value.ts'

/** The values of all scopes by name; own properties only are read from them and from what they hold. */
export type Scope = Readonly<Record<string, unknown>>
export type Evaluate = (scope: Scope) => unknown

/**
 * An expression as a function of its scopes. Names, functions and limits are checked here, values when it runs.
 * @throws ExpressionError here, and from the function returned
 */
export function compileExpression(text: string, scopes: readonly string[]): Evaluate {
  return compileNode(parseExpression(text), scopes)
}

/** As compileExpression, for a tree that is already parsed. @throws ExpressionError */
export function compileNode(node: Node, scopes: readonly string[]): Evaluate {
  checkNode(node, scopes)
  const run = compiled(node)
  if (isPlain(node)) return run
  return (scope) => {
    beginWork()
    try {
      return run(scope)
    } catch (error) {
      throw located(error, node.offset)
    }
  }
}

/** Paths and constants build nothing, so they need no budget: most expressions, and the fastest. */
function isPlain(node: Node): boolean {
  if (node.kind === 'literal' || node.kind === 'scope') return true
  return node.kind === 'member' && isPlain(node.of)
}

function compiled(node: Node): Evaluate {
  switch (node.kind) {
    case 'literal': {
      const { value } = node
      return () => value
    }
    case 'scope':
      return scopeValue(node.name, node.offset)
    case 'member':
      return member(compiled(node.of), node)
    case 'index':
      return index(compiled(node.of), compiled(node.key), node)
    case 'call':
      return node.name === mapEach.name ? mapCall(node) : call(node)
    case 'not': {
      const of = compiled(node.of)
      return (scope) => !truthy(of(scope))
    }
    case 'negate': {
      const of = compiled(node.of)
      return guarded((scope) => -numberOf(of(scope)), node.offset)
    }
    case 'binary':
      return binary(node.operator, compiled(node.left), compiled(node.right), node.offset)
    case 'and':
    case 'or':
    case 'coalesce':
      return shortCircuit(node.kind, compiled(node.left), compiled(node.right))
    case 'condition': {
      const test = compiled(node.test)
      const whenTrue = compiled(node.whenTrue)
      const otherwise = compiled(node.otherwise)
      return (scope) => (truthy(test(scope)) ? whenTrue(scope) : otherwise(scope))
    }
    case 'list': {
      const items = node.items.map(compiled)
      return (scope) => items.map((item) => item(scope))
    }
    case 'map':
      return mapLiteral(node.entries.map(({ key, value }) => [compiled(key), compiled(value)]))
  }
}

/** Gives errors of operators and functions their place. */
function guarded(run: Evaluate, offset: number): Evaluate {
  return (scope) => {
    try {
      return run(scope)
    } catch (error) {
      throw located(error, offset)
    }
  }
}

function scopeValue(name: string, offset: number): Evaluate {
  return (scope) => {
    if (Object.hasOwn(scope, name)) return scope[name] ?? null
    throw new ExpressionError('missing', `${name} has no value here`, offset)
  }
}

type MemberNode = Extract<Node, { kind: 'member' }>
type IndexNode = Extract<Node, { kind: 'index' }>

function member(of: Evaluate, { name, optional, offset }: MemberNode): Evaluate {
  return (scope) => {
    const value = of(scope)
    if (typeof value === 'object' && value !== null && Object.hasOwn(value, name)) {
      return (value as Record<string, unknown>)[name] ?? null
    }
    if (optional) return null
    throw missing(name, value, offset)
  }
}

function index(of: Evaluate, key: Evaluate, { optional, offset }: IndexNode): Evaluate {
  return (scope) => {
    const value = of(scope)
    const at = key(scope)
    if (typeof at !== 'string' && typeof at !== 'number') {
      if (optional && at === null) return null
      throw new ExpressionError('type', `a key is a text or a number, not ${typeName(at)}`, offset)
    }
    if (typeof value === 'object' && value !== null && Object.hasOwn(value, at)) {
      return (value as Record<string | number, unknown>)[at] ?? null
    }
    if (optional) return null
    throw missing(String(at), value, offset)
  }
}

function missing(name: string, of: unknown, offset: number): ExpressionError {
  const where = of === null ? 'in null' : typeof of === 'object' ? '' : `in a ${typeName(of)}`
  return new ExpressionError('missing', `${name.slice(0, 64)} is not there ${where}`.trim(), offset)
}

function shortCircuit(kind: 'and' | 'or' | 'coalesce', left: Evaluate, right: Evaluate): Evaluate {
  if (kind === 'coalesce') return (scope) => left(scope) ?? right(scope)
  const goesOn = kind === 'and'
  return (scope) => {
    const value = left(scope)
    return truthy(value) === goesOn ? right(scope) : value
  }
}

const binaryOperators: Record<BinaryOperator, (a: unknown, b: unknown) => unknown> = {
  '==': (a, b) => equal(a, b),
  '!=': (a, b) => !equal(a, b),
  '<': (a, b) => compare(a, b) < 0,
  '<=': (a, b) => compare(a, b) <= 0,
  '>': (a, b) => compare(a, b) > 0,
  '>=': (a, b) => compare(a, b) >= 0,
  in: contains,
  '+': add,
  '-': (a, b) => finite(numberOf(a) - numberOf(b)),
  '*': (a, b) => finite(numberOf(a) * numberOf(b)),
  '/': (a, b) => finite(numberOf(a) / numberOf(b)),
  '%': (a, b) => finite(numberOf(a) % numberOf(b)),
}

function binary(
  operator: BinaryOperator,
  left: Evaluate,
  right: Evaluate,
  offset: number,
): Evaluate {
  const operate = binaryOperators[operator]
  return guarded((scope) => operate(left(scope), right(scope)), offset)
}

/** An item of a list, a part of a text, a key of a map; nothing is in null. */
function contains(needle: unknown, hay: unknown): boolean {
  if (hay === null) return false
  if (typeof hay === 'string') {
    charge(hay.length)
    return hay.includes(textOf(needle))
  }
  if (Array.isArray(hay)) {
    charge(hay.length)
    return hay.some((item) => equal(item, needle))
  }
  if (typeof hay === 'object') return Object.hasOwn(hay, textOf(needle))
  throw new ExpressionError('type', `in needs a list, text or map, not ${typeName(hay)}`)
}

/** Numbers are added; lists, and a text with a text or number, are joined. */
function add(a: unknown, b: unknown): unknown {
  if (typeof a === 'number' && typeof b === 'number') return finite(a + b)
  if (Array.isArray(a) && Array.isArray(b)) {
    chargeResult(a.length + b.length)
    return a.concat(b)
  }
  if (typeof a === 'string' || typeof b === 'string') {
    const left = textOf(a)
    const right = textOf(b)
    chargeResult(left.length + right.length)
    return left + right
  }
  if (typeName(a) === 'number' && typeName(b) === 'number') return finite(numberOf(a) + numberOf(b))
  throw new ExpressionError('type', `cannot add ${typeName(a)} and ${typeName(b)}`)
}

type CallNode = Extract<Node, { kind: 'call' }>

/** The commonest counts of arguments without a list in between. */
function call({ name, args, offset }: CallNode): Evaluate {
  const { run } = functionTable.get(name) as { run: (...values: unknown[]) => unknown }
  const [first, second] = args.map(compiled)
  if (args.length === 0 || !first) return guarded(() => run(), offset)
  if (args.length === 1) return guarded((scope) => run(first(scope)), offset)
  if (args.length === 2 && second) {
    return guarded((scope) => run(first(scope), second(scope)), offset)
  }
  const all = args.map(compiled)
  return guarded((scope) => run(...all.map((arg) => arg(scope))), offset)
}

function mapCall({ args, offset }: CallNode): Evaluate {
  const [list, applied, ...rest] = args as [Node, Node, ...Node[]]
  const name = applied.kind === 'literal' ? String(applied.value) : ''
  const { run } = functionTable.get(name) as { run: (...values: unknown[]) => unknown }
  const of = compiled(list)
  const more = rest.map(compiled)
  return guarded((scope) => {
    const items = of(scope)
    if (!Array.isArray(items)) {
      throw new ExpressionError('type', `mapEach needs a list, not ${typeName(items)}`)
    }
    chargeResult(items.length)
    const values = more.map((arg) => arg(scope))
    return items.map((item: unknown) => run(item, ...values))
  }, offset)
}

function mapLiteral(entries: [Evaluate, Evaluate][]): Evaluate {
  return (scope) => {
    const map: Record<string, unknown> = {}
    for (const [key, value] of entries) setOwn(map, textOf(key(scope)), value(scope))
    return map
  }
}
