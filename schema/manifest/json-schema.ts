import {
  ApiKeyAuth,
  Auth,
  AwsAuth,
  BasicAuth,
  BearerAuth,
  Jwt,
  JwtAuth,
  LoginAuth,
  NoAuth,
  OAuth2Auth,
  Send,
} from './auth.ts'
import { AuthorManifest } from './author.ts'
import { ErrorRule, RequestRetry, When } from './error-rule.ts'
import { treeMap } from './kind.ts'
import { Limit } from './limit.ts'
import { Paging } from './paging.ts'
import { FieldRule } from './records.ts'
import { Body, RequestSpec } from './request.ts'
import { authorKey, isMap, type Shape, shapeOf } from './shape-finding.ts'
import { bytesPattern, bytesText, durationPattern, durationText } from './size.ts'

export type JsonSchema = Record<string, unknown>

/** Parts that stand in several places, inner ones first. */
const sharedParts = {
  tree_map: treeMap('request'),
  body: Body,
  request: RequestSpec,
  when: When,
  error_rule: ErrorRule,
  retry: RequestRetry,
  send: Send,
  jwt: Jwt,
  no_auth: NoAuth,
  bearer: BearerAuth,
  basic: BasicAuth,
  api_key: ApiKeyAuth,
  oauth2: OAuth2Auth,
  login: LoginAuth,
  jwt_auth: JwtAuth,
  aws_sigv4: AwsAuth,
  auth: Auth,
  paging: Paging,
  field_rule: FieldRule,
  limit: Limit,
}

let made: JsonSchema | undefined

/**
 * The JSON Schema (draft 2020-12) of a manifest file, for editors. It says less than the loader, which alone knows
 * the rules between keys.
 */
export function manifestJsonSchema(): JsonSchema {
  made ??= build()
  return made
}

interface Shared {
  names: Map<string, string>
  definitions: JsonSchema
}

function build(): JsonSchema {
  const shared: Shared = { names: new Map(), definitions: {} }
  for (const [name, schema] of Object.entries(sharedParts)) {
    const { default: _, description: __, ...out } = plain(shapeOf(schema), shared)
    shared.definitions[name] = out
    shared.names.set(JSON.stringify(out), name)
  }
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Derrick connector manifest',
    ...plain(shapeOf(AuthorManifest), shared),
    $defs: shared.definitions,
  }
}

/** A shape in the author's terms, or a reference to it; what is said of it here stays beside the reference. */
function convert(shape: Shape, shared: Shared): JsonSchema {
  const out = plain(shape, shared)
  const { default: fallback, description, ...rest } = out
  const name = shared.names.get(JSON.stringify(rest))
  if (!name) return out
  return {
    $ref: `#/$defs/${name}`,
    ...(description === undefined ? {} : { description }),
    ...(fallback === undefined ? {} : { default: fallback }),
  }
}

/** What has a default may be left out, durations and sizes are texts. */
function plain(shape: Shape, shared: Shared): JsonSchema {
  const holds = shape['x-holds']
  if (holds === 'duration' || holds === 'bytes') return size(shape, holds === 'duration')
  const out: JsonSchema = {}
  for (const [key, value] of Object.entries(shape)) {
    if (key.startsWith('x-') || key === 'required') continue
    if (key === 'properties') Object.assign(out, properties(shape, shared))
    else if (key === 'patternProperties') {
      const [pattern, item] = Object.entries(value as Record<string, Shape>)[0] as [string, Shape]
      out.propertyNames = { pattern }
      out.additionalProperties = convert(item, shared)
    } else if (key === 'anyOf') out.anyOf = (value as Shape[]).map((item) => convert(item, shared))
    else if (key === 'items') out.items = convert(value as Shape, shared)
    else if (key !== 'default' || !isMap(value)) out[key] = value
  }
  if (!shape['x-single']) return out
  const { description, ...list } = out
  const single = convert(shape.items as Shape, shared)
  return { ...(description ? { description } : {}), anyOf: [single, list] }
}

function properties(shape: Shape, shared: Shared): JsonSchema {
  const entries = Object.entries(shape.properties ?? {})
  const needed = entries.filter(
    ([key, property]) => shape.required?.includes(key) && !('default' in property),
  )
  return {
    ...(needed.length ? { required: needed.map(([key, item]) => authorKey(key, item)) } : {}),
    properties: Object.fromEntries(
      entries.map(([key, item]) => [authorKey(key, item), convert(item, shared)]),
    ),
  }
}

function size(
  { description, default: fallback }: Shape & { description?: string },
  isDuration: boolean,
) {
  const text = isDuration ? durationText : bytesText
  return {
    type: 'string',
    pattern: isDuration ? durationPattern : bytesPattern,
    ...(description ? { description } : {}),
    ...(typeof fallback === 'number' ? { default: text(fallback) } : {}),
  }
}
