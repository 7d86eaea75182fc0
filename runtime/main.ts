import { runCommandLine } from './cli/command-line.ts'

/** Runs one command; resolves when it is over, with `process.exitCode` set. */
export async function cli(argv: string[]): Promise<void> {
  process.exitCode = await runCommandLine(argv, process.env)
}

if (import.meta.main) await cli(process.argv.slice(2))
