import { textOf } from '../../../schema/manifest/expression/value.ts'
import { maskSecrets } from '../../http/mask.ts'
import { nameOf, type RequestDraft } from '../manifest/draft.ts'
import { isExactNumber } from '../manifest/value.ts'

const hidden = '***'
/** Shorter texts would mask ordinary words; as headers and parameters of the sign-in they are hidden by name all the same. */
const minSecretLength = 4
const maxSecrets = 500

/**
 * Knows what must not be seen: the config's secrets, what the sign-in put on requests, and what it got for that. Secrets are
 * learnt while requests are made, so texts are masked when the preview is over.
 */
export class SecretMask {
  readonly #secrets = new Set<string>()
  readonly #headers = new Set(['authorization', 'cookie', 'proxy-authorization', 'set-cookie'])
  readonly #params = new Set<string>()

  constructor(secrets: readonly string[]) {
    for (const secret of secrets) this.add(secret)
  }

  add(secret: string): void {
    if (secret.length >= minSecretLength && this.#secrets.size < maxSecrets)
      this.#secrets.add(secret)
  }

  /** Learns what a sign-in has changed in a request. */
  learn(before: RequestDraft, after: RequestDraft): void {
    for (const [name, value] of after.headers) {
      if (before.headers.get(name) === value) continue
      this.#headers.add(name)
      this.add(value)
      this.add(value.slice(value.lastIndexOf(' ') + 1))
    }
    for (const [name, value] of after.query) {
      if (before.query.get(name) === value) continue
      this.#params.add(name)
      this.add(textOf(value))
    }
    const known = new Set(leavesOf(bodyValue(before)))
    for (const leaf of leavesOf(bodyValue(after))) if (!known.has(leaf)) this.add(leaf)
  }

  /** Learns every text of a sign-in's answer but those that it says are to be kept (`save`), such as the account's address. */
  learnAnswer(answer: string, kept: ReadonlySet<string>): void {
    let value: unknown
    try {
      value = JSON.parse(answer)
    } catch {
      return
    }
    for (const leaf of leavesOf(value)) {
      const isCredential = leaf.length >= 12 && !kept.has(leaf) && !/^https?:\/\//.test(leaf)
      if (isCredential) this.add(leaf)
    }
  }

  text(text: string): string {
    // Longest first: one secret may be part of another.
    return maskSecrets(
      text,
      [...this.#secrets].sort((a, b) => b.length - a.length),
    )
  }

  url(url: string): string {
    const masked = this.text(url)
    const at = masked.indexOf('?')
    if (at < 0) return masked
    const query = masked
      .slice(at + 1)
      .split('&')
      .map((part) => (this.#params.has(nameOf(part)) ? `${part.split('=', 1)[0]}=${hidden}` : part))
    return `${masked.slice(0, at)}?${query.join('&')}`
  }

  headers(headers: Readonly<Record<string, string>>): Record<string, string> {
    return Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [
        name,
        this.#headers.has(name) ? withoutCredential(value) : this.text(value),
      ]),
    )
  }

  /** A value as plain JSON with every text in it masked; numbers that a double can't hold become texts. */
  value(value: unknown): unknown {
    const text = JSON.stringify(value, (_key, part: unknown) =>
      isExactNumber(part) ? JSON.stringify(part) : part,
    )
    return JSON.parse(this.text(text)) as unknown
  }
}

/** The scheme may be seen: `Bearer ***`. */
const withoutCredential = (value: string): string => {
  const scheme = /^([A-Za-z][\w-]{1,30}) \S/.exec(value)?.[1]
  return scheme === undefined ? hidden : `${scheme} ${hidden}`
}

function bodyValue({ body }: RequestDraft): unknown {
  if (!body) return null
  if (body.kind === 'json') return body.value
  return body.kind === 'form' ? [...body.fields.values()] : body.text
}

/** The texts in a value, however deep; a bound on their number holds off bombs. */
function leavesOf(value: unknown): string[] {
  const found: string[] = []
  const open = [value]
  while (open.length > 0 && found.length < maxSecrets) {
    const next = open.pop()
    if (typeof next === 'string') found.push(next)
    else if (typeof next === 'object' && next !== null) open.push(...Object.values(next))
  }
  return found
}
