import { compileNode, type Evaluate } from './compiler.ts'
import { ExpressionError, located } from './error.ts'
import { lex } from './lexer.ts'
import { beginWork, chargeResult } from './limit.ts'
import type { Node } from './node.ts'
import { parseTokens } from './parser.ts'
import { setOwn, textOf } from './value.ts'

/** A template cut into plain texts and expressions. */
export type TemplatePart = string | { node: Node; offset: number }

const maxParts = 200

/** Parts of a text with `{{ }}`; a text without any is one part. @throws ExpressionError with offsets in the text */
export function parseTemplate(text: string): TemplatePart[] {
  const parts: TemplatePart[] = []
  let at = 0
  for (;;) {
    const open = text.indexOf('{{', at)
    if (open < 0) break
    if (open > at) parts.push(text.slice(at, open))
    const { tokens, next } = lex(text, open + 2, true)
    parts.push({ node: parseTokens(tokens), offset: open })
    if (parts.length > maxParts) {
      throw new ExpressionError('too_big', `a template has at most ${maxParts} parts`, open)
    }
    at = next
  }
  if (at < text.length || parts.length === 0) parts.push(text.slice(at))
  return parts
}

/**
 * A text with `{{ }}` as a function. Exactly one `{{ }}` keeps the type of its value, null included; among other
 * text a value becomes text (maps and lists as JSON), and null is an error.
 * @throws ExpressionError here, and from the function returned
 */
export function compileTemplate(text: string, scopes: readonly string[]): Evaluate {
  if (!text.includes('{{')) return () => text
  const parts = parseTemplate(text)
  const [only] = parts
  if (parts.length === 1 && only !== undefined && typeof only !== 'string') {
    return compileNode(only.node, scopes)
  }
  const pieces = parts.map((part) =>
    typeof part === 'string' ? part : { run: compileNode(part.node, scopes), offset: part.offset },
  )
  return (scope) => {
    let made = ''
    for (const piece of pieces) {
      if (typeof piece === 'string') made += piece
      else {
        const value = piece.run(scope)
        beginWork()
        try {
          made += textOf(value)
          chargeResult(made.length)
        } catch (error) {
          throw located(error, piece.offset)
        }
      }
    }
    return made
  }
}

const maxTreeDepth = 64

/**
 * Any JSON value with templates in its strings (bodies, query values, `set … to`), as a function that gives a new
 * value each time. Keys are taken as they are. @throws ExpressionError here, and from the function returned
 */
export function compileTree(tree: unknown, scopes: readonly string[], depth = 0): Evaluate {
  if (depth > maxTreeDepth) throw new ExpressionError('too_deep', 'the value is nested too deep', 0)
  if (typeof tree === 'string') return compileTemplate(tree, scopes)
  if (typeof tree !== 'object' || tree === null) return () => tree
  if (Array.isArray(tree)) {
    const items = tree.map((item) => compileTree(item, scopes, depth + 1))
    return (scope) => items.map((item) => item(scope))
  }
  const entries = Object.entries(tree).map(
    ([key, value]) => [key, compileTree(value, scopes, depth + 1)] as const,
  )
  return (scope) => {
    const made: Record<string, unknown> = {}
    for (const [key, value] of entries) setOwn(made, key, value(scope))
    return made
  }
}
