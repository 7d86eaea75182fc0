import { appendFileSync, copyFileSync } from 'node:fs'
import { join } from 'node:path'
import type { AssetFiles } from './assets.ts'
import { bootAsset, mainFolder, workerFolder } from './boot.ts'
import { bundle } from './bundle.ts'

/** The script the executable starts with. */
const mainScript = 'start.cjs'

export interface Program {
  /** the name in `folder` of the script that the executable starts with */
  main: string
  /** the program's code, as chunks */
  assets: AssetFiles
}

/** Bundles the program into `folder`: the start, the supervisor's chunks and the workers' chunks; `breaches` is for tests of tests. */
export async function bundleProgram(
  root: string,
  folder: string,
  { breaches = false } = {},
): Promise<Program> {
  const binary = join(root, 'runtime', 'binary')
  const boot = join(folder, 'boot')
  const [bootFile = ''] = await bundle({
    entry: join(binary, 'boot-entry.ts'),
    folder: boot,
    whole: true,
  })
  copyFileSync(join(boot, bootFile), join(folder, mainScript))
  appendFileSync(join(folder, mainScript), '\nexports.startMain()\n')
  const assets: AssetFiles = { [bootAsset]: join(boot, bootFile) }
  const bundles = {
    [mainFolder]: join(binary, 'main-entry.ts'),
    [workerFolder]: join(root, 'actors', 'worker-entry.ts'),
  }
  for (const [name, entry] of Object.entries(bundles)) {
    const chunks = await bundle({ entry, folder: join(folder, name), breaches })
    for (const chunk of chunks) assets[`${name}/${chunk}`] = join(folder, name, chunk)
  }
  return { main: mainScript, assets }
}
