/**
 * The actor pipeline that anybody writes first: a source worker fetches and parses, its pages of records go to the
 * supervisor's thread and from there to a destination worker, which writes them. Each hand-over is a structured clone; four
 * pages of a range are under way at most. As in `script.ts` nothing is synced, fenced, checked or atomic.
 *
 *   node bench/pipeline/naive.ts '{"workload":…,"to":{"folder":…}|{"url":…,"table":…}}'
 */
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import type { FromDestination, FromSource } from './naive-worker.ts'
import type { To } from './rows.ts'
import { eachRange, report, type Workload } from './workload.ts'

const { workload, to } = JSON.parse(process.argv[2] ?? '') as { workload: Workload; to: To }

async function started(role: 'source' | 'destination'): Promise<Worker> {
  const file = new URL('./naive-worker.ts', import.meta.url)
  const worker = new Worker(file, { workerData: { role, workload, to } })
  worker.on('error', (error) => {
    throw error
  })
  await once(worker, 'message')
  return worker
}

const source = await started('source')
const destination = await started('destination')
const ends = new Map<number, () => void>()
let records = 0

source.on('message', (message: FromSource) => destination.postMessage(message))
destination.on('message', (message: FromDestination) => {
  source.postMessage(message)
  records += message.written
  if (message.isLast) ends.get(message.start)?.()
})

await report(async () => {
  await eachRange(workload, (range) => {
    const { promise, resolve } = Promise.withResolvers<void>()
    ends.set(range.start, resolve)
    source.postMessage({ range })
    return promise
  })
  return { records }
})
await Promise.all([source.terminate(), destination.terminate()])
