import { createHash } from 'node:crypto'
import { embedded, readAsset } from './embedded.ts'

/** One answer's worth of the console: headers as values, the body never to be written to. */
export type WebFile = {
  body: Buffer
  type: string
  /** Quoted. A strong tag names bytes, so each encoding of a content has its own. */
  etag: string
  encoding: 'br' | 'gzip' | undefined
  /** The name has the content's hash in it, so it may be kept for ever. */
  immutable: boolean
}

type Encoding = { name: 'br' | 'gzip'; extension: string }

const encodings: Encoding[] = [
  { name: 'br', extension: '.br' },
  { name: 'gzip', extension: '.gz' },
]

const types: Record<string, string> = {
  css: 'text/css; charset=utf-8',
  html: 'text/html; charset=utf-8',
  ico: 'image/x-icon',
  js: 'text/javascript; charset=utf-8',
  json: 'application/json; charset=utf-8',
  png: 'image/png',
  svg: 'image/svg+xml',
  txt: 'text/plain; charset=utf-8',
  webmanifest: 'application/manifest+json',
  woff2: 'font/woff2',
}

const etags = new Map<string, string>()

/**
 * The console's file at `path` (`index.html`, `assets/x.js`) in the best encoding that the
 * request's Accept-Encoding allows; undefined where there is none. Variants are made at build time.
 */
export function webFile(path: string, acceptEncoding: string | undefined): WebFile | undefined {
  const key = `web/${path}`
  const plain = readAsset(key)
  if (plain === undefined) return undefined
  const extension = path.slice(path.lastIndexOf('.') + 1)
  const type = Object.hasOwn(types, extension) ? types[extension] : undefined
  const file = { type: type ?? 'application/octet-stream', immutable: path.startsWith('assets/') }
  const accepted = acceptedEncodings(acceptEncoding ?? '')
  for (const { name, extension } of encodings) {
    const body = accepted.has(name) ? readAsset(`${key}${extension}`) : undefined
    if (body !== undefined) return { ...file, body, etag: etagOf(key, plain, name), encoding: name }
  }
  return { ...file, body: plain, etag: etagOf(key, plain, ''), encoding: undefined }
}

/** The codings of an Accept-Encoding header that are not refused by `q=0`. */
export function acceptedEncodings(header: string): Set<string> {
  const accepted = new Set<string>()
  for (const part of header.split(',')) {
    const [name = '', ...parameters] = part.split(';').map((word) => word.trim().toLowerCase())
    if (name !== '' && !parameters.some((word) => /^q=0(\.0*)?$/.test(word))) accepted.add(name)
  }
  return accepted
}

/** Embedded bytes never change, so each is hashed once; in a checkout a build may replace them. */
function etagOf(key: string, plain: Buffer, suffix: string): string {
  let hash = embedded ? etags.get(key) : undefined
  if (hash === undefined) {
    hash = createHash('sha256').update(plain).digest('base64url').slice(0, 22)
    etags.set(key, hash)
  }
  return suffix === '' ? `"${hash}"` : `"${hash}-${suffix}"`
}
