import { setTimeout as delay } from 'node:timers/promises'
import type { Activity } from '../../schema/event.ts'
import type { Run } from '../../schema/run.ts'
import type { Client } from './client.ts'
import { type OutputFormat, plain, printRows } from './output.ts'

const pageSize = 200
/** Lines that are shown of a run at most, unless one follows it. */
const mostLines = 1_000
const pollMs = 500

/** `derrick logs RUN`: what a run did, oldest first. */
export async function logs(client: Client, runId: string, format: OutputFormat): Promise<void> {
  const lines = await client.list<Activity>(logPath(runId), mostLines)
  if (format === 'table') printLines(lines)
  else printRows(lines, [], format)
}

/** `derrick logs RUN -f`: and goes on until the run has ended; JSON comes as a line each. */
export async function followLogs(
  client: Client,
  runId: string,
  format: OutputFormat,
): Promise<void> {
  const print = (lines: Activity[]): void => {
    if (format === 'json')
      for (const line of lines) process.stdout.write(`${JSON.stringify(line)}\n`)
    else if (format === 'table') printLines(lines)
    else if (lines.length > 0) printRows(lines, [], format)
  }
  let cursor: string | null = null
  // Of the last page, which still grows.
  let seen = 0
  for (;;) {
    // Asked before its lines are read: what it says at its end is among them.
    const { finished_at: end } = await client.call<Run>('GET', `/runs/${encodeURIComponent(runId)}`)
    for (;;) {
      const from: string = cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`
      const path = `${logPath(runId)}?limit=${pageSize}${from}`
      const page: { data: Activity[]; next_cursor: string | null } = await client.call('GET', path)
      print(page.data.slice(seen))
      seen = page.next_cursor === null ? page.data.length : 0
      if (page.next_cursor === null) break
      cursor = page.next_cursor
    }
    if (end !== null) return
    await delay(pollMs)
  }
}

const logPath = (runId: string): string => `/runs/${encodeURIComponent(runId)}/log`

function printLines(lines: Activity[]): void {
  for (const { at, level, message } of lines)
    process.stdout.write(`${at}  ${level.padEnd(5)}  ${plain(message)}\n`)
}
