import type { Finding, ManifestPath } from './issue.ts'
import type { Manifest, ManifestStream } from './manifest.ts'
import { isDateFormat } from './merge.ts'
import type { WrittenUse } from './names.ts'
import { nearest } from './nearest.ts'
import { ancestorsOf, parentEntries } from './parents.ts'
import { manifestDurationMs } from './size.ts'
import { formatProblem } from './time.ts'

/** All that a rule looks at. `uses` are the names that this stream's expressions read. */
export interface StreamView {
  name: string
  stream: ManifestStream
  manifest: Manifest
  uses: readonly WrittenUse[]
}

type Rule = (view: StreamView) => Finding[]

const at = (view: StreamView, ...path: (string | number)[]): ManifestPath => [
  'streams',
  view.name,
  ...path,
]
const schema = (path: ManifestPath, message: string, remedy: string): Finding => ({
  code: 'manifest.schema',
  message,
  remedy,
  path,
})
const reads = (view: StreamView, scope: string, ...members: string[]): boolean =>
  view.uses.some((use) => use.scope === scope && members.includes(use.member ?? ''))

/** Whether a bound of the window reaches the API: as a parameter, in a template, or through a changed parent. */
export function sendsBound(view: StreamView, bound: 'start' | 'end'): boolean {
  if (view.stream.window?.[bound] || reads(view, 'window', bound, `${bound}_ms`)) return true
  return parentEntries(view.stream).some((entry) => {
    const parent = view.manifest.streams[entry.parent]
    if (!entry.changed_only || !parent?.window) return false
    return bound === 'start' || parent.window.end_filter
  })
}

const windowSent: Rule = (view) => {
  const { window } = view.stream
  if (!window) return []
  const sendsStart = sendsBound(view, 'start')
  const sendsEnd = sendsBound(view, 'end')
  if (window.end_filter && !sendsEnd) {
    return [
      {
        code: 'manifest.window.no_end',
        message: `${view.name}: end_filter is true, but nothing sends the end to the API`,
        remedy: 'add window.end or use {{ window.end }}, or write end_filter: false',
        path: at(view, 'window', 'end_filter'),
      },
    ]
  }
  if (!window.end_filter && sendsEnd) {
    return [
      {
        code: 'manifest.window.end_unused',
        message: `${view.name}: an end is sent, but end_filter is false`,
        remedy: 'write end_filter: true, or send no end',
        path: at(view, 'window', 'end_filter'),
      },
    ]
  }
  if (sendsStart || sendsEnd || window.order === 'desc') return []
  return [
    {
      code: 'manifest.window.nothing_sent',
      severity: 'warning',
      message: `${view.name}: nothing of the window is sent, so each sync reads everything`,
      remedy: 'add window.start or use {{ window.start }}, if the API has such a filter',
      path: at(view, 'window'),
      atKey: true,
    },
  ]
}

const windowValues: Rule = (view) => {
  const { window } = view.stream
  if (!window) return []
  const findings: Finding[] = []
  const problem = formatProblem(window.format)
  if (problem) findings.push(schema(at(view, 'window', 'format'), `format: ${problem}`, problem))
  if (isDateFormat(window.format) && window.unit !== 'day') {
    findings.push({
      code: 'manifest.window.unit',
      message: `${view.name}: ${window.format} cannot say hours, so the unit is day`,
      remedy: 'write unit: day, or use a format with hours',
      path: at(view, 'window', 'unit'),
    })
  }
  if (!window.zone.includes('{{') && !isZone(window.zone)) {
    const path = at(view, 'window', 'zone')
    findings.push(schema(path, `there is no zone ${window.zone}`, 'an IANA name: Europe/Berlin'))
  }
  if (!window.revise.includes('{{') && manifestDurationMs(window.revise) === undefined) {
    const path = at(view, 'window', 'revise')
    findings.push(
      schema(path, 'revise: expected a duration', 'a duration such as 2d, or a template'),
    )
  }
  return findings
}

function isZone(zone: string): boolean {
  if (zone === 'UTC') return true // most manifests; asking for the zones' names is slow the first time
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone })
    return true
  } catch {
    return false
  }
}

const paging: Rule = (view) => {
  const { paging: rule, window } = view.stream
  if (rule.type === 'none') return []
  const findings: Finding[] = []
  const path = at(view, 'paging')
  const isSizeSent =
    rule.size !== undefined && (rule.size.name !== undefined || reads(view, 'page', 'size'))
  if (rule.stop === 'short' && !isSizeSent) {
    findings.push({
      code: 'manifest.paging.short_unsent',
      message: `${view.name}: stop: short needs a page size that is sent`,
      remedy: "add size: {name, value}, or write stop: empty: the API's own size may be smaller",
      path: [...path, 'stop'],
    })
  }
  if (rule.size && !isSizeSent) {
    const remedy = 'add size.name, or use {{ page.size }}'
    findings.push(schema([...path, 'size'], 'size is declared, but not sent', remedy))
  }
  if ((rule.type === 'page' || rule.type === 'offset') && window?.tracks === 'updates') {
    findings.push({
      code: 'manifest.paging.drift',
      severity: 'warning',
      message: `${view.name}: a record that changes while pages are read shifts the others, so one may be missed`,
      remedy: 'use a cursor if the API has one; else give the stream a lookback',
      path: [...path, 'type'],
    })
  }
  if (rule.type === 'cursor') {
    const sources = [rule.at, rule.header, rule.value].filter((given) => given !== undefined)
    if (sources.length !== 1) {
      findings.push(
        schema(path, 'cursor needs exactly one of at, header, value', 'keep one of them'),
      )
    }
    if (rule.name === undefined && !reads(view, 'page', 'token')) {
      const remedy = 'add name, or use {{ page.token }} in the request'
      findings.push(schema(path, 'the page token is sent nowhere', remedy))
    }
  }
  return findings
}

/**
 * A restart goes on from the last record's time: the API must send the oldest first and take a start, and the records of that one
 * time, which come twice, must be known by a key.
 */
const restart: Rule = (view) => {
  const { errors, key, paging: rule, window } = view.stream
  const places = [
    ...(rule.type !== 'none' && rule.restart ? [at(view, 'paging', 'restart')] : []),
    ...errors.flatMap(({ then }, index) =>
      then === 'restart' ? [at(view, 'errors', index, 'then')] : [],
    ),
  ]
  const need = !window
    ? ['a window', 'add a window whose start the API takes']
    : window.order !== 'asc'
      ? ['records in ascending order', 'write order: asc in window, and make the API sort so']
      : !sendsBound(view, 'start')
        ? ['a start that is sent', 'add window.start or use {{ window.start }}']
        : key.length === 0
          ? ['a key', 'add key: [id]: records of the time that it goes on from come twice']
          : null
  if (!need) return []
  const [missing, remedy] = need
  return places.map((path) => ({
    code: 'manifest.paging.restart',
    message: `${view.name}: restart needs ${missing}`,
    remedy: `${remedy}; or leave restart out`,
    path,
  }))
}

const decoding: Rule = (view) => {
  const { charset, delimiter, format, xml_item: item } = view.stream.records
  const findings: Finding[] = []
  if (!isCharset(charset)) {
    const remedy = 'a name such as utf-8, iso-8859-1 or windows-1252'
    findings.push(schema(at(view, 'records', 'charset'), `there is no charset ${charset}`, remedy))
  }
  if (/["\r\n]/.test(delimiter)) {
    const remedy = 'one character such as "," or ";", for tabs "\\t"'
    findings.push(schema(at(view, 'records', 'delimiter'), 'this cannot part values', remedy))
  }
  if (item !== undefined && format !== 'xml') {
    const remedy = 'write format: xml, or leave xml_item out'
    findings.push(schema(at(view, 'records', 'xml_item'), 'xml_item needs format: xml', remedy))
  }
  return findings
}

function isCharset(name: string): boolean {
  try {
    return new TextDecoder(name).encoding !== ''
  } catch {
    return false
  }
}

const parents: Rule = (view) => {
  const { manifest, name, stream } = view
  const findings: Finding[] = []
  const fail = (path: ManifestPath, message: string, remedy: string) =>
    findings.push({ code: 'manifest.parent', message, remedy, path })
  for (const [index, entry] of stream.for_each.entries()) {
    const isValues = 'values' in entry
    const parentEntry = isValues ? entry.else : entry
    const path = at(view, 'for_each', index, ...(isValues ? ['else'] : []))
    if (isValues && entry.else && !Object.hasOwn(entry.else.take, entry.as)) {
      fail([...path, 'take'], `else must take ${entry.as}`, `add ${entry.as}: <path> to take`)
    }
    if (!parentEntry) continue
    const parent = Object.hasOwn(manifest.streams, parentEntry.parent)
      ? manifest.streams[parentEntry.parent]
      : undefined
    if (!parent) {
      const known = Object.keys(manifest.streams)
      const close = nearest(parentEntry.parent, known)
      const remedy = close ? `did you mean ${close}?` : `streams: ${known.slice(0, 20).join(', ')}`
      fail([...path, 'parent'], `there is no stream ${parentEntry.parent}`, remedy)
    } else if (
      ancestorsOf(manifest, parentEntry.parent).concat(parentEntry.parent).includes(name)
    ) {
      fail([...path, 'parent'], `${name} is its own parent`, 'break the circle')
    } else if (parentEntry.changed_only && !parent.window) {
      fail(
        [...path, 'changed_only'],
        `${parentEntry.parent} has no window, so what changed is not known`,
        'give the parent a window, or leave changed_only out',
      )
    }
    if ((parentEntry.send || parentEntry.batch) && Object.keys(parentEntry.take).length !== 1) {
      const remedy = 'take one value, or use {{ each.<name> }}'
      findings.push(schema([...path, 'take'], 'send and batch need exactly one value', remedy))
    }
  }
  return findings
}

const request: Rule = (view) => {
  const { stream } = view
  const findings: Finding[] = []
  if (stream.body && stream.method === 'GET') {
    findings.push(schema(at(view, 'body'), 'a body is not sent with GET', 'write method: POST'))
  }
  if (stream.deletes === 'flag' && stream.deleted_if === undefined) {
    const remedy = 'add deleted_if: record.deleted'
    findings.push(schema(at(view, 'deletes'), 'deletes: flag needs deleted_if', remedy))
  }
  if (stream.deletes !== 'flag' && stream.deleted_if !== undefined) {
    const remedy = 'write deletes: flag'
    findings.push(schema(at(view, 'deleted_if'), 'deleted_if needs deletes: flag', remedy))
  }
  return findings
}

export const streamRules: readonly Rule[] = [
  windowSent,
  windowValues,
  paging,
  restart,
  decoding,
  parents,
  request,
]
