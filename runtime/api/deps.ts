import type { Logger } from 'pino'
import type { IdPrefix } from '../../schema/id.ts'
import type { ConnectorRegistry } from '../connectors.ts'
import type { Engine } from '../engine/engine.ts'
import type { SecretBox } from '../store/secrets.ts'
import type { Stores } from '../store/stores.ts'
import type { Workbench } from '../workbench.ts'
import type { EventHub } from './events.ts'

/** How the server was started, as far as requests notice. */
export interface ApiConfig {
  host: string
  port: number
  /** behind a proxy: the origin that people use */
  publicUrl: string | undefined
  trustProxy: boolean
  /** sources may be on private networks and plain http */
  allowPrivateNetworks: boolean
  authDisabled: boolean
  demo: boolean
  version: string
}

/** All that the routes need. Clock and chance come from outside. */
export interface ApiDeps {
  /** over the FULL connection: what is answered is on the disk */
  stores: Stores
  secrets: SecretBox
  connectors: ConnectorRegistry
  engine: Engine
  /** reads and tries manifests, in threads of its own */
  workbench: Workbench
  hub: EventHub
  log: Logger
  config: ApiConfig
  now: () => number
  newId: (prefix: IdPrefix) => string
  randomBytes: (size: number) => Buffer
}
