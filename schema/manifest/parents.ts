import type { ParentEach } from './for-each.ts'
import type { Manifest, ManifestStream } from './manifest.ts'

/** The `for_each` entries of a stream that read another stream. */
export function parentEntries(stream: ManifestStream): ParentEach[] {
  return stream.for_each.flatMap((entry) => {
    if ('parent' in entry) return [entry]
    return entry.else ? [entry.else] : []
  })
}

/** Names of the streams that must be read first, nearest first, each once; ends also when they go in a circle. */
export function ancestorsOf(manifest: Pick<Manifest, 'streams'>, name: string): string[] {
  const found: string[] = []
  const waiting = [name]
  for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
    if (!Object.hasOwn(manifest.streams, at)) continue
    for (const { parent } of parentEntries(manifest.streams[at] as ManifestStream)) {
      if (found.includes(parent)) continue
      found.push(parent)
      waiting.push(parent)
    }
  }
  return found
}
