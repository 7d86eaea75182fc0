import { derrickError } from '../schema/error.ts'
import { rotatingFields } from '../schema/manifest/rotating.ts'
import type { ConnectorRegistry } from './connectors.ts'
import type { SecretBox } from './store/secrets.ts'
import type { SourceRow, SourceStore } from './store/sources.ts'

/** Secrets of sources, as whoever keeps their sign-ins reads and replaces them. */
export interface SourceSecrets {
  /** A source's config with its secrets. Throws DerrickError when it is gone or one can't be read. */
  secretsOf(sourceId: string): Record<string, unknown>
  /** Replaces secrets that their API has changed; durable when it returns. Throws DerrickError for fields that are none. */
  store(sourceId: string, secrets: Record<string, string>): void
}

/** @param sources by the connection whose writes survive a power cut */
export function makeSourceSecrets(
  sources: Pick<SourceStore, 'find' | 'replaceConfig'>,
  connectors: Pick<ConnectorRegistry, 'manifest'>,
  secrets: SecretBox,
): SourceSecrets {
  const rowOf = (sourceId: string): SourceRow => {
    const source = sources.find(sourceId)
    if (source) return source
    throw derrickError('unknown', 'source.not_found', 'the source was deleted')
  }
  return {
    secretsOf: (sourceId) =>
      secrets.decryptConfig({ kind: 'source', id: sourceId }, rowOf(sourceId).config),
    store: (sourceId, changed) => {
      const source = rowOf(sourceId)
      const manifest = connectors.manifest(source.connector)
      // What else is in the config is the user's.
      const allowed = manifest ? rotatingFields(manifest) : []
      const odd = Object.keys(changed).find((field) => !allowed.includes(field))
      if (odd !== undefined)
        throw derrickError('transform', 'sign_in.field', `${odd} is no secret that changes by use`)
      const owner = { kind: 'source' as const, id: sourceId }
      const sealed = secrets.sealConfig(owner, changed, new Set(allowed))
      sources.replaceConfig(sourceId, { ...source.config, ...sealed })
    },
  }
}
