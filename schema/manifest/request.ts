import Type, { type Static } from 'typebox'
import { closed, template, tree, treeMap } from './kind.ts'

/** Exactly one of the four. */
export const Body = Type.Union(
  [
    Type.Object({ json: tree('request') }, closed),
    Type.Object({ form: treeMap('request') }, closed),
    Type.Object({ text: template('request') }, closed),
    Type.Object(
      {
        graphql: Type.Object(
          { query: template('request'), variables: treeMap('request', { default: {} }) },
          closed,
        ),
      },
      closed,
    ),
  ],
  { 'x-by': 'key', description: 'what is sent with POST: json, form, text or graphql' },
)
export type Body = Static<typeof Body>

/** Keys of every request; a stream has them at its top. */
export const requestKeys = {
  base_url: Type.Optional(
    template('request', { minLength: 1, description: "instead of the connector's own" }),
  ),
  path: template('request', { default: '', description: 'appended to base_url' }),
  method: Type.Enum(['GET', 'POST'], { default: 'GET' }),
  query: treeMap('request', {
    default: {},
    description: 'a value that evaluates to null is left out, an empty string is sent',
  }),
  headers: treeMap('request', {
    default: {},
    description: 'a value that evaluates to null is left out',
  }),
  body: Type.Optional(Body),
}

/**
 * One request, with the connector's own headers and query parameters (and, in streams, the defaults') already
 * merged in, except those switched off by `null`. `base_url` is absent where the connector's own applies.
 */
export const RequestSpec = Type.Object(requestKeys, closed)
export type RequestSpec = Static<typeof RequestSpec>
