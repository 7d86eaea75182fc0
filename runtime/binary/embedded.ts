import { readdirSync, readFileSync } from 'node:fs'
import { isAbsolute, join, relative } from 'node:path'
import { getAssetKeys, getRawAsset, isSea } from 'node:sea'

/** True inside the single executable, false when Node runs the sources of a checkout. */
export const embedded: boolean = isSea()

/** Where the assets of each kind come from in a checkout. The build embeds the same folders. */
export const assetFolders = {
  manifests: 'manifests',
  migrations: 'schema/migrations',
  web: 'dist/web',
} as const

/** The checkout's root. Empty in the executable, where there is no such folder. */
export const sourceRoot: string = embedded ? '' : join(import.meta.dirname, '..', '..')

/**
 * The bytes of `manifests/x.yaml`, `migrations/0001_init.sql` or `web/…`; undefined where there is
 * no such asset. In the executable this is a view of the mapped file: never write to it.
 */
export function readAsset(key: string): Buffer | undefined {
  if (embedded) {
    try {
      return Buffer.from(getRawAsset(key))
    } catch {
      return undefined
    }
  }
  const file = sourceFile(key)
  if (file === undefined) return undefined
  try {
    return readFileSync(file)
  } catch {
    return undefined
  }
}

/** The sorted keys that start with `prefix` (`manifests/`, `web/assets/`, …). */
export function assetKeys(prefix: string): string[] {
  const keys = embedded ? getAssetKeys() : Object.keys(assetFolders).flatMap(sourceKeys)
  return keys.filter((key) => key.startsWith(prefix)).sort()
}

function sourceKeys(kind: string): string[] {
  const folder = sourceFolder(kind)
  if (folder === undefined) return []
  try {
    return readdirSync(folder, { withFileTypes: true, recursive: true })
      .filter((entry) => entry.isFile() && !entry.name.startsWith('.'))
      .map((entry) => `${kind}/${relative(folder, join(entry.parentPath, entry.name))}`)
  } catch {
    return [] // the folder is not there yet: the console was not built
  }
}

function sourceFolder(kind: string): string | undefined {
  if (!Object.hasOwn(assetFolders, kind)) return undefined
  return join(sourceRoot, assetFolders[kind as keyof typeof assetFolders])
}

/** Keys come from request paths too, so one that climbs out of its folder has no file. */
function sourceFile(key: string): string | undefined {
  const slash = key.indexOf('/')
  const folder = sourceFolder(key.slice(0, slash))
  if (folder === undefined || key.includes('\0')) return undefined
  const file = join(folder, key.slice(slash + 1))
  const inside = relative(folder, file)
  if (inside === '' || inside.startsWith('..') || isAbsolute(inside)) return undefined
  return file
}
