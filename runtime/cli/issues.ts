import type { ManifestIssue } from '../../schema/manifest/issue.ts'
import { bold, count, cutTo, dim, mark, safe } from './paint.ts'

const longestLine = 100

/** Issues of a manifest for people: where, what, the line itself, what to do. */
export function issuesText(issues: readonly ManifestIssue[], text: string): string {
  const lines = text.split('\n')
  return issues.map((issue) => issueText(issue, lines)).join('\n')
}

function issueText(issue: ManifestIssue, lines: readonly string[]): string {
  const { file, line, column, severity, message, remedy, code } = issue
  const sign = severity === 'error' ? mark.bad() : mark.warn()
  const parts = [`${sign} ${bold(`${file}:${line}:${column}`)}  ${safe(message)}  ${dim(code)}`]
  const shown = lines[line - 1]
  if (shown !== undefined && shown.trim() !== '') {
    const number = String(line)
    // Far along a long line the beginning says nothing.
    const from = column > longestLine - 20 ? column - 40 : 0
    const part = cutTo(safe(shown.slice(from)), longestLine)
    parts.push(`    ${dim(`${number} │`)} ${part}`)
    parts.push(`    ${' '.repeat(number.length)} ${dim('│')} ${' '.repeat(column - 1 - from)}^`)
  }
  parts.push(`    → ${safe(remedy)}`)
  return `${parts.join('\n')}\n`
}

/** `2 errors, 1 warning`. */
export function issueCount(issues: readonly ManifestIssue[]): string {
  const errors = issues.filter(({ severity }) => severity === 'error').length
  const warnings = issues.length - errors
  const parts = [
    ...(errors > 0 ? [count(errors, 'error')] : []),
    ...(warnings > 0 ? [count(warnings, 'warning')] : []),
  ]
  return parts.join(', ') || 'no errors'
}
