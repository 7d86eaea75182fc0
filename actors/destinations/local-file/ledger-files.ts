import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import type { Disk } from './disk.ts'
import type { Folders } from './folders.ts'
import type { LedgerLine } from './ledger-line.ts'

const tempPattern = /^\.derrick-ledger-[0-9a-f]{12}\.tmp(\.link)?$/
const encoder = new TextEncoder()

/**
 * The files that one ledger has had: `<table>.ranges.jsonl`, then `<table>.ranges.2.jsonl` and so on. A file whose lines
 * end in a `seal` is closed: what stands behind the seal counts as never written, and the next file begins with all that
 * the lines before it said. So a writer that comes too late sees the seal before its own line, and writes it again there.
 */
export class LedgerFiles {
  readonly #disk: Disk
  readonly #folders: Folders
  readonly #folder: string
  readonly #name: string

  constructor(disk: Disk, folders: Folders, folder: string, name: string) {
    this.#disk = disk
    this.#folders = folders
    this.#folder = folder
    this.#name = name
  }

  path(generation: number): string {
    const suffix = generation === 1 ? '' : `.${generation}`
    return join(this.#folders.root, this.#folder, `${this.#name}${suffix}.jsonl`)
  }

  /** Number of the newest file; null when there is none. */
  async newest(): Promise<number | null> {
    const generations = await this.#generations()
    return generations.length === 0 ? null : Math.max(...generations)
  }

  async makeFolder(): Promise<string> {
    return this.#folders.make(this.#folder)
  }

  /**
   * Makes the file that follows a sealed one, unless somebody has: `link` takes the name only when it is free, so a file
   * that has lines already is never replaced. The sealed one stays until the next time, for those who still read it.
   */
  async follow(sealed: number, lines: Iterable<LedgerLine>): Promise<void> {
    const temp = await this.#writeTemp(lines)
    try {
      await this.#disk.link(temp, this.path(sealed + 1))
    } finally {
      await this.#disk.remove(temp)
    }
    await this.#disk.syncFolder(join(this.#folders.root, this.#folder))
    for (const generation of await this.#generations()) {
      if (generation < sealed) await this.#disk.remove(this.path(generation))
    }
  }

  /** Whether this file system can do what `follow` needs; asked before a file is sealed. */
  async canFollow(): Promise<boolean> {
    const temp = await this.#writeTemp([])
    const probe = `${temp}.link`
    try {
      await this.#disk.link(temp, probe)
      return await this.#disk.remove(probe)
    } catch {
      // FAT and some network shares have no links: their ledgers just grow.
      return false
    } finally {
      await this.#disk.remove(temp)
    }
  }

  /** Removes what a crash while compacting left. Whoever misses one of these tries again. */
  async sweep(): Promise<void> {
    const folder = join(this.#folders.root, this.#folder)
    for (const name of await this.#disk.list(folder)) {
      if (tempPattern.test(name)) await this.#disk.remove(join(folder, name))
    }
  }

  async #writeTemp(lines: Iterable<LedgerLine>): Promise<string> {
    const folder = await this.makeFolder()
    const path = join(folder, `.derrick-ledger-${randomBytes(6).toString('hex')}.tmp`)
    const file = await this.#disk.createFile(path)
    try {
      for (const line of lines) await file.write(encoder.encode(`${JSON.stringify(line)}\n`))
      await file.sync()
    } finally {
      await file.close()
    }
    return path
  }

  async #generations(): Promise<number[]> {
    const generations: number[] = []
    for (const name of await this.#disk.list(join(this.#folders.root, this.#folder))) {
      if (!name.startsWith(this.#name) || !name.endsWith('.jsonl')) continue
      const middle = name.slice(this.#name.length, -'.jsonl'.length)
      if (middle === '') generations.push(1)
      else if (/^\.[1-9]\d{0,8}$/.test(middle)) generations.push(Number(middle.slice(1)))
    }
    return generations
  }
}
