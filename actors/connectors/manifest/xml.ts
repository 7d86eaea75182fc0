import { derrickError } from '../../../schema/error.ts'
import { setOwn } from '../../../schema/manifest/expression/value.ts'
import { maxDepth } from '../../http/json.ts'

type Value = string | { [name: string]: Value | Value[] }

/** An element while it is open. */
interface Open {
  name: string
  /** attributes as `@name`, children by name; several of one name become a list */
  fields: { [name: string]: Value | Value[] }
  hasFields: boolean
  text: string
}

const entities: Record<string, string> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" }
const nameAt = /[A-Za-z_:\u0080-\uffff][\w:.\-\u0080-\uffff]*/y
const attributeAt =
  /\s+([A-Za-z_:\u0080-\uffff][\w:.\-\u0080-\uffff]*)\s*=\s*(?:"([^"<]*)"|'([^'<]*)')/y
const endAt = /\s*(\/?)>/y

/**
 * XML as plain data: an element with nothing but text is that text; else a map of its attributes (`@name`), its children by name and its
 * own text (`#text`). With `item` the outermost elements of that name as a list, else the whole document by the name of its root.
 * Document types, and with them entities of the document's own, are refused: they are how XML bombs are made.
 * @throws DerrickError xml.cut (network), xml.malformed, xml.too_deep (transform)
 */
export function parseXml(text: string, item?: string): unknown {
  const reader = new XmlReader(text, item)
  const root = reader.read()
  return item === undefined ? root : reader.items
}

class XmlReader {
  readonly #text: string
  readonly #item: string | undefined
  readonly #open: Open[] = []
  readonly items: Value[] = []
  /** how many open elements have the name of items */
  #itemsOpen = 0
  #at = 0
  #root: { [name: string]: Value } | null = null

  constructor(text: string, item: string | undefined) {
    this.#text = text
    this.#item = item
  }

  read(): { [name: string]: Value } {
    while (this.#at < this.#text.length) {
      const next = this.#text.indexOf('<', this.#at)
      this.#content(this.#text.slice(this.#at, next < 0 ? undefined : next))
      if (next < 0) break
      this.#at = next
      this.#markup()
    }
    if (this.#open.length > 0 || !this.#root) throw cut()
    return this.#root
  }

  #content(raw: string): void {
    const element = this.#open.at(-1)
    if (element) element.text += decoded(raw)
    else if (raw.replace('\ufeff', '').trim() !== '') throw malformed('text outside of the root')
  }

  #markup(): void {
    const starts = (text: string) => this.#text.startsWith(text, this.#at)
    if (starts('<!--')) this.#skip('-->')
    else if (starts('<?')) this.#skip('?>')
    else if (starts('<![CDATA[')) this.#literal()
    else if (starts('<!')) throw malformed('it declares a document type')
    else if (starts('</')) this.#close()
    else this.#start()
  }

  #literal(): void {
    const from = this.#at + '<![CDATA['.length
    this.#skip(']]>')
    const element = this.#open.at(-1)
    if (element) element.text += this.#text.slice(from, this.#at - ']]>'.length)
  }

  #skip(end: string): void {
    const found = this.#text.indexOf(end, this.#at)
    if (found < 0) throw cut()
    this.#at = found + end.length
  }

  #start(): void {
    const name = this.#match(nameAt, this.#at + 1)?.[0]
    if (name === undefined) throw this.#broken()
    if (this.#root && this.#open.length === 0) throw malformed('it has two roots')
    if (this.#open.length >= maxDepth) throw tooDeep()
    const element: Open = { name, fields: {}, hasFields: false, text: '' }
    for (let found = this.#match(attributeAt); found; found = this.#match(attributeAt)) {
      setOwn(element.fields, `@${found[1]}`, decoded(found[2] ?? found[3] ?? ''))
      element.hasFields = true
    }
    const end = this.#match(endAt)
    if (!end) throw this.#broken()
    this.#open.push(element)
    if (name === this.#item) this.#itemsOpen += 1
    if (end[1] === '/') this.#finish()
  }

  #close(): void {
    const name = this.#match(nameAt, this.#at + 2)?.[0]
    const end = this.#match(endAt)
    if (name === undefined || !end) throw this.#broken()
    if (this.#open.at(-1)?.name !== name) throw malformed(`</${name.slice(0, 60)}> closes nothing`)
    this.#finish()
  }

  /** The innermost element is complete. */
  #finish(): void {
    const { name, fields, hasFields, text } = this.#open.pop() as Open
    if (hasFields && text.trim() !== '') setOwn(fields, '#text', text.trim())
    const value: Value = hasFields ? fields : text.trim()
    if (name === this.#item) {
      this.#itemsOpen -= 1
      if (this.#itemsOpen === 0) this.items.push(value)
    }
    const parent = this.#open.at(-1)
    if (!parent) {
      this.#root = {}
      setOwn(this.#root, name, value)
      return
    }
    // What has gone into the list of items need not be kept in the document, too.
    if (this.#item !== undefined && this.#itemsOpen === 0) return
    parent.hasFields = true
    const known = Object.hasOwn(parent.fields, name) ? parent.fields[name] : undefined
    if (known === undefined) setOwn(parent.fields, name, value)
    else if (Array.isArray(known)) known.push(value)
    else setOwn(parent.fields, name, [known, value])
  }

  #match(pattern: RegExp, at = this.#at): RegExpExecArray | null {
    pattern.lastIndex = at
    const found = pattern.exec(this.#text)
    if (found) this.#at = pattern.lastIndex
    return found
  }

  /** A tag that does not end is a document that was cut; else its author is to blame. */
  #broken() {
    return this.#text.indexOf('>', this.#at) < 0 ? cut() : malformed('a tag is not well formed')
  }
}

/** Names of characters by their meaning; unknown ones are left as they are. */
function decoded(text: string): string {
  if (!text.includes('&')) return text
  return text.replace(/&(#x[0-9a-fA-F]{1,6}|#\d{1,7}|[a-z]{2,4});/g, (whole, name: string) => {
    if (!name.startsWith('#'))
      return Object.hasOwn(entities, name) ? (entities[name] as string) : whole
    const code = name[1] === 'x' ? Number.parseInt(name.slice(2), 16) : Number(name.slice(1))
    return code <= 0x10ffff ? String.fromCodePoint(code) : whole
  })
}

const cut = () =>
  derrickError('network', 'xml.cut', 'the document ends before its root does', {
    remedy: 'it is asked for again',
  })

const malformed = (what: string) =>
  derrickError('transform', 'xml.malformed', `the answer is not XML that can be read: ${what}`, {
    remedy: 'check records.format in the manifest',
  })

const tooDeep = () =>
  derrickError('transform', 'xml.too_deep', `the document nests deeper than ${maxDepth}`)
