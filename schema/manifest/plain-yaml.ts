import { flowValue, quotedText, scalarValue, type Text } from './plain-flow.ts'

interface Source extends Text {
  anchors: Map<string, unknown>
  aliases: number
}

/**
 * YAML as manifests are usually written, read ten times as fast as by the library: block maps and lists, flow maps and lists, plain
 * and quoted texts on one line, `|` and `>`, anchors. It judges nothing. Whatever is rare, odd or wrong (tags, tabs, several
 * documents, texts over several lines, a key twice …) makes it give up, and the library decides. What it does read, it reads as
 * the library does; `test/schema/manifest/plain-yaml.test.ts` compares the two.
 */
export function readPlainYaml(text: string): { value: unknown } | undefined {
  if (unusual.test(text)) return undefined
  const state: Source = {
    text,
    at: 0,
    values: 0,
    isLost: false,
    parentColumn: -1,
    anchors: new Map(),
    aliases: 0,
  }
  const column = nextContent(state)
  if (column < 0) return undefined
  const value = blockNode(state, column, 0)
  return state.isLost || state.at < text.length ? undefined : { value }
}

/** Tabs, other line ends than \n, control characters; directives and marks of documents at the begin of a line. */
const unusual = /[^\P{Cc}\n]|[\u2028\u2029\ufeff\ufffe\uffff]|^(?:%|---|\.\.\.)/mu

/** Values below this many levels, and so many of them, are for the library to refuse. */
const maxDepth = 60
const maxValues = 100_000

const plainKey = /[A-Za-z0-9_$][A-Za-z0-9_$./()[\]-]{0,120}(?=:(?: |\n|$))/y

function lost(state: Source): undefined {
  state.isLost = true
  return undefined
}

/** Goes to the next line that holds something, and gives the column where it begins; -1 at the end of the text. */
function nextContent(state: Source): number {
  const { text } = state
  for (;;) {
    const lineStart = state.at
    let at = lineStart
    while (text.charCodeAt(at) === 0x20) at += 1
    if (at >= text.length) {
      state.at = text.length
      return -1
    }
    const code = text.charCodeAt(at)
    if (code !== 0x0a && code !== 0x23) {
      state.at = at
      return at - lineStart
    }
    const end = text.indexOf('\n', at)
    state.at = end < 0 ? text.length : end + 1
  }
}

/** Whether a list's dash is here. */
function isDash({ text, at }: Source): boolean {
  if (text.charCodeAt(at) !== 0x2d) return false
  const next = text.charCodeAt(at + 1)
  return next === 0x20 || next === 0x0a || Number.isNaN(next)
}

/** A map, a list or, where neither begins, nothing that is known here. */
function blockNode(state: Source, column: number, depth: number): unknown {
  state.values += 1
  if (depth > maxDepth || state.values > maxValues) return lost(state)
  return isDash(state) ? blockList(state, column, depth) : blockMap(state, column, depth)
}

/** Entries that all begin in this column; ends at the first line that begins before it. */
function blockMap(state: Source, column: number, depth: number): unknown {
  const map: Record<string, unknown> = {}
  for (;;) {
    const key = blockKey(state)
    if (key === undefined || key === '__proto__' || Object.hasOwn(map, key)) return lost(state)
    state.at += 1
    map[key] = entryValue(state, column, depth, true)
    if (state.isLost) return undefined
    const next = columnHere(state)
    if (next < column) return map
    if (next > column || isDash(state)) return lost(state)
  }
}

function blockKey(state: Source): string | undefined {
  const { text, at } = state
  const first = text.charCodeAt(at)
  if (first === 0x22 || first === 0x27) {
    const key = quotedText(state)
    return key !== undefined && /^:(?: |\n|$)/.test(text.slice(state.at, state.at + 2))
      ? key
      : undefined
  }
  plainKey.lastIndex = at
  const key = plainKey.exec(text)?.[0]
  if (key === undefined || !isTextKey(key)) return undefined
  state.at += key.length
  return key
}

/** Keys that stand for something else than their letters are for the library. */
export function isTextKey(key: string): boolean {
  const value = scalarValue(key)
  return typeof value === 'string' || (typeof value === 'number' && String(value) === key)
}

function blockList(state: Source, column: number, depth: number): unknown {
  const list: unknown[] = []
  for (;;) {
    state.at += 1
    list.push(entryValue(state, column, depth, false))
    if (state.isLost) return undefined
    const next = columnHere(state)
    if (next < column) return list
    if (next > column) return lost(state)
    if (!isDash(state)) return list
  }
}

/** The column of the content that was gone to last. */
function columnHere({ text, at }: Source): number {
  if (at >= text.length) return -1
  return at - (text.lastIndexOf('\n', at) + 1)
}

/** What stands after a key's colon or a list's dash, and the way to the next content. */
function entryValue(state: Source, column: number, depth: number, isMap: boolean): unknown {
  const { text } = state
  const from = state.at
  while (text.charCodeAt(state.at) === 0x20) state.at += 1
  const anchor = state.at > from ? anchorName(state) : undefined
  if (anchor !== undefined) return anchored(state, column, depth, isMap, anchor)
  const first = text.charCodeAt(state.at)
  const isSpaced = state.at > from
  if (Number.isNaN(first) || first === 0x0a || (first === 0x23 && isSpaced)) {
    return valueBelow(state, column, depth, isMap)
  }
  if (!isSpaced) return lost(state)
  state.values += 1
  if (state.values > maxValues) return lost(state)
  if (!isMap && (isDash(state) || startsMap(state))) {
    return blockNode(state, columnHere(state), depth + 1)
  }
  if (first === 0x7c || first === 0x3e) return blockText(state, column, first === 0x3e)
  return inlineValue(state, column, depth)
}

function inlineValue(state: Source, column: number, depth: number): unknown {
  state.parentColumn = column
  const value = state.text[state.at] === '*' ? aliased(state) : flowValue(state, depth + 1, false)
  return state.isLost ? undefined : lineEnd(state, column, value)
}

const anchorPattern = /&([A-Za-z0-9_-]{1,60})(?:(?=\n)| +)/y

/** The name that a value is given to be used again, if one is here. */
function anchorName(state: Source): string | undefined {
  anchorPattern.lastIndex = state.at
  const name = anchorPattern.exec(state.text)?.[1]
  if (name !== undefined) state.at = anchorPattern.lastIndex
  return name
}

function anchored(
  state: Source,
  column: number,
  depth: number,
  isMap: boolean,
  name: string,
): unknown {
  const isBelow = state.text[state.at] === '\n'
  const value = isBelow
    ? valueBelow(state, column, depth, isMap)
    : inlineValue(state, column, depth)
  // Which of two values of one name is meant is for the library.
  if (value === null || state.anchors.has(name)) return lost(state)
  state.anchors.set(name, value)
  return value
}

const aliasPattern = /\*([A-Za-z0-9_-]{1,60})(?=\n| |$)/y
const maxAliases = 100

/** A value of before once more; of its own, so that nobody who changes one changes the other. */
function aliased(state: Source): unknown {
  aliasPattern.lastIndex = state.at
  const name = aliasPattern.exec(state.text)?.[1]
  state.aliases += 1
  if (name === undefined || !state.anchors.has(name) || state.aliases > maxAliases) {
    return lost(state)
  }
  state.at = aliasPattern.lastIndex
  return copied(state, state.anchors.get(name))
}

/** Counts what it copies: aliases of aliases grow fast. */
function copied(state: Source, value: unknown): unknown {
  state.values += 1
  if (state.values > maxValues) return lost(state)
  if (Array.isArray(value)) return value.map((item) => copied(state, item))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, copied(state, item)]))
}

/** Whether a map begins right here, in the line of a list's dash. */
function startsMap(state: Source): boolean {
  const { at } = state
  const isKey = blockKey(state) !== undefined
  state.at = at
  return isKey
}

function valueBelow(state: Source, column: number, depth: number, isMap: boolean): unknown {
  const lineStop = state.text.indexOf('\n', state.at)
  state.at = lineStop < 0 ? state.text.length : lineStop + 1
  const next = nextContent(state)
  // A list may stand in the very column of its key.
  if (next > column || (isMap && next === column && isDash(state))) {
    return blockNode(state, next, depth + 1)
  }
  return null
}

/** After a value only a comment may stand in its line, and nothing that goes on with it in the next. */
function lineEnd(state: Source, column: number, value: unknown): unknown {
  const { text } = state
  const from = state.at
  while (text.charCodeAt(state.at) === 0x20) state.at += 1
  const code = text.charCodeAt(state.at)
  const isComment = code === 0x23 && state.at > from
  if (!Number.isNaN(code) && code !== 0x0a && !isComment) return lost(state)
  const end = text.indexOf('\n', state.at)
  state.at = end < 0 ? text.length : end + 1
  return nextContent(state) > column ? lost(state) : value
}

/** `|` keeps its lines, `>` folds them; with `-` nothing is left of the last line's end. */
function blockText(state: Source, column: number, isFolded: boolean): unknown {
  const { text } = state
  const header = /[|>](-?)\n/y
  header.lastIndex = state.at
  const found = header.exec(text)
  if (!found) return lost(state)
  state.at = header.lastIndex
  const lines = textLines(state, column)
  if (!lines) return lost(state)
  const joined = isFolded ? folded(lines) : lines.join('\n')
  nextContent(state)
  return found[1] === '-' ? joined : `${joined}\n`
}

/** The lines of a text without their indentation; empty ones at the end are left out. */
function textLines(state: Source, column: number): string[] | undefined {
  const { text } = state
  const lines: string[] = []
  let indent = -1
  while (state.at < text.length) {
    const found = text.indexOf('\n', state.at)
    const end = found < 0 ? text.length : found
    let at = state.at
    while (text.charCodeAt(at) === 0x20) at += 1
    const spaces = at - state.at
    if (at < end) {
      if (indent < 0) {
        if (spaces <= column) return undefined
        indent = spaces
      }
      if (spaces < indent) break
      lines.push(text.slice(state.at + indent, end))
    } else {
      // Spaces alone may be text; before the first line they may be wrong.
      if (spaces > Math.max(indent, 0)) return undefined
      lines.push('')
    }
    state.at = found < 0 ? text.length : end + 1
  }
  if (indent < 0 || lines[0] === '') return undefined
  while (lines.at(-1) === '') lines.pop()
  return lines
}

/** Lines that begin with a space, and the ends of lines beside them, stay as they are. */
function folded(lines: readonly string[]): string {
  let made = ''
  let empty = 0
  let wasIndented = false
  for (const line of lines) {
    if (line === '') {
      empty += 1
      continue
    }
    const isIndented = line.startsWith(' ')
    if (made === '') made = line
    else if (isIndented || wasIndented) made += `${'\n'.repeat(empty + 1)}${line}`
    else made += `${empty === 0 ? ' ' : '\n'.repeat(empty)}${line}`
    wasIndented = isIndented
    empty = 0
  }
  return made
}
