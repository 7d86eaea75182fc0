import type { Command } from 'commander'
import type { Environment } from '../config.ts'
import { several, withConfig, withOutput } from './options.ts'
import type { OutputFormat } from './output.ts'

type Run = (action: () => Promise<number>) => () => Promise<void>

export interface RunFlags {
  /** derrick.yaml files, instead of a connector */
  file: string[]
  to?: string
  from?: string
  toDate?: string
  config: string[]
  configFile?: string
  dataDir?: string
  manifestsDir?: string
  timezone: string
  output: OutputFormat
  json?: boolean
}

/** `derrick run …`: one sync to its end, without a server. */
export function addRunCommand(program: Command, run: Run, env: Environment): void {
  const command = program
    .command('run')
    .description('sync once and end, without a server: for cron, CI and jobs')
    .argument('[connector]', 'a connector, or a manifest file')
    .argument('[streams...]', 'all, if none is named')
    .option(
      '-f, --file <file>',
      'derrick.yaml instead: all that it names; may be repeated',
      several,
      [],
    )
    .option('--to <url|folder>', 'postgres://… or a folder')
    .option('--from <date>', 'earliest day; without it 30 days back, later runs go on from there')
    .option('--to-date <date>', 'end of the window, not included')
  withConfig(command)
  command
    .option('--timezone <zone>', 'where days begin', 'UTC')
    .option(
      '--data-dir <folder>',
      'remembers what is in (default: one for each connector and place, below derrick-run beside the server’s)',
    )
    .option('--manifests-dir <folder>', 'your own manifests (DERRICK_MANIFESTS_DIR)')
  withOutput(command)
  command.action((connector: string | undefined, streams: string[]) =>
    run(async () =>
      (await import('./run.ts')).runOnce(env, { connector, streams }, command.opts<RunFlags>()),
    )(),
  )
}
