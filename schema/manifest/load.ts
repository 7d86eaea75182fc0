import { AuthorManifest } from './author.ts'
import { checkFindings, connectorFindings } from './connector-rules.ts'
import { readDocument } from './document.ts'
import { type ErrorRule, RequestRetry } from './error-rule.ts'
import { type Finding, type ManifestIssue, type ManifestPath, pathText } from './issue.ts'
import type { Manifest, ManifestStream } from './manifest.ts'
import { mergeDefaults } from './merge.ts'
import { checkNames, type NameCheck } from './names.ts'
import { parentEntries } from './parents.ts'
import { readShape } from './shape.ts'
import { isMap, type ShapeReading, shapeOf } from './shape-finding.ts'
import { streamRules } from './stream-rules.ts'

export interface LoadedManifest {
  /** absent when there is an error */
  manifest?: Manifest
  /** all errors and warnings, in the order of the file */
  issues: ManifestIssue[]
}

/**
 * Reads a manifest file: YAML, the shape of every key, names in expressions, and rules between keys. Never throws.
 * @param text the file's content
 * @param file its name, for the issues
 */
export function loadManifest(text: string, file: string): LoadedManifest {
  const document = readDocument(text)
  if (document.problems.length > 0) {
    return {
      issues: document.problems.map((problem) => ({
        code: 'manifest.yaml',
        severity: 'error',
        ...problem,
        file,
        path: '',
      })),
    }
  }
  const { value, origin } = mergeDefaults(document.value)
  const reading: ShapeReading = { findings: [], expressions: [] }
  const read = readShape(shapeOf(AuthorManifest), value, [], reading)
  const names = checkNames(reading.expressions, value)
  const findings = [...reading.findings, ...names.findings]
  const manifest = assemble(read)
  if (manifest) findings.push(...ruleFindings(manifest, names, reading.findings))
  const issues = issuesOf(findings, file, origin, document.place)
  if (!manifest || issues.some((issue) => issue.severity === 'error')) return { issues }
  return { manifest, issues }
}

/** Puts the parts that the author may leave out into place. Undefined when the file lacks the basics. */
function assemble(read: unknown): Manifest | undefined {
  if (!isMap(read) || !isMap(read.api) || !isMap(read.streams)) return undefined
  const { defaults, api, ...rest } = read
  const { headers: _headers, query: _query, ...kept } = api
  const streams = rest.streams as Record<string, ManifestStream>
  const fallbacks = isMap(defaults) ? defaults : {}
  const silent: ShapeReading = { findings: [], expressions: [] }
  const retry = isMap(fallbacks.retry) ? fallbacks.retry : {}
  return {
    ...rest,
    name: rest.name ?? rest.id,
    api: kept,
    check: rest.check ?? { stream: firstStream(streams) },
    errors: (fallbacks.errors ?? []) as ErrorRule[],
    retry: { ...(readShape(shapeOf(RequestRetry), {}, [], silent) as object), ...retry },
    streams,
  } as Manifest
}

/** The first that needs no other stream. */
function firstStream(streams: Record<string, ManifestStream>): string {
  const names = Object.keys(streams)
  const isRoot = (name: string) => {
    const entries = streams[name]?.for_each
    return Array.isArray(entries) && entries.length === 0
  }
  return names.find(isRoot) ?? names[0] ?? ''
}

/** Rules run on what is well formed, so that one bad stream does not hide what is wrong with the others. */
function ruleFindings(manifest: Manifest, names: NameCheck, broken: readonly Finding[]): Finding[] {
  const badStreams = new Set<unknown>()
  const badParts = new Set<unknown>()
  for (const { path } of broken) {
    if (path[0] === 'streams' && path.length > 1) badStreams.add(path[1])
    else badParts.add(path[0])
  }
  const soundStreams = Object.fromEntries(
    Object.entries(manifest.streams).filter(([name]) => !badStreams.has(name)),
  )
  const findings: Finding[] = []
  if (!['config', 'api', 'auth', 'check', 'defaults'].some((part) => badParts.has(part))) {
    findings.push(...connectorFindings({ ...manifest, streams: soundStreams }, names.uses))
  }
  if (!badParts.has('check')) findings.push(...checkFindings(manifest))
  for (const [name, stream] of Object.entries(soundStreams)) {
    // A parent that is itself broken is judged when it has been put right.
    if (parentEntries(stream).some((entry) => badStreams.has(entry.parent))) continue
    const uses = names.uses.filter(({ path }) => path[0] === 'streams' && path[1] === name)
    const view = { name, stream, manifest: { ...manifest, streams: soundStreams }, uses }
    for (const rule of streamRules) findings.push(...rule(view))
  }
  return findings
}

function issuesOf(
  findings: readonly Finding[],
  file: string,
  origin: (path: ManifestPath) => ManifestPath,
  place: ReturnType<typeof readDocument>['place'],
): ManifestIssue[] {
  const byText = new Map<string, ManifestIssue>()
  for (const { code, severity, message, remedy, ...where } of findings) {
    const path = origin(where.path)
    const { line, column } = place({ ...where, path })
    // What is inherited is found once in each stream, but stands in the file once.
    const key = `${line}:${column}:${code}:${message}`
    if (byText.has(key)) continue
    byText.set(key, {
      code,
      severity: severity ?? 'error',
      message,
      remedy,
      file,
      line,
      column,
      path: pathText(path),
    })
  }
  return [...byText.values()].sort((a, b) => a.line - b.line || a.column - b.column)
}
