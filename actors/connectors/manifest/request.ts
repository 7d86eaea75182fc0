import { derrickError } from '../../../schema/error.ts'
import { compileNode, type Evaluate } from '../../../schema/manifest/expression/compiler.ts'
import { childrenOf, type Node } from '../../../schema/manifest/expression/node.ts'
import {
  compileTemplate,
  compileTree,
  parseTemplate,
} from '../../../schema/manifest/expression/template.ts'
import { textOf } from '../../../schema/manifest/expression/value.ts'
import type { Body, RequestSpec } from '../../../schema/manifest/request.ts'
import type { DraftBody, RequestDraft } from './draft.ts'
import { namesAt, type RequestScope } from './scope.ts'

export interface CompiledRequest {
  /** whether a template reads the window: then the API is told of it even without parameters of its own */
  usesWindow: boolean
  usesPageToken: boolean
  /** base_url alone, which next URLs are compared with */
  baseUrl(scope: RequestScope): string
  draft(scope: RequestScope): RequestDraft
}

/** Compiles a request once; drafting it again costs a few closures. */
export function compileRequest(spec: RequestSpec, apiBaseUrl: string): CompiledRequest {
  const names = namesAt('request')
  const base = compileTemplate(spec.base_url ?? apiBaseUrl, names)
  // An address that the API's own data name is not one that the author trusted with the credentials.
  const isGiven = spec.base_url !== undefined && parseTemplate(spec.base_url).some(isFromData)
  const home = compileTemplate(apiBaseUrl, names)
  const path = compilePathTemplate(spec.path, names)
  const query = compileEntries(spec.query, names)
  const headers = compileEntries(spec.headers, names)
  const body = spec.body ? compileBody(spec.body, names) : null
  const text = JSON.stringify(spec)
  const baseUrl = (scope: RequestScope): string => {
    const value = base(scope)
    const url = typeof value === 'string' ? URL.parse(value) : null
    if (!url) throw badAddress('base_url is not a web address')
    return value as string
  }
  return {
    usesWindow: /\{\{[^}]*\bwindow\b/.test(text),
    usesPageToken: /\{\{[^}]*\bpage\b/.test(text),
    baseUrl,
    draft: (scope) => {
      const { url, base, params } = joinUrl(baseUrl(scope), path(scope))
      const draft: RequestDraft = {
        method: spec.method,
        url,
        base,
        unsigned: isGiven && new URL(url).origin !== originOf(home(scope)),
        query: new Map(params),
        tail: '',
        headers: new Map([['accept', 'application/json']]),
        body: body ? body(scope) : null,
      }
      for (const [name, value] of query) {
        const given = value(scope)
        if (given !== null && given !== undefined) draft.query.set(name, given)
      }
      for (const [name, value] of headers) {
        const given = value(scope)
        if (given !== null && given !== undefined)
          draft.headers.set(name.toLowerCase(), textOf(given))
      }
      return draft
    },
  }
}

const isFromData = (part: string | { node: Node }): boolean =>
  typeof part !== 'string' && readsRecords(part.node, false)

const originOf = (value: unknown): string | undefined =>
  typeof value === 'string' ? URL.parse(value)?.origin : undefined

function compileEntries(
  map: Record<string, unknown>,
  names: readonly string[],
): [string, Evaluate][] {
  return Object.entries(map).map(([name, value]) => [name, compileTree(value, names)])
}

function compileBody(spec: Body, names: readonly string[]): (scope: RequestScope) => DraftBody {
  if ('json' in spec) {
    const value = compileTree(spec.json, names)
    return (scope) => ({ kind: 'json', value: value(scope) })
  }
  if ('form' in spec) {
    const fields = compileEntries(spec.form, names)
    return (scope) => ({
      kind: 'form',
      fields: new Map(fields.map(([name, value]) => [name, value(scope)])),
    })
  }
  if ('text' in spec) {
    const text = compileTemplate(spec.text, names)
    return (scope) => ({ kind: 'text', text: textOf(text(scope)) })
  }
  const query = compileTemplate(spec.graphql.query, names)
  const variables = compileTree(spec.graphql.variables, names)
  return (scope) => ({
    kind: 'json',
    value: { query: query(scope), variables: variables(scope) },
  })
}

/**
 * A path whose inserted values cannot leave their place: `?` and `#` are escaped, and in values that come from records
 * (`each`) everything is, since an id such as `../admin` is the API's data and not the author's.
 */
function compilePathTemplate(
  text: string,
  names: readonly string[],
): (scope: RequestScope) => string {
  const parts = parseTemplate(text).map((part) => {
    if (typeof part === 'string') return part
    const run = compileNode(part.node, names)
    const guard = readsRecords(part.node) ? encodeURIComponent : escapeDelimiters
    return (scope: RequestScope) => guard(textOf(run(scope)).toWellFormed())
  })
  return (scope) => {
    const path = parts.map((part) => (typeof part === 'string' ? part : part(scope))).join('')
    if (/(^|\/)(\.|%2e){1,2}(\/|$)/i.test(path)) throw badAddress('path has . or .. in it')
    return path
  }
}

const escapeDelimiters = (text: string): string => text.replace(/[?#\\]/g, encodeURIComponent)

/** Whether a value comes from the API's data. With `believes`, an author who escapes by hand is believed. */
function readsRecords(node: Node, believes = true): boolean {
  if (believes && node.kind === 'call' && node.name === 'urlEncode') return false
  if (node.kind === 'scope') return node.name === 'each' || node.name === 'job'
  return childrenOf(node).some((child) => readsRecords(child, believes))
}

/** base_url and path as one address; a query in either becomes parameters. */
function joinUrl(
  base: string,
  path: string,
): { url: string; base: string; params: [string, string][] } {
  const [baseText = '', baseQuery = ''] = base.split('?', 2)
  const gap = path === '' || path.startsWith('/') || path.startsWith('?') ? '' : '/'
  const url = URL.parse(`${baseText.replace(/\/+$/, '')}${gap}${path}`)
  const home = URL.parse(baseText)
  if (!url || url.origin !== home?.origin) throw badAddress('base_url and path make no web address')
  const params = [...new URLSearchParams(baseQuery), ...url.searchParams]
  url.search = ''
  url.hash = ''
  home.hash = ''
  return { url: url.href, base: home.href.replace(/\/+$/, ''), params }
}

const badAddress = (message: string) =>
  derrickError('transform', 'request.address', message, {
    remedy: "check the source's config and the manifest's base_url and path",
  })
