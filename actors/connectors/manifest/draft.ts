import { textOf } from '../../../schema/manifest/expression/value.ts'
import type { Param } from '../../../schema/manifest/kind.ts'
import type { Api } from '../../../schema/manifest/manifest.ts'
import { isExactNumber, setPath } from './value.ts'

export type DraftBody =
  | { kind: 'json'; value: unknown }
  | { kind: 'form'; fields: Map<string, unknown> }
  | { kind: 'text'; text: string }

/** A request before it is text: paging, window and sign-in still put their parameters into it. */
export interface RequestDraft {
  method: 'GET' | 'POST'
  /** absolute, without query */
  url: string
  /** base_url, without a slash at its end; absent for addresses that are none of the API's own */
  base?: string
  /** goes without the source's credentials: its address comes from the API's data and leads to another host */
  unsigned?: boolean
  query: Map<string, unknown>
  /** query of a next URL, as it came; a parameter in `query` takes the place of its namesake here */
  tail: string
  /** lower-case names */
  headers: Map<string, string>
  body: DraftBody | null
}

/** How an API wants its query written. */
export type QueryStyle = Pick<Api, 'param_style' | 'raw_chars'>

/** Puts a value where a parameter belongs; null leaves it out. What was there under that name is replaced. */
export function put(draft: RequestDraft, param: Param, value: unknown): void {
  if (value === null || value === undefined) return
  if (param.in === 'query') draft.query.set(param.name, value)
  else if (param.in === 'header') draft.headers.set(param.name.toLowerCase(), textOf(value))
  else putIntoBody(draft, param.name, value)
}

function putIntoBody(draft: RequestDraft, name: string, value: unknown): void {
  draft.body ??= { kind: 'json', value: {} }
  if (draft.body.kind === 'form') draft.body.fields.set(name, value)
  else if (draft.body.kind === 'json') draft.body.value = setPath(draft.body.value, name, value)
  else throw new TypeError(`${name} cannot be put into a text body`)
}

/** What `match` of limits looks at: the path below base_url; for an address that is elsewhere its whole path. */
export function pathOf({ url, base }: RequestDraft): string {
  const rest = base !== undefined && url.startsWith(base) ? url.slice(base.length) : null
  if (rest === '') return '/'
  return rest?.startsWith('/') ? rest : new URL(url).pathname
}

/** The absolute URL with its query. */
export function urlOf(draft: RequestDraft, style: QueryStyle): string {
  const tail = draft.tail
    .split('&')
    .filter((part) => part !== '' && !draft.query.has(nameOf(part)))
    .join('&')
  const query = [tail, queryText(draft.query, style)].filter((part) => part !== '').join('&')
  return query === '' ? draft.url : `${draft.url}?${query}`
}

/** Turns a draft to a next URL. What the URL says itself is not said again. */
export function follow(draft: RequestDraft, nextUrl: string, keepParams: boolean): void {
  const url = new URL(nextUrl)
  draft.tail = url.search.slice(1)
  url.search = ''
  draft.url = url.href
  if (!keepParams) draft.query.clear()
  for (const part of draft.tail.split('&')) draft.query.delete(nameOf(part))
}

/** Name of a `name=value` in a query. */
export function nameOf(part: string): string {
  const name = part.split('=', 1)[0] as string
  try {
    return decodeURIComponent(name.replaceAll('+', ' '))
  } catch {
    return name
  }
}

/** The body as text and its content type; null for none. */
export function bodyOf(
  draft: RequestDraft,
  style: QueryStyle,
): { text: string; contentType: string } | null {
  const { body } = draft
  if (!body) return null
  switch (body.kind) {
    case 'json':
      return { text: JSON.stringify(body.value), contentType: 'application/json' }
    case 'form': {
      const text = queryText(body.fields, { ...style, raw_chars: '' })
      return { text, contentType: 'application/x-www-form-urlencoded' }
    }
    case 'text':
      return { text: body.text, contentType: 'text/plain; charset=utf-8' }
  }
}

function queryText(values: Map<string, unknown>, style: QueryStyle): string {
  const encode = encoder(style.raw_chars)
  const parts: string[] = []
  for (const [name, value] of values) {
    if (!Array.isArray(value)) {
      if (value !== null && value !== undefined) parts.push(pair(name, value, encode))
      continue
    }
    const items = value.filter((item) => item !== null && item !== undefined)
    if (style.param_style === 'comma') {
      if (items.length > 0) parts.push(pair(name, items.map(textOf).join(','), encode))
      continue
    }
    const listName = style.param_style === 'brackets' ? `${name}[]` : name
    for (const item of items) parts.push(pair(listName, item, encode))
  }
  return parts.join('&')
}

const pair = (name: string, value: unknown, encode: (text: string) => string): string =>
  `${encodeURIComponent(name)}=${encode(textOf(value))}`

/** Percent-encoding that leaves the characters alone which an API wants to see as they are. Never `&`, `#` or `%`. */
function encoder(rawChars: string): (text: string) => string {
  const raw = [...rawChars].filter((char) => !'&#%'.includes(char) && char > ' ' && char < '\x7f')
  const escapes = raw
    .map((char) => [encodeURIComponent(char), char] as const)
    .filter(([escaped, char]) => escaped !== char)
  // toWellFormed: half a surrogate pair would make encodeURIComponent throw.
  if (escapes.length === 0) return (text) => encodeURIComponent(text.toWellFormed())
  return (text) => {
    let encoded = encodeURIComponent(text.toWellFormed())
    for (const [escaped, char] of escapes) encoded = encoded.replaceAll(escaped, char)
    return encoded
  }
}

/** A token or parameter as text, when it is one: a text or a number, exact ones included. */
export function tokenText(value: unknown): string | null {
  if (typeof value === 'string') return value
  if (typeof value === 'number' || isExactNumber(value)) return textOf(value)
  return null
}
