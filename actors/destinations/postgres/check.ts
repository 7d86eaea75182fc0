import { randomBytes } from 'node:crypto'
import { lookup } from 'node:dns/promises'
import { connect as connectTcp } from 'node:net'
import type pg from 'pg'
import type { CheckResult, CheckStep, PostgresConfig } from '../../../schema/destination.ts'
import { derrickError, toFailure } from '../../../schema/error.ts'
import { connect, cut } from './connection.ts'
import { postgresError } from './errors.ts'
import { quoted } from './names.ts'
import { type Address, parseAddress } from './url.ts'

const tcpMs = 10_000

interface Found {
  address?: Address
  client?: pg.Client
  /** a schema that tables can be made in, when none can be made */
  schema?: string
}

type Step = [name: string, remedy: string, act: (found: Found) => Promise<string | undefined>]

/** Tries, in order, all that a sync will do, and leaves nothing; stops at the first failure. */
export async function checkDatabase(config: PostgresConfig): Promise<CheckResult> {
  const todo: Step[] = [
    ['url', 'write it as postgres://user:password@host:5432/database', readUrl(config)],
    ['dns', 'check the host name in the URL', resolveHost],
    ['tcp', 'check host, port and firewalls; the server must listen there', reachPort],
    ['sign_in', 'check user, password, database and ssl', signIn],
    ['encryption', 'set ssl: require to refuse connections in the clear', seeEncryption],
    ['server', 'use the primary of a database in UTF8', seeServer],
    ['permission', 'grant CREATE on the database to the user', seePermission],
    ['write', 'grant CREATE and TEMPORARY on the database to the user', writeProbe],
  ]
  const found: Found = {}
  const steps: CheckStep[] = []
  for (const [name, remedy, act] of todo) {
    const step = await run(name, remedy, () => act(found))
    steps.push(step)
    if (!step.ok) break
  }
  if (found.client) cut(found.client)
  return { ok: steps.every(({ ok }) => ok), steps }
}

async function run(
  name: string,
  remedy: string,
  act: () => Promise<string | undefined>,
): Promise<CheckStep> {
  const began = performance.now()
  const ms = (): number => Math.round((performance.now() - began) * 10) / 10
  try {
    const message = await act()
    return { name, ok: true, ms: ms(), ...(message ? { message } : {}) }
  } catch (error) {
    const { message, remedy: known } = toFailure(postgresError(error))
    return { name, ok: false, ms: ms(), message, remedy: known ?? remedy }
  }
}

const readUrl =
  (config: PostgresConfig) =>
  async (found: Found): Promise<undefined> => {
    found.address = parseAddress(config)
  }

async function resolveHost({ address }: Found): Promise<string> {
  const addresses = await lookup((address as Address).host, { all: true })
  return addresses.map(({ address: ip }) => ip).join(', ')
}

function reachPort({ address }: Found): Promise<undefined> {
  const { host, port } = address as Address
  return new Promise((resolve, reject) => {
    const socket = connectTcp({ host, port, timeout: tcpMs })
    const end = (error?: Error): void => {
      socket.destroy()
      if (error) reject(error)
      else resolve(undefined)
    }
    socket.on('connect', () => end())
    socket.on('error', end)
    socket.on('timeout', () =>
      end(Object.assign(new Error(`no answer within ${tcpMs / 1000} s`), { code: 'ETIMEDOUT' })),
    )
  })
}

async function signIn(found: Found): Promise<string> {
  found.client = await connect(found.address as Address)
  const { rows } = await found.client.query('select current_user as name, current_database() as db')
  const { name, db } = rows[0] as { name: string; db: string }
  return `${name} at ${db}`
}

async function seeEncryption({ client, address }: Found): Promise<string> {
  const { stream } = (client as unknown as { connection: { stream: { encrypted?: boolean } } })
    .connection
  if (stream.encrypted) return address?.ssl === 'verify' ? 'TLS, verified' : 'TLS, not verified'
  return 'none: the server has no TLS, or ssl is disabled'
}

async function seeServer({ client }: Found): Promise<string> {
  const { rows } = await (client as pg.Client).query(
    `select current_setting('server_version') as version, pg_is_in_recovery() as standby,
     current_setting('server_encoding') as encoding, current_setting('server_version_num')::int as number`,
  )
  const { version, standby, encoding, number } = rows[0] as Record<string, string>
  if (standby) throw new Error('it is a standby, which takes no writes')
  if (encoding !== 'UTF8')
    throw new Error(`its encoding is ${encoding}: not every text can be stored`)
  if (Number(number) < 120_000) throw new Error(`PostgreSQL ${version} is too old; 12 is the least`)
  return `PostgreSQL ${version}`
}

async function seePermission(found: Found): Promise<string> {
  const { rows } = await (found.client as pg.Client).query(
    `select has_database_privilege(current_database(), 'CREATE') as any_schema,
     (select array_agg(nspname::text order by nspname) from pg_namespace
      where nspname !~ '^pg_' and nspname <> 'information_schema'
        and has_schema_privilege(oid, 'CREATE')) as schemas`,
  )
  const { any_schema: anySchema, schemas } = rows[0] as {
    any_schema: boolean
    schemas: string[] | null
  }
  if (anySchema) return 'may create schemas'
  if (!schemas) throw derrickErrorPermission()
  found.schema = schemas[0] as string
  return `may create tables in ${schemas.slice(0, 10).join(', ')} only: use one of them as namespace`
}

const derrickErrorPermission = (): Error =>
  derrickError('destination', 'postgres.permission', 'the user may create nothing here', {
    remedy: 'grant CREATE on the database, or on the schema that is the namespace, to the user',
  })

/** Makes, fills and reads a table in a transaction that is rolled back. */
async function writeProbe({ client, schema }: Found): Promise<string> {
  const session = client as pg.Client
  const probe = `_derrick_check_${randomBytes(6).toString('hex')}`
  const table = `${quoted(schema ?? probe)}.${quoted(probe)}`
  await session.query(`begin; set local lock_timeout = '5s'; set local statement_timeout = '30s'`)
  try {
    if (schema === undefined) await session.query(`create schema ${quoted(probe)}`)
    await session.query(`create table ${table} (id bigint primary key, value jsonb)`)
    await session.query(`create temp table ${quoted(probe)} (id bigint) on commit drop`)
    await session.query(`insert into ${table} values (1, '{"derrick": "check"}')`)
    const { rowCount } = await session.query(`select id from ${table}`)
    if (rowCount !== 1) throw new Error('what was written could not be read')
  } finally {
    await session.query('rollback')
  }
  return 'written, read, and rolled back'
}
