import { RE2JS } from 're2js'
import { ExpressionError } from './error.ts'
import { charge } from './limit.ts'

const maxPatternLength = 1_000
const maxCached = 500
/** Linear, but each character costs far more than a copy. */
const costPerCharacter = 8
const cache = new Map<string, RE2JS>()

/** A compiled RE2 pattern. @throws ExpressionError regex */
export function regexOf(pattern: string): RE2JS {
  const known = cache.get(pattern)
  if (known) return known
  if (pattern.length > maxPatternLength) {
    throw new ExpressionError('regex', `a pattern has at most ${maxPatternLength} characters`)
  }
  let made: RE2JS
  try {
    made = RE2JS.compile(pattern)
  } catch (error) {
    throw new ExpressionError('regex', error instanceof Error ? error.message : String(error))
  }
  if (cache.size >= maxCached) cache.clear()
  cache.set(pattern, made)
  return made
}

/** The first match and its groups, or null. */
export function matchOf(text: string, pattern: string): (string | null)[] | null {
  charge(text.length * costPerCharacter)
  const matcher = regexOf(pattern).matcher(text)
  if (!matcher.find()) return null
  const groups: (string | null)[] = []
  for (let index = 0; index <= matcher.groupCount(); index += 1) {
    groups.push(matcher.group(index) ?? null)
  }
  return groups
}

/** Every match replaced by a plain text. */
export function replaceMatches(text: string, pattern: string, by: string): string {
  charge(text.length * costPerCharacter)
  const matcher = regexOf(pattern).matcher(text)
  const parts: string[] = []
  let last = 0
  while (matcher.find()) {
    charge(by.length + 1)
    parts.push(text.slice(last, matcher.start()), by)
    last = matcher.end()
  }
  parts.push(text.slice(last))
  return parts.join('')
}
