import { hash, randomBytes } from 'node:crypto'
import type pg from 'pg'
import type { Receipt } from '../../../schema/protocol.ts'
import { type CommitInput, holdFence, pagesOf } from './commit.ts'
import { copyPages } from './copy.ts'
import type { LedgerKey, TableNames } from './ledger.ts'
import { literal, quoted } from './names.ts'
import type { Sessions } from './sessions.ts'
import { checkCount, definitions, mergeStage } from './staged.ts'

/** A range over this is loaded in chunks: no transaction stays open while so much is sent. */
export const chunkBytes = 64 * 1024 * 1024
const stagePrefix = '_derrick_stage_'
/** Stages that nobody finished are dropped by whoever comes next; one that is in use is left for later. */
const sweepSettings = `set local lock_timeout = '1s'; set local idle_in_transaction_session_timeout = '10s'`

const shortHash = (text: string): string => hash('sha256', text, 'hex').slice(0, 12)
const streamPart = (streamKey: string): string => `${stagePrefix}${shortHash(streamKey)}_`
const rangePart = (key: LedgerKey): string =>
  `${streamPart(key.streamKey)}${shortHash(`${key.start} ${key.end}`)}_`

/**
 * Loads a large range into a table of its own by short transactions, then merges it in one. The table is unlogged: after a
 * crash of the server it is empty, so its rows are counted before anything is taken from it.
 */
export async function commitChunked(
  sessions: Sessions,
  input: CommitInput,
  isDistinct: boolean,
  bytesAtOnce: number = chunkBytes,
): Promise<Receipt> {
  const { names, key, fence, stage } = input
  const { signal } = input.context
  // Each try has a name of its own: the session of one whose connection was cut may still hold its table.
  const name = `${rangePart(key)}${fence}_${randomBytes(3).toString('hex')}`
  const table = `${quoted(names.schema)}.${quoted(name)}`
  await sweepStages(sessions, names, rangePart(key))
  try {
    await sessions.run(signal, (client) =>
      client.query(`create unlogged table ${table} (${definitions(stage)})`),
    )
    await loadChunks(sessions, input, table, bytesAtOnce)
    return await sessions.transaction(signal, async (client) => {
      const held = await holdFence(client, input)
      if ('done' in held) return held.done
      const { rows } = await client.query(`select count(*) as count from ${table}`)
      checkCount(input, Number((rows[0] as { count: string }).count))
      const receipt = await mergeStage(client, input, table, held.committed, isDistinct)
      // With the commit, or a process that dies right after it would leave a table that nobody comes by again.
      await client.query(`drop table ${table}`)
      return receipt
    })
  } finally {
    await sweepStages(sessions, names, rangePart(key))
  }
}

async function loadChunks(
  sessions: Sessions,
  input: CommitInput,
  table: string,
  bytesAtOnce: number,
): Promise<void> {
  const pages = pagesOf(input)
  let isMore = true
  while (isMore) {
    const rows = await sessions.transaction(input.context.signal, (client) =>
      copyPages(
        client,
        table,
        pages,
        (columns) => input.stage.namesFor(columns),
        (bytes) => bytes >= bytesAtOnce,
      ),
    )
    isMore = rows > 0
  }
}

/** Drops what attempts at a stream left when their process or the server died. */
export const sweepStream = (
  sessions: Sessions,
  names: TableNames,
  streamKey: string,
): Promise<void> => sweepStages(sessions, names, streamPart(streamKey))

/** Drops a range's stages; those of other attempts at it cannot be committed any more. */
async function sweepStages(sessions: Sessions, names: TableNames, prefix: string): Promise<void> {
  try {
    await sessions.transaction(null, (client) => dropStages(client, names, prefix), sweepSettings)
  } catch {
    // No connection, or somebody uses one: the next attempt comes by again.
  }
}

async function dropStages(
  client: pg.Client,
  { schema }: TableNames,
  prefix: string,
): Promise<void> {
  const { rows } = await client.query(
    `select c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = $1 and c.relkind = 'r' and starts_with(c.relname, ${literal(prefix)})`,
    [schema],
  )
  for (const { name } of rows as { name: string }[]) {
    await client.query(`drop table if exists ${quoted(schema)}.${quoted(name)}`)
  }
}
