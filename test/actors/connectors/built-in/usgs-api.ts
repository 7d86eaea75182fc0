import {
  type ApiAnswer,
  type ApiRequest,
  type BuiltIn,
  type SimulatedApi,
  type StreamCase,
  simulate,
} from './vendor.ts'
import { byTime, itemsOf, pageOf, put } from './world.ts'

const base = '/fdsnws/event/1'
const known = [
  'format',
  'starttime',
  'endtime',
  'updatedafter',
  'minmagnitude',
  'maxmagnitude',
  'limit',
  'offset',
  'orderby',
]

const bad = (message: string): ApiAnswer => ({
  status: 400,
  body: `Error 400: Bad Request\n\n${message}\n\nUsage details are available from https://earthquake.usgs.gov/fdsnws/event/1`,
})

/** The earthquake catalogue as its page describes it. */
function answer({ world, faults }: SimulatedApi, { path, query }: ApiRequest): ApiAnswer {
  const odd = [...query.keys()].find((key) => !known.includes(key))
  if (odd !== undefined) return bad(`Unknown parameter "${odd}".`)
  const [start, end] = ['starttime', 'endtime'].map((name, at) =>
    query.has(name) ? timeOf(query.get(name) as string) : at * 9e15,
  ) as [number, number]
  if (Number.isNaN(start) || Number.isNaN(end)) return bad('Bad time value. Use ISO8601.')
  const found = byTime(itemsOf(world, 'events')).filter(({ ms }) => ms >= start && ms <= end)
  if (path === `${base}/count`) return { body: { count: found.length, maxAllowed: 20_000 } }
  if (path !== `${base}/query`) return { status: 404, body: 'Not Found' }
  // Without it the answer is XML.
  if (query.get('format') !== 'geojson') return { body: '<?xml version="1.0"?><q:quakeml/>' }
  const limit = Number(query.get('limit') ?? 20_000)
  const offset = Number(query.get('offset') ?? 1)
  if (!(limit >= 1 && limit <= 20_000)) return bad(`Bad limit value "${limit}".`)
  if (!(offset >= 1)) return bad(`Bad offset value "${offset}".`)
  if (query.get('orderby') !== 'time-asc') found.reverse()
  const { records } = pageOf(world, faults, found, offset - 1, limit)
  const metadata = {
    generated: 1,
    status: 200,
    api: '1.14.1',
    limit,
    offset,
    count: records.length,
  }
  return { body: { type: 'FeatureCollection', metadata, features: records } }
}

/** Without a zone a time is in UTC. */
const timeOf = (text: string): number =>
  Date.parse(/Z|[+-]\d{2}:?\d{2}$/.test(text) ? text : `${text}Z`)

const earthquakes: StreamCase = {
  tickMs: 1,
  slackMs: 1,
  seed(world, n, ms) {
    const properties = { mag: 1.2, place: '5 km W of Cobb, CA', time: ms, updated: ms + 90_000 }
    put(world, 'events', ms, {
      type: 'Feature',
      id: `nc${n}`,
      properties,
      geometry: { type: 'Point', coordinates: [-122.8, 38.8, 1.9] },
    })
    return [`nc${n}`]
  },
  rowId: ({ id }) => String(id),
}

export const usgs: BuiltIn = {
  id: 'usgs_earthquakes',
  hosts: ['earthquake.usgs.gov'],
  makeApi: simulate(answer),
  config: {},
  wrongConfig: null,
  secrets: [],
  forbidden: { status: 403, body: 'Forbidden' },
  tooMany: { status: 429, headers: { 'retry-after': '30' }, body: 'Too Many Requests' },
  tooManyWaitMs: 30_000,
  allows: [],
  newestFirst: ['earthquakes'],
  streams: { earthquakes },
}
