/**
 * The least that moves the records: one thread fetches, parses and writes. Nothing is handed over, nothing synced to disk; no
 * ledger, no fence, no check, nothing is atomic. It is no pipeline, but a floor for what JSON and HTTP cost in a thread.
 *
 *   node bench/pipeline/script.ts '{"workload":…,"to":{"folder":…}|{"url":…,"table":…}}'
 */
import { fetchedPages, openRows, type To } from './rows.ts'
import { eachRange, report, type Workload } from './workload.ts'

const { workload, to } = JSON.parse(process.argv[2] ?? '') as { workload: Workload; to: To }
const target = openRows(to, workload.inFlight)

await report(async () => {
  let records = 0
  await eachRange(workload, async (range) => {
    for await (const rows of fetchedPages(workload, range)) {
      if (rows.length > 0) await target.write(rows, range.start)
      records += rows.length
    }
  })
  return { records }
})
await target.close()
