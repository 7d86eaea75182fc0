import { deserialize } from 'node:v8'
import type { Manifest } from '../schema/manifest/manifest.ts'
import type { JobSetting, RangeJob, SentJob, SharedPart } from '../schema/protocol.ts'

/** Manifests and configurations of streams that a worker keeps; those used least lately are opened anew. */
const mostManifests = 64
const mostSettings = 256

/** Opened parts by the hash of their bytes: what was changed has another one. */
class OpenedParts<T> {
  readonly #most: number
  readonly #known = new Map<string, T>()

  constructor(most: number) {
    this.#most = most
  }

  get size(): number {
    return this.#known.size
  }

  open({ key, bytes }: SharedPart): T {
    // Copied first: V8 reads no memory that others might write to.
    const value = this.#known.get(key) ?? (deserialize(Buffer.from(new Uint8Array(bytes))) as T)
    // Most recently used last: the first is the one to forget.
    this.#known.delete(key)
    this.#known.set(key, value)
    if (this.#known.size > this.#most) this.#known.delete(this.#known.keys().next().value as string)
    return value
  }
}

/**
 * Opens jobs as they were sent. Jobs of one stream and configuration get the very same objects, so that what is made of them can
 * be kept with them.
 */
export class ReceivedJobs {
  readonly manifests = new OpenedParts<Manifest>(mostManifests)
  readonly settings = new OpenedParts<JobSetting>(mostSettings)

  open({ manifest: manifestPart, setting: settingPart, ...own }: SentJob): RangeJob {
    const manifest = this.manifests.open(manifestPart)
    const { streamName, config, target } = this.settings.open(settingPart)
    return { ...own, connector: { manifest, streamName }, config, target }
  }
}
