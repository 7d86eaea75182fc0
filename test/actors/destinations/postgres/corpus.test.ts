/** 100,000 hostile values on each way into a table: COPY, one statement, stage and merge. */
import t from 'tap'
import { isExact } from '../../../../actors/destinations/raw-json.ts'
import type { Row } from '../../../../actors/destinations/writer.ts'
import { startPostgres } from '../../../support/postgres.ts'
import { corpusFields, corpusRecords, corpusValues, hostileRecord } from '../hostile-corpus.ts'
import { randomFrom } from '../seeded.ts'
import { expectedText, logicalRows, sameJson } from './logical.ts'
import { day, Scene } from './scene.ts'

t.setTimeout(300_000)
const postgres = await startPostgres()
t.teardown(() => postgres.remove())

const pageSize = 250
const smallRange = 500

/** Writes all records by one way. */
type Way = (scene: Scene, records: Row[]) => Promise<void>

const whole = (scene: Scene, records: Row[], n: number) => {
  const pages: Row[][] = []
  for (let at = 0; at < records.length; at += pageSize) pages.push(records.slice(at, at + pageSize))
  return scene.sync(pages, { range: day(n) })
}

const ways: Record<string, Way> = {
  async copy(scene, records) {
    await whole(scene, records, 0)
  },
  async statement(scene, records) {
    const parts: Row[][] = []
    for (let at = 0; at < records.length; at += smallRange)
      parts.push(records.slice(at, at + smallRange))
    for (const [n, part] of parts.entries()) await scene.sync([part], { range: day(n) })
  },
  async merge(scene, records) {
    // Keys that may be in the table already, with other values: half of them are.
    const older = records.slice(0, records.length >> 1).map(({ id }) => ({ id, t: 'older' }))
    await whole(scene, older, 0)
    await whole(scene, records, 1)
  },
}

for (const [name, write] of Object.entries(ways)) {
  t.test(`${corpusValues} hostile values by ${name}`, async (t) => {
    const random = randomFrom(20_260_101)
    const records = Array.from({ length: corpusRecords }, (_, i) => hostileRecord(random, `r${i}`))
    const tracks = name === 'copy' ? 'creation' : 'updates'
    const scene = await new Scene(postgres.url, `by_${name}`, { cursorField: null, tracks }).open()
    t.teardown(() => scene.close())
    await write(scene, records)
    const found = await logicalRows(scene, corpusFields)
    t.equal(found.size, records.length)
    let checked = 0
    for (const record of records) {
      const row = found.get(String(record.id))
      for (const field of corpusFields) {
        const value = record[field]
        const want = expectedText(value)
        const have = row?.get(field) ?? null
        const isJson = typeof value === 'object' && value !== null && !isExact(value)
        checked += 1
        if (isJson && have !== null ? sameJson(have, want as string) : have === want) continue
        t.equal(have, want, `${record.id}, ${JSON.stringify(field)}`)
        return
      }
    }
    t.ok(checked >= corpusValues, `${checked} values`)
  })
}
