import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { parse } from 'yaml'
import { derrickError } from '../../schema/error.ts'
import type { ConfigField } from '../../schema/manifest/config-field.ts'
import type { Manifest } from '../../schema/manifest/manifest.ts'
import { nearest } from '../../schema/manifest/nearest.ts'
import { type Environment, readVariable } from '../config.ts'
import { type Connector, connectorOf, openConnectors } from '../connectors.ts'
import { isProjectFile, projectFileText, readManifest } from '../manifest-folder.ts'
import type { Workbench } from '../workbench.ts'
import type { ConnectorFlags, TryFlags } from './connector-commands.ts'
import { say } from './say.ts'

/** The connectors that `serve` would know in this environment. */
export async function knownConnectors(
  env: Environment,
  { manifestsDir }: ConnectorFlags,
  workbench: Workbench,
): Promise<Connector[]> {
  const folder = manifestsDir ?? readVariable(env, 'DERRICK_MANIFESTS_DIR')
  const connectors = openConnectors(folder, {
    load: workbench.load,
    onProject: (file) => say(projectFileText(file)),
  })
  await connectors.refresh()
  return connectors.list()
}

/** A manifest by its file or by the name of a connector. Throws DerrickError `config.manifest_unknown`. */
export async function givenManifest(
  env: Environment,
  given: string,
  flags: ConnectorFlags,
  workbench: Workbench,
): Promise<Connector> {
  const file = readManifest(given, given)
  if (file) {
    const { problem } = file
    if (problem)
      throw derrickError('unknown', 'config.manifest_unknown', `${given}: ${problem.message}`, {
        remedy: problem.remedy,
      })
    if (isProjectFile(file.text))
      throw derrickError('unknown', 'config.manifest_unknown', projectFileText(given), {
        remedy: `to check it: derrick validate -f ${given}`,
      })
    const [loaded] = await workbench.load([file])
    return connectorOf('folder', { ...file, file: given }, loaded ?? { issues: [] })
  }
  const known = await knownConnectors(env, flags, workbench)
  const found = known.find(({ id }) => id === given)
  if (found) return found
  const names = known.map(({ id }) => id)
  const close = nearest(basename(given).replace(/\.ya?ml$/, ''), names)
  throw derrickError(
    'unknown',
    'config.manifest_unknown',
    `${given} is neither a file nor a connector`,
    { remedy: close ? `did you mean ${close}?` : `connectors: ${names.join(', ')}` },
  )
}

/** The config of `--config` and `--config-file`, each value as its field's type. Throws DerrickError `config.invalid`. */
export function givenConfig(
  env: Environment,
  manifest: Manifest,
  { config, configFile }: Pick<TryFlags, 'config' | 'configFile'>,
): Record<string, unknown> {
  const pairs = config.map((pair): [string, unknown] => {
    const at = pair.indexOf('=')
    if (at < 1) throw invalid(`--config ${pair} is not field=value`, 'such as --config api_key=abc')
    const name = pair.slice(0, at)
    const field = Object.hasOwn(manifest.config, name) ? manifest.config[name] : undefined
    return [name, typedValue(name, pair.slice(at + 1), field)]
  })
  const fromFile = configFile === undefined ? {} : readConfigFile(env, configFile)
  return { ...fromFile, ...Object.fromEntries(pairs) }
}

function typedValue(name: string, text: string, field: ConfigField | undefined): unknown {
  switch (field?.type) {
    case 'integer':
    case 'number':
      // Left as text where it is none: the config's own check then says so.
      return text.trim() !== '' && Number.isFinite(Number(text)) ? Number(text) : text
    case 'boolean':
      return text === 'true' || text === 'yes'
        ? true
        : text === 'false' || text === 'no'
          ? false
          : text
    case 'list':
      return text.split(',').map((part) => part.trim())
    case 'json':
      try {
        return JSON.parse(text) as unknown
      } catch {
        throw invalid(`--config ${name} is not JSON`, `such as --config '${name}={"a": 1}'`)
      }
    default:
      return text
  }
}

function readConfigFile(env: Environment, file: string): Record<string, unknown> {
  let value: unknown
  try {
    value = parse(readFileSync(file, 'utf8'), { maxAliasCount: 0 }) as unknown
  } catch (cause) {
    const why = cause instanceof Error ? cause.message.split('\n')[0] : ''
    throw invalid(
      `--config-file ${file} can't be read: ${why}`,
      'give a YAML or JSON file of fields',
    )
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw invalid(`--config-file ${file} holds no fields`, 'such as: api_key: abc')
  return Object.fromEntries(
    Object.entries(value).map(([name, one]) => [
      name,
      expanded((variable) => readVariable(env, variable), one, `${file}, ${name}`),
    ]),
  )
}

/** `${NAME}` in texts, so that a file needs to hold no secret. */
export function expanded(
  lookUp: (name: string) => string | undefined,
  value: unknown,
  where: string,
): unknown {
  if (typeof value !== 'string') return value
  return value.replaceAll(/\$\{([A-Za-z_]\w*)\}/g, (_text, name: string) => {
    const found = lookUp(name)
    if (found !== undefined) return found
    throw invalid(`${where}: the environment has no ${name}`, `export ${name}=…`)
  })
}

const invalid = (message: string, remedy: string) =>
  derrickError('unknown', 'config.invalid', message, { remedy })
