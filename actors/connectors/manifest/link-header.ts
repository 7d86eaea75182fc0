const maxLinks = 100

/**
 * The target of the first link with a relation in a `Link` header (RFC 8288); null when there is none.
 * Commas inside <> and quotes are part of their value.
 */
export function nextLink(header: string | undefined, rel: string): string | null {
  if (header === undefined) return null
  const wanted = rel.toLowerCase()
  for (const [url, parameters] of linksOf(header)) {
    const relations = /;\s*rel\s*=\s*(?:"([^"]*)"|([^\s;,"]+))/i.exec(parameters)
    const names = (relations?.[1] ?? relations?.[2] ?? '').toLowerCase().split(/\s+/)
    if (names.includes(wanted)) return url
  }
  return null
}

/** Targets and the text of their parameters. */
function linksOf(header: string): [string, string][] {
  const links: [string, string][] = []
  let at = 0
  while (links.length < maxLinks) {
    const open = header.indexOf('<', at)
    const close = open < 0 ? -1 : header.indexOf('>', open)
    if (close < 0) break
    const end = endOfLink(header, close + 1)
    links.push([header.slice(open + 1, close).trim(), header.slice(close + 1, end)])
    at = end
  }
  return links
}

function endOfLink(header: string, from: number): number {
  let quoted = false
  for (let at = from; at < header.length; at++) {
    const char = header[at]
    if (char === '"') quoted = !quoted
    else if (char === ',' && !quoted) return at
  }
  return header.length
}
