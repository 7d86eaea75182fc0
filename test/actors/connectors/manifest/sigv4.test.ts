import t from 'tap'
import type { RequestDraft } from '../../../../actors/connectors/manifest/draft.ts'
import { signAws } from '../../../../actors/connectors/manifest/sigv4.ts'
import { failureOf, manifestOf, readAll, startApi } from '../test-api.ts'

// The key pair and the moment of the examples that AWS publishes.
const keys = {
  service: 'service',
  region: 'us-east-1',
  accessKey: 'AKIDEXAMPLE',
  secretKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
  sessionToken: null,
}
const now = Date.UTC(2015, 7, 30, 12, 36)
const style = { param_style: 'repeat', raw_chars: '' } as const

function signature(url: string, more: Partial<RequestDraft> = {}): string {
  const draft: RequestDraft = {
    method: 'GET',
    url,
    query: new Map(),
    tail: '',
    headers: new Map(),
    body: null,
    ...more,
  }
  signAws(draft, keys, style, now)
  return /Signature=([0-9a-f]{64})$/.exec(draft.headers.get('authorization') ?? '')?.[1] ?? 'none'
}

t.test('the signatures of published examples', async (t) => {
  t.equal(
    signature('https://example.amazonaws.com/'),
    '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31',
    'get-vanilla',
  )
  t.equal(
    signature('https://example.amazonaws.com/', {
      query: new Map([
        ['Param2', 'value2'],
        ['Param1', 'value1'],
      ]),
    }),
    'b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500',
    'get-vanilla-query-order-key-case',
  )
  t.equal(
    signature('https://example.amazonaws.com/', { method: 'POST' }),
    '5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b',
    'post-vanilla',
  )
})

t.test('a source signs each of its requests', async (t) => {
  const api = await startApi(() => [{ id: 1 }])
  const manifest = manifestOf(`
config: {key: {secret: true}, token: {secret: true}}
api: {base_url: "${api.url}"}
auth: {type: aws_sigv4, service: s3, region: eu-north-1, access_key: AKID, secret_key: "{{ config.key }}", session_token: "{{ config.token }}"}
streams: {items: {path: "/a b", query: {q: "x/y z"}}}
`)
  const got = await readAll({ manifest, config: { key: 'secret-key', token: 'session' } })
  t.same(got.records, [{ id: 1 }])
  const headers = api.calls[0]?.headers ?? {}
  t.match(
    headers.authorization,
    /^AWS4-HMAC-SHA256 Credential=AKID\/\d{8}\/eu-north-1\/s3\/aws4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date;x-amz-security-token, Signature=[0-9a-f]{64}$/,
  )
  t.equal(headers['x-amz-security-token'], 'session')
  const missing = await failureOf(readAll({ manifest, config: { token: 'session' } }))
  t.match(missing, { category: 'auth', code: 'auth.config', message: /secret key/ })
})
