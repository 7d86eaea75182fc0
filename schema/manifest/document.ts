import {
  type Document,
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
} from 'yaml'
import type { Finding, ManifestPath } from './issue.ts'

const maxCharacters = 1024 * 1024
const maxDepth = 64
const maxValues = 200_000
const maxAliases = 100
const maxErrors = 20

/** A manifest file as plain data, and where each value stands in it. */
export interface ManifestDocument {
  /** undefined when the file is not YAML at all */
  value: unknown
  /** problems of the YAML itself, with their places */
  problems: { message: string; remedy: string; line: number; column: number }[]
  /** line and column (from 1) of the nearest value that exists on the way to a path */
  place: (finding: Pick<Finding, 'path' | 'atKey' | 'offset'>) => { line: number; column: number }
}

/**
 * Reads YAML 1.2 (or JSON, which is part of it) without its traps: no merge keys, no tags, few aliases, no
 * duplicate keys, bounded size and depth. Never throws.
 */
export function readDocument(text: string): ManifestDocument {
  const lines = new LineCounter()
  const place = (offset: number) => {
    const { line, col } = lines.linePos(offset)
    return { line: Math.max(1, line), column: Math.max(1, col) }
  }
  if (text.length > maxCharacters) {
    return broken('the file is larger than 1 MB', 'split it into several connectors')
  }
  let document: Document.Parsed
  try {
    // Pretty errors quote their line for each error, and the library's check for duplicate keys compares all pairs:
    // both take minutes on hostile files.
    document = parseDocument(text, {
      version: '1.2',
      schema: 'core',
      merge: false,
      uniqueKeys: false,
      prettyErrors: false,
      logLevel: 'error', // with silent, a second document goes unnoticed
      lineCounter: lines,
    }) as Document.Parsed
  } catch (error) {
    return broken(`not YAML: ${(error as Error).message}`, 'check indentation and quotes')
  }
  const notes = [...document.errors, ...document.warnings]
  if (notes.length > 0) {
    const problems = notes.slice(0, maxErrors).map((note) => ({
      message: `not YAML: ${note.message}`,
      remedy:
        'check indentation and quotes; texts with ": ", "#" or a leading special character need quotes',
      ...place(note.pos[0]),
    }))
    return { value: undefined, problems, place: () => ({ line: 1, column: 1 }) }
  }
  const state: Reading = { anchors: new Map(), values: 0, aliases: 0, problems: [] }
  const value = plain(document.contents, 0, state)
  return {
    value: state.problems.length > 0 ? undefined : value,
    problems: state.problems.map(({ offset, ...rest }) => ({ ...rest, ...place(offset) })),
    place: (finding) => place(offsetOf(document, text, finding)),
  }
}

function broken(message: string, remedy: string): ManifestDocument {
  const start = { line: 1, column: 1 }
  return { value: undefined, problems: [{ message, remedy, ...start }], place: () => start }
}

interface Reading {
  /** what each anchor stands for so far; the library would look through the whole document for each alias */
  anchors: Map<string, unknown>
  values: number
  aliases: number
  problems: { message: string; remedy: string; offset: number }[]
}

const startOf = (node: unknown): number => (node as { range?: [number] } | null)?.range?.[0] ?? 0

function refuse(state: Reading, node: unknown, message: string, remedy: string): undefined {
  if (state.problems.length < maxErrors) {
    state.problems.push({ message, remedy, offset: startOf(node) })
  }
  return undefined
}

function plain(node: unknown, depth: number, state: Reading): unknown {
  state.values += 1
  if (state.values > maxValues) {
    if (state.values > maxValues + 1) return undefined
    return refuse(state, node, 'the file has too many values', 'split it into several connectors')
  }
  if (depth > maxDepth) {
    return refuse(state, node, `nested deeper than ${maxDepth}`, 'flatten the structure')
  }
  if (isAlias(node)) {
    state.aliases += 1
    if (state.aliases > maxAliases) {
      return refuse(
        state,
        node,
        `more than ${maxAliases} aliases`,
        'use `defaults` for what repeats',
      )
    }
    const target = state.anchors.get(node.source)
    if (target) return plain(target, depth + 1, state)
    return refuse(state, node, `no anchor &${node.source}`, 'define the anchor before it is used')
  }
  if (isNode(node) && node.anchor !== undefined) state.anchors.set(node.anchor, node)
  if (isMap(node)) return plainMap(node.items, depth, state)
  if (isSeq(node)) return node.items.map((item) => plain(item, depth + 1, state))
  if (isScalar(node)) return plainScalar(node.value, node, state)
  return null
}

function plainScalar(value: unknown, node: unknown, state: Reading): unknown {
  if (typeof value === 'number' && !Number.isFinite(value)) {
    return refuse(state, node, 'not a finite number', 'write a text in quotes')
  }
  if (value === undefined || value === null) return null
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') {
    return value
  }
  return refuse(state, node, 'a value of a kind that JSON does not have', 'remove the tag')
}

function plainMap(items: Pair[], depth: number, state: Reading): Record<string, unknown> {
  const map: Record<string, unknown> = {}
  for (const { key, value } of items) {
    const name = keyName(key)
    if (name === undefined) {
      refuse(state, key, 'a key must be a text', 'put the key in quotes')
    } else if (name === '__proto__') {
      refuse(state, key, 'the key __proto__ is not allowed', 'choose another name')
    } else if (name === '<<') {
      refuse(
        state,
        key,
        'merge keys (<<) are not part of YAML 1.2',
        'use `defaults` for what repeats',
      )
    } else if (Object.hasOwn(map, name)) {
      refuse(state, key, `the key ${name.slice(0, 64)} is there twice`, 'remove one of the two')
    } else {
      map[name] = plain(value, depth + 1, state)
    }
  }
  return map
}

/** Numbers and booleans are fine as keys (`404: …`, `true: …`); maps, lists and aliases are not. */
function keyName(key: unknown): string | undefined {
  const value = isScalar(key) ? key.value : undefined
  if (typeof value === 'string') return value
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined
}

/** Follows a path as far as the file goes. */
function offsetOf(
  document: Document.Parsed,
  text: string,
  { path, atKey, offset }: { path: ManifestPath; atKey?: boolean; offset?: number | undefined },
): number {
  let node: unknown = document.contents
  let best = startOf(node)
  for (const [index, step] of path.entries()) {
    const target: unknown = isAlias(node) ? node.resolve(document) : node
    if (isMap(target)) {
      const pair = target.items.find((item) => keyName(item.key) === String(step))
      if (!pair) return best
      const last = index === path.length - 1
      node = pair.value
      best = startOf(last && atKey ? pair.key : (pair.value ?? pair.key))
      if (node === null || (isScalar(node) && node.value === null)) best = startOf(pair.key)
    } else if (isSeq(target) && typeof step === 'number' && target.items[step]) {
      node = target.items[step]
      best = startOf(node)
    } else return best
  }
  return offset === undefined || atKey ? best : best + insideText(node, text, offset)
}

/** Where a character of a scalar is in the file; only plain and one-line texts can tell exactly. */
function insideText(node: unknown, text: string, offset: number): number {
  if (!isScalar(node) || typeof node.value !== 'string') return 0
  const range = (node as Node).range
  if (!range) return 0
  const at = text.slice(range[0], range[1]).indexOf(node.value)
  return at < 0 ? 0 : at + Math.min(offset, node.value.length)
}
