import { readFileSync, writeFileSync } from 'node:fs'
import { derrickError } from '../../schema/error.ts'
import type { Manifest } from '../../schema/manifest/manifest.ts'
import { nearest } from '../../schema/manifest/nearest.ts'
import { type PreviewReport, previewLimits } from '../../schema/preview.ts'
import { isZone } from '../../schema/tiling.ts'
import type { Environment } from '../config.ts'
import { openWorkbench, type Workbench } from '../workbench.ts'
import type { PreviewFlags } from './connector-commands.ts'
import { exitCodes } from './exit-code.ts'
import { givenConfig, givenManifest } from './given-manifest.ts'
import { issueCount, issuesText } from './issues.ts'
import { printRows } from './output.ts'
import { previewText } from './preview-text.ts'
import { say } from './say.ts'

/**
 * `derrick connector preview MANIFEST [STREAM]`: reads a little and shows everything about it. Exit code 1 when the API
 * refuses or records would be lost, 2 for a manifest with errors.
 */
export async function previewConnector(
  env: Environment,
  given: { manifest: string; stream: string | undefined },
  flags: PreviewFlags,
): Promise<number> {
  const workbench = openWorkbench()
  try {
    const connector = await givenManifest(env, given.manifest, flags, workbench)
    const { manifest, issues, text } = connector
    if (!manifest || issues.some(({ severity }) => severity === 'error')) {
      if (flags.json) printRows([{ ok: false, issues }], [], 'json')
      else process.stdout.write(issuesText(issues, text))
      say(`derrick: ${given.manifest} has ${issueCount(issues)}`)
      return exitCodes.usage
    }
    const stream = streamIn(manifest, given.stream)
    const report = await preview(env, { manifest, stream }, flags, workbench)
    const format = flags.json ? 'json' : flags.output
    if (format === 'table')
      process.stdout.write(previewText(report, { raw: flags.raw === true, file: connector.file }))
    else if (format === 'json') process.stdout.write(`${JSON.stringify(report, null, 2)}\n`)
    else printRows([report], [], format)
    const isBad = report.failure || report.warnings.some(({ severity }) => severity === 'error')
    return isBad ? exitCodes.failed : exitCodes.done
  } finally {
    await workbench.close()
  }
}

async function preview(
  env: Environment,
  { manifest, stream }: { manifest: Manifest; stream: string },
  flags: PreviewFlags,
  workbench: Workbench,
): Promise<PreviewReport> {
  const { pages, records } = previewLimits
  const from = instantOf('--from', flags.from)
  const to = instantOf('--to', flags.to)
  if (to !== null && (from === null || from >= to))
    throw invalid('--to needs a --from before it', 'such as --from 2026-01-01 --to 2026-01-02')
  if (!isZone(flags.timezone)) throw invalid('--timezone is not known', 'such as Europe/Berlin')
  const order = {
    stream,
    from,
    to,
    pages: wholeNumber('--pages', flags.pages, 1, pages.most),
    records: wholeNumber('--limit', flags.limit, 0, records.most),
    edges: flags.edges,
  }
  const { replay, record, timezone } = flags
  const answer = await workbench.preview({
    manifest,
    config: givenConfig(env, manifest, flags),
    timezone,
    order,
    // Whoever runs this command may reach what this machine reaches.
    allowPrivateNetworks: true,
    ...(replay === undefined ? {} : { replay: readFixture(replay) }),
    ...(record === undefined ? {} : { record: true }),
  })
  if (record !== undefined && answer.fixture !== undefined) {
    writeFileSync(record, answer.fixture)
    say(`recorded to ${record}, without secrets; it holds records as the API gave them`)
  }
  return answer.report
}

function streamIn({ id, streams }: Manifest, given: string | undefined): string {
  const names = Object.keys(streams)
  if (given === undefined) {
    const [only, ...more] = names
    if (only !== undefined && more.length === 0) return only
    throw invalid('which stream?', `one of ${names.join(', ')}`)
  }
  if (Object.hasOwn(streams, given)) return given
  const close = nearest(given, names)
  throw invalid(
    `${id} has no stream ${given}`,
    close ? `did you mean ${close}?` : `its streams: ${names.join(', ')}`,
  )
}

function readFixture(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    throw invalid(`--replay ${file} can't be read`, 'record one first: --record FIXTURE')
  }
}

/** A plain date means its first instant in UTC. */
function instantOf(flag: string, text: string | undefined): number | null {
  if (text === undefined) return null
  const ms = /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isNaN(ms)) throw invalid(`${flag} ${text} is no time`, 'such as 2026-01-31')
  return ms
}

function wholeNumber(flag: string, text: string, min: number, max: number): number {
  const value = Number(text)
  if (Number.isInteger(value) && value >= min && value <= max) return value
  throw invalid(`${flag} is a whole number from ${min} to ${max}`, `such as ${flag} ${min + 1}`)
}

const invalid = (message: string, remedy: string) =>
  derrickError('unknown', 'config.invalid', message, { remedy })
