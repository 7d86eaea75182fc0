import { type Environment, type Flags, readConfig } from '../config.ts'
import { makeLog } from '../log.ts'
import { openSupervisor } from '../supervisor.ts'
import { exitCodes } from './exit-code.ts'
import { logLastWords, untilSignal } from './signals.ts'

/** The whole system until a signal ends it. Prints one line to stdout: where the console is. */
export async function serve(env: Environment, flags: Flags): Promise<number> {
  const config = readConfig(env, flags)
  const log = makeLog(config)
  logLastWords(log)
  // Heard from the beginning: what answers already must also end as it should.
  const stopped = untilSignal()
  const supervisor = await openSupervisor({ config, log, demo: false })
  const { url, loginLink } = supervisor
  process.stdout.write(
    `Derrick is at ${url}${loginLink ? `; sign in once with ${loginLink}` : ''}\n`,
  )
  const signal = await stopped
  log.info({ signal }, 'stopping: ranges that can commit do, the rest goes back to pending')
  await supervisor.close()
  return exitCodes.done
}
