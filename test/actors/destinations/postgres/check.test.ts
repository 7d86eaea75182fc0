import pg from 'pg'
import t from 'tap'
import { checkDatabase } from '../../../../actors/destinations/postgres/check.ts'
import { freePort } from '../../../support/free-port.ts'
import { startPostgres } from '../../../support/postgres.ts'

const postgres = await startPostgres()
t.teardown(() => postgres.remove())
const client = new pg.Client({ connectionString: postgres.url })
await client.connect()
t.teardown(() => client.end())

const failed = async (config: Parameters<typeof checkDatabase>[0]) => {
  const { ok, steps } = await checkDatabase(config)
  const last = steps.at(-1)
  return ok
    ? null
    : { name: last?.name, remedy: last?.remedy !== undefined, message: last?.message }
}
const urlWith = (change: (url: URL) => void): string => {
  const url = new URL(postgres.url)
  change(url)
  return url.href
}

t.test('a database that can be written', async (t) => {
  const { ok, steps } = await checkDatabase({ url: postgres.url })
  t.equal(ok, true)
  t.strictSame(
    steps.map(({ name }) => name),
    ['url', 'dns', 'tcp', 'sign_in', 'encryption', 'server', 'permission', 'write'],
  )
  t.ok(steps.every(({ ms }) => ms >= 0))
  const { rows } = await client.query(
    `select nspname from pg_namespace where nspname like '\\_derrick%'`,
  )
  t.strictSame(rows, [], 'nothing is left')
})

t.test('each failure says where it is and what to do', async (t) => {
  const port = await freePort()
  t.match(await failed({ url: 'nonsense' }), { name: 'url', remedy: true })
  t.match(
    await failed({
      url: urlWith((url) => {
        url.hostname = 'no-such-host.invalid'
      }),
    }),
    { name: 'dns', remedy: true },
  )
  t.match(
    await failed({
      url: urlWith((url) => {
        url.port = String(port)
      }),
    }),
    { name: 'tcp', remedy: true },
  )
  t.match(
    await failed({
      url: urlWith((url) => {
        url.password = 'wrong-secret'
      }),
    }),
    { name: 'sign_in', remedy: true, message: /password authentication/ },
  )
  t.match(
    await failed({
      url: urlWith((url) => {
        url.pathname = '/nowhere'
      }),
    }),
    { name: 'sign_in', remedy: true, message: /nowhere/ },
  )
  t.match(await failed({ url: postgres.url, ssl: 'require' }), {
    name: 'sign_in',
    remedy: true,
    message: /SSL/,
  })
  const all = JSON.stringify(
    await checkDatabase({
      url: urlWith((url) => {
        url.password = 'wrong-secret'
      }),
    }),
  )
  t.notMatch(all, /wrong-secret/)
})

t.test('users with fewer rights', async (t) => {
  await client.query(`create role nobody login password 'x'; create role guest login password 'x';
    create schema theirs authorization guest; revoke create on schema public from public`)
  const as = (user: string) =>
    urlWith((url) => {
      url.username = user
      url.password = 'x'
    })
  t.match(await failed({ url: as('nobody') }), { name: 'permission', remedy: true })
  const { ok, steps } = await checkDatabase({ url: as('guest') })
  t.equal(ok, true)
  t.match(steps.find(({ name }) => name === 'permission')?.message, /theirs/)
  // What is missing shows in the step that needs it, with the grant that mends it.
  await client.query('revoke temporary on database postgres from public')
  t.match(await failed({ url: as('guest') }), { name: 'write', remedy: true, message: /temporary/ })
  await client.query(`alter role guest set default_transaction_read_only = on`)
  t.match(await failed({ url: as('guest') }), { name: 'write', remedy: true, message: /read-only/ })
  await client.query('revoke connect on database postgres from public')
  t.match(await failed({ url: as('guest') }), {
    name: 'sign_in',
    remedy: true,
    message: /permission denied/,
  })
})
