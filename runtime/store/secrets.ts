import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from 'node:crypto'
import { closeSync, fsyncSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type Sqlite from 'better-sqlite3'
import type { SecretHint } from '../../schema/common.ts'
import { derrickError } from '../../schema/error.ts'

/** Config as it is stored: secret fields are Sealed, others plain JSON. */
export type StoredConfig = Record<string, unknown>

/** One encrypted value: `v1.<key id>.<nonce>.<ciphertext and tag>`, the last two base64url. */
export interface Sealed {
  $secret: string
  hint?: string
}

/** Whose config it is; the ciphertext is bound to it and to its field, so it is worth nothing elsewhere. */
export interface SecretOwner {
  kind: 'source' | 'destination' | 'answer'
  id: string
}

export const keyFile = 'secret.key'
const shortestKey = 16
const nonceBytes = 12
const tagBytes = 16
/** Shorter secrets give no hint: four characters would be too much of them. */
const hintFrom = 16

export type SecretBox = ReturnType<typeof openSecretBox>

/**
 * The box that seals secrets, with the key from `givenKey` (DERRICK_SECRET_KEY) or from `secret.key` in the data
 * dir, which is made at the first start. Throws DerrickError secret_key.short, secret_key.wrong, secret_key.missing.
 */
export function openSecretBox(db: Sqlite.Database, dataDir: string, givenKey?: string) {
  const key = derive(givenKey === undefined ? fileKey(db, dataDir) : checkedKey(givenKey))
  const keyId = createHash('sha256').update('derrick key id').update(key).digest('hex').slice(0, 8)
  claim(db, keyId)

  const aad = (owner: SecretOwner, field: string) =>
    Buffer.from(`${owner.kind}:${owner.id}:${field}`)

  const seal = (owner: SecretOwner, field: string, value: unknown): Sealed => {
    const nonce = randomBytes(nonceBytes)
    const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(aad(owner, field))
    const text = cipher.update(JSON.stringify(value), 'utf8')
    const sealed = Buffer.concat([text, cipher.final(), cipher.getAuthTag()])
    const hint = hintOf(value)
    return {
      $secret: ['v1', keyId, nonce.toString('base64url'), sealed.toString('base64url')].join('.'),
      ...(hint === undefined ? {} : { hint }),
    }
  }

  const open = (owner: SecretOwner, field: string, { $secret }: Sealed): unknown => {
    const [version, usedKey, nonce, sealed] = $secret.split('.')
    if (version !== 'v1' || usedKey !== keyId || !nonce || !sealed) throw unreadable(owner, field)
    const bytes = Buffer.from(sealed, 'base64url')
    try {
      const decipher = createDecipheriv('aes-256-gcm', key, Buffer.from(nonce, 'base64url'))
      decipher.setAAD(aad(owner, field)).setAuthTag(bytes.subarray(-tagBytes))
      const text = decipher.update(bytes.subarray(0, -tagBytes), undefined, 'utf8')
      return JSON.parse(text + decipher.final('utf8'))
    } catch {
      throw unreadable(owner, field)
    }
  }

  return {
    keyId,
    seal,
    open,
    /** Plain values of a stored config, for a job. Throws DerrickError secret.unreadable. */
    decryptConfig: (owner: SecretOwner, config: StoredConfig): Record<string, unknown> =>
      mapConfig(config, (value, field) => (isSealed(value) ? open(owner, field, value) : value)),
    /** What is stored for plain values; fields in `secretFields` are sealed. */
    sealConfig: (
      owner: SecretOwner,
      config: Record<string, unknown>,
      secretFields: ReadonlySet<string>,
    ): StoredConfig =>
      mapConfig(config, (value, field) =>
        secretFields.has(field) ? seal(owner, field, value) : value,
      ),
  }
}

/** What leaves the program: `{set, hint}` in the place of secrets, also of fields that were not secret once. */
export function presentConfig(
  config: StoredConfig,
  secretFields: ReadonlySet<string>,
): Record<string, unknown> {
  return mapConfig(config, (value, field): unknown => {
    if (isSealed(value)) return { set: true, ...(value.hint ? { hint: value.hint } : {}) }
    return secretFields.has(field) ? ({ set: true } satisfies SecretHint) : value
  })
}

export const isSealed = (value: unknown): value is Sealed =>
  typeof value === 'object' &&
  value !== null &&
  Object.hasOwn(value, '$secret') &&
  typeof (value as Sealed).$secret === 'string'

/** Object.fromEntries defines own properties, so a field named `__proto__` is just a field. */
const mapConfig = (
  config: Record<string, unknown>,
  change: (value: unknown, field: string) => unknown,
): Record<string, unknown> =>
  Object.fromEntries(Object.entries(config).map(([field, value]) => [field, change(value, field)]))

/** Last characters of a long secret; of a URL everything but what could be one. */
function hintOf(value: unknown): string | undefined {
  if (typeof value !== 'string' || value.length < hintFrom) return undefined
  const url = /^[a-z][a-z0-9+.-]*:\/\/[^@]*@/i.test(value) ? URL.parse(value) : null
  // An @ further right means that the password holds unescaped characters and was cut wrongly.
  if (url && !/@/.test(url.pathname + url.search + url.hash)) {
    return `${url.protocol}//…@${url.host}${url.pathname}`
  }
  return `…${value.slice(-4)}`
}

const unreadable = (owner: SecretOwner, field: string) =>
  derrickError(
    'auth',
    'secret.unreadable',
    `the stored secret ${field} of ${owner.kind} ${owner.id} cannot be decrypted`,
    { remedy: `set ${field} again` },
  )

const derive = (secret: string): Buffer =>
  Buffer.from(hkdfSync('sha256', secret, '', 'derrick secrets v1', 32))

function checkedKey(givenKey: string): string {
  const text = givenKey.trim()
  if (text.length >= shortestKey) return text
  throw derrickError(
    'unknown',
    'secret_key.short',
    `DERRICK_SECRET_KEY must have at least ${shortestKey} characters`,
    { retryable: false, remedy: 'make one with: openssl rand -hex 32' },
  )
}

function fileKey(db: Sqlite.Database, dataDir: string): string {
  const file = join(dataDir, keyFile)
  try {
    return checkedKey(readFileSync(file, 'utf8'))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
  // A new key would make the secrets that are there unreadable for good.
  if (knownKeyId(db) !== undefined) {
    throw derrickError(
      'unknown',
      'secret_key.missing',
      `this database has encrypted secrets, but ${file} is missing`,
      { retryable: false, remedy: 'put the file back, or set DERRICK_SECRET_KEY as before' },
    )
  }
  const fresh = randomBytes(32).toString('hex')
  writeFileSync(file, `${fresh}\n`, { mode: 0o600, flag: 'wx' })
  const fd = openSync(file, 'r')
  fsyncSync(fd)
  closeSync(fd)
  return fresh
}

const knownKeyId = (db: Sqlite.Database): string | undefined =>
  db.prepare(`select value from meta where key = 'secret_key_id'`).pluck().get() as
    | string
    | undefined

/** Notes the key's id at the first start and refuses another key later. */
function claim(db: Sqlite.Database, keyId: string): void {
  const known = knownKeyId(db)
  if (known === keyId) return
  if (known === undefined) {
    db.prepare(`insert into meta (key, value) values ('secret_key_id', ?)`).run(keyId)
    return
  }
  throw derrickError(
    'unknown',
    'secret_key.wrong',
    'the secrets in this database were encrypted with another key',
    { retryable: false, remedy: 'start with the DERRICK_SECRET_KEY or secret.key used before' },
  )
}
