import { join } from 'node:path'
import { startChild } from '../support/child.ts'

const program = join(import.meta.dirname, 'main.ts')
/** Builds, dozens of lives, and a judgement after each. */
export const harnessMs = 8 * 60_000

interface Summary {
  ok: boolean
  kills: number
  zombies: number
  compared: number
  looks?: number
  crashes: number
  violations: Record<string, number>
}

/** Runs the harness as its users do; the summary is its last line. */
export async function runHarness(args: string[]) {
  const child = startChild(process.execPath, [program, ...args])
  const timer = setTimeout(() => child.process.kill('SIGKILL'), harnessMs)
  const { code } = await child.exited
  clearTimeout(timer)
  const lastLine = child.log().trimEnd().split('\n').at(-1) ?? ''
  const summary = lastLine.startsWith('{') ? (JSON.parse(lastLine) as Summary) : undefined
  return { code, summary, log: child.log() }
}
