import { createHash, createHmac } from 'node:crypto'
import { bodyOf, type QueryStyle, type RequestDraft, urlOf } from './draft.ts'

/** What AWS's Signature Version 4 is made of. */
export interface AwsKeys {
  service: string
  region: string
  accessKey: string
  secretKey: string
  /** of temporary credentials */
  sessionToken: string | null
}

const algorithm = 'AWS4-HMAC-SHA256'
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')
const hmac = (key: string | Buffer, text: string): Buffer =>
  createHmac('sha256', key).update(text).digest()

/**
 * Signs a request by AWS Signature Version 4: headers `x-amz-date`, `authorization` and, where they belong to it, the session token and
 * the body's hash. What the server sees must be what was signed, so nothing may be added to the draft afterwards.
 * @param now epoch ms; AWS refuses what is more than some minutes off
 */
export function signAws(draft: RequestDraft, keys: AwsKeys, style: QueryStyle, now: number): void {
  const url = new URL(urlOf(draft, style))
  const stamp = new Date(now).toISOString().replace(/[:-]|\.\d{3}/g, '')
  const body = draft.method === 'GET' ? '' : (bodyOf(draft, style)?.text ?? '')
  draft.headers.set('x-amz-date', stamp)
  if (keys.sessionToken !== null) draft.headers.set('x-amz-security-token', keys.sessionToken)
  if (keys.service === 's3') draft.headers.set('x-amz-content-sha256', sha256(body))
  const signed = new Map([['host', url.host]])
  for (const [name, value] of draft.headers) if (name.startsWith('x-amz-')) signed.set(name, value)
  const names = [...signed.keys()].sort()
  const request = [
    draft.method,
    canonicalPath(url.pathname, keys.service),
    canonicalQuery(url.searchParams),
    ...names.map((name) => `${name}:${signed.get(name)?.trim().replace(/ +/g, ' ')}`),
    '',
    names.join(';'),
    sha256(body),
  ].join('\n')
  const day = stamp.slice(0, 8)
  const scope = `${day}/${keys.region}/${keys.service}/aws4_request`
  const key = [keys.region, keys.service, 'aws4_request'].reduce<Buffer>(
    hmac,
    hmac(`AWS4${keys.secretKey}`, day),
  )
  const signature = hmac(key, [algorithm, stamp, scope, sha256(request)].join('\n')).toString('hex')
  draft.headers.set(
    'authorization',
    `${algorithm} Credential=${keys.accessKey}/${scope}, SignedHeaders=${names.join(';')}, Signature=${signature}`,
  )
}

/** Everything but letters, digits and `-_.~` is escaped. */
const escaped = (text: string): string =>
  encodeURIComponent(text).replace(
    /[!'()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  )

/** The path as it is sent is escaped once; all services but S3 escape it again. */
function canonicalPath(path: string, service: string): string {
  if (service === 's3') return path
  return path.split('/').map(escaped).join('/')
}

function canonicalQuery(query: URLSearchParams): string {
  const pairs = [...query].map(([name, value]) => [escaped(name), escaped(value)] as const)
  const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
  pairs.sort((a, b) => order(a[0], b[0]) || order(a[1], b[1]))
  return pairs.map((pair) => pair.join('=')).join('&')
}
