import { setTimeout as delay } from 'node:timers/promises'
import { derrickError } from '../../schema/error.ts'
import type { Run } from '../../schema/run.ts'
import type { Client } from './client.ts'
import { exitCodes } from './exit-code.ts'
import { say } from './say.ts'
import { streamId } from './stream-address.ts'
import { windowOf } from './window.ts'

export interface SyncOptions {
  from?: string
  to?: string
  wait?: string | boolean
}

const pollMs = 500
const waits = ['fresh', 'all']

/**
 * Stream and options of `derrick sync`. What follows a bare `--wait` is taken for its value by the parser, though it may be the
 * stream. @throws DerrickError config.invalid
 */
export function syncOptions(
  stream: string | undefined,
  options: SyncOptions,
): { stream: string; options: SyncOptions } {
  const { wait } = options
  const isWait = typeof wait !== 'string' || waits.includes(wait)
  if (stream !== undefined && isWait) return { stream, options }
  if (stream === undefined && !isWait) return { stream: wait, options: { ...options, wait: true } }
  throw derrickError('unknown', 'config.invalid', isWait ? 'which stream?' : `--wait=${wait}?`, {
    remedy: 'derrick sync CONNECTION/STREAM [--wait=fresh|all]',
  })
}

/** `derrick sync STREAM`: reads what is due, or a window now; with --wait the exit code tells how it ended. */
export async function sync(client: Client, address: string, options: SyncOptions): Promise<number> {
  const id = await streamId(client, address)
  const run = await client.call<Run & { joined?: boolean }>(
    'POST',
    `/streams/${id}/sync`,
    windowOf(options),
  )
  say(run.joined ? `joined run ${run.id}` : `run ${run.id} started`)
  process.stdout.write(`${run.id}\n`)
  return options.wait ? untilEnd(client, run.id, options.wait) : exitCodes.done
}

/** `derrick resync STREAM --from --to`: reads a window again; what is there stays until the new is whole. */
export async function resync(
  client: Client,
  address: string,
  options: Required<Pick<SyncOptions, 'from' | 'to'>>,
): Promise<number> {
  const id = await streamId(client, address)
  const body = { action: 'resync', ...windowOf(options) }
  const { matched } = await client.call<{ matched: number }>('POST', `/streams/${id}/ranges`, body)
  if (matched > 0) say(`${matched} ${matched === 1 ? 'range is' : 'ranges are'} read again`)
  else say('nothing of that window was read before: it is read now')
  return exitCodes.done
}

/** `derrick cancel STREAM|RUN`. */
export async function cancel(client: Client, target: string): Promise<number> {
  const path = target.startsWith('run_')
    ? `/runs/${target}`
    : `/streams/${await streamId(client, target)}`
  await client.call('POST', `${path}/cancel`)
  say('cancelled; ranges that ran are pending again')
  return exitCodes.done
}

/** `fresh` waits until nothing fresh is pending or running, anything else for the whole run. */
async function untilEnd(client: Client, runId: string, wait: string | boolean): Promise<number> {
  for (;;) {
    const run = await client.call<Run>('GET', `/runs/${runId}`)
    if (run.finished_at !== null) {
      say(`${run.status}: ${run.ranges.complete} ranges, ${run.records} records`)
      if (run.status === 'complete') return exitCodes.done
      return run.status === 'partial' ? exitCodes.partly : exitCodes.failed
    }
    if (wait === 'fresh' && (await freshIsDone(client, run))) return exitCodes.done
    await delay(pollMs)
  }
}

async function freshIsDone(client: Client, run: Run): Promise<boolean> {
  if (run.status === 'queued') return false
  const open = await client.list<{ lane: string; status: string }>(
    `/streams/${run.stream_id}/ranges?status=pending,running`,
    100,
  )
  return run.ranges.complete > 0 && open.every((range) => range.lane !== 'fresh')
}
