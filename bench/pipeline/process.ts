import { readdirSync, readFileSync } from 'node:fs'

/** Linux's clock tick in µs; it has been 100 Hz for programs for decades. */
const tickUs = 10_000

/** Fields of /proc/<pid>/stat from the third on; the second, a name, may hold anything. */
function statOf(pid: number | string): number[] {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  return stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number)
}

const sum = (ticks: (number | undefined)[]): number =>
  ticks.reduce<number>((all, one) => all + (one ?? 0), 0) * tickUs

/** User and system time of a process so far, all of its threads, in µs. */
export const cpuUsOf = (pid: number): number => sum(statOf(pid).slice(11, 13))

/** The same of a process and all that it started, those that have ended included. */
export function familyCpuUsOf(pid: number): number {
  const children = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  const living = children.map((child) => {
    try {
      const stat = statOf(child)
      return stat[1] === pid ? sum(stat.slice(11, 13)) : 0
    } catch {
      // It ended while we looked: then it is among those that its parent has counted.
      return 0
    }
  })
  return sum(statOf(pid).slice(11, 15)) + living.reduce((all, one) => all + one, 0)
}

/** The most memory that a process has had resident, in MB. */
export function peakRssMbOf(pid: number): number {
  const line = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))
  return Number(line?.[1]) / 1024
}
