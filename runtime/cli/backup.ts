import { resolve } from 'node:path'
import { dataDirOf, type Environment } from '../config.ts'
import { backUp, restore } from '../store/backup.ts'
import { exitCodes } from './exit-code.ts'
import { say } from './say.ts'

/** `derrick backup FOLDER`: the database and the key of its secrets; the server may run meanwhile. */
export async function backupCommand(
  env: Environment,
  folder: string,
  dataDir: string | undefined,
): Promise<number> {
  const from = dataDirOf(env, dataDir)
  await backUp(from, resolve(folder))
  say(`${from} is backed up; the folder holds the key of its secrets, so keep it private`)
  process.stdout.write(`${resolve(folder)}\n`)
  return exitCodes.done
}

/** `derrick restore FOLDER`: into a data dir that has no database. */
export async function restoreCommand(
  env: Environment,
  folder: string,
  dataDir: string | undefined,
): Promise<number> {
  const to = dataDirOf(env, dataDir)
  restore(resolve(folder), to)
  say('restored; what was synced since the backup is read again, once each range')
  process.stdout.write(`${to}\n`)
  return exitCodes.done
}
