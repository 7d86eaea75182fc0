import { toFailure } from '../schema/error.ts'
import { type StreamCapabilities, streamCapabilities } from '../schema/manifest/capabilities.ts'
import type { ManifestIssue } from '../schema/manifest/issue.ts'
import { type LoadedManifest, loadManifest } from '../schema/manifest/load.ts'
import type { Manifest } from '../schema/manifest/manifest.ts'
import { assetKeys, readAsset } from './binary/embedded.ts'
import { folderFiles, folderState, type ManifestFile, singleFiles } from './manifest-folder.ts'

/** One manifest file, usable or not. */
export interface Connector {
  /** the manifest's id, or the file's name while it can't be read */
  id: string
  origin: 'built_in' | 'folder'
  file: string
  text: string
  /** absent when the file has errors and never was without */
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
   * Reads what changed in the folder; until it was called once, only built-in connectors are known. A connector that broke
   * keeps its last good manifest for the streams that use it. Cheap when nothing changed: called at each tick and before
   * connectors are listed. Never rejects.
   */
  refresh(): Promise<void>
}

export interface RegistryOptions {
  /** single files beside those of the folder, by their paths; they win over files of the folder with their name */
  files?: readonly string[]
  /** reads manifests that are not our own: in another thread, for they may be made to take long */
  load?: (files: readonly ManifestFile[]) => Promise<LoadedManifest[]>
  /** a file of the folder was read for the first time or anew */
  onRead?: (connector: Connector) => void
  /** a `derrick.yaml` lies in the folder, by its name */
  onProject?: (file: string) => void
}

const loadHere = async (files: readonly ManifestFile[]): Promise<LoadedManifest[]> =>
  files.map(({ text, file }) => loadManifest(text, file))

/**
 * The connectors of this build and of `folder` (DERRICK_MANIFESTS_DIR). A file there may replace a built-in
 * connector of the same id; two files with one id are an error of the second.
 */
export function openConnectors(folder?: string, options: RegistryOptions = {}): ConnectorRegistry {
  const { load = loadHere, onRead = () => {}, onProject, files: single = [] } = options
  let builtIn: Connector[] | undefined
  let files = new Map<string, Connector>()
  let known: Map<string, Connector> | undefined
  let seen = ''
  let reading: Promise<void> = Promise.resolve()
  // Parsing manifests takes longer than all else at the start: it waits for whoever asks first.
  const connectors = (): Map<string, Connector> => {
    builtIn ??= builtInFiles().map(ownConnector)
    known ??= merge([...builtIn, ...files.values()])
    return known
  }
  const readAnew = async (): Promise<void> => {
    const state = folderState(folder, single)
    if (state === seen) return
    const found = new Map<string, Connector>()
    for (const file of [...folderFiles(folder, onProject), ...singleFiles(single)]) {
      const before = files.get(file.file)
      if (before?.text === file.text && !file.problem) found.set(file.file, before)
      else found.set(file.file, await readFile(file, before, load))
    }
    const changed = [...found.values()].filter((one) => files.get(one.file) !== one)
    files = found
    known = undefined
    seen = state
    for (const connector of changed) onRead(connector)
  }
  const manifest = (id: string) => connectors().get(id)?.manifest
  return {
    list: () => [...connectors().values()],
    get: (id) => connectors().get(id),
    manifest,
    capabilities: (id, stream, config) => {
      const found = manifest(id)
      return found && streamCapabilities(found, stream, config)
    },
    refresh: () => {
      reading = reading.then(readAnew).catch(() => {})
      return reading
    },
  }
}

/** A file that takes too long, or its thread with it, is broken; others are not. */
async function readFile(
  file: ManifestFile,
  before: Connector | undefined,
  load: NonNullable<RegistryOptions['load']>,
): Promise<Connector> {
  const read = async (): Promise<LoadedManifest> => {
    if (file.problem) return unreadable(file.file, file.problem)
    try {
      const [loaded] = await load([file])
      return loaded ?? unreadable(file.file, { message: 'the file was not read', remedy: '' })
    } catch (error) {
      const { message, remedy = 'make the file smaller' } = toFailure(error)
      return unreadable(file.file, { message, remedy })
    }
  }
  const connector = connectorOf('folder', file, await read())
  if (connector.manifest || !before?.manifest || before.id !== connector.id) return connector
  return { ...connector, manifest: before.manifest }
}

const unreadable = (
  file: string,
  problem: { message: string; remedy: string },
): LoadedManifest => ({
  issues: [
    { code: 'manifest.yaml', severity: 'error', ...problem, file, line: 1, column: 1, path: '' },
  ],
})

function builtInFiles(): ManifestFile[] {
  return assetKeys('manifests/')
    .filter((key) => /\.ya?ml$/.test(key))
    .map((key) => ({
      file: key.slice('manifests/'.length),
      text: readAsset(key)?.toString('utf8') ?? '',
    }))
}

/** One of this build, which is sound and named by its file; it is parsed when somebody looks into it. */
function ownConnector({ file, text }: ManifestFile): Connector {
  let read: LoadedManifest | undefined
  const loaded = (): LoadedManifest => {
    read ??= loadManifest(text, file)
    return read
  }
  return {
    id: withoutEnding(file),
    origin: 'built_in',
    file,
    text,
    get manifest() {
      return loaded().manifest as Manifest
    },
    get issues() {
      return loaded().issues
    },
  }
}

/** A manifest file as it was read. */
export function connectorOf(
  origin: Connector['origin'],
  { file, text }: ManifestFile,
  { manifest, issues }: LoadedManifest,
): Connector {
  const id = manifest?.id ?? idIn(text) ?? withoutEnding(file)
  return { id, origin, file, text, issues, ...(manifest ? { manifest } : {}) }
}

const withoutEnding = (file: string): string => file.replace(/\.ya?ml$/, '')

/** So that a broken file is listed under the name that its sources use. */
const idIn = (text: string): string | undefined => /^id:\s*["']?([a-z][a-z0-9_]*)/m.exec(text)?.[1]

function merge(found: readonly Connector[]): Map<string, Connector> {
  const merged = new Map<string, Connector>()
  for (const connector of found) {
    const other = merged.get(connector.id)
    if (other?.origin !== connector.origin) merged.set(connector.id, connector)
    else if (connector.manifest && !other.manifest) {
      // The one that works has the name; the broken one is listed under its file's.
      merged.set(connector.id, connector)
      merged.set(withoutEnding(other.file), { ...other, id: withoutEnding(other.file) })
    } else if (connector.manifest)
      merged.set(other.id, { ...other, issues: [...other.issues, duplicate(connector, other)] })
    else
      merged.set(withoutEnding(connector.file), { ...connector, id: withoutEnding(connector.file) })
  }
  return merged
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
