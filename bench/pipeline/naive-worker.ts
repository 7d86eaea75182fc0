import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { fetchedPages, openRows, type Row, type To } from './rows.ts'
import type { Workload } from './workload.ts'

export interface FromSource {
  start: number
  rows: Row[]
  isLast: boolean
}

export interface FromDestination {
  start: number
  written: number
  isLast: boolean
}

type ToSource = { range: Workload['ranges'][number] } | FromDestination

interface Given {
  role: 'source' | 'destination'
  workload: Workload
  to: To
}

/** Pages of a range that may be on their way. */
const mostUnderWay = 4

const port = parentPort as MessagePort
const { role, workload, to } = workerData as Given

/** Reads ranges as they are asked for, and waits when four of its pages are not written yet. */
function source(): void {
  const underWay = new Map<number, { pages: number; wake: (() => void) | null }>()
  const read = async (range: Workload['ranges'][number]): Promise<void> => {
    const state = { pages: 0, wake: null as (() => void) | null }
    underWay.set(range.start, state)
    for await (const rows of fetchedPages(workload, range)) {
      while (state.pages >= mostUnderWay) {
        await new Promise<void>((resolve) => {
          state.wake = resolve
        })
      }
      state.pages += 1
      port.postMessage({ start: range.start, rows, isLast: false } satisfies FromSource)
    }
    port.postMessage({ start: range.start, rows: [], isLast: true } satisfies FromSource)
  }
  port.on('message', (message: ToSource) => {
    if ('range' in message) return void read(message.range)
    const state = underWay.get(message.start)
    if (message.isLast) underWay.delete(message.start)
    if (!state) return
    state.pages -= 1
    state.wake?.()
  })
}

/** Writes the pages of each range one after the other. */
function destination(): void {
  const target = openRows(to, workload.inFlight)
  const turns = new Map<number, Promise<void>>()
  port.on('message', ({ start, rows, isLast }: FromSource) => {
    const before = turns.get(start) ?? Promise.resolve()
    const turn = before.then(async () => {
      if (rows.length > 0) await target.write(rows, start)
      port.postMessage({ start, written: rows.length, isLast } satisfies FromDestination)
    })
    turns.set(start, turn)
    if (isLast) turns.delete(start)
  })
}

if (role === 'source') source()
else destination()
port.postMessage('ready')
