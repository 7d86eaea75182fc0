import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { brotliCompressSync, gzipSync, constants as zlib } from 'node:zlib'
import { assetFolders } from './embedded.ts'

/** Asset key → the file that holds its bytes. */
export type AssetFiles = Record<string, string>

/** A compressed variant that saves less than this is not worth its place. */
const worthwhile = 0.95

/** The manifests and migrations of the checkout; other file types in the folders are left out. */
export function dataAssets(root: string): AssetFiles {
  return {
    ...folderAssets(join(root, assetFolders.manifests), 'manifests', /\.ya?ml$/),
    ...folderAssets(join(root, assetFolders.migrations), 'migrations', /\.sql$/),
  }
}

/**
 * The built console, each file with the `.br` and `.gz` variants that pay off, written to
 * `variants` so that the console's own output folder stays as Vite left it.
 */
export function webAssets(root: string, variants: string): AssetFiles {
  const plain = folderAssets(join(root, assetFolders.web), 'web', /(?<!\.(?:br|gz|map))$/)
  rmSync(variants, { recursive: true, force: true })
  const assets: AssetFiles = { ...plain }
  for (const [key, file] of Object.entries(plain)) {
    const bytes = readFileSync(file)
    const packed = { br: brotli(bytes), gz: gzipSync(bytes, { level: zlib.Z_BEST_COMPRESSION }) }
    for (const [extension, body] of Object.entries(packed)) {
      if (body.length > bytes.length * worthwhile) continue
      const target = join(variants, `${key}.${extension}`)
      mkdirSync(dirname(target), { recursive: true })
      writeFileSync(target, body)
      assets[`${key}.${extension}`] = target
    }
  }
  return assets
}

/** Bytes of all files of `assets`. */
export function assetBytes(assets: AssetFiles): number {
  return Object.values(assets).reduce((sum, file) => sum + statSync(file).size, 0)
}

function brotli(bytes: Buffer): Buffer {
  return brotliCompressSync(bytes, {
    params: {
      [zlib.BROTLI_PARAM_QUALITY]: zlib.BROTLI_MAX_QUALITY,
      [zlib.BROTLI_PARAM_SIZE_HINT]: bytes.length,
    },
  })
}

function folderAssets(folder: string, kind: string, accepted: RegExp): AssetFiles {
  const assets: AssetFiles = {}
  for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile() || entry.name.startsWith('.') || !accepted.test(entry.name)) continue
    const file = join(entry.parentPath, entry.name)
    assets[`${kind}/${relative(folder, file)}`] = file
  }
  return assets
}
