import Type, { type Static, type TSchemaOptions } from 'typebox'
import { When } from './error-rule.ts'
import { closed, duration, expression, path, template, treeMap } from './kind.ts'
import { RequestSpec } from './request.ts'

const sendObject = (options: TSchemaOptions = {}) =>
  Type.Object(
    {
      in: Type.Enum(['header', 'query', 'body'], { default: 'header' }),
      name: Type.String({ minLength: 1, maxLength: 256, default: 'Authorization' }),
      value: template('token', { default: 'Bearer {{ token }}' }),
    },
    { ...closed, ...options },
  )
/** How a token is put on each request; `token` is in scope. */
export const Send = sendObject()
export type Send = Static<typeof Send>
const send = sendObject({ default: {} })

export const Jwt = Type.Object(
  {
    algorithm: Type.Enum(['RS256', 'RS384', 'RS512', 'ES256', 'HS256', 'HS384', 'HS512']),
    key: template('auth', { description: 'PEM, or the shared secret of HS256…' }),
    claims: treeMap('auth', { default: {} }),
    headers: treeMap('auth', { default: {} }),
    ttl_ms: duration({ default: 300_000 }),
  },
  closed,
)
export type Jwt = Static<typeof Jwt>

export const NoAuth = Type.Object({ type: Type.Literal('none') }, closed)
export const BearerAuth = Type.Object(
  {
    type: Type.Literal('bearer'),
    token: template('auth'),
    scheme: Type.String({ default: 'Bearer', maxLength: 64 }),
  },
  closed,
)
export const BasicAuth = Type.Object(
  {
    type: Type.Literal('basic'),
    username: template('auth'),
    password: template('auth', { default: '' }),
  },
  closed,
)
export const ApiKeyAuth = Type.Object(
  {
    type: Type.Literal('api_key'),
    in: Type.Enum(['header', 'query', 'body'], { default: 'header' }),
    name: Type.String({ minLength: 1, maxLength: 256 }),
    value: template('auth'),
  },
  closed,
)
export const OAuth2Auth = Type.Object(
  {
    type: Type.Literal('oauth2'),
    grant: Type.Enum([
      'authorization_code',
      'refresh_token',
      'client_credentials',
      'jwt_bearer',
      'password',
      'custom',
    ]),
    grant_name: Type.Optional(
      Type.String({ maxLength: 256, description: 'the grant_type sent when grant is custom' }),
    ),
    token_url: template('auth', { minLength: 1 }),
    authorize_url: Type.Optional(template('auth')),
    authorize_params: treeMap('auth', { default: {} }),
    client_id: Type.Optional(template('auth')),
    client_secret: Type.Optional(template('auth')),
    refresh_token: Type.Optional(template('auth')),
    scopes: Type.Array(Type.String({ maxLength: 256 }), { default: [], maxItems: 200 }),
    scope_separator: Type.String({ default: ' ', maxLength: 4 }),
    client_auth: Type.Enum(['body', 'basic'], { default: 'body' }),
    body_format: Type.Enum(['form', 'json', 'query'], { default: 'form' }),
    token_params: treeMap('auth', { default: {} }),
    token_headers: treeMap('auth', { default: {} }),
    pkce: Type.Boolean({ default: true }),
    rotates: Type.Boolean({
      default: false,
      description: 'each refresh gives a new refresh token, stored before the access token is used',
    }),
    token_at: path({ default: 'access_token' }),
    refresh_token_at: path({ default: 'refresh_token' }),
    expires_in_ms: Type.Optional(duration({ description: 'life of a token that does not say' })),
    expires_at: path({
      default: 'expires_in',
      description: 'where the answer says how many seconds (or until when) the token lives',
    }),
    save: Type.Record(Type.String({ maxLength: 64 }), path(), {
      default: {},
      description: 'kept from the token answer; `auth.<name>` in requests',
    }),
    send,
    jwt: Type.Optional(Jwt),
    revoked_when: Type.Optional(When),
  },
  closed,
)
export const LoginAuth = Type.Object(
  {
    type: Type.Literal('login'),
    request: RequestSpec,
    token_at: path(),
    expires_in_ms: Type.Optional(duration()),
    expires_at: Type.Optional(path()),
    send,
  },
  closed,
)

export const JwtAuth = Type.Object({ type: Type.Literal('jwt'), jwt: Jwt, send }, closed)
export const AwsAuth = Type.Object(
  {
    type: Type.Literal('aws_sigv4'),
    service: Type.String({ minLength: 1, maxLength: 64 }),
    region: template('auth'),
    access_key: template('auth'),
    secret_key: template('auth'),
    session_token: Type.Optional(template('auth')),
  },
  closed,
)

/** A way to sign in that needs no further choice. */
export const AuthOption = Type.Union(
  [NoAuth, BearerAuth, BasicAuth, ApiKeyAuth, OAuth2Auth, LoginAuth, JwtAuth, AwsAuth],
  { 'x-by': 'type' },
)
export type AuthOption = Static<typeof AuthOption>

export const ChoiceAuth = Type.Object(
  {
    type: Type.Literal('choice'),
    by: Type.Optional(
      expression('config', {
        description: 'names the option; without it the first whose templates all resolve is used',
      }),
    ),
    options: Type.Record(Type.String({ minLength: 1, maxLength: 64 }), AuthOption, {
      minProperties: 2,
      maxProperties: 16,
    }),
  },
  closed,
)
export const Auth = Type.Union(
  [NoAuth, BearerAuth, BasicAuth, ApiKeyAuth, OAuth2Auth, LoginAuth, JwtAuth, AwsAuth, ChoiceAuth],
  { 'x-by': 'type' },
)
export type Auth = Static<typeof Auth>
export type AuthOf<T extends Auth['type']> = Extract<Auth, { type: T }>
