import Type, { type Static } from 'typebox'
import { ColumnTypes } from '../column-type.ts'
import { configScope } from './config.ts'
import { compileTemplate } from './expression/template.ts'
import { type Manifest, type ManifestStream, streamOf } from './manifest.ts'
import { scopesOf } from './scope.ts'
import { manifestDurationMs } from './size.ts'
import type { Window } from './window.ts'

/** What a stream of a connector can do; the range engine and the console go by this, not by the manifest. */
export const StreamCapabilities = Type.Object({
  window: Type.Boolean({ description: 'false: the stream is read whole each time' }),
  end_filter: Type.Boolean(),
  start_filter: Type.Boolean({
    description: 'the API can be asked for what came since a moment, finer than a day',
  }),
  newest_first: Type.Boolean(),
  newest_first_reason: Type.Optional(Type.String({ description: 'why it is not possible' })),
  granularities: Type.Array(Type.Enum(['day', 'hour'])),
  order: Type.Enum(['asc', 'desc', 'none']),
  tracks: Type.Enum(['updates', 'creation', 'report', 'none']),
  primary_key: Type.Array(Type.String()),
  cursor_field: Type.Union([Type.String(), Type.Null()]),
  types: ColumnTypes,
  settle_ms: Type.Integer(),
  revise_ms: Type.Integer(),
  max_age_ms: Type.Union([Type.Integer(), Type.Null()]),
  deletes: Type.Enum(['none', 'flag', 'hard']),
  path: Type.String(),
  title: Type.Optional(Type.String()),
  description: Type.Optional(Type.String()),
  warnings: Type.Array(Type.String()),
})
export type StreamCapabilities = Static<typeof StreamCapabilities>

/**
 * @param config of a source; decides a `revise` that is a template (0 without it)
 * @returns undefined when the connector has no such stream
 */
export function streamCapabilities(
  manifest: Manifest,
  streamName: string,
  config: Readonly<Record<string, unknown>> = {},
): StreamCapabilities | undefined {
  const stream = streamOf(manifest, streamName)
  if (!stream) return undefined
  const { window } = stream
  const reason = newestFirstReason(window)
  return {
    window: window !== null,
    end_filter: window?.end_filter ?? false,
    start_filter: hasStartFilter(stream),
    newest_first: reason === undefined,
    ...(reason === undefined ? {} : { newest_first_reason: reason }),
    granularities: granularitiesOf(window),
    order: window?.order ?? 'none',
    tracks: window?.tracks ?? 'none',
    primary_key: [...stream.key],
    cursor_field: window?.field ?? null,
    types: { ...stream.types },
    settle_ms: window?.settle_ms ?? 0,
    revise_ms: window ? reviseMs(manifest, window, config) : 0,
    max_age_ms: window?.max_age_ms ?? null,
    deletes: stream.deletes,
    path: stream.path,
    ...(stream.title === undefined ? {} : { title: stream.title }),
    ...(stream.description === undefined ? {} : { description: stream.description }),
    warnings: warningsOf(stream),
  }
}

/** Names of the streams that a source with this config offers (`enabled_if`); one that cannot be decided is offered. */
export const enabledStreams = (
  manifest: Manifest,
  config: Readonly<Record<string, unknown>>,
): string[] => Object.keys(manifest.streams).filter((name) => isOffered(manifest, name, config))

/** Whether a source with this config offers a stream; true for one that the connector does not have. */
export function isOffered(
  manifest: Manifest,
  streamName: string,
  config: Readonly<Record<string, unknown>>,
): boolean {
  const test = streamOf(manifest, streamName)?.enabled_if
  if (test === undefined) return true
  try {
    return compiledTest(test)({ config: configScope(manifest, config) }) === true
  } catch {
    return true
  }
}

/** Asked at each step of a run; connectors have few tests. */
const compiledTests = new Map<string, ReturnType<typeof compileTemplate>>()
const mostCompiledTests = 1_000

function compiledTest(test: string): ReturnType<typeof compileTemplate> {
  const known = compiledTests.get(test)
  if (known) return known
  if (compiledTests.size >= mostCompiledTests) compiledTests.clear()
  const compiled = compileTemplate(`{{ (${test}) ? true : false }}`, scopesOf('config'))
  compiledTests.set(test, compiled)
  return compiled
}

/** By a parameter of its own, or by a template anywhere in the request. */
function hasStartFilter({ window, path, query, headers, body }: ManifestStream): boolean {
  if (window?.unit !== 'second' || window.tracks === 'report') return false
  const request = JSON.stringify([path, query, headers, body])
  return window.start !== undefined || /\{\{[^}]*\bwindow\b/.test(request)
}

function newestFirstReason(window: Window | null): string | undefined {
  if (!window) return 'the API has no date filter for this stream; it is read whole each time'
  if (window.end_filter) return undefined
  if (window.order === 'desc') {
    return 'the API takes no end date; it answers newest first by itself, in one pass'
  }
  const oneByOne =
    'the API takes no end date, so ranges can only be read one after the other, oldest first'
  if (window.order === 'asc') return oneByOne
  return `${oneByOne}; without order: asc each of them reads on to the newest record`
}

/** Never finer than what the API honours, or a record would fall between two ranges. */
function granularitiesOf(window: Window | null): ('day' | 'hour')[] {
  if (!window) return []
  return window.unit === 'day' ? ['day'] : ['day', 'hour']
}

function reviseMs(
  manifest: Manifest,
  { revise }: Window,
  config: Readonly<Record<string, unknown>>,
): number {
  if (!revise.includes('{{')) return manifestDurationMs(revise) ?? 0
  try {
    const scope = { config: configScope(manifest, config), source: { timezone: 'UTC' } }
    return manifestDurationMs(String(compileTemplate(revise, scopesOf('window'))(scope))) ?? 0
  } catch {
    return 0
  }
}

function warningsOf({ window, key, paging, deletes }: ManifestStream): string[] {
  const warnings: string[] = []
  if (key.length === 0) {
    warnings.push('no primary key: a range is replaced as a whole when it is read again')
  }
  if (!window) return warnings
  if (window.tracks === 'creation' && window.revise === '0') {
    warnings.push(
      'the date filter sees new records only: later edits come with a resync or lookback',
    )
  }
  if (window.tracks === 'updates' && (paging.type === 'page' || paging.type === 'offset')) {
    warnings.push('pages may shift while records change, and one be missed: use a lookback')
  }
  if (window.tracks === 'updates' && deletes === 'none') {
    warnings.push('deleted records are not noticed')
  }
  return warnings
}
