import { existsSync, readFileSync } from 'node:fs'
import t from 'tap'
import { executable } from '../support/derrick.ts'
import { missingServices } from '../support/services.ts'
import { harnessMs, runHarness } from './run-harness.ts'
import { breachesBy, sabotages } from './sabotages.ts'

/** A breach is noticed within a few kills; the bound is for the unlucky. */
const sabotageKills = 150
const sabotageZombies = 20
/** The others are noticed by tests of their own (breaches.test.ts). */
const breaches = breachesBy('kills')

t.setTimeout(7 * harnessMs)

const places = missingServices('postgres') ? ['local_file'] : ['local_file', 'postgres']

for (const [breach, destination] of breaches.flatMap((breach) =>
  places.map((place) => [breach, place] as const),
)) {
  t.test(`the harness notices ${breach} at ${destination}`, async (t) => {
    const count = breach === 'no_fence' ? sabotageZombies : sabotageKills
    const { code, summary, log } = await runHarness([
      '--sabotage',
      breach,
      '--destination',
      destination,
      '--kills',
      String(count),
    ])
    t.equal(code, 1, 'it says so', { log })
    const found = Object.values(summary?.violations ?? {}).reduce((sum, each) => sum + each, 0)
    t.ok(found > 0, 'violations were found', { log })
    t.equal(summary?.crashes, 0, 'and nothing else went wrong')
  })
}

t.test('the shipped executable holds no breach', async (t) => {
  t.ok(existsSync(executable), 'dist/derrick is built')
  const bytes = readFileSync(executable)
  for (const breach of Object.keys(sabotages)) t.notOk(bytes.includes(breach), breach)
  t.ok(bytes.includes('_derrick_range'), 'the program is in there as text')
})
