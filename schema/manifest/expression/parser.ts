import { ExpressionError } from './error.ts'
import { lex, type Token } from './lexer.ts'
import { maxDepth, maxNodes } from './limit.ts'
import type { BinaryOperator, Node } from './node.ts'

/** The tree of a whole text. @throws ExpressionError */
export function parseExpression(text: string): Node {
  return parseTokens(lex(text).tokens)
}

/** The tree of tokens that end with `end`. @throws ExpressionError */
export function parseTokens(tokens: Token[]): Node {
  const state: State = { tokens, at: 0, nodes: 0, depth: 0, pending: 0 }
  const node = condition(state)
  const rest = current(state)
  if (rest.kind !== 'end') throw unexpected(rest)
  return node
}

interface State {
  tokens: Token[]
  at: number
  nodes: number
  depth: number
  /** conditions between these brackets that still wait for their `:` */
  pending: number
}

const current = (state: State): Token => state.tokens[state.at] as Token
const isSymbol = (state: State, value: string): boolean => {
  const token = current(state)
  return token.kind === 'symbol' && token.value === value
}

function unexpected(token: Token): ExpressionError {
  if (token.kind === 'end') return new ExpressionError('syntax', 'unexpected end', token.offset)
  const hint = token.value === ':' ? '; put a filter with arguments in parentheses' : ''
  return new ExpressionError(
    'syntax',
    `unexpected ${JSON.stringify(token.value)}${hint}`,
    token.offset,
  )
}

function accept(state: State, value: string): boolean {
  if (!isSymbol(state, value)) return false
  state.at += 1
  return true
}

function expect(state: State, value: string): void {
  if (accept(state, value)) return
  const token = current(state)
  const found = token.kind === 'end' ? 'the end' : JSON.stringify(token.value)
  throw new ExpressionError(
    'syntax',
    `expected ${JSON.stringify(value)}, found ${found}`,
    token.offset,
  )
}

function made(state: State, node: Node): Node {
  state.nodes += 1
  if (state.nodes > maxNodes) {
    throw new ExpressionError('too_big', `an expression has at most ${maxNodes} parts`, node.offset)
  }
  return node
}

function deeper(state: State, parse: (state: State) => Node): Node {
  if (state.depth >= maxDepth) {
    throw new ExpressionError('too_deep', `nested deeper than ${maxDepth}`, current(state).offset)
  }
  state.depth += 1
  const node = parse(state)
  state.depth -= 1
  return node
}

/** An expression between brackets: conditions outside do not reach into it. */
function nested(state: State): Node {
  const { pending } = state
  state.pending = 0
  const node = deeper(state, condition)
  state.pending = pending
  return node
}

function condition(state: State): Node {
  const test = coalesce(state)
  const { offset } = current(state)
  if (!accept(state, '?')) return test
  state.pending += 1
  const whenTrue = deeper(state, condition)
  state.pending -= 1
  expect(state, ':')
  const otherwise = deeper(state, condition)
  return made(state, { kind: 'condition', test, whenTrue, otherwise, offset })
}

/** One level of left-associative operators between two names of the tree. */
function chain(symbol: string, kind: 'coalesce' | 'or' | 'and', below: (state: State) => Node) {
  return (state: State): Node => {
    let left = below(state)
    for (;;) {
      const { offset } = current(state)
      if (!accept(state, symbol)) return left
      left = made(state, { kind, left, right: below(state), offset })
    }
  }
}

function operators(symbols: readonly BinaryOperator[], below: (state: State) => Node) {
  return (state: State): Node => {
    let left = below(state)
    for (;;) {
      const token = current(state)
      const operator = symbols.find((symbol) => symbol === token.value)
      const isOperator = token.kind === 'symbol' || (token.kind === 'name' && operator === 'in')
      if (!operator || !isOperator) return left
      state.at += 1
      left = made(state, {
        kind: 'binary',
        operator,
        left,
        right: below(state),
        offset: token.offset,
      })
    }
  }
}

const product = operators(['*', '/', '%'], unary)
const sum = operators(['+', '-'], product)
const relation = operators(['<', '<=', '>', '>=', 'in'], sum)
const equality = operators(['==', '!='], relation)
const and = chain('&&', 'and', equality)
const or = chain('||', 'or', and)
const coalesce = chain('??', 'coalesce', or)

function unary(state: State): Node {
  const { offset } = current(state)
  if (accept(state, '!')) return made(state, { kind: 'not', of: deeper(state, unary), offset })
  if (accept(state, '-')) return made(state, { kind: 'negate', of: deeper(state, unary), offset })
  return postfix(state)
}

function postfix(state: State): Node {
  let node = primary(state)
  for (;;) {
    const { offset } = current(state)
    if (accept(state, '.')) {
      node = made(state, { kind: 'member', of: node, name: name(state), optional: false, offset })
    } else if (accept(state, '?.')) {
      node = accept(state, '[')
        ? made(state, { kind: 'index', of: node, key: closedKey(state), optional: true, offset })
        : made(state, { kind: 'member', of: node, name: name(state), optional: true, offset })
    } else if (accept(state, '[')) {
      node = made(state, {
        kind: 'index',
        of: node,
        key: closedKey(state),
        optional: false,
        offset,
      })
    } else if (accept(state, '|')) {
      node = filter(state, node)
    } else return node
  }
}

function closedKey(state: State): Node {
  const key = nested(state)
  expect(state, ']')
  return key
}

function name(state: State): string {
  const token = current(state)
  if (token.kind !== 'name') {
    throw new ExpressionError('syntax', 'expected a name', token.offset)
  }
  state.at += 1
  return token.value
}

/** `x | f: a, b` is `f(x, a, b)`. */
function filter(state: State, of: Node): Node {
  const { offset } = current(state)
  const called = name(state)
  const args = [of]
  if (isSymbol(state, ':') && colonIsMine(state)) {
    state.at += 1
    do args.push(deeper(state, unary))
    while (accept(state, ','))
  }
  return made(state, { kind: 'call', name: called, args, offset })
}

/**
 * In `c ? x | trim : y` the colon belongs to the condition, in `c ? x | join: "," : y` the first one to the filter:
 * the filter takes it only if enough are left for the conditions that wait.
 */
function colonIsMine(state: State): boolean {
  let spare = -state.pending
  let depth = 0
  for (let at = state.at + 1; at < state.tokens.length && depth >= 0; at += 1) {
    const token = state.tokens[at] as Token
    if (token.kind !== 'symbol') continue
    if ('([{'.includes(token.value)) depth += 1
    else if (')]}'.includes(token.value)) depth -= 1
    else if (depth === 0 && token.value === ':') spare += 1
    else if (depth === 0 && token.value === '?') spare -= 1
  }
  return spare >= 0
}

function primary(state: State): Node {
  const token = current(state)
  state.at += 1
  const { offset } = token
  if (token.kind === 'number' || token.kind === 'string') {
    return made(state, { kind: 'literal', value: token.value, offset })
  }
  if (token.kind === 'name') return named(state, token.value, offset)
  if (token.kind === 'symbol') {
    if (token.value === '(') {
      const node = nested(state)
      expect(state, ')')
      return node
    }
    if (token.value === '[') {
      return made(state, { kind: 'list', items: items(state, ']'), offset })
    }
    if (token.value === '{') return map(state, offset)
  }
  throw unexpected(token)
}

function named(state: State, word: string, offset: number): Node {
  if (word === 'true' || word === 'false') {
    return made(state, { kind: 'literal', value: word === 'true', offset })
  }
  if (word === 'null') return made(state, { kind: 'literal', value: null, offset })
  if (word === 'in') throw unexpected({ kind: 'name', value: word, offset })
  if (accept(state, '(')) {
    return made(state, { kind: 'call', name: word, args: items(state, ')'), offset })
  }
  return made(state, { kind: 'scope', name: word, offset })
}

/** Expressions between commas; one comma before the end is allowed. */
function items(state: State, close: string): Node[] {
  const found: Node[] = []
  while (!accept(state, close)) {
    found.push(nested(state))
    if (!isSymbol(state, close)) expect(state, ',')
  }
  return found
}

/** `{name: value, "any text": value, [expression]: value}` */
function map(state: State, offset: number): Node {
  const entries: { key: Node; value: Node }[] = []
  while (!accept(state, '}')) {
    const key = mapKey(state)
    expect(state, ':')
    entries.push({ key, value: nested(state) })
    if (!isSymbol(state, '}')) expect(state, ',')
  }
  return made(state, { kind: 'map', entries, offset })
}

function mapKey(state: State): Node {
  const token = current(state)
  if (accept(state, '[')) return closedKey(state)
  if (token.kind !== 'name' && token.kind !== 'string') throw unexpected(token)
  state.at += 1
  return made(state, { kind: 'literal', value: token.value, offset: token.offset })
}
