import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { runChild } from '../../test/support/child.ts'
import { openEngine } from './engine.ts'
import type { Figures, Workload } from './workload.ts'

const programs = import.meta.dirname

/** Who took part in a case, by name. */
export type Round = Partial<Record<'engine' | 'naive' | 'script' | 'limit', Figures>>

/** Runs a contestant that is a program of its own, and gives what it printed. */
export async function runProgram(
  name: 'naive' | 'script' | 'limit',
  input: unknown,
): Promise<Figures> {
  const said = await runChild(process.execPath, [
    join(programs, `${name}.ts`),
    JSON.stringify(input),
  ])
  return JSON.parse(said.trim().split('\n').at(-1) ?? '') as Figures
}

/** One round into files: all contestants, each into an empty folder. */
export async function filesRound(
  dir: string,
  workload: Workload,
  bodyBytes: number,
): Promise<Round> {
  const folder = (name: string): string => {
    const path = join(dir, name)
    rmSync(path, { recursive: true, force: true })
    mkdirSync(path, { recursive: true })
    return path
  }
  const engine = await openEngine({
    dir: folder('engine'),
    workload,
    destination: { type: 'local_file', config: { path: join(dir, 'engine', 'files') } },
  })
  const round: Round = {}
  try {
    round.engine = await engine.sync()
  } finally {
    await engine.stop()
  }
  for (const name of ['naive', 'script'] as const) {
    round[name] = await runProgram(name, { workload, to: { folder: folder(name) } })
  }
  const growth = (round.engine.bytes ?? 0) / bodyBytes
  round.limit = await runProgram('limit', { workload, folder: folder('limit'), growth })
  round.limit.records = round.engine.records
  return round
}
