import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { type StreamCapabilities, streamCapabilities } from '../schema/manifest/capabilities.ts'
import type { ManifestIssue } from '../schema/manifest/issue.ts'
import { loadManifest } from '../schema/manifest/load.ts'
import type { Manifest } from '../schema/manifest/manifest.ts'
import { assetKeys, readAsset } from './binary/embedded.ts'

/** One manifest file, usable or not. */
export interface Connector {
  /** the manifest's id, or the file's name while it can't be read */
  id: string
  origin: 'built_in' | 'folder'
  file: string
  text: string
  /** absent when the file has errors */
  manifest?: Manifest
  issues: ManifestIssue[]
}

export interface ConnectorRegistry {
  list(): Connector[]
  get(id: string): Connector | undefined
  manifest(id: string): Manifest | undefined
  /** Undefined when the connector or its stream is unknown. */
  capabilities(
    id: string,
    stream: string,
    config?: Record<string, unknown>,
  ): StreamCapabilities | undefined
  /**
   * Reads the folder again if a file in it changed; a connector that broke keeps its last good manifest for running
   * streams. Cheap when nothing changed: called at each tick and before connectors are listed.
   */
  refresh(): void
}

interface ManifestFile {
  origin: Connector['origin']
  file: string
  text: string
}

/** Larger files and more of them are no manifests. */
const maxManifestBytes = 1024 * 1024
const maxManifests = 1_000

/**
 * The connectors of this build and of `folder` (DERRICK_MANIFESTS_DIR). A file there may replace a built-in
 * connector of the same id; two files with one id are an error of the second.
 */
export function openConnectors(folder?: string): ConnectorRegistry {
  let connectors = new Map<string, Connector>()
  let seen: string | undefined
  const load = (): void => {
    const state = folderState(folder)
    if (state === seen) return
    seen = state
    connectors = merge([...builtInFiles(), ...folderFiles(folder)].map(read), connectors)
  }
  // Parsing manifests takes longer than all else at the start: it waits for whoever asks first.
  const loaded = (): Map<string, Connector> => {
    if (seen === undefined) load()
    return connectors
  }
  const manifest = (id: string) => loaded().get(id)?.manifest
  return {
    list: () => [...loaded().values()],
    get: (id) => loaded().get(id),
    manifest,
    capabilities: (id, stream, config) => {
      const found = manifest(id)
      return found && streamCapabilities(found, stream, config)
    },
    refresh: () => {
      if (seen !== undefined) load()
    },
  }
}

function builtInFiles(): ManifestFile[] {
  return assetKeys('manifests/')
    .filter((key) => /\.ya?ml$/.test(key))
    .map((key) => ({
      origin: 'built_in',
      file: key.slice('manifests/'.length),
      text: readAsset(key)?.toString('utf8') ?? '',
    }))
}

/** A folder that is not there yet has no connectors; a file that can't be read is left to its owner. */
function folderFiles(folder: string | undefined): ManifestFile[] {
  return namesIn(folder).flatMap((file) => {
    const text = textOf(join(folder as string, file))
    return text === undefined ? [] : [{ origin: 'folder' as const, file, text }]
  })
}

function namesIn(folder: string | undefined): string[] {
  if (folder === undefined) return []
  try {
    const isManifest = (name: string) => /\.ya?ml$/.test(name) && !name.startsWith('.')
    return readdirSync(folder).filter(isManifest).sort().slice(0, maxManifests)
  } catch {
    return []
  }
}

/** Changes whenever a manifest in the folder comes, goes or is written. */
function folderState(folder: string | undefined): string {
  const states = namesIn(folder).map((name) => {
    const found = statSync(join(folder as string, name), { throwIfNoEntry: false })
    return `${name} ${found?.mtimeMs} ${found?.ctimeMs} ${found?.size}`
  })
  return states.join('\n')
}

function textOf(path: string): string | undefined {
  try {
    const found = statSync(path)
    if (!found.isFile() || found.size > maxManifestBytes) return undefined
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

function read({ origin, file, text }: ManifestFile): Connector {
  const { manifest, issues } = loadManifest(text, file)
  const id = manifest?.id ?? idIn(text) ?? file.replace(/\.ya?ml$/, '')
  return { id, origin, file, text, issues, ...(manifest ? { manifest } : {}) }
}

/** So that a broken file is listed under the name that its sources use. */
const idIn = (text: string): string | undefined => /^id:\s*["']?([a-z][a-z0-9_]*)/m.exec(text)?.[1]

function merge(found: Connector[], before: Map<string, Connector>): Map<string, Connector> {
  const merged = new Map<string, Connector>()
  for (const connector of found) {
    const other = merged.get(connector.id)
    const usable = withLastGood(connector, before)
    if (other?.origin === connector.origin) other.issues.push(duplicate(connector, other))
    else merged.set(connector.id, usable)
  }
  return merged
}

function withLastGood(connector: Connector, before: Map<string, Connector>): Connector {
  const last = before.get(connector.id)
  if (connector.manifest || !last?.manifest || last.file !== connector.file) return connector
  return { ...connector, manifest: last.manifest }
}

const duplicate = (connector: Connector, other: Connector): ManifestIssue => ({
  code: 'manifest.duplicate_id',
  severity: 'warning',
  message: `${connector.file} has the id ${connector.id} too and is not used`,
  remedy: `give one of ${other.file} and ${connector.file} another id`,
  file: connector.file,
  line: 1,
  column: 1,
  path: 'id',
})
