/**
 * A2: an API that refuses what is beyond its rate refuses next to nothing, at nine tenths of that rate or more. In full:
 * `node test/promises/pace.test.ts --calls 1000`; the share is only judged there, as it is a figure of real time.
 */
import { parseArgs } from 'node:util'
import t from 'tap'
import { measurePace } from '../../bench/engine/pace.ts'

const { values } = parseArgs({ options: { calls: { type: 'string' } } })
const calls = Number(values.calls ?? 100)
const streams = 2
const leastShare = 0.9
t.setTimeout(60_000 + calls * 500)

t.test('hardly a refusal at the rate that is allowed', async (t) => {
  const figures = await measurePace(Math.ceil(calls / streams))
  t.ok(figures.calls >= calls)
  t.ok(figures.refusedPerThousand < 1, `${figures.refusedPerThousand} of 1,000 are refused`)
  const said = `${Math.round(figures.share * 100)} % of what is allowed`
  if (values.calls === undefined) t.comment(said)
  else t.ok(figures.share >= leastShare, said)
})
