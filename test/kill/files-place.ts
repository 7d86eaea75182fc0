import { mkdirSync, watch } from 'node:fs'
import { join } from 'node:path'
import { canonicalRecord } from './canonical.ts'
import { filesBelow, readTable } from './file-records.ts'
import { namespace, type Place } from './place.ts'

/** A Local File destination: a folder that is read with the file system's own calls. */
export async function openFiles(home: string): Promise<Place> {
  const folder = join(home, 'files')
  mkdirSync(folder, { recursive: true })
  return {
    type: 'local_file',
    config: { path: folder },
    streams: {},
    volumes: {},
    pageSize: 20,
    reader: {
      ownership: 'range',
      canonical: canonicalRecord,
      read: async (stream) => readTable(join(folder, namespace, stream)),
      leftovers: async () => filesBelow(folder).filter((file) => /\.tmp$|\/\.derrick-/.test(file)),
    },
    watch(onChange) {
      const watcher = watch(folder, { recursive: true }, onChange)
      // A folder that was removed under the watcher is a change like any other.
      watcher.on('error', () => {})
      return () => watcher.close()
    },
    close: async () => {},
  }
}
