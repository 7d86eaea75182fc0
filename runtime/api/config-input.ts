import { Compile } from 'typebox/compile'
import { type DestinationType, destinationConfigs } from '../../schema/destination.ts'
import { checkConfig } from '../../schema/manifest/config.ts'
import type { Manifest } from '../../schema/manifest/manifest.ts'
import { isSealed, type SecretBox, type SecretOwner, type StoredConfig } from '../store/secrets.ts'
import { fieldErrorsOf } from './problem.ts'
import type { FieldError } from './problem-schema.ts'

type Config = Record<string, unknown>

const destinationValidators = {
  local_file: Compile(destinationConfigs.local_file),
  postgres: Compile(destinationConfigs.postgres),
} satisfies Record<DestinationType, unknown>

/** All that is wrong with a source's config, by pointer into the request's body. */
export function sourceConfigErrors(manifest: Manifest, config: Config): FieldError[] {
  const issues = checkConfig(manifest, config).map(({ field, message, remedy }) => ({
    pointer: `/config/${escapePointer(field)}`,
    detail: message,
    remedy,
  }))
  return [...issues, ...sealedErrors(config)]
}

/** All that is wrong with a destination's config, by pointer into the request's body. */
export function destinationConfigErrors(type: DestinationType, config: Config): FieldError[] {
  const errors = fieldErrorsOf(destinationValidators[type].Errors(config), '/config')
  return [...errors, ...sealedErrors(config)]
}

/** What looks like our own ciphertext was never given to anybody and is not taken from anybody. */
const sealedErrors = (config: Config): FieldError[] =>
  Object.entries(config)
    .filter(([, value]) => isSealed(value))
    .map(([field]) => ({
      pointer: `/config/${escapePointer(field)}`,
      detail: 'a secret is given in plain text',
    }))

const escapePointer = (field: string): string => field.replaceAll('~', '~0').replaceAll('/', '~1')

/** `{set: true, …}`, as secrets read back: sent again it means "unchanged". */
const isUnchanged = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && (value as { set?: unknown }).set === true

/**
 * The plain config after a partial change: absent is unchanged, null deletes. Secrets that are replaced are not
 * decrypted first, so that one which can't be read any more can be set again.
 * Throws DerrickError secret.unreadable.
 */
export function mergeConfig(
  secrets: SecretBox,
  owner: SecretOwner,
  stored: StoredConfig,
  patch: Config,
  secretFields: ReadonlySet<string>,
): Config {
  const changes = Object.entries(patch).filter(
    ([field, value]) => !(secretFields.has(field) && isUnchanged(value)),
  )
  const changed = new Set(changes.map(([field]) => field))
  const kept = Object.entries(stored).filter(([field]) => !changed.has(field))
  const plain = secrets.decryptConfig(owner, Object.fromEntries(kept))
  const given = changes.filter(([, value]) => value !== null)
  return Object.fromEntries([...Object.entries(plain), ...given])
}
