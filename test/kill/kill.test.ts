import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { startChild } from '../support/child.ts'
import { executable } from '../support/derrick.ts'
import { missingServices } from '../support/services.ts'

const harness = join(import.meta.dirname, 'main.ts')
/** Builds, dozens of lives, and a judgement after each. */
const runMs = 8 * 60_000
const ciKills = 30
const ciPoints = 6
/** A breach is noticed within a few kills; the bound is for the unlucky. */
const sabotageKills = 150
const sabotageZombies = 20
const breaches = ['mark_before_commit', 'cleanup_first', 'no_fence'] as const

t.setTimeout(5 * runMs)

interface Summary {
  ok: boolean
  kills: number
  zombies: number
  compared: number
  crashes: number
  violations: Record<string, number>
}

async function runHarness(args: string[]) {
  const child = startChild(process.execPath, [harness, ...args])
  const timer = setTimeout(() => child.process.kill('SIGKILL'), runMs)
  const { code } = await child.exited
  clearTimeout(timer)
  const lastLine = child.log().trimEnd().split('\n').at(-1) ?? ''
  const summary = lastLine.startsWith('{') ? (JSON.parse(lastLine) as Summary) : undefined
  return { code, summary, log: child.log() }
}

t.test('a SIGKILL at any moment breaks no promise', async (t) => {
  const { code, summary, log } = await runHarness(['--kills', String(ciKills), '--zombies', '1'])
  t.equal(code, 0, log)
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
    t.equal(code, 0, log)
    t.match(summary, { ok: true, kills: ciPoints })
  },
)

for (const breach of breaches) {
  t.test(`the harness notices ${breach}`, async (t) => {
    const count = breach === 'no_fence' ? sabotageZombies : sabotageKills
    const { code, summary, log } = await runHarness([
      '--sabotage',
      breach,
      '--kills',
      String(count),
    ])
    t.equal(code, 1, log)
    const found = Object.values(summary?.violations ?? {}).reduce((sum, each) => sum + each, 0)
    t.ok(found > 0, `violations were found: ${log}`)
    t.equal(summary?.crashes, 0, 'and nothing else went wrong')
  })
}

t.test('the shipped executable holds no breach', async (t) => {
  t.ok(existsSync(executable), 'dist/derrick is built')
  const bytes = readFileSync(executable)
  for (const breach of breaches) t.notOk(bytes.includes(breach), breach)
  t.ok(bytes.includes('_derrick_range'), 'the program is in there as text')
})
