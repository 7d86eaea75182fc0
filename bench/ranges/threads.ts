import { readdirSync, readFileSync } from 'node:fs'

/** CPU ms of a process by who used them. */
export interface ThreadCpu {
  /** the supervisor's own thread */
  supervisor: number
  /** the own threads of workers */
  workers: number
  /** threads that collect garbage and compile */
  v8: number
  /** threads that wait for disks and names */
  pool: number
  other: number
}

/** Linux's clock tick; it has been 100 Hz for programs for decades. */
const tickMs = 10

/** What the living threads of a process have used so far. */
export function threadCpuOf(pid: number): ThreadCpu {
  const sum: ThreadCpu = { supervisor: 0, workers: 0, v8: 0, pool: 0, other: 0 }
  for (const task of readdirSync(`/proc/${pid}/task`)) {
    const stat = readFileSync(`/proc/${pid}/task/${task}/stat`, 'utf8')
    const name = stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')'))
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    const ms = (Number(fields[11]) + Number(fields[12])) * tickMs
    sum[Number(task) === pid ? 'supervisor' : kindOf(name)] += ms
  }
  return sum
}

function kindOf(name: string): keyof ThreadCpu {
  if (/libuv/.test(name)) return 'pool'
  if (/v8|delayed/i.test(name)) return 'v8'
  if (/worker/i.test(name)) return 'workers'
  return 'other'
}

/** What was used between two looks, for each of so many. */
export function perEach(before: ThreadCpu, after: ThreadCpu, count: number): ThreadCpu {
  const part = (kind: keyof ThreadCpu): number =>
    Number(((after[kind] - before[kind]) / count).toFixed(3))
  return {
    supervisor: part('supervisor'),
    workers: part('workers'),
    v8: part('v8'),
    pool: part('pool'),
    other: part('other'),
  }
}
