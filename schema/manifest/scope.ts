import type { Place } from './kind.ts'

/**
 * The names that expressions may use, by the place where they stand. Whoever evaluates must give every one
 * of them; a name outside the list is an error when the manifest is loaded.
 *
 * - `config`: see `configScope` · `source`: `{timezone}` · `now`: epoch ms, fixed for the whole range
 * - `window`: `{start, end}` as the API wants them, `{start_ms, end_ms}` the plain bounds in epoch ms
 * - `each`: what `for_each` names, `each.parent` the same of the parent stream
 * - `page`: `{number, offset, token, size, count}`; `token` is null on the first page, `size` null where none is
 *   declared, `count` the records of the page just read (0 before the first)
 * - `job`: what the job's `take` names · `auth`: what the token answer's `save` names · `token`: the access token
 * - `response`: the decoded body · `headers`: lower-case names · `status`: number · `record`: one record
 */
const scopesByPlace = {
  config: ['config'],
  values: ['config', 'source', 'now'],
  window: ['config', 'source'],
  auth: ['config', 'now'],
  token: ['config', 'token', 'auth'],
  request: ['config', 'source', 'window', 'each', 'page', 'job', 'auth', 'now'],
  answer: ['config', 'source', 'window', 'each', 'page', 'response', 'headers', 'status', 'now'],
  record: ['config', 'source', 'window', 'each', 'record', 'now'],
} as const satisfies Record<Place, readonly string[]>

/** Names in scope at a place. */
export const scopesOf = (place: Place): readonly string[] => scopesByPlace[place]

/** Scopes whose members are known, so that a misspelt one is found when the manifest is loaded. */
export const fixedMembers: Readonly<Record<string, readonly string[]>> = {
  window: ['start', 'end', 'start_ms', 'end_ms'],
  page: ['number', 'offset', 'token', 'size', 'count'],
  source: ['timezone'],
}
