import type { CheckResult } from '../../schema/destination.ts'
import { checkConfig } from '../../schema/manifest/config.ts'
import type { Environment } from '../config.ts'
import { openWorkbench, type Workbench } from '../workbench.ts'
import type { CheckFlags } from './connector-commands.ts'
import { exitCodes } from './exit-code.ts'
import { givenConfig, givenManifest } from './given-manifest.ts'
import { issueCount, issuesText } from './issues.ts'
import { printRows } from './output.ts'
import { bold, count, dim, mark, safe } from './paint.ts'
import { streamsOf, streamText } from './stream-abilities.ts'

/**
 * `derrick connector check MANIFEST`: every error of the file at once; where the config is complete, the API is asked
 * too. Exit code 2 for a manifest with errors or a config with wrong fields, 1 when the API refuses.
 */
export async function checkConnector(
  env: Environment,
  given: string,
  flags: CheckFlags,
): Promise<number> {
  const workbench = openWorkbench()
  try {
    return await check(env, given, flags, workbench)
  } finally {
    await workbench.close()
  }
}

async function check(
  env: Environment,
  given: string,
  flags: CheckFlags,
  workbench: Workbench,
): Promise<number> {
  const connector = await givenManifest(env, given, flags, workbench)
  const { issues, text, file } = connector
  const ok = issues.every(({ severity }) => severity !== 'error')
  const manifest = ok ? connector.manifest : undefined
  const config = manifest ? givenConfig(env, manifest, flags) : {}
  const fields = manifest ? checkConfig(manifest, config) : []
  const isTried = manifest !== undefined && !flags.offline && fields.length === 0
  const api = isTried ? await workbench.check(manifest, config, true) : null
  const format = flags.json ? 'json' : flags.output
  // Nothing was given: that only the manifest is looked at is no error.
  const isConfigured = flags.config.length > 0 || flags.configFile !== undefined
  if (format !== 'table') {
    const config_issues = isConfigured ? fields : []
    const streams = manifest ? streamsOf(manifest) : []
    printRows([{ id: connector.id, file, ok, issues, streams, config_issues, api }], [], format)
  } else {
    if (issues.length > 0) process.stdout.write(`${issuesText(issues, text)}\n`)
    const streams = count(Object.keys(manifest?.streams ?? {}).length, 'stream')
    process.stdout.write(
      ok
        ? `${mark.good()} ${bold(file)} is a connector with ${streams}${dim(`, ${issueCount(issues)}`)}\n`
        : `${mark.bad()} ${bold(file)}: ${issueCount(issues)}\n`,
    )
    if (manifest) process.stdout.write(`${streamsOf(manifest).map(streamText).join('\n')}\n`)
    if (api) process.stdout.write(stepsText(api))
    else if (ok && !flags.offline) process.stdout.write(configText(fields, isConfigured))
  }
  if (!ok || (isConfigured && fields.length > 0 && !flags.offline)) return exitCodes.usage
  return api && !api.ok ? exitCodes.failed : exitCodes.done
}

function stepsText({ steps }: CheckResult): string {
  return steps
    .map(({ name, ok, ms, message, remedy }) => {
      const line = `${ok ? mark.good() : mark.bad()} ${name} ${dim(`${Math.round(ms)} ms`)}`
      const more = message === undefined ? '' : `\n    ${safe(message)}`
      return `${line}${more}${remedy === undefined ? '' : `\n    → ${safe(remedy)}`}\n`
    })
    .join('')
}

function configText(fields: ReturnType<typeof checkConfig>, isConfigured: boolean): string {
  const lines = fields.map(({ field, message, remedy }) =>
    isConfigured ? `    ${field}: ${message}\n    → ${remedy}\n` : `    --config ${field}=…\n`,
  )
  const head = isConfigured
    ? `${mark.bad()} the config is not complete, so the API was not asked\n`
    : `${mark.note()} the API was not asked; give its config to try it:\n`
  return head + lines.join('')
}
