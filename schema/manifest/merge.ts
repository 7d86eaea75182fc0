import type { ManifestPath } from './issue.ts'
import { isMap } from './shape-finding.ts'

type Plain = Record<string, unknown>

/**
 * What an author wrote, with the connector's headers and query parameters and the defaults laid under each stream.
 * `origin` tells where in the file a value of the merged form really stands.
 */
export interface Merged {
  value: unknown
  origin: (path: ManifestPath) => ManifestPath
}

interface Layer {
  value: unknown
  path: ManifestPath
}

/** Most files have nothing to tell of, so what was noted is put into order only when somebody asks. */
class Origins {
  readonly #noted: [path: ManifestPath, origin: ManifestPath][] = []
  #byPath: Map<string, ManifestPath> | undefined

  set(path: ManifestPath, origin: ManifestPath): void {
    this.#noted.push([path, origin])
    this.#byPath = undefined
  }

  find(path: ManifestPath): ManifestPath {
    this.#byPath ??= new Map(this.#noted.map(([noted, origin]) => [JSON.stringify(noted), origin]))
    if (this.#byPath.size === 0) return path
    for (let length = path.length; length > 0; length -= 1) {
      const origin = this.#byPath.get(JSON.stringify(path.slice(0, length)))
      if (origin) return [...origin, ...path.slice(length)]
    }
    return path
  }
}

/** Merges without judging: what has the wrong form stays as it is, for the reader to refuse. */
export function mergeDefaults(file: unknown): Merged {
  const origins = new Origins()
  if (!isMap(file)) return { value: file, origin: (path) => path }
  const merged: Plain = { ...file }
  if (isMap(file.check) && isMap(file.check.request)) {
    const request = mergeRequest(file.check.request, ['check', 'request'], file, origins)
    merged.check = { ...file.check, request }
  }
  merged.auth = mergeAuth(file.auth, ['auth'], file, origins)
  if (merged.auth === undefined) delete merged.auth
  if (isMap(file.streams)) {
    merged.streams = Object.fromEntries(
      Object.entries(file.streams).map(([name, stream]) => [
        name,
        isMap(stream) ? mergeStream(stream, ['streams', name], file, origins) : stream,
      ]),
    )
  }
  return { value: merged, origin: (path) => origins.find(path) }
}

function mergeStream(stream: Plain, path: ManifestPath, file: Plain, origins: Origins): Plain {
  const defaults = isMap(file.defaults) ? file.defaults : {}
  const from = (key: string): Layer => ({ value: defaults[key], path: ['defaults', key] })
  const own = (key: string): Layer => ({ value: stream[key], path: [...path, key] })
  const merged: Plain = { ...stream }
  const put = (key: string, value: unknown) => {
    if (value === undefined) delete merged[key]
    else merged[key] = value
  }
  for (const key of ['query', 'headers']) {
    put(key, layMaps([apiLayer(file, key), from(key), own(key)], [...path, key], origins, true))
  }
  for (const key of ['records', 'retry']) {
    put(key, layMaps([from(key), own(key)], [...path, key], origins, false))
  }
  put('window', mergeWindow(from('window'), own('window'), origins))
  for (const key of ['paging', 'key']) {
    if (stream[key] === undefined && defaults[key] !== undefined) {
      put(key, defaults[key])
      origins.set([...path, key], ['defaults', key])
    }
  }
  for (const key of ['errors', 'fields']) put(key, appended(own(key), from(key), origins))
  if (isMap(stream.auth)) {
    merged.auth = mergeAuth(stream.auth, [...path, 'auth'], file, origins)
  }
  if (isMap(stream.job)) merged.job = mergeJob(stream.job, [...path, 'job'], file, origins)
  setDateDefaults(merged)
  return merged
}

const apiLayer = (file: Plain, key: string): Layer => ({
  value: isMap(file.api) ? file.api[key] : undefined,
  path: ['api', key],
})

/** Later maps win key by key; with `nullRemoves`, null switches a key off. Header names have no case. */
function layMaps(
  layers: Layer[],
  path: ManifestPath,
  origins: Origins,
  nullRemoves: boolean,
): unknown {
  const given = layers.filter((layer) => layer.value !== undefined && layer.value !== null)
  const last = given.at(-1)
  if (!last || !given.every((layer) => isMap(layer.value))) return layers.at(-1)?.value
  const sameName = path.at(-1) === 'headers' ? (key: string) => key.toLowerCase() : String
  const made = new Map<string, { key: string; value: unknown; origin: ManifestPath }>()
  for (const layer of given) {
    for (const [key, value] of Object.entries(layer.value as Plain)) {
      made.set(sameName(key), { key, value, origin: [...layer.path, key] })
    }
  }
  const merged: Plain = {}
  for (const { key, value, origin } of made.values()) {
    if (nullRemoves && value === null) continue
    merged[key] = value
    origins.set([...path, key], origin)
  }
  return merged
}

/** A stream without a window of its own gets the default only if that is a whole one. */
function mergeWindow(from: Layer, own: Layer, origins: Origins): unknown {
  if (own.value === null || !isMap(from.value)) return own.value
  if (own.value !== undefined) return layMaps([from, own], own.path, origins, false)
  const isWhole = ['field', 'tracks', 'end_filter'].every((key) => key in (from.value as Plain))
  if (!isWhole) return undefined
  origins.set(own.path, from.path)
  return { ...from.value }
}

/** The stream's own rules first, so that they decide before the defaults'. */
function appended(own: Layer, from: Layer, origins: Origins): unknown {
  if (!Array.isArray(from.value)) return own.value
  if (own.value !== undefined && own.value !== null && !Array.isArray(own.value)) return own.value
  const first = (own.value ?? []) as unknown[]
  for (const index of from.value.keys()) {
    origins.set([...own.path, first.length + index], [...from.path, index])
  }
  return [...first, ...from.value]
}

/** A request to an address of its own does not get what was meant for the API: it may hold secrets. */
function mergeRequest(request: Plain, path: ManifestPath, file: Plain, origins: Origins): Plain {
  if (request.base_url !== undefined) return request
  const merged: Plain = { ...request }
  for (const key of ['query', 'headers']) {
    const own: Layer = { value: request[key], path: [...path, key] }
    const value = layMaps([apiLayer(file, key), own], own.path, origins, true)
    if (value !== undefined) merged[key] = value
  }
  return merged
}

function mergeAuth(auth: unknown, path: ManifestPath, file: Plain, origins: Origins): unknown {
  if (!isMap(auth)) return auth
  if (isMap(auth.request)) {
    const request = mergeRequest(auth.request, [...path, 'request'], file, origins)
    return { ...auth, request }
  }
  if (!isMap(auth.options)) return auth
  const options = Object.entries(auth.options).map(([name, option]) => [
    name,
    mergeAuth(option, [...path, 'options', name], file, origins),
  ])
  return { ...auth, options: Object.fromEntries(options) }
}

function mergeJob(job: Plain, path: ManifestPath, file: Plain, origins: Origins): Plain {
  const merged: Plain = { ...job }
  for (const key of ['create', 'poll', 'fetch', 'cancel']) {
    const request = job[key]
    if (isMap(request)) merged[key] = mergeRequest(request, [...path, key], file, origins)
  }
  return merged
}

/** Formats without hours cannot cut finer than days, and mean the days of the source's own zone. */
export const isDateFormat = (format: unknown): boolean =>
  format === 'date' ||
  (typeof format === 'string' && format.includes('%') && !/%-?[HISTsM]/.test(format))

function setDateDefaults(stream: Plain): void {
  const window = stream.window
  if (!isMap(window) || !isDateFormat(window.format)) return
  stream.window = { unit: 'day', zone: '{{ source.timezone }}', ...window }
}
