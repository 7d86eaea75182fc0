import { setTimeout as delay } from 'node:timers/promises'
import type { Activity } from '../../schema/event.ts'
import type { Run } from '../../schema/run.ts'
import type { ApiRequest } from '../demo-setup.ts'
import { type Caller, makeCaller } from './in-process.ts'
import { say } from './say.ts'

const pollMs = 250

/** Waits for all runs (names by id), telling on a terminal how far they are and elsewhere when each has ended. */
export async function watchRuns(
  request: ApiRequest,
  names: ReadonlyMap<string, string>,
): Promise<{ stream: string; run: Run }[]> {
  const call = makeCaller(request)
  const ended = new Map<string, Run>()
  const troubled = new Set<string>()
  const isTerminal = process.stderr.isTTY
  for (;;) {
    const active: string[] = []
    for (const [id, stream] of names) {
      if (ended.has(id)) continue
      const run = await call<Run>('GET', `/runs/${id}`)
      if (run.finished_at === null) {
        active.push(`${stream} ${run.ranges.complete}/${run.ranges.total}`)
        if (troubled.has(id)) continue
        const trouble = await firstTrouble(call, id)
        if (trouble === undefined) continue
        troubled.add(id)
        say(`${isTerminal ? '\r\u001b[K' : ''}${stream}: ${trouble}; it is tried again`)
        continue
      }
      ended.set(id, run)
      if (!isTerminal) say(`${stream}: ${run.status}, ${run.records.toLocaleString('en')} records`)
    }
    if (isTerminal) process.stderr.write(`\r\u001b[K${active.join('  ').slice(0, columns())}`)
    if (ended.size === names.size) break
    await delay(pollMs)
  }
  if (isTerminal) process.stderr.write('\r\u001b[K')
  return [...names].map(([id, stream]) => ({ stream, run: ended.get(id) as Run }))
}

/** Retries can take many minutes: what they are for is told at the first one. */
async function firstTrouble(call: Caller, runId: string): Promise<string | undefined> {
  const { data } = await call<{ data: Activity[] }>('GET', `/runs/${runId}/log?level=warn&limit=1`)
  return data[0]?.message
}

const columns = (): number => (process.stderr.columns || 80) - 1
