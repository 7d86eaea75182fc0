/** A source whose records change their shape: the table follows, people are told, and what they built on it stays. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import t, { type Test } from 'tap'
import { countingManifest, startCountingApi } from '../support/counting-api.ts'
import { type Derrick, startDerrick } from '../support/derrick.ts'
import { startPostgres } from '../support/postgres.ts'
import { createConnection, syncToEnd } from '../support/setup.ts'
import { tempDir } from '../support/temp-dir.ts'

t.setTimeout(180_000)
const dayMs = 86_400_000
const start = Math.floor(Date.now() / dayMs) * dayMs - 4 * dayMs

/** What a record has beside its id and time, by day; `more` is on once the second sync has begun. */
const shapes: Record<string, unknown>[] = [{ price: 1 }, { price: 2 }, { price: 3 }]

/** The same stream with a declared type, and a mark on what was deleted. */
const more = '{path: /more, types: {price: number}, deletes: flag, deleted_if: record.gone}'

/** Listens to live events until `end`, which gives all that was heard. */
async function follow(derrick: Derrick) {
  const abort = new AbortController()
  const answer = await fetch(`${derrick.url}/api/v1/events?topics=notification,activity`, {
    headers: { authorization: `Bearer ${derrick.apiKey}` },
    signal: abort.signal,
  })
  let heard = ''
  const reading = (async () => {
    for await (const part of answer.body ?? []) heard += Buffer.from(part).toString()
  })().catch(() => {})
  return {
    async end(): Promise<string> {
      abort.abort()
      await reading
      return heard
    },
  }
}

/** A stream of that source into a database. */
async function scene(t: Test) {
  const home = tempDir('schema-change')
  t.teardown(() => home[Symbol.dispose]())
  const postgres = await startPostgres()
  t.teardown(() => postgres.remove())
  const api = await startCountingApi(({ since, path }, response) => {
    const day = Math.round((since - start) / dayMs)
    const record = { id: `r${since}`, at: new Date(since).toISOString(), price: 0, ...shapes[day] }
    if (path === '/more') Object.assign(record, { gone: day === 1 })
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ data: [record] }))
    return 200
  })
  t.teardown(() => api.close())
  const manifests = join(home.path, 'manifests')
  mkdirSync(manifests)
  writeFileSync(
    join(manifests, 'counting.yaml'),
    countingManifest('[]').replace('{path: /more}', more),
  )
  const derrick = await startDerrick({
    dataDir: join(home.path, 'data'),
    env: { DERRICK_MANIFESTS_DIR: manifests },
    run: 'newest',
  })
  t.teardown(() => derrick.kill9())
  const { id: source_id } = await derrick.api<{ id: string }>('POST', '/sources', {
    name: 'shop',
    connector: 'counting',
    config: { base_url: api.url },
    start_date: new Date(start).toISOString(),
  })
  const { id: destination_id } = await derrick.api<{ id: string }>('POST', '/destinations', {
    name: 'warehouse',
    type: 'postgres',
    config: { url: postgres.url },
  })
  const connection = { name: 'shop', source_id, destination_id, namespace: 'shop' }
  const stream = { name: 'days', columns: { sku: { type: 'integer' } } } as const
  const flagged = { name: 'more', deletes: 'hard' } as const
  const ids = await createConnection(derrick, connection, [stream, flagged])
  const [id = '', moreId = ''] = ids.values()
  const client = new pg.Client({ connectionString: postgres.url })
  await client.connect()
  t.teardown(() => client.end())
  return { derrick, id, moreId, client }
}

t.test('new columns and wider ones are told; views and grants stay', async (t) => {
  const { derrick, id, client } = await scene(t)
  t.match(await syncToEnd(derrick, id), { status: 'complete' })
  const told = async () =>
    (
      await derrick.api<{ data: { kind: string; count: number; detail: unknown }[] }>(
        'GET',
        '/notifications',
      )
    ).data.filter(({ kind }) => kind === 'schema_changed')
  t.strictSame(await told(), [], 'a table that is made is no change of one')

  await client.query(`create role reader; grant usage on schema shop to reader;
    grant select on shop.days to reader; create view shop.cheap as select id, at from shop.days where id > ''`)

  const feed = await follow(derrick)
  shapes[1] = { price: 2.5, sku: '12', gift: { to: 'me' } }
  shapes[2] = { price: 'free' }
  await derrick.api('POST', `/streams/${id}/ranges`, {
    action: 'resync',
    from: new Date(start).toISOString(),
    to: new Date(start + 3 * dayMs).toISOString(),
  })
  const run = await syncToEnd(derrick, id)
  t.match(run, { status: 'complete' })

  const [notice, ...others] = await told()
  t.strictSame(others, [], 'one notification a table until it is read')
  t.match(notice?.detail, { table: 'shop.days' })
  const { data: log } = await derrick.api<{ data: { kind: string; message: string }[] }>(
    'GET',
    `/runs/${run.id}/log`,
  )
  const changes = log.filter(({ kind }) => kind === 'schema.changed').map((one) => one.message)
  for (const name of ['price', 'sku', 'gift', 'price__text'])
    t.ok(
      changes.some((message) => message.includes(name)),
      `${name} in the run's log`,
    )
  const heard = await feed.end()
  t.match(heard, /schema_changed/)
  t.match(heard, /schema\.changed/)

  const { rows } = await client.query(
    `select (select count(*)::int from shop.cheap) as seen, has_table_privilege('reader', 'shop.days', 'select') as granted,
       (select format_type(atttypid, null) from pg_attribute where attrelid = 'shop.days'::regclass and attname = 'sku') as sku`,
  )
  t.match(rows, [{ granted: true, sku: 'bigint' }])
  t.ok(rows[0].seen >= 4)
  const { rows: values } = await client.query(
    'select price, price__text, sku, gift from shop.days order by at limit 3',
  )
  t.strictSame(values, [
    { price: '1', price__text: null, sku: null, gift: null },
    { price: '2.5', price__text: null, sku: '12', gift: { to: 'me' } },
    { price: null, price__text: 'free', sku: null, gift: null },
  ])
})

t.test('a connector declares types and marks what was deleted', async (t) => {
  const { derrick, moreId, client } = await scene(t)
  t.match(await syncToEnd(derrick, moreId), { status: 'complete' })
  const { rows } = await client.query(
    `select pg_typeof(price)::text as type, count(*)::int as n, bool_or(gone) as gone from shop.more group by 1`,
  )
  t.match(rows, [{ type: 'numeric', gone: false }])
  const { rows: ranges } = await client.query(
    `select count(*)::int as n from shop._derrick_ranges where table_name = 'more' and committed is not null`,
  )
  t.equal(rows[0].n, ranges[0].n - 1, 'one of them is gone')
})
