import { type Command, Option } from 'commander'
import { derrickError } from '../../schema/error.ts'
import type { Environment } from '../config.ts'
import type { Client, ClientFlags } from './client.ts'
import { exitCodes } from './exit-code.ts'
import { several, withOutput } from './options.ts'
import type { OutputFormat } from './output.ts'

type Run = (action: () => Promise<number>) => () => Promise<void>

interface Flags extends ClientFlags {
  output: OutputFormat
  json?: boolean
}

const formatOf = (flags: Flags): OutputFormat => (flags.json ? 'json' : flags.output)

/** Commands that talk to a running server. */
export function addClientCommands(program: Command, run: Run, env: Environment): void {
  const add = (name: string, description: string): Command =>
    withOutput(
      program
        .command(name)
        .description(description)
        .option('--url <url>', 'the server (DERRICK_URL; else the one of this data dir)')
        .option('--data-dir <folder>', 'data dir of a server on this machine'),
    )
  const act = (
    command: Command,
    action: (client: Client, flags: Flags, args: string[]) => Promise<number | undefined>,
  ): void => {
    command.action((...given: unknown[]) => {
      const args = given.slice(0, -2).filter((one): one is string => typeof one === 'string')
      const flags = command.opts<Flags>()
      return run(async () => {
        const { makeClient } = await import('./client.ts')
        return (await action(makeClient(env, flags), flags, args)) ?? exitCodes.done
      })()
    })
  }
  addLooks(add, act)
  const doctor = add('doctor', 'is all well: machine, server, sources, destinations')
  doctor.action(() =>
    run(async () => {
      const flags = doctor.opts<Flags>()
      return (await import('./doctor.ts')).doctor(env, flags, formatOf(flags))
    })(),
  )
  addActs(add, act)
  addConfiguration(add, act, env)
  addKeys(add, act)
}

type Add = (name: string, description: string) => Command
type Act = (
  command: Command,
  action: (client: Client, flags: Flags, args: string[]) => Promise<number | undefined>,
) => void

function addLooks(add: Add, act: Act): void {
  act(add('status [stream]', 'where each stream stands'), async (client, flags, [stream]) => {
    await (await import('./look.ts')).status(client, stream, formatOf(flags))
    return undefined
  })
  const runs = add('runs', 'the newest runs').option('--limit <number>', 'how many', '20')
  act(runs, async (client, flags) => {
    const limit = Number(runs.opts<{ limit: string }>().limit)
    if (!Number.isInteger(limit) || limit < 1)
      throw derrickError('unknown', 'config.invalid', '--limit is a whole number from 1')
    await (await import('./look.ts')).runs(client, { limit, format: formatOf(flags) })
    return undefined
  })
  act(add('get <kind> [name]', 'resources of a kind'), async (client, flags, [kind = '', name]) => {
    const look = await import('./look.ts')
    const known = look.kindOf(kind)
    if (known) return look.get(client, known, name, formatOf(flags))
    throw derrickError('unknown', 'config.invalid', `there is no kind ${kind}`, {
      remedy: `kinds: ${look.kindNames}`,
    })
  })
  const logs = add('logs <run>', 'what a run did').option('-f, --follow', 'until it has ended')
  act(logs, async (client, flags, [id = '']) => {
    const { logs: print, followLogs } = await import('./logs.ts')
    const { follow = false } = logs.opts<{ follow?: boolean }>()
    await (follow ? followLogs : print)(client, id, formatOf(flags))
    return undefined
  })
}

function addActs(add: Add, act: Act): void {
  const sync = add('sync [stream]', 'read what is due now (stream: connection/stream)')
    .option('--from <date>', 'start of a window')
    .option('--to <date>', 'end of the window, not included')
    .option(
      '--wait [what]',
      'wait for "fresh" ranges or for "all"; the exit code tells how it ended',
    )
  act(sync, async (client, _flags, [stream]) => {
    const { sync: start, syncOptions } = await import('./act.ts')
    const given = syncOptions(stream, sync.opts())
    return start(client, given.stream, given.options)
  })
  const resync = add(
    'resync <stream>',
    'read a window again; old data stay until the new are whole',
  )
    .requiredOption('--from <date>', 'start of the window')
    .requiredOption('--to <date>', 'its end, not included')
  act(resync, async (client, _flags, [stream = '']) =>
    (await import('./act.ts')).resync(client, stream, resync.opts()),
  )
  act(
    add('cancel <target>', "cancel a stream's run, or a run by its id"),
    async (client, _flags, [target = '']) => (await import('./act.ts')).cancel(client, target),
  )
}

interface FileFlags {
  file: string[]
  dryRun?: boolean
  prune?: boolean
}

/** Configuration as code. */
function addConfiguration(add: Add, act: Act, env: Environment): void {
  const withFile = (command: Command): Command =>
    command.requiredOption('-f, --file <file>', 'derrick.yaml; may be repeated', several, [])
  const readFile = async ({ file }: FileFlags) =>
    (await import('./derrick-file.ts')).readDerrickFiles(env, file)
  const apply = withFile(add('apply', 'make the server hold what a file says, all or nothing'))
    .option('--dry-run', 'only tell what would change')
    .option('--prune', 'delete what the file no longer names; data stay')
  act(apply, async (client, flags) => {
    const { dryRun = false, prune = false, ...given } = apply.opts<FileFlags>()
    const options = { dryRun, prune, format: formatOf(flags) }
    return (await import('./apply.ts')).apply(client, await readFile(given), options)
  })
  const diff = withFile(
    add('diff', 'what apply would change; exit code 1 when there is something'),
  ).option('--prune', 'as with apply')
  act(diff, async (client, flags) => {
    const { prune = false, ...given } = diff.opts<FileFlags>()
    const options = { prune, format: formatOf(flags) }
    return (await import('./apply.ts')).diff(client, await readFile(given), options)
  })
  act(add('export', 'what the server holds, as a file for apply'), async (client, flags) =>
    (await import('./apply.ts')).exportConfiguration(client, formatOf(flags)),
  )
}

/** One command with words of its own, since each takes the same options. */
function addKeys(add: Add, act: Act): void {
  const keys = add('keys [action] [name]', 'list keys, "create NAME" or "delete ID"')
    .addOption(
      new Option('--role <role>', 'what a new key may do')
        .choices(['admin', 'operator', 'viewer'])
        .default('operator'),
    )
    .option('--workspace <id>', 'bind a new key to one workspace')
  act(keys, async (client, flags, [action = 'list', name]) => {
    const { role, workspace } = keys.opts<{ role: string; workspace?: string }>()
    const commands = await import('./keys.ts')
    if (action === 'list') return commands.listKeys(client, formatOf(flags))
    if (name !== undefined && action === 'delete') return commands.deleteKey(client, name)
    if (name !== undefined && action === 'create') {
      const bound = workspace === undefined ? {} : { workspace_id: workspace }
      return commands.createKey(client, { name, role, ...bound }, formatOf(flags))
    }
    throw derrickError('unknown', 'config.invalid', `there is no keys ${action} like this`, {
      remedy: 'derrick keys, derrick keys create NAME, derrick keys delete ID',
    })
  })
}
