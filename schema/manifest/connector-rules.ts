import type { Auth, AuthOption } from './auth.ts'
import { fieldProblem } from './config.ts'
import type { Finding, ManifestPath } from './issue.ts'
import type { Limit } from './limit.ts'
import type { Manifest } from './manifest.ts'
import type { WrittenUse } from './names.ts'
import { nearest } from './nearest.ts'
import { configField } from './rotating.ts'

const schema = (path: ManifestPath, message: string, remedy: string): Finding => ({
  code: 'manifest.schema',
  message,
  remedy,
  path,
})

/** Rules over the whole manifest. */
export function connectorFindings(manifest: Manifest, uses: readonly WrittenUse[]): Finding[] {
  return [
    ...apiFindings(manifest),
    ...configFindings(manifest),
    ...authFindings(manifest.auth, ['auth'], manifest),
    ...Object.entries(manifest.streams).flatMap(([name, { auth, limits, headers }]) => [
      ...(auth ? authFindings(auth, ['streams', name, 'auth'], manifest) : []),
      ...limitFindings(limits, ['streams', name, 'limits']),
      ...headerFindings(headers, ['streams', name, 'headers']),
    ]),
    ...secretFindings(manifest, uses),
  ]
}

function apiFindings({ api }: Manifest): Finding[] {
  const findings = limitFindings(api.limits, ['api', 'limits'])
  if (!/^(https?:\/\/|\{\{)/.test(api.base_url)) {
    const remedy = 'begin it with https://'
    findings.push(schema(['api', 'base_url'], 'base_url is no web address', remedy))
  }
  return findings
}

function limitFindings(limits: readonly Limit[], path: ManifestPath): Finding[] {
  const findings: Finding[] = []
  for (const [index, limit] of limits.entries()) {
    if ((limit.requests === undefined) !== (limit.per_ms === undefined)) {
      const remedy = 'write both, such as {requests: 10, per: 1s}'
      findings.push(schema([...path, index], 'requests and per belong together', remedy))
    }
    const { match: _, slow_below: __, ...what } = limit
    if (Object.keys(what).length === 0) {
      const remedy = 'add requests and per, concurrency, remaining_header or cost_at'
      findings.push(schema([...path, index], 'the limit limits nothing', remedy))
    }
  }
  return findings
}

const ownHeaders = ['host', 'content-length', 'transfer-encoding', 'connection', 'accept-encoding']

function headerFindings(headers: Record<string, unknown>, path: ManifestPath): Finding[] {
  return Object.keys(headers).flatMap((name) => {
    const problem = !/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name)
      ? `${JSON.stringify(name)} is no header name`
      : ownHeaders.includes(name.toLowerCase())
        ? `the header ${name} is set by the engine`
        : undefined
    if (!problem) return []
    return [{ ...schema([...path, name], problem, 'remove it'), atKey: true }]
  })
}

function configFindings({ config }: Manifest): Finding[] {
  const findings: Finding[] = []
  for (const [name, field] of Object.entries(config)) {
    const path = ['config', name]
    if (field.enum && field.values) {
      const remedy = 'keep values: its keys are the choices'
      findings.push(schema([...path, 'enum'], 'enum and values cannot stand together', remedy))
    }
    if (field.default === undefined) continue
    if (field.secret) {
      const remedy = 'a manifest is no place for secrets'
      findings.push(schema([...path, 'default'], 'a secret has no default', remedy))
    }
    const problem = fieldProblem(field, field.default)
    if (problem) {
      findings.push(schema([...path, 'default'], `default: ${problem.message}`, problem.remedy))
    }
  }
  return findings
}

function authFindings(auth: Auth, path: ManifestPath, manifest: Manifest): Finding[] {
  if (auth.type !== 'choice') return optionFindings(auth, path, manifest)
  const findings = Object.entries(auth.options).flatMap(([name, option]) =>
    optionFindings(option, [...path, 'options', name], manifest),
  )
  const field = /^config\??\.([a-z][a-z0-9_]*)$/.exec(auth.by ?? '')?.[1]
  const choices = field && Object.hasOwn(manifest.config, field) ? manifest.config[field]?.enum : []
  for (const choice of choices ?? []) {
    if (Object.hasOwn(auth.options, String(choice))) continue
    const remedy = `add options.${choice}, or take it out of config.${field}.enum`
    findings.push(schema([...path, 'options'], `no option for the choice ${choice}`, remedy))
  }
  return findings
}

/** Keys that a grant cannot do without. */
const grantNeeds: Record<string, readonly string[]> = {
  authorization_code: ['authorize_url', 'client_id', 'refresh_token'],
  refresh_token: ['refresh_token'],
  client_credentials: ['client_id', 'client_secret'],
  jwt_bearer: ['jwt'],
  password: [],
  custom: ['grant_name'],
}

function optionFindings(auth: AuthOption, path: ManifestPath, { config }: Manifest): Finding[] {
  if (auth.type === 'login' && auth.request.body && auth.request.method === 'GET') {
    const remedy = 'write method: POST'
    return [schema([...path, 'request', 'body'], 'a body is not sent with GET', remedy)]
  }
  if (auth.type !== 'oauth2') return []
  const field = configField(auth.refresh_token)
  const isReplaced = auth.rotates || auth.grant === 'authorization_code'
  if (isReplaced && !(field && Object.hasOwn(config, field) && config[field]?.secret)) {
    const remedy = 'write refresh_token: "{{ config.<field> }}", and secret: true for that field'
    const message = 'the refresh_token must be one that can be replaced in the config'
    return [schema([...path, auth.rotates ? 'rotates' : 'grant'], message, remedy)]
  }
  return (grantNeeds[auth.grant] ?? [])
    .filter((key) => !Object.hasOwn(auth, key))
    .map((key) => schema(path, `the grant ${auth.grant} needs ${key}`, `add ${key}`))
}

/** Against all streams, the broken ones too: the first stream is the check that nobody wrote. */
export function checkFindings({ check, streams }: Manifest): Finding[] {
  if ('request' in check)
    return headerFindings(check.request.headers, ['check', 'request', 'headers'])
  if (check.stream === '' || Object.hasOwn(streams, check.stream)) return []
  const close = nearest(check.stream, Object.keys(streams))
  const remedy = close ? `did you mean ${close}?` : 'name one of the streams'
  return [schema(['check', 'stream'], `there is no stream ${check.stream}`, remedy)]
}

/** Addresses end in logs of proxies and servers; bodies and headers do not. */
function secretFindings({ config }: Manifest, uses: readonly WrittenUse[]): Finding[] {
  return uses.flatMap(({ scope, member, path, offset }) => {
    const isSecret =
      scope === 'config' &&
      member !== undefined &&
      Object.hasOwn(config, member) &&
      config[member]?.secret
    if (!isSecret || !isInUrl(path)) return []
    return [
      {
        code: 'manifest.secret.in_url' as const,
        severity: 'warning' as const,
        message: `the secret ${member} is sent in the address`,
        remedy: 'send it in a header, if the API allows it: addresses end in logs',
        path,
        offset,
      },
    ]
  })
}

const isInUrl = (path: ManifestPath): boolean =>
  path.includes('query') || ['base_url', 'path', 'token_url'].includes(String(path.at(-1)))
