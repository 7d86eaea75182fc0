import { accessSync, constants, readdirSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/** Real programs of other makers that some tests run against. */
export const services = ['postgres', 'chromium', 'strace', 'pgbouncer'] as const
export type Service = (typeof services)[number]

/** Debian's packages, for the runner that installs what is missing. */
export const debianPackages: Record<Service, string> = {
  postgres: 'postgresql',
  chromium: 'chromium',
  strace: 'strace',
  pgbouncer: 'pgbouncer',
}

const commands: Record<Service, string[]> = {
  postgres: ['postgres'],
  chromium: ['chromium', 'chromium-browser', 'google-chrome'],
  strace: ['strace'],
  pgbouncer: ['pgbouncer'],
}

/** The service's executable (for postgres the server in its folder of tools), or undefined. */
export function findService(service: Service): string | undefined {
  if (service === 'chromium' && process.env.CHROME_PATH) return executable(process.env.CHROME_PATH)
  return [...debianPostgres(service), ...onPath(commands[service])].find(executable)
}

/** The service's executable; throws with the remedy when it is missing. */
export function requireService(service: Service): string {
  const file = findService(service)
  if (file) return file
  throw new Error(`${service} is missing: apt-get install ${debianPackages[service]}`)
}

/**
 * For tap's `skip`: why a test that needs these services cannot run, false when it can. In CI nothing
 * is skipped: there a missing service is the test's failure.
 */
export function missingServices(...needed: Service[]): string | false {
  const missing = needed.filter((service) => !findService(service))
  return missing.length > 0 && !inCi() ? `missing: ${missing.join(', ')}` : false
}

export const inCi = (): boolean => process.env.CI === 'true'

/** Debian keeps the server out of the PATH, in a folder a version; the newest one comes first. */
function debianPostgres(service: Service): string[] {
  if (service !== 'postgres') return []
  const root = '/usr/lib/postgresql'
  const versions = readdirOrEmpty(root).sort((a, b) => Number(b) - Number(a))
  return versions.map((version) => join(root, version, 'bin', 'postgres'))
}

function readdirOrEmpty(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

function onPath(names: string[]): string[] {
  // Servers are where only root's PATH leads.
  const folders = [...(process.env.PATH ?? '').split(delimiter).filter(Boolean), '/usr/sbin']
  return names.flatMap((name) => folders.map((folder) => join(folder, name)))
}

function executable(file: string): string | undefined {
  try {
    accessSync(file, constants.X_OK)
    return file
  } catch {
    return undefined
  }
}
