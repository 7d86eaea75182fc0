import { styleText } from 'node:util'

type Style = Parameters<typeof styleText>[0]

/** Colour for people: only on a terminal, and not where NO_COLOR is set. */
export const paint = (style: Style, text: string): string =>
  process.stdout.isTTY ? styleText(style, text, { stream: process.stdout }) : text

export const bold = (text: string): string => paint('bold', text)
export const dim = (text: string): string => paint('dim', text)

/** Marks that say the same without colour. */
export const mark = {
  good: (): string => paint('green', '✓'),
  bad: (): string => paint('red', '✗'),
  warn: (): string => paint('yellow', '!'),
  note: (): string => paint('cyan', '·'),
}

/** Control characters of foreign texts are shown as blanks, not obeyed; line ends stay where they are wanted. */
export const safe = (text: string, keepLines = false): string =>
  text.replaceAll(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu, (character) =>
    keepLines && (character === '\n' || character === '\t') ? character : ' ',
  )

export const cutTo = (text: string, length: number): string =>
  text.length > length ? `${text.slice(0, length - 1)}…` : text

export function sizeText(bytes: number): string {
  if (bytes < 1_000) return `${bytes} B`
  return bytes < 1_000_000 ? `${(bytes / 1_000).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`
}

export const count = (number: number, what: string, plural = `${what}s`): string =>
  `${number.toLocaleString('en')} ${number === 1 ? what : plural}`
