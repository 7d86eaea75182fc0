import { secretFields } from '../../../schema/manifest/config.ts'
import type { Manifest } from '../../../schema/manifest/manifest.ts'

/** The texts of a config that must appear in no message. */
export function secretsOf(manifest: Manifest, config: Record<string, unknown>): string[] {
  return secretFields(manifest)
    .map((name) => (Object.hasOwn(config, name) ? config[name] : undefined))
    .filter((value) => typeof value === 'string')
}
