import {
  type ApiAnswer,
  type ApiRequest,
  type BuiltIn,
  type SimulatedApi,
  type StreamCase,
  simulate,
} from './vendor.ts'
import { byTime, type Item, iso, itemsOf, type Json, pageOf, put, timeless } from './world.ts'

const token = 'github_pat_11ABCDEFG0example0example'
const owner = 'acme'

const refuse = (status: number, message: string): ApiAnswer => ({
  status,
  body: { message, documentation_url: 'https://docs.github.com/rest', status: String(status) },
})

/** What a list takes, and in which order it comes without being told. */
interface List {
  takes: string[]
  newestFirst: boolean
}
const lists: Record<string, List> = {
  commits: { takes: ['sha', 'path', 'since', 'until'], newestFirst: true },
  issues: { takes: ['state', 'sort', 'direction', 'since', 'labels'], newestFirst: true },
  'issues/comments': { takes: ['sort', 'direction', 'since'], newestFirst: false },
  'pulls/comments': { takes: ['sort', 'direction', 'since'], newestFirst: false },
  pulls: { takes: ['state', 'sort', 'direction', 'head', 'base'], newestFirst: true },
  events: { takes: [], newestFirst: true },
  releases: { takes: [], newestFirst: true },
}

/** GitHub as its REST reference of 2022-11-28 describes it. */
function answer(api: SimulatedApi, request: ApiRequest): ApiAnswer {
  const { headers, path } = request
  if (headers['user-agent'] === undefined)
    return refuse(403, 'Request forbidden by administrative rules.')
  if (headers.authorization !== undefined && headers.authorization !== `Bearer ${token}`)
    return refuse(401, 'Bad credentials')
  if (headers['x-github-api-version'] !== '2022-11-28') return refuse(400, 'no such version')
  if (path === `/users/${owner}`) return { body: { login: owner, id: 1 } }
  if (path === `/users/${owner}/repos`)
    return listed(api, request, 'repositories', itemsOf(api.world, 'repositories'))
  const match = new RegExp(`^/repos/${owner}/([a-z0-9-]+)/(.+)$`).exec(path)
  const [, repository = '', name = ''] = match ?? []
  const list = lists[name]
  if (!list) return refuse(404, 'Not Found')
  if (name === 'commits' && repository === 'empty') return refuse(409, 'Git Repository is empty.')
  if (name.startsWith('issues') && repository === 'quiet')
    return refuse(410, 'Issues are disabled for this repo')
  return filtered(api, request, `${repository}/${name}`, list)
}

function filtered(api: SimulatedApi, request: ApiRequest, name: string, list: List): ApiAnswer {
  const { query } = request
  const odd = [...query.keys()].find((key) => !['per_page', 'page', ...list.takes].includes(key))
  if (odd !== undefined) return refuse(422, `Validation Failed: ${odd}`)
  const since = Date.parse(query.get('since') ?? '1970-01-01')
  const until = Date.parse(query.get('until') ?? '9999-01-01')
  const onlyOpen = list.takes.includes('state') && query.get('state') !== 'all'
  const found = byTime(itemsOf(api.world, name)).filter(
    ({ ms, record }) => ms >= since && ms < until && !(onlyOpen && record.state === 'closed'),
  )
  const direction = query.get('direction') ?? (list.newestFirst ? 'desc' : 'asc')
  if (direction === 'desc') found.reverse()
  return listed(api, request, name, found)
}

/** Pages by number, told in the Link header. */
function listed(
  { world, faults }: SimulatedApi,
  { path, query }: ApiRequest,
  name: string,
  items: readonly Item[],
): ApiAnswer {
  const size = Number(query.get('per_page') ?? 30)
  const page = Number(query.get('page') ?? 1)
  if (!(size >= 1 && size <= 100)) return refuse(422, `per_page of ${name}`)
  const { records, next } = pageOf(world, faults, items, (page - 1) * size, size)
  if (next === null) return { body: records }
  const here = new URLSearchParams(query)
  here.set('page', String(faults.loop ? 2 : page + 1))
  const at = `https://${faults.nextHost ?? 'api.github.com'}${path}?${here}`
  return { body: records, headers: { link: `<${at}>; rel="next", <${at}>; rel="last"` } }
}

const repositories = ['engine', 'site']

/** Records in two repositories. */
function inRepositories(
  name: string,
  record: (n: number, ms: number) => Json,
  key: string,
): StreamCase {
  return {
    seed(world, n, ms) {
      for (const [at, each] of repositories.entries()) {
        if (itemsOf(world, 'repositories').length < repositories.length)
          put(world, 'repositories', timeless, { id: at, name: each })
      }
      const repository = repositories[n % 2] as string
      const made = record(n, ms)
      put(world, `${repository}/${name}`, ms, made)
      return [`${repository} ${made[key]}`]
    },
    rowId: (row) => `${row.repository} ${row[key]}`,
  }
}

const updated = (n: number, ms: number): Json => ({
  id: n,
  updated_at: iso(ms),
  state: n % 3 === 0 ? 'closed' : 'open',
})

const repositoryStream: StreamCase = {
  seed(world, n, ms) {
    put(world, 'repositories', ms, { id: n, name: `repo-${n}` })
    return [String(n)]
  },
  rowId: ({ id }) => String(id),
}

const commits = inRepositories(
  'commits',
  (n, ms) => ({ sha: `${n}abc`, commit: { committer: { date: iso(ms) } } }),
  'sha',
)
const events = inRepositories('events', (n, ms) => ({ id: String(n), created_at: iso(ms) }), 'id')

const base = {
  id: 'github',
  hosts: ['api.github.com'],
  makeApi: simulate(answer),
  secrets: [token, 'github_pat_wrong0000'],
  forbidden: refuse(403, 'Resource not accessible by personal access token'),
  tooMany: {
    ...refuse(403, 'API rate limit exceeded for user ID 1.'),
    headers: {
      'x-ratelimit-limit': '5000',
      'x-ratelimit-remaining': '0',
      'x-ratelimit-reset': String(Date.UTC(2026, 2, 6) / 1_000 + 120),
    },
  },
  tooManyWaitMs: 120_000,
  allows: [{ match: /^\//, requests: 900, perMs: 60_000 }],
  newestFirst: ['commits'],
  streams: {
    commits,
    issues: inRepositories('issues', updated, 'id'),
    issue_comments: inRepositories('issues/comments', updated, 'id'),
    review_comments: inRepositories('pulls/comments', updated, 'id'),
    pull_requests: inRepositories('pulls', updated, 'id'),
    events: {
      ...events,
      rowId: (row) => `${Number(row.id) % 2 === 0 ? 'engine' : 'site'} ${row.id}`,
    },
    releases: inRepositories('releases', (n) => ({ id: n }), 'id'),
    repositories: repositoryStream,
  },
} satisfies Omit<BuiltIn, 'config' | 'wrongConfig'>

export const github: BuiltIn = {
  ...base,
  config: { owner, repositories, token },
  wrongConfig: { owner, repositories, token: 'github_pat_wrong0000' },
}
/** Without an account: repositories are found, not named. */
export const githubAnonymous: BuiltIn = { ...base, config: { owner }, wrongConfig: null }
