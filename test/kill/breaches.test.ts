/** The breaches that need no kill: each makes a named test of its promise fail. The others are in sabotage.test.ts. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import t from 'tap'
import type { Sabotage } from '../../schema/sabotage.ts'
import { missingServices } from '../support/services.ts'

const destinations = join(import.meta.dirname, '..', 'actors', 'destinations')
const noticeMs = 120_000
t.setTimeout(4 * noticeMs)

interface Breach {
  sabotage: Sabotage
  file: string
  /** the test that notices */
  test: string
  needs?: 'postgres'
}

const breaches: Breach[] = [
  {
    sabotage: 'skip_cleanup',
    file: 'local-file/local-file.test.ts',
    test: 'a range read again replaces its rows: same, fewer, more, none',
  },
  {
    sabotage: 'prefix_delete',
    file: 'local-file/faults.test.ts',
    test: "users' own files stay, whatever happens",
  },
  {
    sabotage: 'no_guard',
    file: 'postgres/order.test.ts',
    test: 'a key in several ranges: the newest version wins in any order',
    needs: 'postgres',
  },
]

/** From source the constant is a global; the tests run with it as they are. */
function runSabotaged({ sabotage, file }: Breach): string {
  const set = `data:text/javascript,globalThis.DERRICK_SABOTAGE='${sabotage}'`
  const ran = spawnSync(process.execPath, ['--import', set, join(destinations, file)], {
    encoding: 'utf8',
    timeout: noticeMs,
  })
  return ran.stdout
}

for (const breach of breaches) {
  const skip = breach.needs ? missingServices(breach.needs) : false
  t.test(`${breach.sabotage} makes "${breach.test}" fail`, { skip }, async (t) => {
    const lines = runSabotaged(breach).split('\n')
    const verdict = lines.find((line) => /^(not )?ok /.test(line) && line.includes(breach.test))
    t.match(verdict, /^not ok /)
  })
}
