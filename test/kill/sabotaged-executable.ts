import { mkdirSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import { dataAssets } from '../../runtime/binary/assets.ts'
import { withBuildLock } from '../../runtime/binary/build-lock.ts'
import { baseBinary, buildExecutable, sqliteAddon } from '../../runtime/binary/executable.ts'
import { isFresh } from '../../runtime/binary/freshness.ts'
import { sqliteAsset } from '../../runtime/binary/native.ts'

const root = join(import.meta.dirname, '..', '..')
const folder = join(root, 'dist', 'sabotaged')
const output = join(folder, 'derrick')
const inputs = [
  'runtime',
  'actors',
  'schema',
  'manifests',
  'package.json',
  'package-lock.json',
].map((path) => join(root, path))
const buildMs = 300_000

/**
 * The program with all deliberate breaches in it and without its console; DERRICK_SABOTAGE in its environment names the one
 * that acts. Built when it is older than its sources; returns its path.
 */
export async function sabotagedExecutable(): Promise<string> {
  await withBuildLock(join(folder, 'build.lock'), buildMs, async () => {
    if (isFresh(output, inputs)) return
    const startedAt = new Date()
    const { bundleProgram } = await import('../../runtime/binary/program.ts')
    mkdirSync(folder, { recursive: true })
    const program = await bundleProgram(root, folder, { breaches: true })
    buildExecutable({
      base: baseBinary(join(root, 'dist', 'build')).file,
      main: program.main,
      assets: { ...dataAssets(root), ...program.assets, [sqliteAsset]: sqliteAddon(root) },
      folder,
      output,
    })
    // As of its start: a source that changed meanwhile is newer.
    utimesSync(output, startedAt, startedAt)
  })
  return output
}
