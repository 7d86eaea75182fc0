import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import type { AssetFiles } from './assets.ts'

/**
 * The Node binary the executable is made of, without its symbol table (a fifth of its size) where
 * `strip` is installed. Stripping must come before the bundle is put in: after, the file crashes.
 * Kept in `folder` under a name with Node's version.
 */
export function baseBinary(folder: string): { file: string; stripped: boolean } {
  const name = `node-${process.version}-${process.platform}-${process.arch}`
  const file = join(folder, name)
  if (existsSync(file)) return { file, stripped: true }
  mkdirSync(folder, { recursive: true })
  const draft = `${file}.${process.pid}`
  copyFileSync(process.execPath, draft)
  chmodSync(draft, 0o755)
  try {
    execFileSync('strip', [draft], { stdio: 'ignore' })
  } catch {
    rmSync(draft)
    return { file: process.execPath, stripped: false }
  }
  renameSync(draft, file)
  return { file, stripped: true }
}

/** better-sqlite3's prebuilt addon for the machine that builds. */
export function sqliteAddon(root: string): string {
  const require = createRequire(join(root, 'package.json'))
  // Its own answer, musl or glibc included; the path is absolute as the package exports no such name.
  const locator = join(dirname(require.resolve('better-sqlite3')), 'binding.js')
  const { getPrebuildPath } = require(locator) as { getPrebuildPath: () => string | null }
  const file = getPrebuildPath()
  if (file === null) {
    throw new Error(`better-sqlite3 has no addon for ${process.platform}-${process.arch}`)
  }
  return file
}

/**
 * Node's flags in the executable. No heap limits here: a baked flag would win over NODE_OPTIONS. The young generation
 * begins at a size that a start does not fill: by itself V8 collects it six times on the way to the first answer,
 * on all cores, and nearly everything is there to stay.
 */
export const execArgv = ['--disable-warning=ExperimentalWarning', '--min-semi-space-size=16']

export type Executable = {
  base: string
  /** The bundle's name in `folder`: a bare name, because stack traces show it as it was given. */
  main: string
  assets: AssetFiles
  /** Where the bundle is and the configuration for Node's builder is written. */
  folder: string
  output: string
}

/** Writes the executable. The finished file replaces an older one at once, also a running one. */
export function buildExecutable({ base, main, assets, folder, output }: Executable): void {
  const draft = `${output}.${process.pid}`
  const settings = {
    main,
    mainFormat: 'commonjs',
    executable: base,
    output: draft,
    disableExperimentalSEAWarning: true,
    useSnapshot: false,
    useCodeCache: true,
    useVfs: false,
    execArgv,
    execArgvExtension: 'env',
    assets,
  }
  const config = 'sea.json'
  writeFileSync(join(folder, config), JSON.stringify(settings, null, 2))
  try {
    execFileSync(process.execPath, ['--build-sea', config], {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    chmodSync(draft, 0o755)
    renameSync(draft, output)
  } finally {
    rmSync(draft, { force: true })
  }
}
