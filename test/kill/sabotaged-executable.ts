import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { dataAssets } from '../../runtime/binary/assets.ts'
import { bundle } from '../../runtime/binary/bundle.ts'
import { workerAsset } from '../../runtime/binary/embedded-worker.ts'
import { baseBinary, buildExecutable, sqliteAddon } from '../../runtime/binary/executable.ts'
import { sqliteAsset } from '../../runtime/binary/native.ts'
import type { Sabotage } from '../../schema/sabotage.ts'

const root = join(import.meta.dirname, '..', '..')

/** Builds the program with one deliberate breach and without its console; returns the executable's path. */
export async function buildSabotaged(sabotage: Sabotage): Promise<string> {
  const folder = join(root, 'dist', 'sabotaged', sabotage)
  mkdirSync(folder, { recursive: true })
  const main = 'main.cjs'
  const worker = join(folder, workerAsset)
  await bundle(join(root, 'runtime', 'binary', 'main-entry.ts'), join(folder, main), sabotage)
  await bundle(join(root, 'actors', 'worker-entry.ts'), worker, sabotage)
  const output = join(folder, 'derrick')
  buildExecutable({
    base: baseBinary(join(root, 'dist', 'build')).file,
    main,
    assets: { ...dataAssets(root), [workerAsset]: worker, [sqliteAsset]: sqliteAddon(root) },
    folder,
    output,
  })
  return output
}
