import type { FastifyReply, FastifyRequest } from 'fastify'
import { embedded, readAsset } from '../binary/embedded.ts'
import { sha256Bytes } from './keys.ts'

interface Asset {
  bytes: Buffer
  etag: string
  type: string
  br: Buffer | undefined
  gz: Buffer | undefined
}

const types: Record<string, string> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  json: 'application/json',
  svg: 'image/svg+xml',
  png: 'image/png',
  ico: 'image/x-icon',
  woff2: 'font/woff2',
  txt: 'text/plain; charset=utf-8',
  webmanifest: 'application/manifest+json',
}
const index = 'index.html'
/** Names with a content hash never change what they mean. */
const hashed = /^assets\//
const year = 31_536_000

/** Serves the console's files; any path without one is the console's own and gets its page. */
export function addConsole() {
  const known = new Map<string, Asset>()
  const assetOf = (name: string): Asset | undefined => {
    const cached = known.get(name)
    if (cached) return cached
    const asset = loadAsset(name)
    // In the executable the files can't change; in a checkout the console may be built anew.
    if (asset && embedded) known.set(name, asset)
    return asset
  }
  return (request: FastifyRequest, reply: FastifyReply): FastifyReply => {
    const name = nameOf(request.url)
    const found = name === undefined ? undefined : assetOf(name)
    if (!found && name !== undefined && hashed.test(name)) return reply.code(404).send()
    const asset = found ?? assetOf(index)
    if (!asset) {
      return reply
        .code(404)
        .type('text/plain; charset=utf-8')
        .send('The console was not built (npm run build). The API is at /api/v1.\n')
    }
    const isHashed = found !== undefined && name !== undefined && hashed.test(name)
    reply.headers({
      etag: asset.etag,
      vary: 'accept-encoding',
      'cache-control': isHashed ? `public, max-age=${year}, immutable` : 'no-cache',
    })
    if (matches(request.headers['if-none-match'], asset.etag)) return reply.code(304).send()
    const accepted = request.headers['accept-encoding'] ?? ''
    reply.type(asset.type)
    if (asset.br && /\bbr\b/.test(accepted)) {
      return reply.header('content-encoding', 'br').send(asset.br)
    }
    if (asset.gz && /\bgzip\b/.test(accepted)) {
      return reply.header('content-encoding', 'gzip').send(asset.gz)
    }
    return reply.send(asset.bytes)
  }
}

/** Path below the site's root, decoded; undefined for what can't be a file's name. */
function nameOf(url: string): string | undefined {
  const path = url.split('?', 1)[0] as string
  try {
    const name = decodeURIComponent(path).slice(1)
    return name === '' || /\.(br|gz)$/.test(name) ? undefined : name
  } catch {
    return undefined
  }
}

function loadAsset(name: string): Asset | undefined {
  const bytes = readAsset(`web/${name}`)
  if (!bytes) return undefined
  return {
    bytes,
    etag: `"${sha256Bytes(bytes).slice(0, 20)}"`,
    type: types[name.slice(name.lastIndexOf('.') + 1)] ?? 'application/octet-stream',
    br: readAsset(`web/${name}.br`),
    gz: readAsset(`web/${name}.gz`),
  }
}

/** A proxy that compresses may have made the tag weak. */
const matches = (header: string | undefined, etag: string): boolean =>
  header?.split(',').some((tag) => tag.trim().replace(/^W\//, '') === etag) ?? false
