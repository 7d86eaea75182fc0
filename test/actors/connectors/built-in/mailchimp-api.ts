import {
  type ApiAnswer,
  type ApiRequest,
  type BuiltIn,
  type SimulatedApi,
  type StreamCase,
  simulate,
} from './vendor.ts'
import { byTime, itemsOf, pageOf, put, timeless, type World } from './world.ts'

const host = 'us21.api.mailchimp.com'
const apiKey = '0f1e2d3c4b5a69788796a5b4c3d2e1f0-us21'

/** A list: its path, the name of its records in the answer, and the filters that it knows. */
interface List {
  path: RegExp
  records: string
  since?: string
  before?: string
  takes?: string[]
}

const lists: List[] = [
  { path: /^lists$/, records: 'lists', since: 'since_date_created', before: 'before_date_created' },
  {
    path: /^lists\/[^/]+\/members$/,
    records: 'members',
    since: 'since_last_changed',
    before: 'before_last_changed',
    takes: ['status', 'sort_field', 'sort_dir'],
  },
  { path: /^lists\/[^/]+\/segments$/, records: 'segments', takes: ['type'] },
  {
    path: /^campaigns$/,
    records: 'campaigns',
    since: 'since_create_time',
    before: 'before_create_time',
    takes: ['status', 'sort_field', 'sort_dir'],
  },
  { path: /^reports$/, records: 'reports', since: 'since_send_time', before: 'before_send_time' },
  { path: /^reports\/[^/]+\/unsubscribed$/, records: 'unsubscribes' },
  { path: /^reports\/[^/]+\/email-activity$/, records: 'emails', since: 'since' },
  { path: /^automations$/, records: 'automations', takes: ['status'] },
  { path: /^templates$/, records: 'templates', takes: ['type'] },
]

const refuse = (status: number, title: string, detail: string): ApiAnswer => ({
  status,
  headers: { 'content-type': 'application/problem+json' },
  body: { type: 'https://mailchimp.com/developer/marketing/docs/errors/', title, status, detail },
})

/** Mailchimp's Marketing API as its fundamentals and reference describe it. */
function answer({ world, faults }: SimulatedApi, { headers, path, query }: ApiRequest): ApiAnswer {
  const [scheme, credentials = ''] = (headers.authorization ?? '').split(' ')
  const [, password] = Buffer.from(credentials, 'base64').toString('utf8').split(':')
  if (scheme !== 'Basic' || password !== apiKey)
    return refuse(
      401,
      'API Key Invalid',
      "Your API key may be invalid, or you've attempted to access the wrong datacenter.",
    )
  const name = path.slice('/3.0/'.length)
  if (name === 'ping') return { body: { health_status: "Everything's Chimpy!" } }
  const list = lists.find((each) => each.path.test(name))
  if (!list) return refuse(404, 'Resource Not Found', 'The requested resource could not be found.')
  const { since, before, takes = [] } = list
  const accepted = ['count', 'offset', 'fields', 'exclude_fields', since, before, ...takes]
  const odd = [...query.keys()].find((key) => !accepted.includes(key))
  if (odd !== undefined) return refuse(400, 'Invalid Resource', `unknown parameter ${odd}`)
  const count = Number(query.get('count') ?? 10)
  const offset = Number(query.get('offset') ?? 0)
  if (!(count >= 0 && count <= 1_000) || !(offset >= 0))
    return refuse(400, 'Invalid Resource', 'count must be at most 1000')
  const after = timeOf(query.get(since ?? ''))
  const until = timeOf(query.get(before ?? ''))
  // "after" and "before": neither edge counts.
  const found = byTime(itemsOf(world, name)).filter(
    ({ ms }) => (after === null || ms > after) && (until === null || ms < until),
  )
  const { records } = pageOf(world, faults, found, offset, count)
  return { body: { [list.records]: records, total_items: found.length, _links: [] } }
}

const timeOf = (text: string | null): number | null => (text === null ? null : Date.parse(text))

const timeText = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}+00:00`

const plain = (path: string, time: string | null = null): StreamCase => ({
  seed(world, n, ms) {
    const id = `${path.slice(0, 3)}${n}`
    put(world, path, ms, time === null ? { id } : { id, [time]: timeText(ms) })
    return [id]
  },
  rowId: ({ id }) => String(id),
})

/** Two audiences, so that both are asked. */
function inLists(path: string, time: string | null): StreamCase {
  return {
    seed(world, n, ms) {
      const listId = `list${n % 2}`
      if (itemsOf(world, 'lists').length < 2)
        put(world, 'lists', timeless, { id: listId, name: listId })
      const id = `${path}${n}`
      const more = time === null ? {} : { [time]: timeText(ms) }
      put(world, `lists/${listId}/${path}`, ms, { id, list_id: listId, ...more })
      return [`${listId} ${id}`]
    },
    rowId: (row) => `${row.list_id} ${row.id}`,
  }
}

const report = (world: World, n: number, ms: number): string => {
  put(world, 'reports', ms, { id: `c${n}`, send_time: timeText(ms), list_id: 'list0' })
  return `c${n}`
}

const unsubscribes: StreamCase = {
  seed(world, n, ms) {
    const campaign = report(world, n, ms)
    return [0, 1, 2].map((at) => {
      const later = ms + at * 40 * 3_600_000
      const record = { campaign_id: campaign, email_id: `e${at}`, timestamp: timeText(later) }
      put(world, `reports/${campaign}/unsubscribed`, ms, record)
      return `${campaign} e${at}`
    })
  },
  rowId: (row) => `${row.campaign_id} ${row.email_id}`,
}

const activity: StreamCase = {
  seed(world, n, ms) {
    const campaign = report(world, n, ms)
    return [0, 1, 2].flatMap((at) => {
      const acts = Array.from({ length: at }, (_, nth) => ({
        action: 'open',
        timestamp: timeText(ms + (nth + 1) * 3_600_000),
      }))
      const email = {
        campaign_id: campaign,
        list_id: 'list0',
        email_id: `e${at}`,
        email_address: 'a@b.example',
      }
      put(world, `reports/${campaign}/email-activity`, ms, { ...email, activity: acts })
      return acts.map(({ timestamp }) => `${campaign} e${at} ${timestamp}`)
    })
  },
  rowId: (row) => `${row.campaign_id} ${row.email_id} ${row.timestamp}`,
}

export const mailchimp: BuiltIn = {
  id: 'mailchimp',
  hosts: [host],
  makeApi: simulate(answer),
  config: { api_key: apiKey, data_center: 'us21' },
  wrongConfig: { api_key: 'ffffffffffffffffffffffffffffffff-us21', data_center: 'us21' },
  secrets: [
    apiKey,
    Buffer.from(`derrick:${apiKey}`).toString('base64'),
    'ffffffffffffffffffffffffffffffff',
  ],
  forbidden: refuse(403, 'Forbidden', 'You are not permitted to access this resource.'),
  tooMany: refuse(
    429,
    'Too Many Requests',
    'You have exceeded the limit of 10 simultaneous connections.',
  ),
  tooManyWaitMs: null,
  allows: [],
  newestFirst: ['list_members', 'campaigns', 'reports', 'unsubscribes', 'email_activity'],
  streams: {
    lists: plain('lists'),
    list_members: inLists('members', 'last_changed'),
    segments: inLists('segments', null),
    campaigns: plain('campaigns', 'create_time'),
    reports: plain('reports', 'send_time'),
    unsubscribes,
    email_activity: activity,
    automations: plain('automations'),
    templates: plain('templates'),
  },
}
