/**
 * A plain reader of the shop, written from its documentation and not from its code: what the five
 * paging styles, sign-ins and window edges mean to somebody outside.
 */
import type { Simulator } from '../../../actors/simulator/server.ts'
import type { StreamName } from '../../../actors/simulator/shop.ts'

export interface Range {
  start: number
  end: number
}

export interface ReadOptions {
  pageSize?: number
  headers?: Record<string, string>
}

/** Exact texts of the records, in the order of the answers. */
export type Texts = string[]

type Server = Pick<Simulator, 'url' | 'apiKey'>
interface Page {
  texts: string[]
  body: Record<string, unknown>
  next: string | null
}

const maxPages = 5000

export function signInFor(stream: StreamName, key: string): Record<string, string> {
  if (stream === 'customers') return { 'x-api-key': key }
  if (stream === 'products') {
    return { authorization: `Basic ${Buffer.from(`${key}:`).toString('base64')}` }
  }
  return { authorization: `Bearer ${key}` }
}

/** The first URL of a read of [start, end), with the edges that each API understands. */
export function firstUrl(
  server: Server,
  stream: StreamName,
  range: Range | null,
  pageSize = 50,
): string {
  const iso = (ms: number): string => new Date(ms).toISOString()
  const seconds = (ms: number): string => `${iso(ms).slice(0, 19)}Z`
  const window: Record<StreamName, (range: Range) => Record<string, string>> = {
    orders: ({ start, end }) => ({ updated_at_min: iso(start), updated_at_max: iso(end) }),
    events: ({ start, end }) => ({ since: `${start / 1000}`, until: `${end / 1000 - 1}` }),
    customers: ({ start, end }) => ({
      modified_after: seconds(start - 1000),
      modified_before: seconds(end),
    }),
    products: () => ({}),
    refunds: ({ start }) => ({ created_from: iso(start) }),
  }
  const size = { [stream === 'customers' ? 'per_page' : 'limit']: String(pageSize) }
  const query = new URLSearchParams({ ...(range === null ? {} : window[stream](range)), ...size })
  return `${server.url}/v1/${stream}?${query}`
}

/** Reads a range (or all) page by page. Throws for any answer but 200. */
export async function readShop(
  server: Server,
  stream: StreamName,
  range: Range | null,
  { pageSize = 50, headers = {} }: ReadOptions = {},
): Promise<Texts> {
  const all: Texts = []
  let url: string | null = firstUrl(server, stream, range, pageSize)
  for (let pages = 0; url !== null; pages += 1) {
    if (pages === maxPages) throw new Error(`${stream}: more than ${maxPages} pages`)
    const page: Page = await readPage(server, stream, url, headers)
    all.push(...page.texts)
    url = page.next
  }
  // refunds cannot be asked for an end: the reader stops there itself
  if (stream !== 'refunds' || range === null) return all
  return all.filter((text) => Date.parse(JSON.parse(text).created_at) < range.end)
}

async function readPage(
  server: Server,
  stream: StreamName,
  url: string,
  headers: Record<string, string>,
): Promise<Page> {
  const response = await fetch(url, {
    headers: { ...signInFor(stream, server.apiKey), ...headers },
  })
  const text = await response.text()
  if (response.status !== 200) throw new Error(`${response.status} for ${url}: ${text}`)
  const body = JSON.parse(text)
  return {
    body,
    texts: recordTexts(text),
    next: nextOf(stream, url, body, response.headers.get('link')),
  }
}

function nextOf(
  stream: StreamName,
  url: string,
  body: Record<string, unknown> & { links?: { next: string | null } },
  link: string | null,
): string | null {
  const turned = (name: string, value: unknown): string => {
    const next = new URL(url)
    next.searchParams.set(name, String(value))
    return next.href
  }
  switch (stream) {
    case 'orders':
      return body.has_more ? turned('page_token', body.next_page_token) : null
    case 'events':
      return body.links?.next ?? null
    case 'customers':
      return Number(body.page) < Number(body.total_pages)
        ? turned('page', Number(body.page) + 1)
        : null
    case 'products': {
      const next = Number(body.offset) + Number(body.limit)
      return next < Number(body.total) ? turned('offset', next) : null
    }
    case 'refunds':
      return /<([^>]+)>; rel="next"/.exec(link ?? '')?.[1] ?? null
  }
}

/** The exact texts of the objects in the first array of a body: JSON.parse would lose big integers. */
export function recordTexts(body: string): string[] {
  const texts: string[] = []
  let depth = 0
  let from = 0
  let inString = false
  for (let at = body.indexOf('[') + 1; at < body.length; at += 1) {
    const char = body[at]
    if (inString) {
      if (char === '\\') at += 1
      else if (char === '"') inString = false
    } else if (char === '"') inString = true
    else if (char === '{' || char === '[') {
      if (depth === 0) from = at
      depth += 1
    } else if (char === '}' || char === ']') {
      depth -= 1
      if (depth < 0) break
      if (depth === 0) texts.push(body.slice(from, at + 1))
    }
  }
  return texts
}
