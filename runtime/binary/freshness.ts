import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'

/** True when `output` exists and nothing below the `inputs` (files or folders) is newer. */
export function isFresh(output: string, inputs: string[]): boolean {
  const built = modifiedAt(output)
  return built !== undefined && inputs.every((input) => newestAt(input) <= built)
}

/** Epoch ms of the youngest file or folder at or below `path`; 0 where there is nothing. */
function newestAt(path: string): number {
  const own = modifiedAt(path)
  if (own === undefined) return 0
  let newest = own
  for (const entry of entriesOf(path)) {
    newest = Math.max(newest, modifiedAt(join(entry.parentPath, entry.name)) ?? 0)
  }
  return newest
}

function entriesOf(path: string) {
  if (!statSync(path).isDirectory()) return []
  return readdirSync(path, { withFileTypes: true, recursive: true })
}

function modifiedAt(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs
}
