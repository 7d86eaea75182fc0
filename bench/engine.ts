/**
 * What the supervisor costs and keeps: `node bench/engine.ts [--only ledger,fresh,pace] [--quick]`. Prints JSON, a line a part.
 */
import { parseArgs } from 'node:util'
import { measureFresh } from './engine/fresh.ts'
import { measureLedger } from './engine/ledger.ts'
import { measurePace } from './engine/pace.ts'

const { values } = parseArgs({
  options: { only: { type: 'string' }, quick: { type: 'boolean', default: false } },
})
const { quick } = values

const parts: Record<string, () => Promise<object>> = {
  fresh: () => measureFresh(quick ? 3 : 20),
  ledger: () => measureLedger(quick ? 100 : 2_000),
  pace: () => measurePace(quick ? 60 : 500),
}
const wanted = values.only?.split(',') ?? Object.keys(parts)
for (const [name, measure] of Object.entries(parts)) {
  if (!wanted.includes(name)) continue
  process.stdout.write(`${JSON.stringify({ part: name, ...(await measure()) })}\n`)
}
