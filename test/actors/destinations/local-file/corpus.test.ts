/** 100,000 hostile values through files: each line is one record, as the policy leaves it. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import type { Row } from '../../../../actors/destinations/writer.ts'
import { dayRange, pagesOf, runAttempt } from '../attempts.ts'
import { corpusFields, corpusRecords, corpusValues, hostileRecord } from '../hostile-corpus.ts'
import { sameJson } from '../postgres/logical.ts'
import { randomFrom } from '../seeded.ts'
import { filesUnder, localFileSuite } from './place.ts'

t.setTimeout(300_000)

/** Fields of ours that a record brings along are left out of files. */
const ours = '_derrick_range'

t.test(`${corpusValues} hostile values`, async (t) => {
  const { config } = await localFileSuite.open(t)
  const writer = localFileSuite.kind.openWriter(config)
  t.teardown(() => writer.close())
  const random = randomFrom(20_260_102)
  const records = Array.from({ length: corpusRecords }, (_, i) => hostileRecord(random, `r${i}`))
  const { receipt, rejects } = await runAttempt(localFileSuite.kind, writer, {
    target: localFileSuite.target(config),
    range: dayRange(0),
    pages: pagesOf(records, 250),
  })
  t.equal(receipt.records, records.length)
  t.strictSame(rejects, [])
  const folder = String(config.path)
  const files = (await filesUnder(folder)).filter((name) => name.includes('dt='))
  const texts = await Promise.all(files.map((name) => readFile(join(folder, name), 'utf8')))
  const lines = texts.flatMap((text) => text.split('\n')).filter((line) => line !== '')
  t.equal(lines.length, records.length)
  const byId = new Map(records.map((record) => [record.id, record]))
  for (const line of lines) {
    const row = JSON.parse(line) as Row
    const record = byId.get(row.id) as Row
    const { [ours]: _, ...want } = record
    const tail = line.lastIndexOf(',"_derrick_range":')
    const have = `${line.slice(0, tail)}}`
    if (sameJson(have, JSON.stringify(want))) continue
    t.equal(have, JSON.stringify(want), String(row.id))
    return
  }
  t.ok(lines.length * corpusFields.length >= corpusValues)
})
