const maxExcerptLength = 200
const minSecretLength = 4

/** A text with every one of the secrets replaced, as they are and percent-encoded. Very short ones would mask ordinary words. */
export function maskSecrets(text: string, secrets: readonly string[]): string {
  let masked = text
  for (const secret of secrets) {
    if (secret.length < minSecretLength) continue
    for (const form of new Set([
      secret,
      encodeURIComponent(secret),
      JSON.stringify(secret).slice(1, -1),
    ])) {
      masked = masked.replaceAll(form, '***')
    }
  }
  return masked
}

/** The beginning of a body for an error's text: one line, printable, without secrets. */
export function excerptOf(body: Uint8Array, secrets: readonly string[] = []): string {
  // Masked before it is cut: half a secret at the edge would not be found.
  const text = maskSecrets(Buffer.from(body.subarray(0, 4_096)).toString('utf8'), secrets)
    .replaceAll(/[\p{C}\s]+/gu, ' ')
    .trim()
  return text.length > maxExcerptLength ? `${text.slice(0, maxExcerptLength)}…` : text
}

/** A URL for an error's text: without user, query and fragment, where credentials travel. */
export function urlForPeople(url: string): string {
  const parsed = URL.parse(url)
  if (!parsed) return '(not a URL)'
  return `${parsed.origin}${parsed.pathname}`
}
