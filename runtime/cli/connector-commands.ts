import type { Command } from 'commander'
import type { Environment } from '../config.ts'
import { withConfig, withOutput } from './options.ts'
import type { OutputFormat } from './output.ts'

type Run = (action: () => Promise<number>) => () => Promise<void>

export interface ConnectorFlags {
  output: OutputFormat
  json?: boolean
  manifestsDir?: string
}

export interface TryFlags extends ConnectorFlags {
  config: string[]
  configFile?: string
}

export interface CheckFlags extends TryFlags {
  offline?: boolean
}

export interface PreviewFlags extends TryFlags {
  from?: string
  to?: string
  pages: string
  limit: string
  edges: boolean
  timezone: string
  raw?: boolean
  record?: string
  replay?: string
}

/** `derrick connector …`: works on files, without a server. */
export function addConnectorCommands(program: Command, run: Run, env: Environment): void {
  const group = program
    .command('connector')
    .description('look at connectors, check and try a manifest; no server is needed')
  const add = (name: string, description: string): Command =>
    withOutput(
      group
        .command(name)
        .description(description)
        .option('--manifests-dir <folder>', 'your own manifests (DERRICK_MANIFESTS_DIR)'),
    )
  const list = add('list', 'connectors that are there, broken ones with their errors').argument(
    '[name]',
    'show its config and streams',
  )
  list.action((name?: string) =>
    run(async () => (await import('./connector-list.ts')).listConnectors(env, name, list.opts()))(),
  )
  const check = withConfig(
    add('check', 'find every error of a manifest; with a config, sign in and read a page').argument(
      '<manifest>',
      'a file or the name of a connector',
    ),
  ).option('--offline', 'do not call the API')
  check.action((manifest: string) =>
    run(async () =>
      (await import('./connector-check.ts')).checkConnector(env, manifest, check.opts()),
    )(),
  )
  const preview = withConfig(
    add('preview', 'read a little of a stream and show everything about it')
      .argument('<manifest>', 'a file or the name of a connector')
      .argument('[stream]', 'may be left out where there is only one'),
  )
    .option('--from <time>', 'start of the window, 2026-01-31 or an instant; default: the last day')
    .option('--to <time>', 'its end, not included')
    .option('--pages <number>', 'pages to read', '2')
    .option('--limit <number>', 'records to show', '3')
    .option('--timezone <zone>', "the source's zone", 'UTC')
    .option('--no-edges', "do not try whether the window's ends are inclusive")
    .option('--raw', 'show answers as they came, up to 16 kB each')
    .option('--record <fixture>', 'write what the API answered to a file, without secrets')
    .option('--replay <fixture>', 'take the answers from such a file: no network, no credentials')
  preview.action((manifest: string, stream?: string) =>
    run(async () =>
      (await import('./connector-preview.ts')).previewConnector(
        env,
        { manifest, stream },
        preview.opts(),
      ),
    )(),
  )
}
