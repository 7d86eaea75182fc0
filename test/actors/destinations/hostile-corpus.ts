import { exactJson } from '../../../actors/destinations/raw-json.ts'
import type { Row } from '../../../actors/destinations/writer.ts'
import type { Random } from './seeded.ts'

/** What texts are made of: whatever some layer between a record and its place might take for its own. */
const fragments = [
  ...['\0', '\ud800', '\udc00', '\ud83d\ude00', '\ufeff', '\ufffd', '\u2028', '\u0085', '\u202e'],
  ...['\t', '\n', '\r\n', '\\', '\\N', '\\.', '\\n', '\\x41', '\b', '\v', '\x1b', '\x7f'],
  ...["'", '"', '`', '$$', '$1', ';', '--', '/*', "');drop table x;--", '{', '}', '[', ',', ':'],
  ...[
    'null',
    'NULL',
    'true',
    'NaN',
    'Infinity',
    '-0',
    '1e5',
    '0x1F',
    '2026-02-30',
    '%s',
    '$\x7bx}',
  ],
  ...['é', 'e\u0301', 'ß', 'İ', '漢字', '\u{10ffff}', '  ', '', 'a', 'x'.repeat(3000)],
]
const numbers = [
  ...['0', '-0', '1', '-1', '0.1', '1e21', '5e-324', '1.7976931348623157e308', '-2.5'],
  ...['9007199254740991', '9007199254740993', '9223372036854775807', '9223372036854775808'],
  ...['-9223372036854775809', '123456789012345678901234567890', '1e400', '1e-400'],
  ...['0.1000000000000000055511151231257827', '1.50', '100', '12345678.90123456789'],
]
const names = ['', ' ', 'a', 'A', 'a.b', '"', "'", 'nul\0', 'new\nline', '😀', 'then', 'toJSON']
const oddNames = ['__proto__', 'constructor', 'hasOwnProperty', 'length', '0', 'x'.repeat(200)]
const memberNames = [...names, ...oddNames]

const text = (random: Random): string => {
  let made = ''
  for (let n = random.below(6); n > 0; n -= 1) {
    const isOwn = random.below(4) === 0
    made += isOwn ? String.fromCharCode(random.below(0x1_0000)) : random.pick(fragments)
  }
  return made
}

/** As records come from JSON: numbers that a double would change keep their text. */
function number(random: Random): unknown {
  const source =
    random.below(3) > 0
      ? random.pick(numbers)
      : `${random.below(2) ? '-' : ''}${1 + random.below(1e9)}${random.below(2) ? `.${1 + random.below(1e6)}` : ''}`
  const double = Number(source)
  return Number.isFinite(double) && String(double) === source ? double : exactJson(source)
}

function nested(random: Random, depth: number): unknown {
  switch (random.below(depth > 4 ? 4 : 6)) {
    case 0:
      return number(random)
    case 1:
      return null
    case 2:
      return random.below(2) === 0
    case 3:
      return text(random)
    case 4:
      return Array.from({ length: random.below(4) }, () => nested(random, depth + 1))
    default:
      return object(random, depth)
  }
}

function object(random: Random, depth: number): Row {
  const entries = random
    .shuffled(memberNames)
    .slice(0, random.below(4))
    .map((name): [string, unknown] => [name, nested(random, depth + 1)])
  // Own properties only, whatever their names.
  return Object.fromEntries(entries)
}

/** Fields that a column of one type takes, so that every way into a table can carry them; the names are hostile, too. */
const texts = ['t', 'T', '', ' ', 'quo"te', "qu'ote", 'new\nline', '😀', 'select', '__proto__']
const numeric = ['n', 'ctid', '$1', 'x'.repeat(64)]
const json = ['j', 'constructor', '_derrick_range', '%s', 'é'.repeat(40)]
export const corpusFields = [...texts, ...numeric, ...json, 'b']

/** A record of `corpusFields.length` hostile values, and its id. */
export function hostileRecord(random: Random, id: string): Row {
  const entries: [string, unknown][] = [
    ...texts.map((name): [string, unknown] => [name, text(random)]),
    ...numeric.map((name): [string, unknown] => [name, number(random)]),
    ...json.map((name): [string, unknown] => [
      name,
      random.below(2) ? object(random, 0) : [nested(random, 1), nested(random, 1)],
    ]),
    ['b', random.below(2) === 0],
  ]
  return Object.fromEntries([['id', id] as [string, unknown], ...random.shuffled(entries)])
}

/** Values of a whole corpus, and how many records make them. */
export const corpusValues = 100_000
export const corpusRecords = Math.ceil(corpusValues / corpusFields.length)
