import { Argument, Command, CommanderError } from 'commander'
import { DerrickError, derrickError, toFailure } from '../../schema/error.ts'
import type { Environment } from '../config.ts'
import { version } from '../version.ts'
import { addClientCommands } from './client-commands.ts'
import { completionScript, type Shell, shells } from './completion.ts'
import { addConnectorCommands } from './connector-commands.ts'
import { exitCodes } from './exit-code.ts'
import { addRunCommand } from './run-command.ts'
import { say } from './say.ts'

/**
 * Parses the command line and runs what it asks. Commands load their parts only when they run, so that `version` and
 * clients start at once.
 * @returns the exit code of the contract
 */
export async function runCommandLine(argv: string[], env: Environment): Promise<number> {
  let code: number = exitCodes.done
  const program = new Command('derrick')
    .description('Syncs SaaS data into your own place, range by range.')
    .exitOverride()
    .configureHelp({ showGlobalOptions: true })
    .showSuggestionAfterError()
  const run = (action: () => Promise<number>) => async (): Promise<void> => {
    code = await action()
  }
  addServeCommands(program, run, env)
  addClientCommands(program, run, env)
  addConnectorCommands(program, run, env)
  addBackupCommands(program, run, env)
  addRunCommand(program, run, env)
  program
    .command('completion')
    .description(
      'print a script that completes commands, such as: source <(derrick completion bash)',
    )
    .addArgument(new Argument('<shell>').choices(shells))
    .action(async (shell: Shell) => {
      process.stdout.write(completionScript(program, shell))
    })
  const validate = program
    .command('validate')
    .description('check derrick.yaml files without a server')
    .requiredOption(
      '-f, --file <file>',
      'may be repeated',
      (value: string, before: string[]) => [...before, value],
      [] as string[],
    )
  validate.action(() =>
    run(async () => {
      const { checkDerrickFiles } = await import('./derrick-file.ts')
      const unset = checkDerrickFiles(env, validate.opts<{ file: string[] }>().file)
      process.stdout.write('the files are well formed\n')
      if (unset.length > 0) say(`not set here, and needed to apply them: ${unset.join(', ')}`)
      return exitCodes.done
    })(),
  )
  program
    .command('version')
    .description('print the version')
    .option('--json', 'as JSON')
    .action(async (options: { json?: boolean }) => {
      const text = options.json
        ? JSON.stringify({ version, node: process.versions.node })
        : `derrick ${version}`
      process.stdout.write(`${text}\n`)
    })
  try {
    await requireCommand(program, argv[0])
    await program.parseAsync(argv, { from: 'user' })
  } catch (error) {
    return report(error)
  }
  return code
}

/** Words that are no command are no arguments of the one that goes without saying, either. */
async function requireCommand(program: Command, word: string | undefined): Promise<void> {
  const names = [...program.commands.map((one) => one.name()), 'help']
  if (word === undefined || word.startsWith('-') || names.includes(word)) return
  // It comes in a chunk with the YAML library, which no start waits for.
  const { nearest } = await import('../../schema/manifest/nearest.ts')
  const close = nearest(word, names)
  throw derrickError('unknown', 'config.invalid', `there is no command ${word}`, {
    remedy: close ? `did you mean ${close}?` : 'derrick --help lists them',
  })
}

type Run = (action: () => Promise<number>) => () => Promise<void>

function addServeCommands(program: Command, run: Run, env: Environment): void {
  const listen = (command: Command): Command =>
    command
      .option('--host <host>', 'address to listen on (127.0.0.1)')
      .option('--port <port>', 'port to listen on (7070; 0 takes a free one)')
      .option('--data-dir <folder>', 'where the database, keys and spool files live')
  const serve = listen(
    program
      .command('serve', { isDefault: true })
      .description('console, API, scheduler and workers'),
  )
  serve.action(() => run(async () => (await import('./serve.ts')).serve(env, serve.opts()))())
  const demo = listen(
    program.command('demo').description('serve with a built-in SaaS API and a sync under way'),
  )
    .option('--folder <folder>', 'where the synced files go')
    .option('--postgres <url>', 'sync the same streams into this database as well')
    .option('--api-port <port>', 'port of the built-in API (a free one)')
    .option('--only-api', 'nothing but the built-in API, to try manifests against')
  demo.action(() => run(async () => (await import('./demo.ts')).demo(env, demo.opts()))())
}

function addBackupCommands(program: Command, run: Run, env: Environment): void {
  const backup = program
    .command('backup')
    .description('copy the database and the key of its secrets; a server may run meanwhile')
    .argument('<folder>', 'a new folder')
    .option('--data-dir <folder>', 'data dir of the server')
  backup.action((folder: string) =>
    run(async () => {
      const { backupCommand } = await import('./backup.ts')
      return backupCommand(env, folder, backup.opts<{ dataDir?: string }>().dataDir)
    })(),
  )
  const restore = program
    .command('restore')
    .description('put a backup into a data dir that has no database')
    .argument('<folder>', 'what derrick backup wrote')
    .option('--data-dir <folder>', 'data dir for the server')
  restore.action((folder: string) =>
    run(async () => {
      const { restoreCommand } = await import('./backup.ts')
      return restoreCommand(env, folder, restore.opts<{ dataDir?: string }>().dataDir)
    })(),
  )
}

/** What a person sees of an error: one line, and what to do. */
function report(error: unknown): number {
  if (error instanceof CommanderError)
    return error.exitCode === 0 ? exitCodes.done : exitCodes.usage
  const failed = toFailure(error)
  const detail =
    error instanceof DerrickError || !(error instanceof Error)
      ? failed.message
      : (error.stack ?? error.message)
  process.stderr.write(`derrick: ${detail}\n`)
  if (failed.remedy) process.stderr.write(`  → ${failed.remedy}\n`)
  if (/^(config|apply)\./.test(failed.code)) return exitCodes.usage
  return failed.code.startsWith('client.') ? exitCodes.unreachable : exitCodes.failed
}
