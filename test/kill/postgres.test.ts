import t from 'tap'
import { missingPostgres18 } from '../support/postgres18.ts'
import { missingServices } from '../support/services.ts'
import { harnessMs, runHarness } from './run-harness.ts'

const ciKills = 30
const ciFaults = 20
const skip = missingServices('postgres')
const destination = ['--destination', 'postgres']

t.setTimeout(3 * harnessMs)

t.test('a SIGKILL at any moment breaks no promise at a database', { skip }, async (t) => {
  const args = [...destination, '--kills', String(ciKills), '--zombies', '1']
  const { code, summary, log } = await runHarness(args)
  t.equal(code, 0, 'nothing was found', { log })
  t.match(summary, { ok: true, kills: ciKills, zombies: 1 })
  t.ok((summary?.compared ?? 0) > ciKills, 'ranges were compared')
})

t.test('nor at PostgreSQL 18', { skip: missingPostgres18() }, async (t) => {
  const args = ['--destination', 'postgres18', '--kills', '5', '--zombies', '0']
  const { code, summary, log } = await runHarness(args)
  t.equal(code, 0, 'nothing was found', { log })
  t.match(summary, { ok: true, kills: 5 })
})

t.test('nor does a fault between the program and its server', { skip }, async (t) => {
  const args = [...destination, '--mode', 'fault', '--kills', String(ciFaults)]
  const { code, summary, log } = await runHarness(args)
  t.equal(code, 0, 'nothing was found', { log })
  t.match(summary, { ok: true, kills: ciFaults })
  t.ok((summary?.looks ?? 0) > ciFaults, 'a reader looked all the time')
})
