import { readdirSync, readFileSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'

/** Larger files and more of them are no manifests. */
const maxManifestBytes = 1024 * 1024
const maxManifests = 1_000

export interface ManifestFile {
  file: string
  text: string
  /** why there is no text */
  problem?: { message: string; remedy: string }
}

/** The manifests of a folder; one that is not there yet has none. */
export function folderFiles(
  folder: string | undefined,
  onProject: (file: string) => void = () => {},
): ManifestFile[] {
  const files = namesIn(folder).flatMap(
    (file) => readManifest(join(folder as string, file), file) ?? [],
  )
  for (const { file, text } of files) if (isProjectFile(text)) onProject(file)
  return files.filter(({ text }) => !isProjectFile(text))
}

/** `derrick.yaml` names sources and connections, and no connector. */
export const isProjectFile = (text: string): boolean =>
  /^(sources|destinations|connections)\s*:/m.test(text) && !/^(id|streams|api)\s*:/m.test(text)

/** What to say of one that lies among manifests. */
export const projectFileText = (file: string): string =>
  `${file} names sources and connections; it is no connector: derrick apply -f ${file}`

/** Manifests that are named one by one. */
export const singleFiles = (paths: readonly string[]): ManifestFile[] =>
  paths.flatMap((path) => readManifest(path, basename(path)) ?? [])

function namesIn(folder: string | undefined): string[] {
  if (folder === undefined) return []
  try {
    const isManifest = (name: string) => /\.ya?ml$/.test(name) && !name.startsWith('.')
    return readdirSync(folder).filter(isManifest).sort().slice(0, maxManifests)
  } catch {
    return []
  }
}

/** Changes whenever a manifest in the folder, or one of single files, comes, goes or is written. */
export function folderState(folder: string | undefined, single: readonly string[] = []): string {
  const inFolder = namesIn(folder).map((name) => join(folder as string, name))
  const states = [...inFolder, ...single].map((path) => {
    const found = statSync(path, { throwIfNoEntry: false })
    return `${path} ${found?.mtimeMs} ${found?.ctimeMs} ${found?.size}`
  })
  return states.join('\n')
}

/** Undefined for what is no file. A file that can't be read is told of, like one that is wrong. */
export function readManifest(path: string, file: string): ManifestFile | undefined {
  try {
    const found = statSync(path)
    if (!found.isFile()) return undefined
    if (found.size > maxManifestBytes)
      return broken(file, 'the file is larger than 1 MB', 'split it into several connectors')
    return { file, text: readFileSync(path, 'utf8') }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    return code === 'ENOENT'
      ? undefined
      : broken(file, `the file can't be read (${code})`, 'let Derrick’s user read it')
  }
}

const broken = (file: string, message: string, remedy: string): ManifestFile => ({
  file,
  text: '',
  problem: { message, remedy },
})
