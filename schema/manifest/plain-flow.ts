/** A text and how far it has been read. */
export interface Text {
  text: string
  at: number
  /** values so far */
  values: number
  /** something is here that only the library understands */
  isLost: boolean
  /** what belongs to a flow map or list begins right of this column in each of its lines */
  parentColumn: number
}

const maxDepth = 60
const maxValues = 100_000
/** Texts that begin like a number, null or a boolean but are none of the plain ones. */
const likeOther =
  /^(?:~|null|Null|NULL|true|True|TRUE|false|False|FALSE|[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d*)?|0[xo][\da-fA-F]*|[-+]?\.(?:inf|Inf|INF|nan|NaN|NAN))$/
const plainNumber = /^-?(?:0|[1-9]\d{0,14})(?:\.\d{1,15})?$/
/** Of a plain text: letters that mean nothing, and a dash before one that is no space. */
const plainStart = /[A-Za-z0-9_$./^(+;=<~\\\u00a0-\ud7ff]|-[A-Za-z0-9_.$/]/y

function lost(state: Text): undefined {
  state.isLost = true
  return undefined
}

/** What a plain text stands for; undefined where only the library knows. */
export function scalarValue(text: string): string | number | boolean | null | undefined {
  if (!likeOther.test(text)) return text
  if (text === 'true') return true
  if (text === 'false') return false
  if (text === 'null' || text === '~') return null
  return plainNumber.test(text) && text !== '-0' ? Number(text) : undefined
}

/** A map or list in brackets, a quoted or a plain text, here; afterwards `at` is behind it. */
export function flowValue(state: Text, depth: number, isInFlow: boolean): unknown {
  state.values += 1
  if (depth > maxDepth || state.values > maxValues) return lost(state)
  switch (state.text[state.at]) {
    case '{':
      return flowMap(state, depth)
    case '[':
      return flowList(state, depth)
    case '"':
    case "'":
      return quotedText(state)
    default: {
      const text = plainText(state, isInFlow)
      if (text === undefined) return undefined
      const value = scalarValue(text)
      return value === undefined ? lost(state) : value
    }
  }
}

function flowMap(state: Text, depth: number): unknown {
  const map: Record<string, unknown> = {}
  state.at += 1
  for (let isFirst = true; ; isFirst = false) {
    if (!skip(state)) return undefined
    if (isFirst && state.text[state.at] === '}') break
    const key = flowKey(state)
    if (key === undefined || key === '__proto__' || Object.hasOwn(map, key)) return lost(state)
    if (!skip(state)) return undefined
    map[key] = flowValue(state, depth + 1, true)
    if (state.isLost || !skip(state)) return undefined
    const end = state.text[state.at]
    if (end === '}') break
    if (end !== ',') return lost(state)
    state.at += 1
  }
  state.at += 1
  return map
}

const flowPlainKey = /[A-Za-z_$][A-Za-z0-9_$./-]{0,120}(?=: |:\n)/y

function flowKey(state: Text): string | undefined {
  const { text, at } = state
  if (text[at] === '"' || text[at] === "'") {
    const key = quotedText(state)
    if (key === undefined || text[state.at] !== ':') return undefined
    state.at += 1
    // `"a":b` is a key, but what may follow without a space is for the library.
    return text[state.at] === ' ' || text[state.at] === '\n' ? key : undefined
  }
  flowPlainKey.lastIndex = at
  const key = flowPlainKey.exec(text)?.[0]
  if (key === undefined || typeof scalarValue(key) !== 'string') return undefined
  state.at += key.length + 1
  return key
}

function flowList(state: Text, depth: number): unknown {
  const list: unknown[] = []
  state.at += 1
  for (let isFirst = true; ; isFirst = false) {
    if (!skip(state)) return undefined
    if (isFirst && state.text[state.at] === ']') break
    list.push(flowValue(state, depth + 1, true))
    if (state.isLost || !skip(state)) return undefined
    const end = state.text[state.at]
    if (end === ']') break
    if (end !== ',') return lost(state)
    state.at += 1
  }
  state.at += 1
  return list
}

/** Over spaces, ends of lines and comments. False where a line begins too far left, or the text ends. */
function skip(state: Text): boolean {
  const { text } = state
  for (;;) {
    const code = text.charCodeAt(state.at)
    if (code === 0x20) state.at += 1
    else if (code === 0x23) {
      const before = text.charCodeAt(state.at - 1)
      const end = text.indexOf('\n', state.at)
      if ((before !== 0x20 && before !== 0x0a) || end < 0) break
      state.at = end
    } else if (code === 0x0a) {
      const lineStart = state.at + 1
      state.at = lineStart
      while (text.charCodeAt(state.at) === 0x20) state.at += 1
      const next = text.charCodeAt(state.at)
      const isEmpty = next === 0x0a || next === 0x23
      if (!isEmpty && state.at - lineStart <= state.parentColumn) break
    } else if (Number.isNaN(code)) break
    else return true
  }
  state.isLost = true
  return false
}

const doubleQuoted = /"((?:[^"\\\n]|\\["\\/nrt])*)"/y
const singleQuoted = /'((?:[^'\n]|'')*)'/y
const escapes: Record<string, string> = { n: '\n', r: '\r', t: '\t' }

/** A text in quotes on one line. */
export function quotedText(state: Text): string | undefined {
  const isDouble = state.text[state.at] === '"'
  const pattern = isDouble ? doubleQuoted : singleQuoted
  pattern.lastIndex = state.at
  const found = pattern.exec(state.text)?.[1]
  if (found === undefined) return lost(state)
  state.at = pattern.lastIndex
  if (!isDouble) return found.includes("''") ? found.replaceAll("''", "'") : found
  if (!found.includes('\\')) return found
  return found.replace(/\\(.)/g, (_, letter: string) => escapes[letter] ?? letter)
}

const endOfPlain = /\n|(?<= )#|:(?=[ \n]|$)/g
const endOfFlowPlain = /[\n,[\]{}]|(?<= )#|:(?=[ \n,[\]{}]|$)/g

/** A text without quotes, up to the end of its line, a comment or, in flow, what ends a value there. */
function plainText(state: Text, isInFlow: boolean): string | undefined {
  const { text, at } = state
  plainStart.lastIndex = at
  if (!plainStart.test(text)) return lost(state)
  const end = isInFlow ? endOfFlowPlain : endOfPlain
  end.lastIndex = at
  const found = end.exec(text)
  if (!found && isInFlow) return lost(state)
  const stop = found ? found.index : text.length
  // A colon here begins a map where none may begin.
  if (text[stop] === ':') return lost(state)
  let last = stop
  while (last > at && text.charCodeAt(last - 1) === 0x20) last -= 1
  state.at = last
  if (isInFlow && text[stop] === '\n' && !endsBelow(text, stop)) return lost(state)
  return text.slice(at, last)
}

/** Whether a plain text that reached the end of its line in flow is over, rather than going on in the next. */
const endsBelow = (text: string, stop: number): boolean =>
  /[,\]}]/.test(text.charAt(nextInk(text, stop)))

function nextInk(text: string, from: number): number {
  let at = from
  while (text.charCodeAt(at) === 0x20 || text.charCodeAt(at) === 0x0a) at += 1
  return at
}
