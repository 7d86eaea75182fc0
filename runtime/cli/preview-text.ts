import type {
  PreviewEdge,
  PreviewExchange,
  PreviewField,
  PreviewKey,
  PreviewReport,
} from '../../schema/preview.ts'
import { bold, count, cutTo, dim, mark, paint, safe, sizeText } from './paint.ts'

const answerLines = 12
const lineWidth = 110
const exampleWidth = 36

/** A preview for people, from what was asked to what to do. */
export function previewText(
  report: PreviewReport,
  options: { raw: boolean; file: string },
): string {
  const { connector, stream, window } = report
  const parts = [`${bold(`${connector} · ${stream}`)}  ${dim(options.file)}`]
  if (window) {
    const widened = window.widened ? '  (the last day has no records)' : ''
    parts.push(`window   ${window.from} → ${window.to}${dim(widened)}`)
  } else if (report.exchanges.length > 0) parts.push(dim('read whole: it has no window'))
  parts.push(
    section('Requests', requests(report, options.raw)),
    section('Paging', paging(report)),
    section(recordsTitle(report), report.records.map(recordText)),
    section('Fields', fieldsTable(report.fields)),
    section('To declare in the stream, if a database gets it', declarations(report.fields)),
    section('Key', report.record_count > 0 ? keyText(report.key) : []),
    section('Edges of the window', edgesText(report)),
    section('Findings', findings(report)),
    verdict(report),
  )
  return `${parts.filter((part) => part !== '').join('\n')}\n`
}

const section = (title: string, lines: string[]): string =>
  lines.length === 0 ? '' : `\n${bold(title)}\n${lines.map((line) => `  ${line}`).join('\n')}`

function requests({ exchanges }: PreviewReport, raw: boolean): string[] {
  return exchanges.flatMap((exchange, at) => {
    // The first answer says what the API is like; the others only differ in their records.
    const isShown =
      raw || exchange.status === null || exchange.status >= 400 || isFirstRead(exchanges, at)
    return [...requestLines(exchange, at), ...(isShown ? answerText(exchange, raw) : [])]
  })
}

const isFirstRead = (exchanges: PreviewExchange[], at: number): boolean =>
  exchanges.findIndex(({ purpose }) => purpose === 'read') === at

function requestLines(exchange: PreviewExchange, at: number): string[] {
  const { method, url, headers, body, status, ms, purpose } = exchange
  const [address = '', query = ''] = url.split('?', 2)
  const why = { read: '', 'sign-in': '  (sign-in)', edge: '  (edge of the window)' }[purpose]
  const params = query === '' ? [] : query.split('&').map((pair) => paramText(pair))
  const width = Math.max(0, ...params.map(([name]) => name.length))
  const sent = Object.entries(headers).filter(([name]) => name !== 'accept')
  const isFirst = at === 0
  return [
    `${dim(`${at + 1}`)} ${method} ${safe(address)}${dim(why)}`,
    ...params.map(([name, value]) => `    ${name.padEnd(width)}  ${cutTo(safe(value), lineWidth)}`),
    ...(isFirst ? sent.map(([name, value]) => dim(`    ${name}: ${safe(value)}`)) : []),
    ...(body === null ? [] : [`    ${cutTo(safe(body), lineWidth * 3)}`]),
    status === null
      ? `  ${mark.bad()} no answer: ${safe(exchange.error ?? '')}`
      : `  ${status < 400 ? mark.good() : mark.bad()} ${status}  ${dim(`${sizeText(exchange.response_bytes)}, ${Math.round(ms)} ms`)}`,
  ]
}

function paramText(pair: string): [string, string] {
  const [name = '', ...rest] = pair.split('=')
  return [decoded(name), decoded(rest.join('='))]
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return text
  }
}

function answerText({ response, truncated }: PreviewExchange, raw: boolean): string[] {
  if (response === '') return []
  if (raw)
    return [...safe(response, true).split('\n'), ...(truncated ? [dim('… cut at 16 kB')] : [])]
  const lines = wrapped(safe(response))
  const shown = lines.slice(0, answerLines).map((line) => `    ${dim(line)}`)
  const isMore = lines.length > answerLines || truncated
  return isMore ? [...shown, dim('    … (--raw shows more)')] : shown
}

function wrapped(text: string): string[] {
  const lines: string[] = []
  for (let at = 0; at < text.length && lines.length <= answerLines; at += lineWidth)
    lines.push(text.slice(at, at + lineWidth))
  return lines
}

function paging({ pages, end, warnings }: PreviewReport): string[] {
  if (pages.length === 0) return []
  const lines = pages.map(({ records, dropped, rejected, step }, at) => {
    const outside = dropped > 0 ? `, ${dropped} outside the window left to other ranges` : ''
    const bad = rejected > 0 ? `, ${rejected} are no records` : ''
    return `page ${at + 1}  ${count(records, 'record')}${outside}${bad}  ${dim(safe(step))}`
  })
  const endings = {
    complete: warnings.some(({ code }) => code === 'preview.paging_missing')
      ? `${mark.bad()} the manifest asks for no further page`
      : `${mark.good()} the API has no more`,
    limit: `${mark.note()} stopped after ${count(pages.length, 'page')}; --pages reads more`,
    failed: `${mark.bad()} it ended with a failure`,
  }
  return [...lines, endings[end]]
}

const recordsTitle = ({ records, record_count }: PreviewReport): string =>
  records.length === record_count
    ? `Records (${record_count})`
    : `Records (${records.length} of ${record_count} read)`

function recordText(record: Record<string, unknown>): string {
  const text = safe(JSON.stringify(record))
  return text.length > lineWidth * 4 ? `${text.slice(0, lineWidth * 4)}…` : text
}

function fieldsTable(fields: readonly PreviewField[]): string[] {
  if (fields.length === 0) return []
  const rows = fields.map(({ name, types, nulls, absent, example, note }) => [
    cutTo(safe(name), 40),
    types.join(' | ') || 'null',
    [nulls > 0 ? `${nulls} null` : '', absent > 0 ? `${absent} absent` : '']
      .filter(Boolean)
      .join(', '),
    cutTo(safe(example), exampleWidth),
    note ?? '',
  ])
  const widths = [0, 1, 2, 3].map((column) =>
    Math.max(...rows.map((row) => (row[column] as string).length)),
  )
  return rows.map((row) => {
    const cells = row.slice(0, 4).map((cell, column) => cell.padEnd(widths[column] as number))
    const [name = '', types = '', gaps = '', example = ''] = cells
    return `${name}  ${paint('cyan', types)}  ${dim(gaps)}  ${dim(example)}  ${row[4]}`.trimEnd()
  })
}

/** Lines to paste into the stream. */
function declarations(fields: readonly PreviewField[]): string[] {
  const types = fields.flatMap(({ declare }) => declare ?? [])
  const conversions = fields.flatMap(({ convert }) => convert ?? [])
  return [
    ...(types.length > 0 ? [`types: {${types.join(', ')}}`] : []),
    ...(conversions.length > 0 ? ['fields:', ...conversions.map((line) => `  ${line}`)] : []),
  ]
}

function keyText(key: PreviewKey): string[] {
  const { declared, checked, missing, duplicates, candidates } = key
  const unique = candidates.length > 0 ? `unique here: ${candidates.join(', ')}` : ''
  if (declared.length === 0) return [`${mark.warn()} none is declared  ${dim(unique)}`]
  if (missing + duplicates === 0)
    return [`${mark.good()} ${declared.join(', ')} tells all ${count(checked, 'record')} apart`]
  return [
    `${mark.bad()} ${declared.join(', ')}: ${count(duplicates, 'duplicate')}, ${missing} missing  ${dim(unique)}`,
  ]
}

function edgesText({ edges }: PreviewReport): string[] {
  if (!edges) return []
  const line = (name: string, { declared, found, sent, text }: PreviewEdge): string => {
    const sign = found === declared ? mark.good() : found === 'unknown' ? mark.note() : mark.warn()
    const told = found === declared ? 'as declared' : `declared ${declared}`
    return `${sign} ${name} is ${found}, ${told}  ${dim(`${text} (sent ${sent ?? 'nothing'})`)}`
  }
  return [line('start', edges.start), ...(edges.end ? [line('end', edges.end)] : [])]
}

function findings({ warnings }: PreviewReport): string[] {
  const signs = { error: mark.bad, warning: mark.warn, note: mark.note }
  return warnings.flatMap(({ severity, message, remedy }) => [
    `${signs[severity]()} ${safe(message)}`,
    `    → ${safe(remedy)}`,
  ])
}

function verdict({ failure, warnings, record_count }: PreviewReport): string {
  if (failure) {
    const remedy = failure.remedy ? `\n    → ${safe(failure.remedy)}` : ''
    return `\n${mark.bad()} ${bold(safe(failure.message))}  ${dim(failure.code)}${remedy}`
  }
  const errors = warnings.filter(({ severity }) => severity === 'error').length
  if (errors > 0)
    return `\n${mark.bad()} ${bold(`${count(errors, 'finding')} would lose or double records`)}`
  if (record_count === 0) return `\n${mark.warn()} ${bold('there were no records to judge by')}`
  return `\n${mark.good()} ${bold('nothing here looks wrong')}`
}
