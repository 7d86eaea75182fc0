import t from 'tap'
import { missingServices } from '../support/services.ts'
import { harnessMs, runHarness } from './run-harness.ts'

const ciKills = 30
const ciPoints = 20

t.setTimeout(2 * harnessMs)

t.test('a SIGKILL at any moment breaks no promise', async (t) => {
  const { code, summary, log } = await runHarness(['--kills', String(ciKills), '--zombies', '1'])
  t.equal(code, 0, 'nothing was found', { log })
  t.match(summary, { ok: true, kills: ciKills, zombies: 1 })
  t.ok((summary?.compared ?? 0) > ciKills, 'ranges were compared')
})

t.test(
  'nor does one at any of its own system calls',
  {
    skip: missingServices('strace'),
  },
  async (t) => {
    const args = ['--mode', 'syscall', '--kills', String(ciPoints)]
    const { code, summary, log } = await runHarness(args)
    t.equal(code, 0, 'nothing was found', { log })
    t.match(summary, { ok: true, kills: ciPoints })
  },
)
