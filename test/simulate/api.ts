/** The APIs that simulated sources read: any answer at any time, and a judge of how they are asked. */
import type { HttpClient, HttpRequest, HttpResponse } from '../../actors/http/http.ts'
import { derrickError } from '../../schema/error.ts'
import { loadManifest } from '../../schema/manifest/load.ts'
import type { Random } from '../kill/random.ts'
import type { VirtualLoop } from './loop.ts'

/** Frozen: what a day holds is known. */
export const recordsOfDay = 4
const day = 86_400_000
const recordEvery = day / recordsOfDay

export const faults = [
  'well',
  'slow',
  'stall',
  'cut',
  'error_500',
  'too_many',
  'too_many_wait',
  'too_many_long',
  'malformed',
  'html',
  'refused_401',
  'refused_403',
] as const
export type Fault = (typeof faults)[number]

const stallMs = 60_000

export interface SourceRules {
  maxInFlight: number
  limits: { requests: number; per_ms: number }[]
}

export const manifestOf = (id: string, { limits, maxInFlight }: SourceRules) => {
  const text = `
derrick: 1
id: sim_${id}
name: ${id}
version: 1.0.0
api:
  base_url: https://${id}.test
  max_in_flight: ${maxInFlight}
  limits: [${limits.map(({ requests, per_ms }) => `{requests: ${requests}, per: ${per_ms}ms}`).join()}]
auth: {type: none}
check: {request: {path: /days}}
streams:
  days:
    path: /days
    key: [id]
    retry: {attempts: 2, base: 200ms, max_wait: 30s}
    records: {at: data}
    paging: {type: cursor, name: page_token, at: next}
    window: {field: at, tracks: creation, end_filter: true, start: {name: since}, end: {name: until}, format: epoch_ms}
`
  const { manifest, issues } = loadManifest(text, `${id}.yaml`)
  if (!manifest) throw new Error(JSON.stringify(issues))
  return manifest
}

interface Watched {
  inFlight: number
  starts: number[]
}

export class SimApi {
  readonly #random: Random
  readonly #faults: string[]
  readonly #watched = new Map<string, Watched>()
  readonly rules: Record<string, SourceRules>
  /** the fault of the day, and how often it strikes */
  mood: { fault: Fault; share: number } = { fault: 'well', share: 0 }
  requests = 0
  /** hears of each request before it is counted */
  heard: ((url: URL) => void) | undefined
  /** ms that lives of processes before took */
  before = 0

  constructor(random: Random, rules: Record<string, SourceRules>, found: string[]) {
    this.#random = random
    this.rules = rules
    this.#faults = found
  }

  /** The client of one worker. Its requests are cut when it dies, and it sends no more: `drop`. */
  client(loop: VirtualLoop): HttpClient & { drop(): void } {
    const open = new Set<() => void>()
    let isDropped = false
    return {
      drop: () => {
        isDropped = true
        for (const end of [...open]) end()
      },
      send: (request) =>
        new Promise((resolve, reject) => {
          if (isDropped) return
          const url = new URL(request.url)
          this.heard?.(url)
          const watched = this.#arrive(url.hostname.replace('.test', ''), loop.elapsed)
          const end = (): void => {
            open.delete(end)
            watched.inFlight -= 1
            request.signal.removeEventListener('abort', stop)
            forget()
          }
          const stop = (): void => {
            end()
            reject(request.signal.reason)
          }
          const { fault, share } = this.mood
          const struck = this.#random.chance(share) ? fault : 'well'
          const forget = loop.in(this.#latency(struck), () => {
            end()
            const answer = this.#answer(struck, request)
            if (answer instanceof Error) reject(answer)
            else resolve(answer)
          })
          open.add(end)
          request.signal.addEventListener('abort', stop, { once: true })
        }),
    }
  }

  #of(id: string): Watched {
    const known = this.#watched.get(id)
    if (known) return known
    const made = { inFlight: 0, starts: [] }
    this.#watched.set(id, made)
    return made
  }

  #arrive(id: string, elapsed: number): Watched {
    const watched = this.#of(id)
    this.requests += 1
    watched.inFlight += 1
    watched.starts.push(elapsed + this.before)
    const rules = this.rules[id]
    for (const { requests, per_ms: perMs } of rules?.limits ?? []) {
      const recent = watched.starts.filter((at) => at > elapsed + this.before - perMs).length
      if (recent > requests) this.#faults.push(`${recent} requests of ${id} in ${perMs} ms`)
    }
    if (watched.inFlight > (rules?.maxInFlight ?? 0))
      this.#faults.push(`${watched.inFlight} requests of ${id} at once`)
    if (watched.starts.length > 500) watched.starts.splice(0, 250)
    return watched
  }

  #latency(fault: Fault): number {
    if (fault === 'stall') return stallMs
    if (fault === 'slow') return this.#random.between(1_000, 45_000)
    return this.#random.between(5, 200)
  }

  #answer(fault: Fault, request: HttpRequest): HttpResponse | Error {
    const reply = (status: number, body: string, headers: Record<string, string> = {}) =>
      ({
        status,
        headers,
        body: new TextEncoder().encode(body),
        url: request.url,
      }) satisfies HttpResponse
    switch (fault) {
      case 'well':
      case 'slow':
        return reply(200, JSON.stringify(pageOf(new URL(request.url))))
      case 'stall':
        return derrickError('network', 'http.timeout', 'nothing came')
      case 'cut':
        return derrickError('network', 'network.connection_lost', 'cut')
      case 'error_500':
        return reply(500, 'oops')
      case 'too_many':
        return reply(429, '')
      case 'too_many_wait':
        return reply(429, '', { 'retry-after': '3' })
      case 'too_many_long':
        return reply(429, '', { 'retry-after': '3600' })
      case 'malformed':
        return reply(200, '{"data": [')
      case 'html':
        return reply(200, '<html>sign in</html>')
      case 'refused_401':
        return reply(401, '')
      case 'refused_403':
        return reply(403, '')
    }
  }
}

/** Two records a page. */
function pageOf(url: URL): { data: { id: string; at: string }[]; next?: string } {
  const since = Number(url.searchParams.get('since'))
  const until = Number(url.searchParams.get('until'))
  const from = Number(url.searchParams.get('page_token') ?? since)
  const first = Math.ceil(from / recordEvery) * recordEvery
  const times = [first, first + recordEvery].filter((at) => at < until)
  const data = times.map((at) => ({ id: `r${at}`, at: new Date(at).toISOString() }))
  const next = first + 2 * recordEvery
  return next < until ? { data, next: String(next) } : { data }
}

/** What a whole read of [start, end) brings. */
export function idsBetween(start: number, end: number): string[] {
  const ids: string[] = []
  for (let at = Math.ceil(start / recordEvery) * recordEvery; at < end; at += recordEvery)
    ids.push(`r${at}`)
  return ids
}
