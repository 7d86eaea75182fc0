/** The breaches that need no kill: each makes a named test of its promise fail. The others are in sabotage.test.ts. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import t from 'tap'
import { missingServices } from '../support/services.ts'
import { type Breach, breachesBy, sabotages, type Watch } from './sabotages.ts'

const noticeMs = 120_000
t.setTimeout(4 * noticeMs)

/** From source the constant is a global; the one test of the file runs with it as it is. */
function runSabotaged(breach: Breach, { file, test }: Watch): string {
  const set = `data:text/javascript,globalThis.DERRICK_SABOTAGE='${breach}'`
  const path = join(import.meta.dirname, '..', file)
  const ran = spawnSync(process.execPath, ['--import', set, path], {
    encoding: 'utf8',
    timeout: noticeMs,
    env: { ...process.env, TAP_GREP: test },
  })
  return ran.stdout
}

for (const breach of breachesBy('test')) {
  const watch: Watch = sabotages[breach]
  const { test, needs } = watch
  const skip = needs ? missingServices(needs) : false
  t.test(`${breach} makes "${test}" fail`, { skip }, async (t) => {
    const lines = runSabotaged(breach, watch).split('\n')
    const verdict = lines.find((line) => line.replace(/^(not )?ok \d+ - /, '').startsWith(test))
    t.match(verdict, /^not ok /)
  })
}
