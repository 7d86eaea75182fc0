import { streamCapabilities } from '../../schema/manifest/capabilities.ts'
import type { Manifest } from '../../schema/manifest/manifest.ts'
import { bold, dim, mark } from './paint.ts'

/** The streams of a connector with what each can do. */
export const streamsOf = (manifest: Manifest) =>
  Object.keys(manifest.streams).flatMap((name) => {
    const can = streamCapabilities(manifest, name)
    return can ? [{ name, ...can }] : []
  })

/** A stream in two lines: what it is made of, and whether the newest can be read first or why not. */
export function streamText(stream: ReturnType<typeof streamsOf>[number]): string {
  const facts = [
    stream.window ? `ranges of a ${stream.granularities.join(' or ')}` : 'read whole',
    stream.primary_key.length > 0 ? `key ${stream.primary_key.join(', ')}` : 'no key',
  ]
  const direction = stream.newest_first
    ? `${mark.good()} newest first`
    : `${mark.note()} not newest first: ${stream.newest_first_reason}`
  return `  ${bold(stream.name)}  ${dim(facts.join(' · '))}\n    ${direction}`
}
