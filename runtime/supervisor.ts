import { randomBytes } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { derrickError } from '../schema/error.ts'
import { type IdPrefix, makeId } from '../schema/id.ts'
import type { App } from './api/app.ts'
import { buildDoor } from './api/door.ts'
import { ensureDefaultWorkspace, hasAdminKey, seedAdminKey, writeClientFile } from './api/keys.ts'
import type { Config } from './config.ts'
import type { ApiRequest } from './demo-setup.ts'
import type { EngineRoom, RoomOptions } from './engine-room.ts'
import type { Logger } from './log.ts'
import { makeApiKeyStore } from './store/api-keys.ts'
import { type Database, openDatabase } from './store/database.ts'
import { openSecretBox } from './store/secrets.ts'
import { makeWorkspaceStore } from './store/workspaces.ts'
import { version } from './version.ts'

export interface Supervisor {
  url: string
  /** first boot without a seeded key: signs in once */
  loginLink: string | undefined
  /** calls the HTTP API in process */
  request: ApiRequest
  close(): Promise<void>
}

export interface SupervisorOptions {
  config: Config
  log: Logger
  demo: boolean
  /** false: no port is opened; the API answers `request` alone */
  listen?: boolean
  /** manifests beside those of the folder */
  manifestFiles?: string[]
}

/** Who waits for the port gets an answer before building the rest takes the thread. */
const firstAnswersMs = 20

const now = (): number => Date.now()
const newId = (prefix: IdPrefix): string => makeId(prefix, now(), randomBytes(10))

/**
 * Starts everything on one data dir, in two steps. First what can refuse a start and what answers at once: lock and
 * database, keys, the door. Then, while that answers already, the rest: engine, workers, API. Throws DerrickError with
 * a remedy when the data dir, the port or the configuration can't be used.
 */
export async function openSupervisor(options: SupervisorOptions): Promise<Supervisor> {
  const db = openDatabase(options.config.dataDir)
  try {
    return await build(options, db)
  } catch (error) {
    db.close()
    throw error
  }
}

async function build(options: SupervisorOptions, db: Database): Promise<Supervisor> {
  const { config, log, demo, listen: opensPort = true } = options
  const secrets = openSecretBox(db.full, config.dataDir, config.secretKey)
  // Not all stores: the others and what they load are for the engine room.
  const stores = { apiKeys: makeApiKeyStore(db.full), workspaces: makeWorkspaceStore(db.full) }
  const deps = { stores, log, now, newId, randomBytes }
  ensureDefaultWorkspace(deps)
  seedAdminKey(deps, config.adminApiKey)
  const api = Promise.withResolvers<App>()
  let room: EngineRoom | undefined
  const door = await buildDoor(
    {
      ...deps,
      config: { ...config, demo, version },
      schedulerState: () => room?.engine.schedulerState(),
    },
    api.promise,
  )
  const url = opensPort ? await listen(door, config) : 'http://localhost'
  const opened = await openRoom({ ...options, now, newId, randomBytes, secrets, db }).catch(
    async (error: unknown) => {
      api.reject(error)
      await door.close()
      throw error
    },
  )
  if (opensPort) writeClientFile(deps, config.dataDir, url)
  opened.start()
  room = opened
  api.resolve(opened.api)
  log.info({ url, dataDir: config.dataDir, version }, 'Derrick is up')
  return {
    url,
    loginLink:
      config.authDisabled || hasAdminKey(deps)
        ? undefined
        : `${config.publicUrl ?? url}${opened.makeLoginLink()}`,
    request: async (method, path, body) => {
      const answer = await door.inject({
        method,
        url: path,
        ...(body === undefined ? {} : { payload: body as object }),
        headers: { host: new URL(url).host },
      })
      return { status: answer.statusCode, body: answer.body === '' ? null : answer.json() }
    },
    close: async () => {
      await opened.stop()
      await door.close()
      await opened.close()
      db.close()
    },
  }
}

async function openRoom(options: RoomOptions): Promise<EngineRoom> {
  await delay(firstAnswersMs)
  const { openEngineRoom } = await import('./engine-room.ts')
  return openEngineRoom(options)
}

async function listen(app: App, config: Config): Promise<string> {
  try {
    await app.listen({ host: config.host, port: config.port })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error
    throw derrickError('unknown', 'port.taken', `port ${config.port} of ${config.host} is taken`, {
      remedy:
        'stop what listens there, or choose another with --port or DERRICK_PORT (0 takes a free one)',
    })
  }
  const { port } = app.server.address() as AddressInfo
  const host = config.host === '0.0.0.0' || config.host === '::' ? 'localhost' : config.host
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`
}
