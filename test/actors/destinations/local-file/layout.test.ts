import fc from 'fast-check'
import t from 'tap'
import {
  folderName,
  isOwnPath,
  ledgerFolder,
  partName,
  rangeFolder,
  rangeName,
  tempName,
} from '../../../../actors/destinations/local-file/layout.ts'
import { dayRange, fullRange } from '../attempts.ts'
import { localFileSuite } from './place.ts'

const target = localFileSuite.target({ path: '/out' })
const hour = 3_600_000

t.test('usual names stay as they are', async (t) => {
  for (const name of [
    'events',
    'Event Log',
    'ünïcode',
    '日本',
    'a.b-c_d',
    '$x',
    "it's",
    'a'.repeat(200),
  ]) {
    t.equal(folderName(name), name)
  }
})

t.test('any other is cleaned, always the same way, to a name of its own', async (t) => {
  const bad = [
    '',
    '.',
    '..',
    '...',
    '../x',
    '/etc',
    'a/b',
    'a\\b',
    'a\0b',
    'CON',
    'con',
    'nul.txt',
    'LPT1',
    'a.',
    'a ',
    ' a',
    '.hidden',
    '_derrick',
    '_DERRICK_x',
    'a:b',
    'a\nb',
    '\ud800',
    'é'.repeat(101),
    'a'.repeat(201),
    'a*?"<>|',
  ]
  const cleaned = bad.map(folderName)
  for (const [i, name] of cleaned.entries()) t.match(name, /_[0-9a-f]{6}$/, JSON.stringify(bad[i]))
  t.equal(new Set(cleaned).size, bad.length)
  t.strictSame(bad.map(folderName), cleaned)
})

t.test('no name leaves its folder or breaks a file system', async (t) => {
  const name = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 300 }),
    fc.string({ unit: fc.constantFrom('.', '/', '\\', ' ', 'a', '\0', ':', '\ud800') }),
    fc.constantFrom('CON', 'aux', 'com1.x', '..', '_derrick'),
  )
  fc.assert(
    fc.property(name, name, (namespace, table) => {
      const folder = rangeFolder('hour', { ...target, namespace, table }, dayRange(0))
      const [ns, tb, ...dates] = folder.split('/')
      return (
        [ns, tb].every(
          (part) =>
            part !== undefined &&
            part !== '' &&
            // biome-ignore lint/suspicious/noControlCharactersInRegex: it is what must not be there
            !/[\u0000-\u001f"*/:<>?\\|]|^\.|[. ]$|^_derrick/i.test(part) &&
            !/^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i.test(part) &&
            Buffer.byteLength(part) <= 200 &&
            part.isWellFormed(),
        ) &&
        dates.join('/') === 'dt=2026-01-01/hour=00' &&
        (table === namespace || ns !== undefined)
      )
    }),
    { numRuns: 500 },
  )
  fc.assert(fc.property(name, name, (a, b) => a === b || folderName(a) !== folderName(b)))
  t.pass('for 600 names')
})

t.test('folders follow the local date and hour of the range in its zone', async (t) => {
  const at = (start: string, zone: string, partition: 'none' | 'day' | 'hour' = 'hour'): string => {
    const range = { ...dayRange(0), start: Date.parse(start), end: Date.parse(start) + hour, zone }
    return rangeFolder(partition, target, range)
  }
  t.equal(at('2026-01-01T04:30:00Z', 'America/New_York'), 'shop/events/dt=2025-12-31/hour=23')
  t.equal(at('2026-01-01T18:30:00Z', 'Asia/Kolkata', 'day'), 'shop/events/dt=2026-01-02')
  t.equal(at('2026-01-01T00:00:00Z', 'UTC', 'none'), 'shop/events')
  t.equal(at('2024-04-25T22:00:00Z', 'Africa/Cairo'), 'shop/events/dt=2024-04-26/hour=01')
  // The doubled hour shares a folder; the files differ by their start in UTC.
  t.equal(at('2025-10-26T00:00:00Z', 'Europe/Berlin'), at('2025-10-26T01:00:00Z', 'Europe/Berlin'))
  t.equal(rangeFolder('hour', target, fullRange), 'shop/events')
})

t.test('file names', async (t) => {
  t.equal(
    rangeName({ kind: 'window', start: Date.parse('2026-01-31T23:00:00Z') }),
    '20260131T230000Z',
  )
  t.equal(rangeName({ kind: 'window', start: 1500 }), '19700101T000001.500Z')
  t.equal(rangeName(fullRange), 'full')
  t.equal(partName('full', 1), 'full.jsonl')
  t.equal(partName('full', 2), 'full-0002.jsonl')
  t.match(tempName('full', 7, 'abc', 1), /^\..*\.tmp$/)
  t.equal(ledgerFolder(target), 'shop/_derrick')
})

t.test('paths of a ledger are ours only below the table', async (t) => {
  for (const path of ['shop/events/a.jsonl', 'shop/events/dt=2026-01-01/.x.tmp'])
    t.ok(isOwnPath(path, target))
  for (const path of [
    '/etc/passwd',
    'shop/events',
    'shop/events/',
    'shop/events/../other/a.jsonl',
    'shop/events/./a',
    'shop/events//a',
    'shop/events/..\\..\\a',
    'shop/other/a.jsonl',
    'shop/eventsx/a.jsonl',
    'shop/events/a\0b',
    '../shop/events/a.jsonl',
  ]) {
    t.notOk(isOwnPath(path, target), path)
  }
})
