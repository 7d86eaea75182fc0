import { join, sep } from 'node:path'
import { derrickError } from '../../../schema/error.ts'
import { type Disk, hasCode } from './disk.ts'

/**
 * Makes folders inside the destination's own and nowhere else. A link in the way that leads out of it is refused, and the
 * destination's folder itself is not made again: when it vanished, a disk may just not be mounted.
 */
export class Folders {
  readonly #disk: Disk
  readonly root: string
  readonly #made = new Set<string>()

  constructor(disk: Disk, root: string) {
    this.#disk = disk
    this.root = root
  }

  /** Makes the destination's folder where it is missing. */
  async makeRoot(): Promise<void> {
    if ((await this.#disk.stat(this.root))?.isFolder) return
    await this.#disk.makeFolder(this.root, true)
  }

  /** Makes `relative` (parts joined by `/`) level by level; returns its full path. */
  async make(relative: string): Promise<string> {
    let path = this.root
    for (const part of relative.split('/')) {
      const parent = path
      path = join(path, part)
      if (this.#made.has(path) && (await this.#disk.stat(path))?.isFolder) continue
      await this.#makeOne(path)
      await this.#disk.syncFolder(parent)
      this.#remember(path)
    }
    const real = await this.#disk.realPath(path)
    const root = await this.#disk.realPath(this.root)
    if (real.startsWith(root.endsWith(sep) ? root : root + sep)) return path
    throw derrickError(
      'destination',
      'destination.outside_folder',
      `${path} leads out of the destination's folder, to ${real}`,
      { remedy: 'replace the link by a folder, or make its target the destination' },
    )
  }

  async #makeOne(path: string): Promise<void> {
    try {
      await this.#disk.makeFolder(path)
    } catch (error) {
      if (!hasCode(error, 'ENOENT')) throw error
      throw derrickError(
        'destination',
        'destination.folder_missing',
        `the folder ${this.root} is no longer there`,
        { remedy: 'mount the disk or make the folder again, then retry', cause: error },
      )
    }
  }

  #remember(path: string): void {
    // Folders an hour add up over the years; asking again is cheap.
    if (this.#made.size >= 10_000) this.#made.clear()
    this.#made.add(path)
  }
}
