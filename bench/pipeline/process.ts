import { readFileSync } from 'node:fs'

/** Linux's clock tick in µs; it has been 100 Hz for programs for decades. */
const tickUs = 10_000

/** User and system time of a process so far, all of its threads, in µs. */
export function cpuUsOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) * tickUs
}

/** The most memory that a process has had resident, in MB. */
export function peakRssMbOf(pid: number): number {
  const line = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))
  return Number(line?.[1]) / 1024
}
