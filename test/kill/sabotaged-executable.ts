import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { dataAssets } from '../../runtime/binary/assets.ts'
import { baseBinary, buildExecutable, sqliteAddon } from '../../runtime/binary/executable.ts'
import { sqliteAsset } from '../../runtime/binary/native.ts'
import { bundleProgram } from '../../runtime/binary/program.ts'
import type { Sabotage } from '../../schema/sabotage.ts'

const root = join(import.meta.dirname, '..', '..')

/** Builds the program with one deliberate breach and without its console; returns the executable's path. */
export async function buildSabotaged(sabotage: Sabotage): Promise<string> {
  const folder = join(root, 'dist', 'sabotaged', sabotage)
  mkdirSync(folder, { recursive: true })
  const program = await bundleProgram(root, folder, sabotage)
  const output = join(folder, 'derrick')
  buildExecutable({
    base: baseBinary(join(root, 'dist', 'build')).file,
    main: program.main,
    assets: { ...dataAssets(root), ...program.assets, [sqliteAsset]: sqliteAddon(root) },
    folder,
    output,
  })
  return output
}
