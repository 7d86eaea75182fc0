import { stringify } from 'yaml'
import type { AppliedChange, ApplyResult, DerrickFile } from '../../schema/derrick-file.ts'
import type { Client } from './client.ts'
import { exitCodes } from './exit-code.ts'
import { type OutputFormat, printRows } from './output.ts'
import { count, dim, paint } from './paint.ts'

/** `derrick apply -f FILE…`: one transaction at the server; exit code 0 also when nothing changed. */
export async function apply(
  client: Client,
  file: DerrickFile,
  options: { dryRun: boolean; prune: boolean; format: OutputFormat },
): Promise<number> {
  await send(client, file, options)
  return exitCodes.done
}

/** `derrick diff -f FILE…`: what apply would change; exit code 1 when there is something. */
export async function diff(
  client: Client,
  file: DerrickFile,
  options: { prune: boolean; format: OutputFormat },
): Promise<number> {
  const { changes } = await send(client, file, { ...options, dryRun: true })
  const isSame = changes.every(({ action }) => action === 'unchanged')
  return isSame ? exitCodes.done : exitCodes.failed
}

async function send(
  client: Client,
  file: DerrickFile,
  { dryRun, prune, format }: { dryRun: boolean; prune: boolean; format: OutputFormat },
): Promise<ApplyResult> {
  const result = await client.call<ApplyResult>('POST', '/apply', { file, dry_run: dryRun, prune })
  if (format === 'table') process.stdout.write(changesText(result))
  else printRows(result.changes, [], format)
  return result
}

const signs = { create: '+', update: '~', delete: '-', unchanged: '=' } as const
const colours = { create: 'green', update: 'yellow', delete: 'red', unchanged: 'gray' } as const

export function changesText({ changes, dry_run: isDry }: ApplyResult): string {
  const different = changes.filter(({ action }) => action !== 'unchanged')
  const lines = different.map(({ action, kind, name, fields }) => {
    const more = fields.length > 0 ? `  ${dim(fields.join(', '))}` : ''
    return `${paint(colours[action], signs[action])} ${kind} ${name}${more}`
  })
  const unchanged = changes.length - different.length
  const tally = (action: AppliedChange['action'], word: string): string[] => {
    const number = changes.filter((one) => one.action === action).length
    return number > 0 ? [`${number} ${word}`] : []
  }
  const summary = [
    ...tally('create', isDry ? 'to create' : 'created'),
    ...tally('update', isDry ? 'to change' : 'changed'),
    ...tally('delete', isDry ? 'to delete' : 'deleted'),
    ...(unchanged > 0 ? [`${count(unchanged, 'thing')} as wanted`] : []),
  ]
  return `${[...lines, summary.join(', ') || 'nothing to do'].join('\n')}\n`
}

/** `derrick export`: a file that apply takes; secrets are names of variables. */
export async function exportConfiguration(client: Client, format: OutputFormat): Promise<number> {
  const file = await client.call<DerrickFile>('GET', '/export')
  process.stdout.write(format === 'json' ? `${JSON.stringify(file, null, 2)}\n` : stringify(file))
  return exitCodes.done
}
