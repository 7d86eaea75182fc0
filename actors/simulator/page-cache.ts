import { gzipSync, zstdCompressSync } from 'node:zlib'
import type { PageBody } from './page-body.ts'

export type Encoding = 'identity' | 'gzip' | 'zstd'

export interface EncodedPage extends Omit<PageBody, 'text'> {
  bytes: Buffer
}

export interface PageCache {
  /** the page under this key, made by `build` when it is not there */
  get(key: string, encoding: Encoding, build: () => PageBody): EncodedPage
}

/** Pages by key, the least recently used go when the bytes exceed the bound. */
export function createPageCache(maxBytes: number): PageCache {
  const pages = new Map<string, EncodedPage>()
  let held = 0
  return {
    get(key, encoding, build) {
      const full = `${encoding} ${key}`
      const known = pages.get(full)
      if (known !== undefined) {
        pages.delete(full)
        pages.set(full, known)
        return known
      }
      const page = encodePage(build(), encoding)
      if (page.bytes.length > maxBytes) return page
      pages.set(full, page)
      held += page.bytes.length
      for (const [oldest, { bytes }] of pages) {
        if (held <= maxBytes) break
        pages.delete(oldest)
        held -= bytes.length
      }
      return page
    },
  }
}

/** Compresses at the fastest level: the shop is not the thing that is measured. */
export function encodePage({ text, headers, records }: PageBody, encoding: Encoding): EncodedPage {
  const plain = Buffer.from(text)
  if (encoding === 'gzip') {
    return {
      bytes: gzipSync(plain, { level: 1 }),
      headers: { ...headers, 'content-encoding': 'gzip' },
      records,
    }
  }
  if (encoding === 'zstd') {
    return {
      bytes: zstdCompressSync(plain),
      headers: { ...headers, 'content-encoding': 'zstd' },
      records,
    }
  }
  return { bytes: plain, headers, records }
}

/** The best encoding that an Accept-Encoding header allows; weights beyond "not at all" are not read. */
export function chooseEncoding(accepted: string | string[] | undefined): Encoding {
  const offers = String(accepted ?? '')
    .split(',')
    .map((offer) => offer.trim().toLowerCase())
    .filter((offer) => !/;\s*q=0(\.0*)?$/.test(offer))
    .map((offer) => offer.split(';')[0])
  if (offers.includes('zstd')) return 'zstd'
  return offers.includes('gzip') ? 'gzip' : 'identity'
}
