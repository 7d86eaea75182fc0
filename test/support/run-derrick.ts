import { execFile } from 'node:child_process'
import { commandOf } from './derrick.ts'

const withinMs = 60_000

/** Runs one command to its end, as a user would (`newest` of what there is); nothing of this process's environment but PATH is seen. */
export function runDerrick(
  args: string[],
  env: Record<string, string> = {},
): Promise<{ code: number; stdout: string; stderr: string }> {
  const [program = '', ...before] = commandOf('newest')
  return new Promise((resolve) => {
    execFile(
      program,
      [...before, ...args],
      {
        env: { PATH: process.env.PATH ?? '', ...env },
        timeout: withinMs,
        maxBuffer: 64 * 1024 * 1024,
      },
      (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1
        resolve({ code, stdout, stderr })
      },
    )
  })
}
