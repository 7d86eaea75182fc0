import { ExpressionError } from './error.ts'
import { maxLength } from './limit.ts'

export type Token =
  | { kind: 'number'; value: number; offset: number }
  | { kind: 'string'; value: string; offset: number }
  | { kind: 'name'; value: string; offset: number }
  | { kind: 'symbol'; value: string; offset: number }
  | { kind: 'end'; value: ''; offset: number }

const space = /[ \t\r\n]*/y
const word = /[A-Za-z_][A-Za-z0-9_]*/y
const digits = /\d+(?:\.\d+)?(?:[eE][+-]?\d{1,3})?/y
/** Longest first; `?.` before a digit is a condition (`a ?.5 : 1`), not an access. */
const symbols = /\?\.(?!\d)|\?\?|\|\||&&|==|!=|<=|>=|[-+*/%<>!?:.,()[\]{}|]/y
const escapes: Record<string, string> = { n: '\n', r: '\r', t: '\t', b: '\b', f: '\f', '0': '\0' }

/**
 * Tokens of an expression. With `braced`, reading begins after `{{` and stops at the `}}` that closes it, which is
 * not one inside a text or a map; `next` is then the offset after it.
 */
export function lex(text: string, start = 0, braced = false): { tokens: Token[]; next: number } {
  const tokens: Token[] = []
  let at = start
  let depth = 0
  for (;;) {
    at = after(space, text, at)
    if (at - start > maxLength) {
      throw new ExpressionError(
        'too_long',
        `an expression has at most ${maxLength} characters`,
        start,
      )
    }
    if (at >= text.length) {
      if (braced) throw new ExpressionError('syntax', '{{ without }}', start - 2)
      break
    }
    if (braced && depth === 0 && text.startsWith('}}', at)) break
    const token = readToken(text, at)
    if (token.kind === 'symbol') {
      if (token.value === '{') depth += 1
      else if (token.value === '}') depth -= 1
    }
    tokens.push(token)
    at = endOfToken
  }
  tokens.push({ kind: 'end', value: '', offset: at })
  return { tokens, next: at + 2 }
}

/** Set by readToken: where the token it returned ended. */
let endOfToken = 0

function readToken(text: string, offset: number): Token {
  const first = text[offset] as string
  if (first === '"' || first === "'") return readString(text, offset, first)
  endOfToken = after(word, text, offset)
  if (endOfToken > offset) return { kind: 'name', value: text.slice(offset, endOfToken), offset }
  endOfToken = after(digits, text, offset)
  if (endOfToken > offset) {
    const value = Number(text.slice(offset, endOfToken))
    if (!Number.isFinite(value)) throw new ExpressionError('number', 'number too large', offset)
    return { kind: 'number', value, offset }
  }
  endOfToken = after(symbols, text, offset)
  if (endOfToken > offset) return { kind: 'symbol', value: text.slice(offset, endOfToken), offset }
  throw new ExpressionError('syntax', `unexpected ${JSON.stringify(first)}`, offset)
}

/** A backslash keeps an unknown character as it is *with* the backslash, so that regexes can be written plainly. */
function readString(text: string, offset: number, quote: string): Token {
  let value = ''
  let at = offset + 1
  for (;;) {
    const character = text[at]
    if (character === undefined) {
      throw new ExpressionError('syntax', 'text without an end quote', offset)
    }
    if (character === quote) break
    if (character !== '\\') {
      value += character
      at += 1
      continue
    }
    const next = text[at + 1] ?? ''
    const code = next === 'u' ? /^[0-9a-fA-F]{4}/.exec(text.slice(at + 2, at + 6)) : null
    if (code) {
      value += String.fromCharCode(Number.parseInt(code[0], 16))
      at += 6
      continue
    }
    if (next === quote || next === '\\' || next === '/') value += next
    else value += Object.hasOwn(escapes, next) ? escapes[next] : `\\${next}`
    at += 2
  }
  endOfToken = at + 1
  return { kind: 'string', value, offset }
}

function after(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at
  return pattern.test(text) ? pattern.lastIndex : at
}
