import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface TempDir extends Disposable {
  path: string
  remove(): void
}

/** A fresh folder of its own; `open` lets other users in (a server that refuses to run as root). */
export function tempDir(name: string, { open = false } = {}): TempDir {
  const path = mkdtempSync(join(tmpdir(), `derrick-${name}-`))
  if (open) chmodSync(path, 0o777)
  const remove = () => rmSync(path, { recursive: true, force: true, maxRetries: 3 })
  return { path, remove, [Symbol.dispose]: remove }
}
