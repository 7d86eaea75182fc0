import { createHash } from 'node:crypto'
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { derrickError } from '../../schema/error.ts'
import { keyPattern } from '../../schema/key-pattern.ts'
import type { ApiKeyRow } from '../store/api-keys.ts'
import type { Stores } from '../store/stores.ts'
import { defaultWorkspaceName } from '../store/workspaces.ts'
import type { ApiDeps } from './deps.ts'

/** The key of the command line on the server's own host; renewed at each start of the server. */
export const localKeyId = 'key_local'
export const clientFile = 'client.json'
const linkLivesMs = 3_600_000

/** Keys and cookies have 128 random bits or more, so a plain hash is enough to store them. */
export const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')
export const sha256Bytes = (bytes: Uint8Array): string =>
  createHash('sha256').update(bytes).digest('hex')

type KeyDeps = Pick<ApiDeps, 'now' | 'newId' | 'randomBytes'> & {
  stores: Pick<Stores, 'apiKeys' | 'workspaces'>
}

export const newKey = (randomBytes: ApiDeps['randomBytes']): string =>
  `dk_live_${randomBytes(16).toString('hex')}`

/** Stores a key by its hash. The key itself is known to the caller alone. */
export function addKey(
  { stores, now, newId }: KeyDeps,
  key: string,
  { name, role, workspaceId }: Pick<ApiKeyRow, 'name' | 'role' | 'workspaceId'>,
  id: string = newId('key'),
): ApiKeyRow {
  const row: ApiKeyRow = {
    id,
    name,
    role,
    workspaceId,
    hash: sha256(key),
    hint: key.slice(-4),
    createdAt: now(),
    lastUsedAt: null,
  }
  stores.apiKeys.insert(row)
  return row
}

/** Makes the workspace that is meant when none is named. */
export function ensureDefaultWorkspace({ stores, now, newId }: KeyDeps): void {
  if (stores.workspaces.byName(defaultWorkspaceName)) return
  stores.workspaces.insert({ id: newId('ws'), name: defaultWorkspaceName, createdAt: now() })
}

/**
 * Stores the key of DERRICK_ADMIN_API_KEY on the first boot. Later it changes nothing: a key that was deleted on
 * purpose must not come back. Throws DerrickError config.invalid with a valid example.
 */
export function seedAdminKey(deps: KeyDeps, key: string | undefined): void {
  if (key === undefined) return
  if (!keyPattern.test(key)) {
    throw derrickError('unknown', 'config.invalid', 'DERRICK_ADMIN_API_KEY is not a valid key', {
      retryable: false,
      remedy: `a key is dk_live_ and 32 lower-case hex digits, such as dk_live_${'0123456789abcdef'.repeat(2)}`,
    })
  }
  if (hasAdminKey(deps) || deps.stores.apiKeys.byHash(sha256(key))) return
  addKey(deps, key, { name: 'first admin', role: 'admin', workspaceId: null })
}

/** Whether somebody else than the local command line can sign in as admin. */
export function hasAdminKey({ stores }: Pick<KeyDeps, 'stores'>): boolean {
  const local = stores.apiKeys.get(localKeyId) ? 1 : 0
  return stores.apiKeys.countAdmins() > local
}

/** The path and query of a link that signs in once, within an hour, as admin. */
export function makeLoginLink({
  stores,
  now,
  randomBytes,
}: Pick<ApiDeps, 'stores' | 'now' | 'randomBytes'>): string {
  const token = randomBytes(24).toString('base64url')
  stores.sessions.addLink({ hash: sha256(token), role: 'admin', expiresAt: now() + linkLivesMs })
  return `/login?token=${token}`
}

/**
 * Writes `client.json` (0600) with this server's address and a key for clients that can read the data dir.
 * An earlier key goes on being valid when it is known still.
 */
export function writeClientFile(deps: KeyDeps, dataDir: string, url: string): void {
  const file = join(dataDir, clientFile)
  const known = deps.stores.apiKeys.get(localKeyId)
  let key = keyIn(file)
  if (key === undefined || known?.hash !== sha256(key)) {
    key = newKey(deps.randomBytes)
    deps.stores.apiKeys.delete(localKeyId)
    addKey(deps, key, { name: 'local command line', role: 'admin', workspaceId: null }, localKeyId)
  }
  writeFileSync(`${file}.new`, `${JSON.stringify({ url, api_key: key })}\n`, { mode: 0o600 })
  renameSync(`${file}.new`, file)
}

function keyIn(file: string): string | undefined {
  if (!existsSync(file)) return undefined
  try {
    const { api_key: key } = JSON.parse(readFileSync(file, 'utf8')) as { api_key?: unknown }
    return typeof key === 'string' && keyPattern.test(key) ? key : undefined
  } catch {
    return undefined
  }
}
