import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Disk, nodeDisk } from '../../../../actors/destinations/local-file/disk.ts'
import { localFile } from '../../../../actors/destinations/local-file/kind.ts'
import { folderName } from '../../../../actors/destinations/local-file/layout.ts'
import type { CompactionRule } from '../../../../actors/destinations/local-file/ledger-log.ts'
import { LocalFileWriter } from '../../../../actors/destinations/local-file/writer.ts'
import type { Row } from '../../../../actors/destinations/writer.ts'
import type { LocalFileConfig } from '../../../../schema/destination.ts'
import type { Target } from '../../../../schema/protocol.ts'
import { tempFolder } from '../attempts.ts'
import type { Conformance, OnStep } from '../bench.ts'
import { exactParse } from '../hostile.ts'

/** The rows that a reader by glob (`table/**\/*.jsonl`) sees now. */
export async function readRows(path: string, target: Target): Promise<Row[]> {
  const folder = join(path, folderName(target.namespace), folderName(target.table))
  const rows: Row[] = []
  for (const name of await filesUnder(folder)) {
    if (!name.endsWith('.jsonl')) continue
    const text = await readFile(join(folder, name), 'utf8')
    for (const line of text.split('\n')) if (line !== '') rows.push(exactParse(line) as Row)
  }
  return rows
}

/** Files below a folder, relative to it, sorted; none when it is missing. */
export async function filesUnder(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => [])
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort()
}

/** A disk that asks before each step. */
export function steppedDisk(
  disk: Disk,
  onStep: OnStep,
  opened: { close(): Promise<void> }[],
): Disk {
  const file = <T extends { close(): Promise<void> }>(inner: T): T => {
    opened.push(inner)
    return stepped(inner, onStep)
  }
  const steps = stepped(disk, onStep)
  return {
    ...steps,
    createFile: async (path) => file(await steps.createFile(path)),
    openRead: async (path) => file(await steps.openRead(path)),
    openAppend: async (path, create) => file(await steps.openAppend(path, create)),
  }
}

/** The same methods, each after `onStep`. */
function stepped<T extends object>(inner: T, onStep: OnStep): T {
  const outer = Object.entries(inner).map(([name, method]) => [
    name,
    async (...args: unknown[]) => {
      await onStep(name)
      return (method as (...args: unknown[]) => unknown).apply(inner, args)
    },
  ])
  return Object.fromEntries(outer) as T
}

/** The conformance suite's view of this destination. */
export const localFileSuite: Conformance = suiteWith()

/** The same with ledgers that are compacted at every commit. */
export const compactingSuite: Conformance = suiteWith({ lines: 1, factor: 0 })

function suiteWith(rule?: CompactionRule): Conformance {
  return {
    kind: {
      ...localFile,
      openWriter: (config) => new LocalFileWriter(config as LocalFileConfig, nodeDisk, rule),
    },
    mergesByKey: false,
    guardsShrinking: true,
    openStepped(t, config, onStep) {
      const opened: { close(): Promise<void> }[] = []
      // A process that dies closes its files; here the test has to.
      t.teardown(() => Promise.all(opened.map((file) => file.close().catch(() => {}))))
      return new LocalFileWriter(
        config as LocalFileConfig,
        steppedDisk(nodeDisk, onStep, opened),
        rule,
      )
    },
    async open(t) {
      const path = join(await tempFolder(t), 'out')
      return {
        config: { path },
        rows: (target) => readRows(path, target),
        // Temp files of a ledger's compaction are swept when it is opened next: `compaction.test.ts`.
        leftovers: async () =>
          (await filesUnder(path)).filter((name) => !/\.jsonl$|\.derrick-ledger-/.test(name)),
      }
    },
    target: (config, more = {}) => ({
      destinationId: 'dst_test',
      type: 'local_file',
      config,
      configVersion: 1,
      streamKey: 'w/c/events',
      namespace: 'shop',
      table: 'events',
      writeMode: 'upsert',
      deletes: 'keep',
      primaryKey: ['id'],
      cursorField: null,
      tracks: 'updates',
      ...more,
    }),
  }
}
