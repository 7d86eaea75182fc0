import { randomBytes } from 'node:crypto'
import { pino } from 'pino'
import { type App, buildApi } from '../../../runtime/api/app.ts'
import type { ApiConfig, ApiDeps } from '../../../runtime/api/deps.ts'
import { buildDoor } from '../../../runtime/api/door.ts'
import { makeEventHub } from '../../../runtime/api/events.ts'
import { addKey, ensureDefaultWorkspace } from '../../../runtime/api/keys.ts'
import { openConnectors } from '../../../runtime/connectors.ts'
import { type Database, openDatabase } from '../../../runtime/store/database.ts'
import { openSecretBox } from '../../../runtime/store/secrets.ts'
import { makeStores } from '../../../runtime/store/stores.ts'
import { openWorkbench } from '../../../runtime/workbench.ts'
import type { Role } from '../../../schema/api-key.ts'
import { type IdPrefix, makeId } from '../../../schema/id.ts'
import { tempDir } from '../../support/temp-dir.ts'
import { type RecordingEngine, recordingEngine } from './recording-engine.ts'

export interface Harness {
  app: App
  deps: ApiDeps
  db: Database
  dir: string
  engine: RecordingEngine
  /** a fresh key with this role, bound to a workspace or to none */
  key: (role: Role, workspaceId?: string | null) => string
  call: (method: Method, path: string, options?: CallOptions) => Promise<Answer>
  clock: { now: number }
  logged: string[]
  close: () => Promise<void>
}

type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE'

interface CallOptions {
  key?: string
  body?: unknown
  headers?: Record<string, string>
}

export interface Answer {
  status: number
  /** tests look into answers of every shape */
  body: ReturnType<typeof JSON.parse>
  text: string
  headers: Record<string, unknown>
}

/** The API over a real database in a folder of its own, with an engine that only records. */
export async function openHarness(
  config: Partial<ApiConfig> = {},
  { manifestsDir }: { manifestsDir?: string } = {},
): Promise<Harness> {
  const dir = tempDir('api')
  const db = openDatabase(dir.path)
  const stores = makeStores(db.full)
  const clock = { now: Date.parse('2026-03-10T12:00:00Z') }
  const hub = makeEventHub('test')
  const logged: string[] = []
  const workbench = openWorkbench()
  const connectors = openConnectors(manifestsDir, { load: workbench.load })
  await connectors.refresh()
  const engine = recordingEngine(stores, hub, () => clock.now)
  const deps: ApiDeps = {
    stores,
    secrets: openSecretBox(db.full, dir.path),
    connectors,
    engine,
    workbench,
    hub,
    log: pino({ level: 'trace' }, { write: (line: string) => void logged.push(line) }),
    config: {
      host: '127.0.0.1',
      port: 7070,
      publicUrl: undefined,
      trustProxy: false,
      allowPrivateNetworks: true,
      authDisabled: false,
      demo: false,
      version: '0.0.0-test',
      ...config,
    },
    now: () => clock.now,
    newId: (prefix: IdPrefix) => makeId(prefix, ++clock.now, randomBytes(10)),
    randomBytes,
  }
  ensureDefaultWorkspace(deps)
  const schedulerState = () => engine.schedulerState()
  const app = await buildDoor({ ...deps, schedulerState }, buildApi(deps))
  const key = (role: Role, workspaceId: string | null = null): string => {
    const text = `dk_live_${randomBytes(16).toString('hex')}`
    addKey(deps, text, { name: `${role} key`, role, workspaceId })
    return text
  }
  const admin = key('admin')
  return {
    app,
    deps,
    db,
    dir: dir.path,
    engine,
    key,
    clock,
    logged,
    call: async (method, path, { key: used = admin, body, headers = {} } = {}) => {
      const answer = await app.inject({
        method,
        url: path.startsWith('/') ? path : `/api/v1/${path}`,
        headers: { ...(used === '' ? {} : { authorization: `Bearer ${used}` }), ...headers },
        ...(body === undefined ? {} : { payload: body as object }),
      })
      const isJson = /json/.test(String(answer.headers['content-type']))
      return {
        status: answer.statusCode,
        text: answer.body,
        body: isJson && answer.body !== '' ? JSON.parse(answer.body) : undefined,
        headers: answer.headers,
      }
    },
    close: async () => {
      // Runs that were cancelled last end in a turn of their own.
      await new Promise((resolve) => setImmediate(resolve))
      hub.close()
      await app.close()
      await workbench.close()
      db.close()
      dir.remove()
    },
  }
}

export const secretKey = 'shop_secret_4d1f7a90c2_canary'

/** A source, a destination, a connection and a stream of the demo shop. */
export async function makeStream(
  { call, dir }: Pick<Harness, 'call' | 'dir'>,
  more: { key?: string; stream?: object; suffix?: string } = {},
): Promise<{ source: string; destination: string; connection: string; stream: string }> {
  const { stream = {}, suffix = '' } = more
  const as = more.key === undefined ? {} : { key: more.key }
  const create = async (path: string, body: unknown): Promise<string> => {
    const answer = await call('POST', path, { ...as, body })
    if (answer.status !== 201) throw new Error(`${path}: ${answer.text}`)
    return answer.body.id
  }
  const source = await create('sources', {
    name: `shop${suffix}`,
    connector: 'demo_shop',
    config: { base_url: 'http://127.0.0.1:1', api_key: secretKey },
  })
  const destination = await create('destinations', {
    name: `files${suffix}`,
    type: 'local_file',
    config: { path: dir },
  })
  const connection = await create('connections', {
    name: `shop-to-files${suffix}`,
    source_id: source,
    destination_id: destination,
  })
  const id = await create('streams', { connection_id: connection, name: 'orders', ...stream })
  return { source, destination, connection, stream: id }
}
