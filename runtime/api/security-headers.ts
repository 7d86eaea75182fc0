import type { App } from './app.ts'
import type { ApiConfig } from './deps.ts'

/** Nothing inline, nothing from elsewhere, no frames: what a record or a name holds can't become code. */
const policy = [
  "default-src 'self'",
  "img-src 'self' data:",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join('; ')

const headers = {
  'content-security-policy': policy,
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
}

export const isSecure = (config: Pick<ApiConfig, 'publicUrl'>): boolean =>
  config.publicUrl?.startsWith('https:') ?? false

export function addSecurityHeaders(app: App, config: ApiConfig): void {
  app.addHook('onRequest', async (request, reply) => {
    reply.headers(headers)
    if (request.url.startsWith('/api/')) reply.header('cache-control', 'no-store')
    if (isSecure(config)) reply.header('strict-transport-security', 'max-age=31536000')
  })
}
