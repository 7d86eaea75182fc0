import type { ConfigField } from '../../schema/manifest/config-field.ts'
import type { Environment } from '../config.ts'
import type { Connector } from '../connectors.ts'
import { openWorkbench } from '../workbench.ts'
import type { ConnectorFlags } from './connector-commands.ts'
import { exitCodes } from './exit-code.ts'
import { givenManifest, knownConnectors } from './given-manifest.ts'
import { issueCount, issuesText } from './issues.ts'
import { type Column, printRows } from './output.ts'
import { bold, dim, safe } from './paint.ts'
import { streamsOf, streamText } from './stream-abilities.ts'

/** `derrick connector list [NAME]`. Exit code 1 when a connector is broken. */
export async function listConnectors(
  env: Environment,
  name: string | undefined,
  flags: ConnectorFlags,
): Promise<number> {
  const workbench = openWorkbench()
  try {
    if (name !== undefined) return show(await givenManifest(env, name, flags, workbench), flags)
    const connectors = await knownConnectors(env, flags, workbench)
    const format = flags.json ? 'json' : flags.output
    if (format === 'table') printRows(connectors, columns, format)
    else printRows(connectors.map(summary), [], format)
    const broken = connectors.filter(({ issues }) => hasErrors(issues))
    if (format === 'table')
      for (const { issues, text } of broken) process.stdout.write(`\n${issuesText(issues, text)}`)
    return broken.length > 0 ? exitCodes.failed : exitCodes.done
  } finally {
    await workbench.close()
  }
}

const hasErrors = (issues: Connector['issues']): boolean =>
  issues.some(({ severity }) => severity === 'error')

const columns: Column<Connector>[] = [
  { title: 'CONNECTOR', text: ({ id }) => id },
  { title: 'NAME', text: ({ id, manifest }) => manifest?.name ?? id },
  { title: 'VERSION', text: ({ manifest }) => manifest?.version ?? '–' },
  { title: 'STREAMS', text: ({ manifest }) => String(Object.keys(manifest?.streams ?? {}).length) },
  { title: 'FROM', text: ({ origin, file }) => (origin === 'built_in' ? 'built in' : file) },
  { title: 'STATE', text: ({ issues }) => (hasErrors(issues) ? issueCount(issues) : 'ok') },
]

function summary({ id, origin, file, manifest, issues }: Connector) {
  return {
    id,
    name: manifest?.name ?? id,
    version: manifest?.version ?? null,
    origin,
    file,
    ok: !hasErrors(issues),
    streams: Object.keys(manifest?.streams ?? {}),
    issues,
  }
}

function show(connector: Connector, flags: ConnectorFlags): number {
  const { manifest, issues, text } = connector
  const format = flags.json ? 'json' : flags.output
  const code = hasErrors(issues) ? exitCodes.failed : exitCodes.done
  if (format !== 'table') {
    const streams = manifest ? streamsOf(manifest) : []
    const config = manifest?.config ?? {}
    printRows([{ ...summary(connector), config, streams }], [], format)
    return code
  }
  if (!manifest) {
    process.stdout.write(issuesText(issues, text))
    return code
  }
  const { name, version, docs, description } = manifest
  const lines = [`${bold(safe(name))} ${dim(`${version} · ${connector.file}`)}`]
  if (description !== undefined) lines.push(safe(description))
  if (docs !== undefined) lines.push(safe(docs))
  lines.push('', bold('Config'), ...Object.entries(manifest.config).map(fieldText))
  if (Object.keys(manifest.config).length === 0) lines.push('  needs none')
  lines.push('', bold('Streams'), ...streamsOf(manifest).map(streamText), '')
  process.stdout.write(lines.join('\n'))
  if (issues.length > 0) process.stdout.write(`\n${issuesText(issues, text)}`)
  return code
}

function fieldText([name, field]: [string, ConfigField]): string {
  const facts = [
    field.secret ? 'secret' : field.type,
    ...(field.required ? ['required'] : []),
    ...(field.enum ? [field.enum.join(' | ')] : []),
    ...(field.default === undefined ? [] : [`default ${JSON.stringify(field.default)}`]),
  ]
  const help = field.help ?? field.title
  return `  ${name}  ${dim(facts.join(', '))}${help === undefined ? '' : `  ${safe(help)}`}`
}
