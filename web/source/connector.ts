import type { StreamCapabilities } from '../../schema/manifest/capabilities.ts'
import type { ConfigField } from '../../schema/manifest/config-field.ts'
import type { ManifestIssue } from '../../schema/manifest/issue.ts'

export type OfferedStream = StreamCapabilities & { name: string }

/** What the console uses of an entry of `GET /connectors`. */
export interface Connector {
  /** what a source names as its connector */
  id: string
  name: string
  version: string | null
  description?: string
  docs?: string
  origin: 'built_in' | 'folder'
  /** false: its file has errors and no source can use it */
  ok: boolean
  config: Record<string, ConfigField>
  /** the field of config that is filled by an agreement in a browser */
  authorize: string | null
  streams: OfferedStream[]
  issues: ManifestIssue[]
}

/** What a stream can do and why not more, in a line each. */
export function abilities(stream: OfferedStream): { good: boolean; text: string }[] {
  const lines: { good: boolean; text: string }[] = []
  if (stream.newest_first) {
    lines.push({ good: true, text: 'newest first: the API takes a start and an end' })
  } else {
    lines.push({ good: false, text: `not newest first: ${stream.newest_first_reason ?? ''}` })
  }
  lines.push(
    stream.window
      ? {
          good: true,
          text: `ranges of a ${stream.granularities.join(' or ')} by ${stream.cursor_field}`,
        }
      : { good: false, text: 'read whole' },
    stream.primary_key.length > 0
      ? { good: true, text: `key ${stream.primary_key.join(', ')}` }
      : { good: false, text: 'no key' },
  )
  if (stream.tracks === 'updates') lines.push({ good: true, text: 'edits are seen' })
  if (stream.deletes !== 'none') lines.push({ good: true, text: 'deletions are seen' })
  return [...lines, ...stream.warnings.filter((text) => !/^no primary key/.test(text)).map(bad)]
}

const bad = (text: string) => ({ good: false, text })
