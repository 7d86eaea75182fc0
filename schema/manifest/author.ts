import Type, { type Static, type TSchema } from 'typebox'
import { ErrorRule, RequestRetry } from './error-rule.ts'
import { closed, path, treeMap } from './kind.ts'
import { Api, Manifest } from './manifest.ts'
import { Paging } from './paging.ts'
import { FieldRule, Records } from './records.ts'
import { Window } from './window.ts'

/** The schemas of what an author writes beyond a loaded manifest: keys that the loader merges into others. */
const sharedKeys = {
  headers: treeMap('request', { default: {}, description: 'sent with every request' }),
  query: treeMap('request', { default: {}, description: 'sent with every request' }),
}

export const AuthorApi = Type.Object({ ...Api.properties, ...sharedKeys }, closed)

const partial = <T extends Record<string, TSchema>>(properties: T) =>
  Type.Optional(Type.Partial(Type.Object(properties), closed))

/** What streams have when they do not say otherwise. */
export const AuthorDefaults = Type.Object(
  {
    query: Type.Optional(treeMap('request')),
    headers: Type.Optional(treeMap('request')),
    paging: Type.Optional(Paging),
    errors: Type.Optional(Type.Array(ErrorRule, { maxItems: 200 })),
    retry: partial(RequestRetry.properties),
    window: partial(Window.properties),
    records: partial(Records.properties),
    key: Type.Optional(Type.Array(path({ minLength: 1 }), { maxItems: 16 })),
    fields: Type.Optional(Type.Array(FieldRule, { maxItems: 500 })),
  },
  closed,
)
export type AuthorDefaults = Static<typeof AuthorDefaults>

const { errors: _errors, retry: _retry, api: _api, name, check, ...kept } = Manifest.properties

/** The file. `name` falls back to the id, `check` to the first stream that needs no other. */
export const AuthorManifest = Type.Object(
  {
    ...kept,
    name: Type.Optional(name),
    api: AuthorApi,
    check: Type.Optional(check),
    defaults: Type.Optional(AuthorDefaults),
  },
  closed,
)
