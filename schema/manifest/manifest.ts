import Type, { type Static } from 'typebox'
import { ColumnType } from '../column-type.ts'
import { Auth } from './auth.ts'
import { ConfigField } from './config-field.ts'
import { ErrorRule, RequestRetry } from './error-rule.ts'
import { ForEach } from './for-each.ts'
import { Job } from './job.ts'
import { bytes, closed, duration, expression, path, template } from './kind.ts'
import { Limits } from './limit.ts'
import { Paging } from './paging.ts'
import { FieldRule, Records } from './records.ts'
import { RequestSpec, requestKeys } from './request.ts'
import { Window } from './window.ts'

export const Api = Type.Object(
  {
    base_url: template('request', { minLength: 1, 'x-holds': 'template' }),
    timeout_ms: duration({ default: 60_000, minimum: 100 }),
    max_body_bytes: bytes({ default: 32 * 1024 * 1024, description: 'decoded' }),
    max_in_flight: Type.Integer({
      minimum: 1,
      maximum: 256,
      default: 8,
      description: 'requests of one source at a time',
    }),
    param_style: Type.Enum(['repeat', 'brackets', 'comma'], {
      default: 'repeat',
      description: 'how a list is sent in a query: a=1&a=2, a[]=1&a[]=2, a=1,2',
    }),
    raw_chars: Type.String({
      default: '',
      maxLength: 32,
      description: 'characters of query values that are not percent-encoded',
    }),
    limits: Limits,
  },
  closed,
)
export type Api = Static<typeof Api>

/** A stream after the defaults are merged in; it is also a RequestSpec. */
export const ManifestStream = Type.Object(
  {
    title: Type.Optional(Type.String({ maxLength: 200 })),
    description: Type.Optional(Type.String({ maxLength: 2_000 })),
    docs: Type.Optional(Type.String({ maxLength: 2_000, 'x-holds': 'url' })),
    ...requestKeys,
    for_each: Type.Array(ForEach, { default: [], maxItems: 4 }),
    records: Type.Object(Records.properties, { ...closed, default: {} }),
    fields: Type.Array(FieldRule, { default: [], maxItems: 500 }),
    key: Type.Array(path({ minLength: 1 }), { default: [], maxItems: 16 }),
    types: Type.Record(Type.String({ minLength: 1, maxLength: 500 }), ColumnType, {
      default: {},
      maxProperties: 500,
      description: 'types of top-level fields; texts stay texts without one',
    }),
    window: Type.Union([Window, Type.Null()], { default: null, 'x-by': 'null' }),
    paging: Type.Union(Paging.anyOf, { default: { type: 'none' }, 'x-by': 'type' }),
    errors: Type.Array(ErrorRule, { default: [], maxItems: 200 }),
    retry: Type.Object(RequestRetry.properties, { ...closed, default: {} }),
    /** null: the connector's own */
    auth: Type.Union([Auth, Type.Null()], { default: null, 'x-by': 'null' }),
    /** of this stream alone, looked at before the connector's own */
    limits: Limits,
    job: Type.Optional(Job),
    enabled_if: Type.Optional(expression('config')),
    deletes: Type.Enum(['none', 'flag', 'hard'], {
      default: 'none',
      description: 'flag: deleted_if marks deleted records; hard: they vanish from full reads',
    }),
    deleted_if: Type.Optional(expression('record')),
  },
  closed,
)
export type ManifestStream = Static<typeof ManifestStream>

export const streamNamePattern = '^[A-Za-z][A-Za-z0-9_]{0,62}$'

/**
 * A connector as plain data: it crosses threads by structured clone, templates and expressions still as texts.
 * All defaults are filled in; what is absent has no default.
 */
export const Manifest = Type.Object(
  {
    derrick: Type.Literal(1),
    id: Type.String({ pattern: '^[a-z][a-z0-9_]{1,62}$' }),
    name: Type.String({ minLength: 1, maxLength: 128 }),
    version: Type.String({ pattern: '^\\d{1,9}\\.\\d{1,9}\\.\\d{1,9}(-[0-9A-Za-z.-]{1,40})?$' }),
    description: Type.Optional(Type.String({ maxLength: 2_000 })),
    docs: Type.Optional(Type.String({ maxLength: 2_000, 'x-holds': 'url' })),
    config: Type.Record(Type.String({ pattern: '^[a-z][a-z0-9_]{0,62}$' }), ConfigField, {
      default: {},
      maxProperties: 100,
    }),
    api: Api,
    auth: Type.Union(Auth.anyOf, { default: { type: 'none' }, 'x-by': 'type' }),
    check: Type.Union(
      [
        Type.Object({ stream: Type.String({ minLength: 1, maxLength: 63 }) }, closed),
        Type.Object({ request: RequestSpec }, closed),
      ],
      { 'x-by': 'key', description: 'one cheap call that proves the account works' },
    ),
    /** for requests that belong to no stream (check, login) */
    errors: Type.Array(ErrorRule),
    retry: RequestRetry,
    streams: Type.Record(Type.String({ pattern: streamNamePattern }), ManifestStream, {
      minProperties: 1,
      maxProperties: 500,
    }),
  },
  closed,
)
export type Manifest = Static<typeof Manifest>

/** The stream of that name; own properties only, so `constructor` is just a name. */
export function streamOf(manifest: Manifest, name: string): ManifestStream | undefined {
  return Object.hasOwn(manifest.streams, name) ? manifest.streams[name] : undefined
}
