import type { LocalFileConfig } from '../../../schema/destination.ts'
import type { DestinationKind } from '../writer.ts'
import { checkFolder } from './check.ts'
import { makeEncoder } from './encoder.ts'
import { LocalFileWriter } from './writer.ts'

/** JSON lines in a folder of this machine. Configs were checked against their schema before they come here. */
export const localFile: DestinationKind = {
  type: 'local_file',
  makeEncoder,
  openWriter: (config) => new LocalFileWriter(config as LocalFileConfig),
  check: (config) => checkFolder((config as LocalFileConfig).path),
}
