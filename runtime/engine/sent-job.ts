import { createHash } from 'node:crypto'
import { serialize } from 'node:v8'
import type { Manifest } from '../../schema/manifest/manifest.ts'
import type { JobSetting, RangeJob, SentJob, SharedPart } from '../../schema/protocol.ts'

/** By the objects that they were made of, which are the same ones until somebody changes the configuration. */
const manifests = new WeakMap<Manifest, SharedPart>()
const settings = new WeakMap<RangeJob['target'], { of: RangeJob; part: SharedPart }>()

/**
 * A job as it goes to a worker. A manifest and a stream's configuration are turned into bytes once for all of their ranges, in
 * memory that threads share: copied with each range they cost more than all else that sending one takes.
 */
export function sentJob(job: RangeJob): SentJob {
  const { connector, config, target, ...own } = job
  return { ...own, manifest: manifestPart(connector.manifest), setting: settingPart(job) }
}

function manifestPart(manifest: Manifest): SharedPart {
  const known = manifests.get(manifest)
  if (known) return known
  const part = sharedPart(manifest)
  manifests.set(manifest, part)
  return part
}

function settingPart(job: RangeJob): SharedPart {
  const { connector, config, target } = job
  const known = settings.get(target)
  const isSame = known && isSameSetting(known.of, job)
  if (isSame) return known.part
  const { streamName } = connector
  const part = sharedPart({ streamName, config, target } satisfies JobSetting)
  settings.set(target, { of: job, part })
  return part
}

const isSameSetting = (a: RangeJob, b: RangeJob): boolean =>
  a.config === b.config && a.connector.streamName === b.connector.streamName

function sharedPart(value: unknown): SharedPart {
  const data = serialize(value)
  const bytes = new SharedArrayBuffer(data.byteLength)
  new Uint8Array(bytes).set(data)
  return { key: createHash('sha256').update(data).digest('base64'), bytes }
}
